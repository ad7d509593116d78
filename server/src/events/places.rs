//! The records that a browser has open.

use std::collections::BTreeSet;

use app::records::model::{RecordKey, TableName};

/// A browser that has more open is known by the first of them.
const MOST_PLACES: usize = 32;
/// Bytes of a written table or key; no address is longer.
const LONGEST_PART: usize = 1024;

/// One record, as its address writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub table: String,
    pub key: String,
}

pub type Places = BTreeSet<Place>;

impl Place {
    pub fn new(table: &TableName, key: &RecordKey) -> Self {
        Self {
            table: table.written(),
            key: key.written(),
        }
    }

    /// From `{table}/{key}`; `None` for anything that is no record's.
    pub fn read(form_key: &str) -> Option<Self> {
        let (table, key) = form_key.split_once('/')?;
        let fits = |part: &str| !part.is_empty() && part.len() <= LONGEST_PART;
        let is_record = fits(table) && fits(key) && !key.starts_with("new-") && RecordKey::read(key).is_some();
        is_record.then(|| Self {
            table: table.to_owned(),
            key: key.to_owned(),
        })
    }

    /// At most so many as one browser may have.
    pub fn read_all<'a>(form_keys: impl Iterator<Item = &'a str>) -> Places {
        form_keys.filter_map(Self::read).take(MOST_PLACES).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_are_places_and_only_so_many() {
        let read = |form_key: &str| Place::read(form_key).map(|place| (place.table, place.key));
        assert_eq!(read("activity/7"), Some(("activity".to_owned(), "7".to_owned())));
        for none in ["", "activity", "activity/", "/7", "activity/new-1", "activity/~zz"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(read(&format!("activity/{}", "1".repeat(LONGEST_PART + 1))), None);
        let many: Vec<String> = (0..100).map(|n| format!("activity/{n}")).collect();
        assert_eq!(Place::read_all(many.iter().map(String::as_str)).len(), MOST_PLACES);
    }
}
