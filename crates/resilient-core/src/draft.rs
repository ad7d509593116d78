//! What is typed but not saved, and which copy of it replaces which.
//!
//! Order never comes from a clock: a draft names the revision it was built on.

pub mod joining;
pub mod lineage;
pub mod replacement;

use std::time::Duration;

use crate::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Drafts, and the memory of those that were saved or discarded, end this long after their last
/// change: 30 days.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Before the end of a draft its person is told for this long: a week.
const TOLD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// When a draft that changed then goes, once that is so near that its person is told. Unix times in milliseconds.
pub fn ends_soon_at_ms(changed_at_ms: u64, now_ms: u64) -> Option<u64> {
    let told_after = KEPT_FOR - TOLD_FOR;
    (now_ms.saturating_sub(changed_at_ms) >= told_after.as_millis() as u64)
        .then(|| changed_at_ms + KEPT_FOR.as_millis() as u64)
}

/// A record value as it crosses the wire: its text, or `None` for NULL.
pub type Text = Option<String>;

/// Column name to value.
pub type Values = BTreeMap<String, Text>;

/// One state of a draft: the `seq`-th change made by one page load.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// Counts up with each change, starting at 1; 0 means "as drawn by the server".
    pub seq: u64,
    /// Random per page load; see [`crate::submission::is_writer`].
    pub writer: String,
}

/// Unsaved input of one form, as it lies on the device, on the server and on the wire
/// (`/api/drafts/{form key}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The form's sealed version at the time the input was typed. Opaque.
    pub version: String,
    /// The values the changed columns had in the record when they were changed. A column without
    /// a known base is absent.
    #[serde(default)]
    pub base: Values,
    /// The changed columns only.
    pub values: Values,
    #[serde(flatten)]
    pub revision: Revision,
    /// The revision this one was built on; `None` for the first of its kind.
    #[serde(default)]
    pub on: Option<Revision>,
}

#[cfg(test)]
mod tests;
