//! An account's index: which of its forms have drafts, when they changed last, and how large they are.
//!
//! It is kept by the script that changes forms, so it is right whenever they are. Counting needs no
//! more than this, and a long list is cut into pieces by it before anything is read.

use std::collections::BTreeSet;

use super::hash::Fields;

/// Forms read in one round trip.
const FORMS_AT_ONCE: usize = 25;
/// Bytes read in one round trip, unless a single form has more: what others wait for on the same way.
const BYTES_AT_ONCE: u64 = 64 * 1024;

/// What the index says of one form. Entries of earlier versions tell no more than that there are drafts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    pub form_key: String,
    pub changed_at_ms: Option<u64>,
    pub bytes: Option<u64>,
}

impl Indexed {
    /// `{drafts}:{changed_at_ms}:{bytes}`
    fn read(form_key: String, value: &str) -> Self {
        let mut numbers = value.split(':').skip(1).map(|number| number.parse().ok());
        Self {
            form_key,
            changed_at_ms: numbers.next().flatten(),
            bytes: numbers.next().flatten(),
        }
    }

    /// Whether a draft of it is kept still.
    pub fn is_unsaved(&self, too_old_ms: u64) -> bool {
        self.changed_at_ms
            .is_none_or(|changed_at_ms| changed_at_ms > too_old_ms)
    }
}

/// Latest change first.
pub fn read(fields: Fields) -> Vec<Indexed> {
    let mut forms: Vec<Indexed> = fields
        .into_iter()
        .map(|(form_key, value)| Indexed::read(form_key, &value))
        .collect();
    forms.sort_by(|one, other| {
        let key = |form: &Indexed| (form.changed_at_ms, form.form_key.clone());
        key(other).cmp(&key(one))
    });
    forms
}

/// The keys of forms, in pieces that each fit into one round trip.
pub struct Pieces {
    pub pieces: Vec<Vec<String>>,
    /// Nothing in it keeps others waiting for long: one piece, known to be small.
    pub is_short: bool,
}

/// Cuts a list: all of the index, and `also` what is not in it, of which no size is known.
pub fn pieces(index: &[Indexed], also: &BTreeSet<String>) -> Pieces {
    let mut pieces: Vec<Vec<String>> = Vec::new();
    let (mut room, mut all_fit) = (0, true);
    let listed = index.iter().map(|form| (&form.form_key, form.bytes));
    let is_listed = |form_key: &&String| index.iter().any(|form| form.form_key == **form_key);
    let unlisted = also.iter().filter(|form_key| !is_listed(form_key));
    for (form_key, bytes) in listed.chain(unlisted.map(|form_key| (form_key, Some(0)))) {
        let bytes = bytes.unwrap_or(BYTES_AT_ONCE + 1);
        all_fit &= bytes <= BYTES_AT_ONCE;
        match pieces.last_mut() {
            Some(piece) if bytes <= room && piece.len() < FORMS_AT_ONCE => {
                piece.push(form_key.clone());
                room -= bytes;
            }
            _ => {
                pieces.push(vec![form_key.clone()]);
                room = BYTES_AT_ONCE.saturating_sub(bytes);
            }
        }
    }
    Pieces {
        is_short: all_fit && pieces.len() <= 1,
        pieces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(key: &str, bytes: Option<u64>) -> Indexed {
        Indexed {
            form_key: key.to_owned(),
            changed_at_ms: Some(1),
            bytes,
        }
    }

    #[test]
    fn an_entry_tells_when_and_how_much_and_an_old_one_only_that_it_is_there() {
        let fields = [("old", "2"), ("b", "1:7:100"), ("a", "1:9:50"), ("odd", "x:y")];
        let read = read(fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        let keys: Vec<_> = read.iter().map(|form| form.form_key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "old", "odd"], "latest change first");
        assert_eq!((read[0].changed_at_ms, read[0].bytes), (Some(9), Some(50)));
        assert_eq!((read[2].changed_at_ms, read[2].bytes), (None, None));
        let unsaved: Vec<bool> = read.iter().map(|form| form.is_unsaved(7)).collect();
        assert_eq!(unsaved, [true, false, true, true], "what is not known is not old");
    }

    #[test]
    fn a_list_is_cut_by_number_and_by_size_and_each_form_is_in_it_once() {
        let small: Vec<Indexed> = (0..60).map(|n| form(&format!("{n:02}"), Some(100))).collect();
        let also = BTreeSet::from(["03".to_owned(), "more".to_owned()]);
        let cut = pieces(&small, &also);
        let sizes: Vec<usize> = cut.pieces.iter().map(Vec::len).collect();
        assert_eq!(sizes, [25, 25, 11]);
        assert!(!cut.is_short);
        let distinct: BTreeSet<&String> = cut.pieces.iter().flatten().collect();
        assert_eq!(distinct.len(), 61);

        let half = BYTES_AT_ONCE / 2;
        let large = [form("a", Some(half)), form("b", Some(half)), form("c", Some(1))];
        let cut = pieces(&large, &BTreeSet::new());
        assert_eq!(cut.pieces, [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]]);
        let huge = [
            form("a", Some(100 * BYTES_AT_ONCE)),
            form("b", Some(1)),
            form("c", None),
        ];
        let cut = pieces(&huge, &BTreeSet::new());
        assert_eq!(cut.pieces.len(), 3, "a form of more than that goes alone");
        assert!(pieces(&[form("a", Some(9))], &also).is_short);
        assert!(!pieces(&[form("a", None)], &BTreeSet::new()).is_short);
        assert!(pieces(&[], &BTreeSet::new()).is_short);
    }
}
