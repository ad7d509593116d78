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
use resilient_drafts::seal::{SealError, Sealer};
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
    key: [u8; 32],
    undone: Arc<RwLock<Vec<Undone>>>,
}

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
            key: keys.fingerprints,
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
            .map(|(column, text)| (column.clone(), self.print(&table_written, column, text)));
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
        };
        let plain = serde_json::to_vec(&version).expect("a version is plain text and numbers");
        self.sealer.seal(b"", &plain)
    }

    /// # Errors
    /// [`SealError::Malformed`] for what was never a version; [`SealError::WrongKey`] for one that
    /// this server can no longer open, or that is of an undone time.
    pub fn open(&self, text: &str) -> Result<Version, SealError> {
        let plain = self.sealer.open(b"", text)?;
        let version: Version = serde_json::from_slice(&plain).map_err(|_| SealError::WrongKey)?;
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
            .map(|print| *print == self.print(&version.table, column, text))
    }

    /// The fingerprint of one submission: table, key, version and sorted changed columns.
    pub fn submission_print(&self, table: &Table, key: Option<&RecordKey>, version: &str, changed: &Values) -> String {
        let mut mac = self.mac("submission");
        add_part(&mut mac, Some(&table.name.written()));
        add_part(&mut mac, key.map(RecordKey::written).as_deref());
        add_part(&mut mac, Some(version));
        for (column, text) in changed {
            add_part(&mut mac, Some(column));
            add_part(&mut mac, text.as_deref());
        }
        STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn print(&self, table_written: &str, column: &str, text: &Text) -> String {
        let mut mac = self.mac("column");
        add_part(&mut mac, Some(table_written));
        add_part(&mut mac, Some(column));
        add_part(&mut mac, text.as_deref().map(with_line_feeds).as_deref());
        STANDARD_NO_PAD.encode(&mac.finalize().into_bytes()[..PRINT_BYTES])
    }

    fn mac(&self, use_: &'static str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
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
