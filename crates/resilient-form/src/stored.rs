//! How drafts and submissions lie on the device: keys and versioned JSON.
//!
//! What cannot be read, because another version or somebody else wrote it, is passed over and left
//! where it is.

use resilient_core::draft::{Draft, Revision, Values};
use resilient_core::submission::Submission;
use resilient_core::submission::answer::Answer;
use resilient_core::submission::machine::effects::{DeviceDraft, OutboxEntry};
use resilient_core::submission::machine::rebase;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const FORMAT: u32 = 1;
pub const DRAFT: &str = "inkfast:1:draft:";
pub const OUTBOX: &str = "inkfast:1:outbox:";
pub const EARLY: &str = "inkfast:1:early:";
/// What was dropped up to which `seq`: said at once, while removing it from IndexedDB may outlive the page.
pub const DROPPED: &str = "inkfast:1:dropped:";
const TAKEN_OVER: &str = "-early-";
/// Somebody discards everything of this account on this device; it is there for a moment only.
pub const DISCARDED: &str = "inkfast:1:discarded";
/// Who is signed in, for tabs of other accounts.
pub const ACCOUNT: &str = "inkfast:1:account";
/// Somebody signed out while the server could not be told.
pub const SIGN_OUT: &str = "inkfast:1:sign-out";

/// A draft on the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredDraft {
    v: u32,
    pub draft: Draft,
    #[serde(default)]
    pub lineage: Vec<Revision>,
    /// Where the server takes this form's drafts.
    #[serde(default)]
    pub draft_url: Option<String>,
}

/// A submission without an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSubmission {
    v: u32,
    pub submission: Submission,
    #[serde(default)]
    pub base: Values,
    #[serde(default)]
    pub incomplete: bool,
    #[serde(default)]
    pub attempts: u32,
    /// How long it was to wait, in milliseconds, and until when by the device's clock.
    #[serde(default)]
    pub wait_ms: u64,
    #[serde(default)]
    pub due_at_ms: u64,
    /// The order of pressing among this account's submissions on this device.
    pub number: u32,
    /// Where it is posted.
    pub url: String,
}

/// What the early recorder wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Early {
    v: u32,
    pub version: String,
    pub values: Values,
    #[serde(default)]
    pub base: Values,
}

impl StoredDraft {
    pub fn new(device: &DeviceDraft, draft_url: Option<String>) -> Self {
        Self {
            v: FORMAT,
            draft: device.draft.clone(),
            lineage: device.lineage.clone(),
            draft_url,
        }
    }

    pub fn into_device_draft(self, form_key: String) -> DeviceDraft {
        DeviceDraft {
            form_key,
            draft: self.draft,
            lineage: self.lineage,
        }
    }
}

impl StoredSubmission {
    pub fn new(entry: &OutboxEntry, number: u32, url: String, now_ms: u64) -> Self {
        Self {
            v: FORMAT,
            submission: entry.submission.clone(),
            base: entry.base.clone(),
            incomplete: entry.incomplete,
            attempts: entry.attempts,
            wait_ms: entry.wait_ms,
            due_at_ms: now_ms.saturating_add(entry.wait_ms),
            number,
            url,
        }
    }

    /// What is left of the wait. A clock that was put back or forward makes it neither longer than it
    /// was nor negative.
    pub fn into_entry(self, now_ms: u64) -> OutboxEntry {
        let wait_ms = self.due_at_ms.saturating_sub(now_ms).min(self.wait_ms);
        OutboxEntry {
            submission: self.submission,
            base: self.base,
            incomplete: self.incomplete,
            attempts: self.attempts,
            wait_ms,
        }
    }
}

/// The writer of the draft that another page load makes of what `page` recorded: the page may live and
/// go on recording, so each text it recorded is a draft of its own, and the same text the same draft.
pub fn taking_over_writer(page: &str, early: &Early) -> String {
    let json = serde_json::to_string(early).unwrap_or_default();
    // FNV-1a, 64 bits.
    let hash = json.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{page}{TAKEN_OVER}{hash:016x}")
}

/// The page whose early entry became this writer's draft, and which of its texts.
pub fn taken_over(writer: &str) -> Option<(&str, &str)> {
    writer.rsplit_once(TAKEN_OVER)
}

/// A draft on top of what was saved ([`rebase`]), under the form key it has then. `None`: it was built on another version.
pub fn rebased(device: &DeviceDraft, submission: &Submission, answer: &Answer) -> Option<DeviceDraft> {
    let mut rebased = device.clone();
    if !rebase(&mut rebased, submission, answer) {
        return None;
    }
    // A form of a new record that was saved is the record's.
    if let (Some((table, form)), Some(key)) = (device.form_key.split_once('/'), &answer.key)
        && form.starts_with("new-")
    {
        rebased.form_key = format!("{table}/{key}");
    }
    Some(rebased)
}

impl Early {
    /// As a draft of its own.
    pub fn into_draft(self, writer: String) -> Draft {
        let revision = Revision { seq: 1, writer };
        Draft {
            version: self.version,
            base: self.base,
            values: self.values,
            revision,
            on: None,
        }
    }
}

/// Any stored kind: its format's number is ours.
pub trait Stored: DeserializeOwned {
    fn format(&self) -> u32;

    fn read(json: &str) -> Option<Self> {
        serde_json::from_str::<Self>(json)
            .ok()
            .filter(|entry| entry.format() == FORMAT)
    }
}

impl Stored for StoredDraft {
    fn format(&self) -> u32 {
        self.v
    }
}

impl Stored for StoredSubmission {
    fn format(&self) -> u32 {
        self.v
    }
}

impl Stored for Early {
    fn format(&self) -> u32 {
        self.v
    }
}

pub fn draft_key(account: &str, form_key: &str, writer: &str) -> String {
    format!("{DRAFT}{account}:{form_key}:{writer}")
}

pub fn dropped_key(account: &str, form_key: &str, writer: &str) -> String {
    format!("{DROPPED}{account}:{form_key}:{writer}")
}

pub fn early_key(account: &str, form_key: &str, writer: &str) -> String {
    format!("{EARLY}{account}:{form_key}:{writer}")
}

pub fn outbox_key(account: &str, id: &str) -> String {
    format!("{OUTBOX}{account}:{id}")
}

/// Form key and writer of a draft's or early entry's key, if it is this account's.
pub fn form_and_writer<'a>(key: &'a str, kind: &str, account: &str) -> Option<(&'a str, &'a str)> {
    let rest = key.strip_prefix(kind)?.strip_prefix(account)?.strip_prefix(':')?;
    let (form_key, writer) = rest.split_once(':')?;
    (!writer.contains(':') && form_key.contains('/')).then_some((form_key, writer))
}

/// Whether the key is this account's, and not that of one whose name begins alike.
pub fn is_of(key: &str, kind: &str, account: &str) -> bool {
    let rest = key
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(account)?.strip_prefix(':'));
    rest.is_some_and(|id| kind == OUTBOX && !id.contains(':')) || form_and_writer(key, kind, account).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_whose_name_begins_alike_is_not_read() {
        let key = draft_key("ann", "t/1", "w");
        assert_eq!(form_and_writer(&key, DRAFT, "ann"), Some(("t/1", "w")));
        assert_eq!(form_and_writer(&key, DRAFT, "an"), None);
        assert_eq!(form_and_writer(&draft_key("ann:x", "t/1", "w"), DRAFT, "ann"), None);
        assert!(is_of(&outbox_key("ann", "id"), OUTBOX, "ann"));
        assert!(!is_of(&outbox_key("ann:x", "id"), OUTBOX, "ann"));
    }

    #[test]
    fn an_entry_of_another_format_or_of_none_is_passed_over() {
        let draft = Early {
            v: FORMAT,
            version: "v".into(),
            values: Values::new(),
            base: Values::new(),
        };
        let json = serde_json::to_string(&draft).expect("json");
        assert_eq!(Early::read(&json), Some(draft));
        assert_eq!(Early::read(&json.replace("\"v\":1", "\"v\":2")), None);
        assert_eq!(StoredDraft::read("not json"), None);
        assert_eq!(StoredDraft::read("null"), None);
    }

    #[test]
    fn each_text_that_a_page_recorded_is_taken_over_as_a_draft_of_its_own() {
        let early = |text: &str| Early {
            v: FORMAT,
            version: "v".into(),
            values: Values::from([("a".into(), Some(text.into()))]),
            base: Values::new(),
        };
        let page = "632324bf7ffd480e9859798ae80da01a";
        let writer = taking_over_writer(page, &early("x"));
        assert_eq!(writer, taking_over_writer(page, &early("x")));
        assert_ne!(writer, taking_over_writer(page, &early("xy")));
        assert_eq!(taken_over(&writer).map(|of| of.0), Some(page));
        assert_eq!(taken_over(page), None);
        assert!(resilient_core::submission::is_writer(&writer));
    }

    #[test]
    fn what_was_typed_after_a_create_whose_answer_was_lost_is_the_records() {
        let revision = Revision {
            seq: 1,
            writer: "w".into(),
        };
        let submission = Submission {
            id: "i".into(),
            form_key: "t/new-u".into(),
            version: "v".into(),
            values: Values::from([("a".into(), Some("mine".into()))]),
            revision: revision.clone(),
        };
        let mut answer = Answer::new(resilient_core::submission::answer::Outcome::Saved);
        (answer.key, answer.version) = (Some("7".into()), Some("v2".into()));
        let mut newer = DeviceDraft {
            form_key: "t/new-u".into(),
            draft: Draft {
                version: "v".into(),
                base: Values::from([("a".into(), None)]),
                values: Values::from([("a".into(), Some("newer".into()))]),
                revision,
                on: None,
            },
            lineage: Vec::new(),
        };
        let moved = rebased(&newer, &submission, &answer).expect("built on what was saved");
        assert_eq!(moved.form_key, "t/7");
        assert_eq!(moved.draft.version, "v2");
        assert_eq!(moved.draft.base, submission.values);
        newer.draft.version = "other".into();
        assert_eq!(rebased(&newer, &submission, &answer), None);
    }

    #[test]
    fn a_clock_that_was_changed_does_not_make_a_submission_wait_longer() {
        let revision = Revision {
            seq: 1,
            writer: "w".into(),
        };
        let submission = Submission {
            id: "i".into(),
            form_key: "t/1".into(),
            version: "v".into(),
            values: Values::new(),
            revision,
        };
        let entry = OutboxEntry {
            submission,
            base: Values::new(),
            incomplete: false,
            attempts: 1,
            wait_ms: 5_000,
        };
        let stored = StoredSubmission::new(&entry, 1, "/t/1".into(), 1_000_000);
        assert_eq!(stored.clone().into_entry(1_002_000).wait_ms, 3_000);
        assert_eq!(stored.clone().into_entry(0).wait_ms, 5_000);
        assert_eq!(stored.into_entry(9_000_000).wait_ms, 0);
    }
}
