//! Rows on their way into a table, every value as text.

use app::records::model::Text;

pub struct Rows {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<Text>>,
}

impl Rows {
    pub fn new(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self {
            table,
            columns,
            rows: Vec::new(),
        }
    }
}

/// What a value of a row may be made from.
pub trait IntoText {
    fn into_text(self) -> Text;
}

impl IntoText for &str {
    fn into_text(self) -> Text {
        Some(self.to_owned())
    }
}

impl IntoText for String {
    fn into_text(self) -> Text {
        Some(self)
    }
}

impl IntoText for usize {
    fn into_text(self) -> Text {
        Some(self.to_string())
    }
}

/// SQLite keeps booleans as 0 and 1.
impl IntoText for bool {
    fn into_text(self) -> Text {
        Some(u8::from(self).to_string())
    }
}

impl<T: IntoText> IntoText for Option<T> {
    fn into_text(self) -> Text {
        self.and_then(IntoText::into_text)
    }
}

/// One row from values of different types.
macro_rules! row {
    ($($value:expr),+ $(,)?) => { vec![$($crate::demo::rows::IntoText::into_text($value)),+] };
}
pub(super) use row;
