//! A WHERE clause under construction.

use app::records::model::Text;

/// Conditions that all have to hold, and the parameters they name.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    all: Vec<String>,
    pub parameters: Vec<Text>,
}

/// A condition nothing meets.
pub const NOTHING: &str = "1 = 0";

impl Conditions {
    /// Adds a parameter and returns its number.
    pub fn parameter(&mut self, text: impl Into<String>) -> usize {
        self.parameters.push(Some(text.into()));
        self.parameters.len()
    }

    pub fn require(&mut self, condition: String) {
        self.all.push(condition);
    }

    pub fn require_one_of(&mut self, conditions: &[String]) {
        self.all.push(match conditions {
            [] => NOTHING.to_owned(),
            _ => format!("({})", conditions.join(" OR ")),
        });
    }

    /// ` WHERE …`, or nothing.
    pub fn clause(&self) -> String {
        match self.all.as_slice() {
            [] => String::new(),
            all => format!(" WHERE {}", all.join(" AND ")),
        }
    }
}
