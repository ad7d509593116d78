//! JSON, as little of it as the page needs: a published library is a fifth of what the page loads.
//!
//! What is written here and read elsewhere, or the other way round, is held to serde's writing by the tests.

mod reading;
mod writing;

use resilient_core::draft::{Text, Values};

pub use self::writing::{Object, list, texts};

/// A JSON value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Flag(bool),
    /// `None`: a number that is negative, has a fraction, or is above `u64::MAX`.
    Number(Option<u64>),
    Text(String),
    List(Vec<Json>),
    Object(Fields),
}

/// What an object holds. Each field is taken once; asked for again, it is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Json)>);

impl Json {
    /// `None`: it is not JSON, or nested deeper than anything of ours.
    pub fn read(text: &str) -> Option<Self> {
        reading::read(text)
    }

    pub fn object(self) -> Option<Fields> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn list(self) -> Option<Vec<Json>> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A text, or NULL.
    pub fn value(self) -> Option<Text> {
        match self {
            Self::Null => Some(None),
            other => other.text().map(Some),
        }
    }

    pub fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => number,
            _ => None,
        }
    }

    pub fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn values(self) -> Option<Values> {
        let fields = self.object()?.0.into_iter();
        fields.map(|(column, value)| Some((column, value.value()?))).collect()
    }
}

/// Where a field is of another kind than asked for, the answer is `None`, and the whole is not ours.
impl Fields {
    /// The field, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.take(name)?.text()
    }

    pub fn number(&mut self, name: &str) -> Option<u64> {
        self.take(name)?.number()
    }

    pub fn values(&mut self, name: &str) -> Option<Values> {
        self.take(name)?.values()
    }

    /// Absent or null: none.
    pub fn maybe(&mut self, name: &str) -> Option<Json> {
        self.take(name).filter(|value| *value != Json::Null)
    }

    pub fn maybe_text(&mut self, name: &str) -> Option<Text> {
        self.take(name).map_or(Some(None), Json::value)
    }

    pub fn text_or_empty(&mut self, name: &str) -> Option<String> {
        self.take(name).map_or_else(|| Some(String::new()), Json::text)
    }

    pub fn number_or_0(&mut self, name: &str) -> Option<u64> {
        self.take(name).map_or(Some(0), Json::number)
    }

    pub fn flag_or_no(&mut self, name: &str) -> Option<bool> {
        self.take(name).map_or(Some(false), Json::flag)
    }

    pub fn values_or_none(&mut self, name: &str) -> Option<Values> {
        self.take(name).map_or_else(|| Some(Values::new()), Json::values)
    }

    pub fn list_or_none(&mut self, name: &str) -> Option<Vec<Json>> {
        self.take(name).map_or_else(|| Some(Vec::new()), Json::list)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
