//! Versions: what a form looked like when it was drawn, told by keyed fingerprints.
//!
//! A version answers *did I change this column, did somebody else* without carrying a value, and it
//! sees changes made by raw SQL too.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use app::records::model::{RecordKey, Table, Text, Values};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use resilient_core::submission::form_body::with_line_feeds;
use resilient_drafts::seal::{Opened, SealError, Sealer};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::writable::{columns_of_a_form, columns_to_write};
use crate::keys::Keys;

/// Bytes of a column's fingerprint: 72 bits, far beyond what could be guessed against a sealed token. Each page carries
/// one for each column, and nothing makes them smaller.
const PRINT_BYTES: usize = 9;

/// An opened version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The table in the `~HH` writing.
    #[serde(rename = "t")]
    pub table: String,
    /// The key in the `~HH` writing; `None` for a new record.
    #[serde(rename = "k")]
    pub key: Option<String>,
    /// Unix time in milliseconds, the server's.
    #[serde(rename = "i")]
    pub issued_at_ms: u64,
    #[serde(rename = "p")]
    prints: BTreeMap<String, String>,
    /// Columns that were shown, not controls: the key, what is computed, and what the one it was drawn for may not write.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    shown: Vec<String>,
    /// Columns that were controls although their values are not seen.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    unseen_controls: Vec<String>,
    /// Which of the secrets had sealed it, and so made its fingerprints.
    #[serde(skip)]
    sealed_by: usize,
}

impl Version {
    /// Whether that control showed nothing, because it is a secret or cannot be read.
    pub fn had_unseen_control(&self, column: &str) -> bool {
        self.unseen_controls.iter().any(|unseen| unseen == column)
    }

    /// Whether the form had a control for this column, so that what came for it was typed there.
    pub fn had_control(&self, column: &str) -> bool {
        let name = column.to_owned();
        self.had_unseen_control(column) || (self.prints.contains_key(column) && !self.shown.contains(&name))
    }
}

/// Issues and opens versions, and makes fingerprints.
#[derive(Clone)]
pub struct Versions {
    sealer: Sealer,
    /// For fingerprints, in the order of the sealer's secrets.
    keys: Arc<[[u8; 32]]>,
    undone: Arc<RwLock<Vec<Undone>>>,
}

/// The end of an [`Undone`] time in the database until the first server has seen it. Whoever restores does not know it:
/// forms may be drawn from the old database until then.
pub const UNTIL_SERVED_MS: u64 = i64::MAX as u64;

/// A time of which nothing has happened, because a backup from its beginning was restored at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undone {
    pub from_ms: u64,
    pub to_ms: u64,
}

impl Versions {
    pub fn new(keys: &Keys) -> Self {
        Self {
            sealer: keys.versions.clone(),
            keys: keys.fingerprints.clone().into(),
            undone: Arc::default(),
        }
    }

    /// What restores have undone. A record's version from such a time says nothing of the record that is there now: it
    /// may be another one under the same key.
    pub fn undo(&self, times: Vec<Undone>) {
        *self.undone.write().unwrap_or_else(PoisonError::into_inner) = times;
    }

    /// Seals the present text of every column of `values` (secrets are not among them).
    pub fn issue(&self, table: &Table, key: Option<&RecordKey>, values: &Values, now_ms: u64) -> String {
        let table_written = table.name.written();
        let prints = values
            .iter()
            .map(|(column, text)| (column.clone(), self.print(0, &table_written, column, text)));
        let writable = columns_to_write(table, key);
        let of_a_form = columns_of_a_form(table, key);
        let unseen = of_a_form
            .into_iter()
            .filter(|column| table.column(column).is_some_and(|column| !column.is_seen()));
        let version = Version {
            key: key.map(RecordKey::written),
            issued_at_ms: now_ms,
            prints: prints.collect(),
            shown: values
                .keys()
                .filter(|column| !writable.contains(column))
                .cloned()
                .collect(),
            unseen_controls: unseen.filter(|column| writable.contains(column)).collect(),
            table: table_written,
            sealed_by: 0,
        };
        let plain = serde_json::to_vec(&version).expect("a version is plain text and numbers");
        self.sealer.seal(b"", &plain)
    }

    /// # Errors
    /// [`SealError::Malformed`] for what was never a version; [`SealError::WrongKey`] for one that
    /// this server can no longer open, or that is of an undone time.
    pub fn open(&self, text: &str) -> Result<Version, SealError> {
        let Opened { plain, sealed_by } = self.sealer.open_and_tell(b"", text)?;
        let version: Version = serde_json::from_slice(&plain).map_err(|_| SealError::WrongKey)?;
        let version = Version { sealed_by, ..version };
        // A new record was based on nothing that could be undone.
        if version.key.is_some() && self.is_undone(version.issued_at_ms) {
            return Err(SealError::WrongKey);
        }
        Ok(version)
    }

    fn is_undone(&self, at_ms: u64) -> bool {
        let undone = self.undone.read().unwrap_or_else(PoisonError::into_inner);
        undone.iter().any(|time| (time.from_ms..=time.to_ms).contains(&at_ms))
    }

    /// Whether `text` is what `version` saw in `column`; `None` where it saw no such column.
    /// Newlines count as LF, because browsers change them.
    pub fn matches(&self, version: &Version, column: &str, text: &Text) -> Option<bool> {
        version
            .prints
            .get(column)
            .map(|print| *print == self.print(version.sealed_by, &version.table, column, text))
    }

    /// The fingerprint of one submission: table, key, version and sorted changed columns. The first one is by the
    /// secret that had sealed the version, so it stays the same when another one is in use; the others are what it may
    /// have been while that one was not at hand.
    pub fn submission_prints(
        &self,
        table: &Table,
        key: Option<&RecordKey>,
        version: &str,
        changed: &Values,
    ) -> Vec<String> {
        let sealed_by = self.sealer.sealed_by(version).unwrap_or(0);
        let others = (0..self.keys.len()).filter(|key| *key != sealed_by);
        let by = std::iter::once(sealed_by).chain(others);
        by.map(|by| self.submission_print(by, table, key, version, changed))
            .collect()
    }

    fn submission_print(
        &self,
        by: usize,
        table: &Table,
        key: Option<&RecordKey>,
        version: &str,
        changed: &Values,
    ) -> String {
        let mut mac = self.mac(by, "submission");
        add_part(&mut mac, Some(&table.name.written()));
        add_part(&mut mac, key.map(RecordKey::written).as_deref());
        add_part(&mut mac, Some(version));
        for (column, text) in changed {
            add_part(&mut mac, Some(column));
            add_part(&mut mac, text.as_deref());
        }
        STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn print(&self, by: usize, table_written: &str, column: &str, text: &Text) -> String {
        let mut mac = self.mac(by, "column");
        add_part(&mut mac, Some(table_written));
        add_part(&mut mac, Some(column));
        add_part(&mut mac, text.as_deref().map(with_line_feeds).as_deref());
        STANDARD_NO_PAD.encode(&mac.finalize().into_bytes()[..PRINT_BYTES])
    }

    fn mac(&self, by: usize, use_: &'static str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.keys[by]).expect("HMAC takes keys of any length");
        add_part(&mut mac, Some(use_));
        mac
    }
}

/// Adds a part with its length before it, so that no two lists of parts are the same bytes; NULL is
/// apart from every text.
fn add_part(mac: &mut Hmac<Sha256>, part: Option<&str>) {
    match part {
        Some(text) => {
            mac.update(&[1]);
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        None => mac.update(&[0]),
    }
}

#[cfg(test)]
mod tests {
    use app::records::model::{Column, ColumnKind, TableName};
    use resilient_drafts::Secrets;

    use super::*;

    fn by(present: u8, old: &[u8]) -> Versions {
        let secrets = Secrets {
            present: [present; 32],
            next: Vec::new(),
            old: old.iter().map(|number| [*number; 32]).collect(),
        };
        Versions::new(&Keys::of(&secrets))
    }

    fn table() -> Table {
        Table {
            key: vec!["id".into()],
            ..Table::new(TableName::plain("t"), vec![Column::new("note", ColumnKind::Text)])
        }
    }

    #[test]
    fn a_form_drawn_under_an_old_secret_is_read_as_it_was_drawn() {
        let (key, values) = (
            RecordKey(vec!["1".into()]),
            Values::from([("note".into(), Some("a".into()))]),
        );
        let drawn = by(1, &[]).issue(&table(), Some(&key), &values, 5);
        let now = by(3, &[2, 1]);
        let version = now.open(&drawn).unwrap();
        assert_eq!(version.issued_at_ms, 5);
        assert_eq!(now.matches(&version, "note", &Some("a".into())), Some(true));
        assert_eq!(now.matches(&version, "note", &Some("b".into())), Some(false));
        assert_eq!(by(3, &[2]).open(&drawn), Err(SealError::WrongKey));
        let drawn_now = now.issue(&table(), Some(&key), &values, 6);
        let version = by(3, &[]).open(&drawn_now).unwrap();
        assert_eq!(by(3, &[]).matches(&version, "note", &Some("a".into())), Some(true));
    }

    #[test]
    fn a_submission_has_one_fingerprint_before_and_after_the_secret_was_changed() {
        let drawn = by(1, &[]).issue(&table(), None, &Values::new(), 5);
        let changed = Values::from([("note".into(), Some("a".into()))]);
        let prints = |versions: &Versions| versions.submission_prints(&table(), None, &drawn, &changed);
        let before = prints(&by(1, &[])).remove(0);
        assert_eq!(prints(&by(2, &[1]))[0], before);
        assert_eq!(prints(&by(3, &[2, 1]))[0], before);
        // Answered while the version's secret was not at hand, and again when it is.
        let meanwhile = prints(&by(2, &[])).remove(0);
        assert!(prints(&by(3, &[2, 1])).contains(&meanwhile));
        assert!(!prints(&by(3, &[2, 1])).contains(&prints(&by(4, &[])).remove(0)));
    }
}
