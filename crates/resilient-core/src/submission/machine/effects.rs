//! Everything the machine can order.

use crate::draft::{Draft, Revision, Text, Values};
use crate::submission::Submission;
use crate::submission::answer::Answer;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put this value into the column's control. Only ever ordered for fields that were not touched.
    PutValue { column: String, value: Text },
    /// Write the draft to the device; answered by `KeptLocally` or `LocalRefused`.
    KeepLocally(DeviceDraft),
    /// The same for a draft of another page load, which may live and have written a later one: then that stays.
    PutBackLocally(DeviceDraft),
    /// Remove these drafts from the device, each only if what is stored is not later than named.
    DropLocally { form_key: String, revisions: Vec<Revision> },
    /// Nothing of these drafts is unsaved any more: the text was typed back. The server may have one of them until it is
    /// dropped there, and the page may be left before: the next one is not to restore it from there.
    TypedBack { form_key: String, revisions: Vec<Revision> },
    /// These drafts were discarded: the device remembers it, so that no other tab brings them back.
    BuryLocally { form_key: String, revisions: Vec<Revision> },
    /// Send the draft to the server; answered by `DraftStored` or `DraftRefused`.
    SaveDraft(Draft),
    /// The same, to be kept beside whatever it would not replace.
    SaveDraftBeside(Draft),
    /// Send it as the page goes away, to be kept beside whatever it would not replace; there is no answer.
    BeaconDraft(Draft),
    /// Have the server drop this draft and what it was built on; answered by `DraftDropped`, or
    /// `DraftRefused` with `Unanswered`.
    DropDraft(Revision),
    /// Write the submission to the device; answered by `OutboxWritten` or `OutboxRefused`.
    WriteOutbox(OutboxEntry),
    /// Remove it: it has its answer.
    RemoveOutbox(String),
    /// Remember on the device what was saved, for pages that do not know of it yet.
    RememberSaved(Box<JustSaved>),
    /// Post the submission; answered by `Answered` or `Unanswered`.
    Send(Submission),
    /// Ask what became of the id; answered by `Answered`, `NeverSaved` or `Unanswered`.
    Ask(String),
    /// Somebody has to sign in before this can go on.
    AskSignIn,
    /// The form is the record's from now on; `form_key` is its new one.
    BecomeRecord { key: String, form_key: String },
    /// Tell the person, once.
    Announce(Announcement),
    /// Bring this field into view and give it the focus (only ever after a press of Save).
    FocusField(String),
}

/// A draft as it lies on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDraft {
    pub form_key: String,
    pub draft: Draft,
    /// Every revision this one was built on, the latest first; at most [`LINEAGE`] of them.
    pub lineage: Vec<Revision>,
    /// Columns in which a secret was typed as well, which is kept nowhere: it has to be typed again.
    pub secrets: Vec<String>,
}

/// How many revisions of a lineage are kept.
pub const LINEAGE: usize = 16;

/// A submission as it lies on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Without secret values.
    pub submission: Submission,
    /// What the record had in those columns, as far as the page knew when Save was pressed.
    pub base: Values,
    /// It changed a secret as well, which is in page memory only: after a reload it can be asked
    /// for but not sent.
    pub incomplete: bool,
    pub attempts: u32,
    /// Milliseconds from the time of writing before which it must not be sent again.
    pub wait_ms: u64,
}

/// A save that was carried out. Pages that were drawn before it, or wait for the same answer, learn of it by this.
#[derive(Clone, Debug, PartialEq)]
pub struct JustSaved {
    /// Without secret values.
    pub submission: Submission,
    /// What the record had in those columns when Save was pressed.
    pub base: Values,
    pub answer: Answer,
}

/// A transition worth a toast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    Restored,
    Queued {
        why: String,
    },
    /// Saved after it had been queued.
    SavedAfterQueue,
    /// Saved at once, with newer text in the fields: the state beside Save is that of the newer text.
    SavedWhileTyping,
    /// Somebody else's changes to these columns were kept beside mine.
    Merged {
        columns: Vec<String>,
    },
    Conflict,
    /// The server will not take it as it is; the words say why and what can be done.
    Refused {
        message: String,
    },
    /// The text restored here was discarded in another tab or on another device.
    DiscardedElsewhere,
    /// A draft is too large for the server.
    TooLargeForServer,
    /// The device cannot keep what is typed.
    NotProtected,
    /// A secret was not saved before the page was loaded again; it has to be typed again.
    SecretLost,
}
