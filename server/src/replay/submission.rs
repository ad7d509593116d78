//! A press of Save as it lies in the queue: the controls that changed something, as they were posted.

use app::records::address::{self, Target};
use app::records::model::RecordKey;
use resilient_core::path_text::read_part;
use resilient_core::submission::form_body::{self, FormBody};
use serde::{Deserialize, Serialize};

/// Kept so that the same bytes make the same submission again: its fingerprint is that of the first press.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedSave {
    pairs: Vec<(String, String)>,
}

/// Which form it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    /// In the `~HH` writing.
    pub table: String,
    /// `None` to make a new record.
    pub key: Option<RecordKey>,
}

impl QueuedSave {
    /// Of a posted form what `changed`, by column name.
    pub fn of(body: &FormBody, changed: &[String]) -> Self {
        let mut pairs = Vec::new();
        let mut put = |name: String, value: String| pairs.push((name, value));
        for (name, value) in [(form_body::ID, &body.id), (form_body::VERSION, &body.version)] {
            if let Some(value) = value {
                put(name.to_owned(), value.clone());
            }
        }
        if let Some(revision) = &body.revision {
            put(form_body::SEQ.to_owned(), revision.seq.to_string());
            put(form_body::WRITER.to_owned(), revision.writer.clone());
        }
        for (column, posted) in &body.columns {
            if !read_part(column).is_some_and(|name| changed.contains(&name)) {
                continue;
            }
            put(format!("{}{column}", form_body::VALUE), posted.text.clone());
            if posted.null {
                put(format!("{}{column}", form_body::NULL), "1".to_owned());
            }
            match &posted.base {
                Some(Some(base)) => put(format!("{}{column}", form_body::BASE), base.clone()),
                Some(None) => put(format!("{}{column}", form_body::BASE_NULL), "1".to_owned()),
                None => {}
            }
        }
        Self { pairs }
    }

    pub fn to_text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("pairs of texts are JSON")
    }

    /// `None` where that is no queued save.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub fn body(&self) -> FormBody {
        FormBody::from_pairs(self.pairs.iter().map(|(name, value)| (name, value.as_str())))
    }
}

impl Of {
    pub fn read(form_key: &str) -> Option<Self> {
        let (table, target) = address::read_form_key(form_key)?;
        let key = match target {
            Target::Existing(key) => Some(key),
            Target::New(_) => None,
        };
        Some(Self { table, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_comes_back_exactly_as_it_was_posted_and_nothing_else() {
        let posted = [
            ("_id", "an id"),
            ("_version", "sealed"),
            ("_seq", "4"),
            ("_writer", "w"),
            ("v.a~2eb", "two\nlines"),
            ("b.a~2eb", "before"),
            ("v.none", ""),
            ("n.none", "1"),
            ("bn.none", "1"),
            ("v.same", "as it was"),
        ];
        let body = FormBody::from_pairs(posted);
        let changed = ["a.b".to_owned(), "none".to_owned()];
        let queued = QueuedSave::of(&body, &changed);
        let read = QueuedSave::read(&queued.to_text()).expect("what was written is read");
        let mut expected = body;
        expected.columns.remove("same");
        assert_eq!(read.body(), expected);
        assert_eq!(QueuedSave::read(b"{}"), None);
    }

    #[test]
    fn a_form_key_says_which_record() {
        let of = Of::read("site/7").expect("a form key");
        assert_eq!((of.table.as_str(), of.key), ("site", Some(RecordKey(vec!["7".into()]))));
        assert_eq!(Of::read("site/new-0d8f").expect("a form key").key, None);
        assert_eq!(Of::read("site"), None);
    }
}
