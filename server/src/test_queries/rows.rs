//! What a statement gave, as far as it is shown.

use std::ops::ControlFlow;

/// Rows shown; one more is asked for, to know whether there are more.
pub const MOST_ROWS: usize = 1_000;
/// Of all values together.
const MOST_BYTES: usize = 1024 * 1024;
/// Characters of one value; the statement itself cuts there, so that no row is larger than can be held.
pub const LONGEST_VALUE: usize = 16_384;

/// Values as text or NULL, in the order of the columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
    /// There is more than is shown.
    pub cut: bool,
    bytes: usize,
}

impl Rows {
    pub fn of(columns: Vec<String>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Takes a row in, as long as there is room; breaks where there is none.
    pub fn take(&mut self, row: Vec<Option<String>>) -> ControlFlow<()> {
        let bytes: usize = row.iter().flatten().map(String::len).sum();
        if self.rows.len() == MOST_ROWS || self.bytes + bytes > MOST_BYTES {
            self.cut = true;
            return ControlFlow::Break(());
        }
        self.cut |= row.iter().flatten().any(|value| value.chars().count() >= LONGEST_VALUE);
        self.bytes += bytes;
        self.rows.push(row);
        ControlFlow::Continue(())
    }
}

/// The statement with every value as text of bounded length and the rows counted off. `statement` is what
/// [`super::check`] has written, which is one query and nothing else; column names do not come in here. `as_text` is
/// given where a column stands and the name it has here.
pub fn bounded(statement: &str, columns: usize, as_text: impl Fn(usize, &str) -> String) -> String {
    let names: Vec<_> = (0..columns).map(|at| format!("c{at}")).collect();
    let values: Vec<_> = names.iter().enumerate().map(|(at, name)| as_text(at, name)).collect();
    format!(
        "WITH inkfast_rows ({}) AS ({statement}) SELECT {} FROM inkfast_rows LIMIT {}",
        names.join(", "),
        values.join(", "),
        MOST_ROWS + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_an_end() {
        let mut rows = Rows::of(vec!["a".to_owned()]);
        for n in 0..MOST_ROWS {
            assert!(rows.take(vec![Some(n.to_string())]).is_continue());
        }
        assert!(!rows.cut, "as many as can be shown are all there are");
        assert!(rows.take(vec![None]).is_break());
        assert_eq!((rows.rows.len(), rows.cut), (MOST_ROWS, true));

        let mut rows = Rows::of(vec!["a".to_owned()]);
        let wide = || vec![Some("x".repeat(10_000)); 10];
        let taken = (0..100).take_while(|_| rows.take(wide()).is_continue()).count();
        assert_eq!((taken, rows.cut), (10, true));

        let mut rows = Rows::of(vec!["a".to_owned()]);
        assert!(rows.take(vec![Some("x".repeat(LONGEST_VALUE))]).is_continue());
        assert!(rows.cut, "the value itself was cut");
    }
}
