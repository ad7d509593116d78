//! What a catalog answers.

use app::records::model::Text;

/// An answer's row, of which each part is taken once, in order.
pub struct Answer(std::vec::IntoIter<Text>);

impl Answer {
    pub fn new(row: Vec<Text>) -> Self {
        Self(row.into_iter())
    }

    pub fn text(&mut self) -> Text {
        self.0.next().flatten()
    }

    pub fn name(&mut self) -> String {
        self.text().unwrap_or_default()
    }

    /// Of `true`.
    pub fn truth(&mut self) -> bool {
        self.text().as_deref() == Some("true")
    }

    /// Of a JSON array.
    pub fn names(&mut self) -> Vec<String> {
        self.text()
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default()
    }
}
