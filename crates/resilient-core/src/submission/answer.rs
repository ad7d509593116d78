//! What the server says to a press of Save.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::collections::BTreeMap;
use crate::draft::{Text, Values};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Saved,
    Kept,
    Conflict,
    Invalid,
    Mismatch,
    InProgress,
    Expired,
    Unauthenticated,
    Forbidden,
    Gone,
    TooLarge,
    RateLimited,
    /// Missing or malformed version or id; never assumed fresh.
    Malformed,
}

impl Outcome {
    pub const ALL: [Self; 13] = [
        Self::Saved,
        Self::Kept,
        Self::Conflict,
        Self::Invalid,
        Self::Mismatch,
        Self::InProgress,
        Self::Expired,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Gone,
        Self::TooLarge,
        Self::RateLimited,
        Self::Malformed,
    ];

    /// The outcome that stands in JSON as `code`.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }

    /// The HTTP status that says the same. A save that made a record may say 201 instead of 200.
    pub fn status(self) -> u16 {
        match self {
            Self::Saved => 200,
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::Conflict | Self::InProgress | Self::Expired => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::Invalid | Self::Mismatch => 422,
            Self::RateLimited => 429,
            Self::Kept => 503,
        }
    }

    /// The outcome as it stands in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Kept => "kept",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Mismatch => "mismatch",
            Self::InProgress => "in_progress",
            Self::Expired => "expired",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
        }
    }
}

/// One column that both sides changed, to different texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub column: String,
    /// Absent where the base is not known (the server knows fingerprints only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Text>,
    pub mine: Text,
    pub theirs: Text,
}

/// `data` of an answer to a save. Fields that an outcome does not use keep their default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub outcome: Outcome,
    /// The record's key in the `~HH` writing.
    #[serde(default)]
    pub key: Option<String>,
    /// The sealed version to build the next submission on.
    #[serde(default)]
    pub version: Option<String>,
    /// Columns somebody else changed and this save kept.
    #[serde(default)]
    pub merged: Vec<String>,
    /// This id had been answered before; nothing was done this time.
    #[serde(default)]
    pub replayed: bool,
    #[serde(default)]
    pub seq: u64,
    #[serde(default)]
    pub writer: String,
    /// `redis`, `server`, or none: only the device has it.
    #[serde(default)]
    pub kept_in: Option<String>,
    /// Why it was kept: `database`, `overload`, `timeout`, `unknown`.
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    #[serde(default)]
    pub server_retries: bool,
    /// A message per column, in human words. The empty column name is the whole record.
    #[serde(default)]
    pub errors: BTreeMap<String, String>,
    /// Every column whose stored text differs from what was posted; on a conflict the record now.
    #[serde(default)]
    pub current: Values,
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Something on the way to the server said it: a proxy knows nothing of what became of earlier attempts.
    #[serde(skip)]
    pub on_the_way: bool,
}

/// What is on the way to the server may ask for no longer pause: nobody knows what it counts, and a wrong number would
/// keep a save from its server for days.
const LONGEST_PAUSE_ON_THE_WAY: Duration = Duration::from_secs(300);

impl Answer {
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            key: None,
            version: None,
            merged: Vec::new(),
            replayed: false,
            seq: 0,
            writer: String::new(),
            kept_in: None,
            reason: None,
            retry_after_ms: None,
            server_retries: false,
            errors: BTreeMap::new(),
            current: Values::new(),
            conflicts: Vec::new(),
            on_the_way: false,
        }
    }

    /// How long it asks to wait before the next attempt.
    pub fn pause(&self) -> Option<Duration> {
        let asked = self.retry_after_ms.map(Duration::from_millis);
        asked.map(|asked| match self.on_the_way {
            true => asked.min(LONGEST_PAUSE_ON_THE_WAY),
            false => asked,
        })
    }

    /// What a person is told: what happened to the input first.
    pub fn message(&self) -> &'static str {
        match self.outcome {
            Outcome::Saved => "Saved.",
            Outcome::Kept if self.reason.as_deref() == Some("unknown") => {
                "We are checking whether your change was saved. Please do not enter it again."
            }
            Outcome::Kept if self.reason.as_deref() == Some("overload") => {
                "The system is busy. Your changes are kept and will be sent again."
            }
            Outcome::Kept if self.reason.as_deref() == Some("timeout") => {
                "The database took too long to answer. Your changes are kept and can be saved when it is less busy."
            }
            Outcome::Kept => "The database cannot be reached. Your changes are kept and can be saved when it is back.",
            Outcome::Conflict => {
                "Someone else changed this record at the same time. Your input is kept: please compare."
            }
            Outcome::Invalid => "Please check the marked fields.",
            Outcome::Mismatch => {
                "This form was already saved with other content. Your input is kept: press Save again."
            }
            Outcome::InProgress => "This is being saved right now.",
            Outcome::Expired => {
                "This form is too old to be saved as it is. Your input is kept: please check it and press Save again."
            }
            Outcome::Unauthenticated => "Please sign in again. Your input is kept.",
            Outcome::Forbidden => "You are not allowed to change this. Your input is kept.",
            Outcome::Gone => "This record no longer exists. Your input is kept and can become a new record.",
            Outcome::TooLarge => "This is larger than what can be sent at once. Your input is kept on this device.",
            Outcome::RateLimited => "Too many requests. Your input is kept and will be sent again.",
            Outcome::Malformed => "This form is damaged and was not saved. Please load the page again.",
        }
    }
}

/// The envelope around every JSON answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// Finds the failure in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<String>,
    pub data: Option<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_read_back_from_what_stands_in_json() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::of_code(outcome.code()), Some(outcome));
            assert_eq!(serde_json::json!(outcome), serde_json::json!(outcome.code()));
        }
        assert_eq!(Outcome::of_code("nothing of the kind"), None);
    }

    #[test]
    fn only_where_nobody_knows_whether_it_was_saved_is_a_kept_save_being_checked() {
        let said = |reason: &str| {
            let reason = Some(reason.to_owned());
            let kept = Answer::new(Outcome::Kept);
            Answer { reason, ..kept }.message()
        };
        assert!(said("unknown").contains("checking"));
        assert!(said("overload").contains("busy"));
        assert!(said("timeout").contains("took too long"));
        assert!(said("database").contains("cannot be reached"));
        assert_eq!(said("database"), Answer::new(Outcome::Kept).message());
    }

    #[test]
    fn a_status_is_success_only_for_what_is_saved_and_the_servers_trouble_only_for_what_it_keeps() {
        for outcome in Outcome::ALL {
            let class = match outcome {
                Outcome::Saved => 2,
                Outcome::Kept => 5,
                _ => 4,
            };
            assert_eq!(outcome.status() / 100, class, "{outcome:?}");
        }
    }
}
