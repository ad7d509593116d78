//! How drafts and submissions lie on the device: keys and versioned JSON.
//!
//! What cannot be read, because another version or somebody else wrote it, is passed over and left
//! where it is.

use resilient_core::draft::{Draft, Revision, Values};
use resilient_core::submission::Submission;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::effects::{DeviceDraft, JustSaved, OutboxEntry};
use resilient_core::submission::machine::rebase;

use crate::json::{Fields, Json, Object, list, texts};
use crate::wire;

const FORMAT: u64 = 1;
pub const DRAFT: &str = "inkfast:1:draft:";
pub const OUTBOX: &str = "inkfast:1:outbox:";
pub const EARLY: &str = "inkfast:1:early:";
/// What was dropped up to which `seq`: said at once, while removing it from IndexedDB may outlive the page.
pub const DROPPED: &str = "inkfast:1:dropped:";
/// What was discarded up to which `seq`, and when: kept for 30 days, so that no other tab brings it back.
pub const ENDED: &str = "inkfast:1:ended:";
/// The same for drafts whose text was typed back to what the record has.
pub const TYPED_BACK: &str = "inkfast:1:typed-back:";
/// How long these are remembered.
pub const ENDED_FOR_MS: u64 = resilient_core::draft::KEPT_FOR.as_millis() as u64;
/// A form's latest saves, for pages that were drawn before them.
pub const SAVED: &str = "inkfast:1:saved:";
/// How many of them are kept.
const LATEST_SAVES: usize = 4;
const TAKEN_OVER: &str = "-early-";
/// What follows it.
const HASH_DIGITS: usize = 16;
/// Somebody discards everything of this account on this device; it is there for a moment only.
pub const DISCARDED: &str = "inkfast:1:discarded";
/// Who is signed in, for tabs of other accounts.
pub const ACCOUNT: &str = "inkfast:1:account";
/// What it says once that account has signed out.
pub const NOBODY: &str = "";
/// Somebody signed out while the server could not be told.
pub const SIGN_OUT: &str = "inkfast:1:sign-out";

/// A draft on the device.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct StoredDraft {
    #[cfg_attr(test, serde(rename = "v"))]
    format: u64,
    pub draft: Draft,
    pub lineage: Vec<Revision>,
    /// Columns with a secret to type again.
    pub secrets: Vec<String>,
    /// Where the server takes this form's drafts.
    pub draft_url: Option<String>,
    /// When it was written, by the device's clock. Only ever shown.
    pub at_ms: u64,
}

/// A form's latest saves, in the order answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredSaves {
    pub saves: Vec<StoredSave>,
}

/// One save that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSave {
    /// When its answer came, by the device's clock.
    pub at_ms: u64,
    submission: Submission,
    base: Values,
    key: Option<String>,
    version: Option<String>,
    current: Values,
}

impl StoredSave {
    fn new(saved: &JustSaved, at_ms: u64) -> Self {
        let answer = saved.answer.clone();
        Self {
            at_ms,
            submission: saved.submission.clone(),
            base: saved.base.clone(),
            key: answer.key,
            version: answer.version,
            current: answer.current,
        }
    }

    fn json(&self) -> String {
        Object::new()
            .number("at_ms", self.at_ms)
            .json("submission", &wire::submission_json(&self.submission))
            .values("base", &self.base)
            .value("key", self.key.as_deref())
            .value("version", self.version.as_deref())
            .values("current", &self.current)
            .end()
    }

    fn read(json: Json) -> Option<Self> {
        let mut fields = json.object()?;
        Some(Self {
            at_ms: fields.number("at_ms")?,
            submission: wire::submission(fields.take("submission")?)?,
            base: fields.values("base")?,
            key: fields.maybe_text("key")?,
            version: fields.maybe_text("version")?,
            current: fields.values("current")?,
        })
    }

    pub fn into_just_saved(self) -> JustSaved {
        let answer = Answer {
            key: self.key,
            version: self.version,
            current: self.current,
            ..Answer::new(Outcome::Saved)
        };
        JustSaved {
            submission: self.submission,
            base: self.base,
            answer,
        }
    }
}

impl StoredSaves {
    /// With one more, and without the oldest.
    pub fn with(mut self, saved: &JustSaved, now_ms: u64) -> Self {
        self.saves.push(StoredSave::new(saved, now_ms));
        let surplus = self.saves.len().saturating_sub(LATEST_SAVES);
        self.saves.drain(..surplus);
        self
    }
}

/// What stands under [`ENDED`]: up to which `seq`, and when it was discarded.
pub fn ended_text(seq: u64, at_ms: u64) -> String {
    [&seq.to_string(), " ", &at_ms.to_string()].concat()
}

pub fn read_ended(text: &str) -> Option<(u64, u64)> {
    let (seq, at_ms) = text.split_once(' ')?;
    Some((seq.parse().ok()?, at_ms.parse().ok()?))
}

/// A submission without an answer.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct StoredSubmission {
    #[cfg_attr(test, serde(rename = "v"))]
    format: u64,
    pub submission: Submission,
    pub base: Values,
    pub incomplete: bool,
    pub attempts: u32,
    /// How long it was to wait, in milliseconds, and until when by the device's clock.
    pub wait_ms: u64,
    pub due_at_ms: u64,
    /// The order of pressing among this account's submissions on this device.
    pub number: u32,
    /// Where it is posted.
    pub url: String,
}

/// What the early recorder wrote.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Early {
    #[cfg_attr(test, serde(rename = "v"))]
    format: u64,
    pub version: String,
    pub values: Values,
    pub base: Values,
    /// Where the form's drafts go, if they go anywhere.
    pub draft_url: Option<String>,
}

impl StoredDraft {
    pub fn new(device: &DeviceDraft, draft_url: Option<String>, at_ms: u64) -> Self {
        Self {
            format: FORMAT,
            at_ms,
            draft: device.draft.clone(),
            lineage: device.lineage.clone(),
            secrets: device.secrets.clone(),
            draft_url,
        }
    }

    pub fn into_device_draft(self, form_key: String) -> DeviceDraft {
        DeviceDraft {
            form_key,
            draft: self.draft,
            lineage: self.lineage,
            secrets: self.secrets,
        }
    }
}

impl StoredSubmission {
    pub fn new(entry: &OutboxEntry, number: u32, url: String, now_ms: u64) -> Self {
        Self {
            format: FORMAT,
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
    pub fn wait_ms(&self, now_ms: u64) -> u64 {
        self.due_at_ms.saturating_sub(now_ms).min(self.wait_ms)
    }

    pub fn into_entry(self, now_ms: u64) -> OutboxEntry {
        let wait_ms = self.wait_ms(now_ms);
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
    let json = early.json();
    // FNV-1a, 64 bits.
    let hash = json.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digit = |byte: u8| [byte >> 4, byte & 0xf].map(|half| char::from_digit(half.into(), 16));
    let digits = hash.to_be_bytes().into_iter().flat_map(digit).flatten();
    [page, TAKEN_OVER].concat().chars().chain(digits).collect()
}

/// The page whose early entry became this writer's draft, and which of its texts.
pub fn taken_over(writer: &str) -> Option<(&str, &str)> {
    let (before, hash) = writer.split_at_checked(writer.len().checked_sub(HASH_DIGITS)?)?;
    Some((before.strip_suffix(TAKEN_OVER)?, hash))
}

/// A draft on top of what was saved ([`rebase`]), under the form key it has then. `None`: it was built on another version.
pub fn rebased(device: &DeviceDraft, saved: &JustSaved) -> Option<DeviceDraft> {
    let mut rebased = device.clone();
    if !rebase(&mut rebased, saved) {
        return None;
    }
    // A form of a new record that was saved is the record's.
    if let (Some((table, form)), Some(key)) = (device.form_key.split_once('/'), &saved.answer.key)
        && form.starts_with("new-")
    {
        rebased.form_key = [table, "/", key].concat();
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

/// Any stored kind: JSON whose `v`, the format's number, is ours.
pub trait Stored: Sized {
    fn json(&self) -> String;

    fn of_fields(format: u64, fields: Fields) -> Option<Self>;

    fn read(json: &str) -> Option<Self> {
        let mut fields = Json::read(json)?.object()?;
        let format = fields.number("v").filter(|format| *format == FORMAT)?;
        Self::of_fields(format, fields)
    }
}

impl Stored for StoredDraft {
    fn json(&self) -> String {
        Object::new()
            .number("v", self.format)
            .json("draft", &wire::draft_json(&self.draft))
            .json("lineage", &wire::revisions_json(&self.lineage))
            .json("secrets", &texts(&self.secrets))
            .value("draft_url", self.draft_url.as_deref())
            .number("at_ms", self.at_ms)
            .end()
    }

    fn of_fields(format: u64, mut fields: Fields) -> Option<Self> {
        Some(Self {
            format,
            draft: wire::draft(fields.take("draft")?)?,
            lineage: fields
                .list_or_none("lineage")?
                .into_iter()
                .map(wire::revision)
                .collect::<Option<_>>()?,
            secrets: fields
                .list_or_none("secrets")?
                .into_iter()
                .map(Json::text)
                .collect::<Option<_>>()?,
            draft_url: fields.maybe_text("draft_url")?,
            at_ms: fields.number_or_0("at_ms")?,
        })
    }
}

impl Stored for StoredSubmission {
    fn json(&self) -> String {
        Object::new()
            .number("v", self.format)
            .json("submission", &wire::submission_json(&self.submission))
            .values("base", &self.base)
            .flag("incomplete", self.incomplete)
            .number("attempts", self.attempts.into())
            .number("wait_ms", self.wait_ms)
            .number("due_at_ms", self.due_at_ms)
            .number("number", self.number.into())
            .text("url", &self.url)
            .end()
    }

    fn of_fields(format: u64, mut fields: Fields) -> Option<Self> {
        Some(Self {
            format,
            submission: wire::submission(fields.take("submission")?)?,
            base: fields.values_or_none("base")?,
            incomplete: fields.flag_or_no("incomplete")?,
            attempts: fields.number_or_0("attempts")?.try_into().ok()?,
            wait_ms: fields.number_or_0("wait_ms")?,
            due_at_ms: fields.number_or_0("due_at_ms")?,
            number: fields.number("number")?.try_into().ok()?,
            url: fields.text("url")?,
        })
    }
}

impl Stored for StoredSaves {
    fn json(&self) -> String {
        let saves: Vec<String> = self.saves.iter().map(StoredSave::json).collect();
        Object::new().number("v", FORMAT).json("saves", &list(&saves)).end()
    }

    fn of_fields(_: u64, mut fields: Fields) -> Option<Self> {
        let saves = fields.list_or_none("saves")?.into_iter();
        let saves = saves.map(StoredSave::read).collect::<Option<_>>()?;
        Some(Self { saves })
    }
}

impl Stored for Early {
    fn json(&self) -> String {
        Object::new()
            .number("v", self.format)
            .text("version", &self.version)
            .values("values", &self.values)
            .values("base", &self.base)
            .value("draft_url", self.draft_url.as_deref())
            .end()
    }

    fn of_fields(format: u64, mut fields: Fields) -> Option<Self> {
        Some(Self {
            format,
            version: fields.text("version")?,
            values: fields.values("values")?,
            base: fields.values_or_none("base")?,
            draft_url: fields.maybe_text("draft_url")?,
        })
    }
}

pub fn draft_key(account: &str, form_key: &str, writer: &str) -> String {
    [DRAFT, account, ":", form_key, ":", writer].concat()
}

pub fn dropped_key(account: &str, form_key: &str, writer: &str) -> String {
    [DROPPED, account, ":", form_key, ":", writer].concat()
}

/// Marks a submission that a page which was left had no time to take out of IndexedDB.
pub fn forgotten_key(account: &str, id: &str) -> String {
    dropped_key(account, "", id)
}

/// `kind` is [`ENDED`] or [`TYPED_BACK`].
pub fn over_key(kind: &str, account: &str, form_key: &str, writer: &str) -> String {
    [kind, account, ":", form_key, ":", writer].concat()
}

pub fn saved_key(account: &str, form_key: &str) -> String {
    [SAVED, account, ":", form_key].concat()
}

pub fn early_key(account: &str, form_key: &str, writer: &str) -> String {
    [EARLY, account, ":", form_key, ":", writer].concat()
}

pub fn outbox_key(account: &str, id: &str) -> String {
    [OUTBOX, account, ":", id].concat()
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
    let has_no_writer = kind == OUTBOX || kind == SAVED;
    rest.is_some_and(|id| has_no_writer && !id.contains(':')) || form_and_writer(key, kind, account).is_some()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn of_a_form_s_saves_the_latest_are_remembered_in_order() {
        let saved = |seq: u64| JustSaved {
            submission: Submission {
                id: seq.to_string(),
                form_key: "t/1".into(),
                version: "v".into(),
                values: Values::from([("a".into(), Some("\"x\"\n".into())), ("b".into(), None)]),
                revision: Revision {
                    seq,
                    writer: "w".into(),
                },
            },
            base: Values::from([("a".into(), None)]),
            answer: Answer {
                key: Some("1".into()),
                version: Some("v2".into()),
                ..Answer::new(Outcome::Saved)
            },
        };
        let saves = (1..=6).fold(StoredSaves::default(), |saves, seq| saves.with(&saved(seq), seq));
        let read = StoredSaves::read(&saves.json()).expect("what was written");
        let read: Vec<JustSaved> = read.saves.into_iter().map(StoredSave::into_just_saved).collect();
        assert_eq!(read, [3, 4, 5, 6].map(saved));
        assert_eq!(read_ended(&ended_text(7, 42)), Some((7, 42)));
        assert!(is_of(&saved_key("ann", "t/1"), SAVED, "ann"));
    }

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
            format: FORMAT,
            version: "v".into(),
            values: Values::new(),
            base: Values::new(),
            draft_url: Some("/api/drafts/t/1".into()),
        };
        let json = draft.json();
        assert_eq!(Early::read(&json), Some(draft));
        assert_eq!(Early::read(&json.replace("\"v\":1", "\"v\":2")), None);
        assert_eq!(StoredDraft::read("not json"), None);
        assert_eq!(StoredDraft::read("null"), None);
    }

    #[test]
    fn what_lies_on_the_device_is_written_as_before_and_read_again() {
        let revision = |seq| Revision {
            seq,
            writer: "w".into(),
        };
        let values = Values::from([("a".into(), Some("x\n\"y\"".into())), ("b".into(), None)]);
        let early = Early {
            format: FORMAT,
            version: "v".into(),
            values: values.clone(),
            base: Values::new(),
            draft_url: Some("/api/drafts/t/1".into()),
        };
        let draft = StoredDraft {
            format: FORMAT,
            at_ms: 42,
            draft: early.clone().into_draft("w".into()),
            lineage: vec![revision(2), revision(3)],
            secrets: vec!["pin".into(), "a \"token\"".into()],
            draft_url: Some("/api/drafts/t/1".into()),
        };
        let submission = StoredSubmission {
            format: FORMAT,
            submission: Submission {
                id: "i".into(),
                form_key: "t/1".into(),
                version: "v".into(),
                values: values.clone(),
                revision: revision(4),
            },
            base: values,
            incomplete: true,
            attempts: 2,
            wait_ms: 5_000,
            due_at_ms: 1_764_000_000_000,
            number: 7,
            url: "/records/t/1".into(),
        };
        fn serde(value: &impl serde::Serialize) -> String {
            serde_json::to_string(value).expect("json")
        }
        assert_eq!(
            [early.json(), draft.json(), submission.json()],
            [serde(&early), serde(&draft), serde(&submission)]
        );
        assert_eq!(Early::read(&early.json()), Some(early));
        assert_eq!(StoredDraft::read(&draft.json()), Some(draft));
        assert_eq!(StoredSubmission::read(&submission.json()), Some(submission));
    }

    #[test]
    fn each_text_that_a_page_recorded_is_taken_over_as_a_draft_of_its_own() {
        let early = |text: &str| Early {
            format: FORMAT,
            version: "v".into(),
            values: Values::from([("a".into(), Some(text.into()))]),
            base: Values::new(),
            draft_url: Some("/api/drafts/t/1".into()),
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
            secrets: Vec::new(),
        };
        let mut saved = JustSaved {
            submission,
            base: Values::new(),
            answer,
        };
        let moved = rebased(&newer, &saved).expect("built on what was saved");
        assert_eq!(moved.form_key, "t/7");
        assert_eq!(moved.draft.version, "v2");
        assert_eq!(moved.draft.base, saved.submission.values);

        let of_another_version = DeviceDraft {
            draft: Draft {
                version: "other".into(),
                ..newer.draft.clone()
            },
            ..newer.clone()
        };
        assert_eq!(rebased(&of_another_version, &saved), None);
        saved.base = newer.draft.base.clone();
        let grown = rebased(&of_another_version, &saved).expect("grown from what was saved");
        assert_eq!(grown.draft.base, saved.submission.values);

        // A record of defaults only is one, too: what was typed since is not to make another.
        saved.submission.values = Values::new();
        newer.draft.base = Values::new();
        let moved = rebased(&newer, &saved).expect("built on what was saved");
        assert_eq!(moved.form_key, "t/7");
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
