//! Everything that can happen to a form, in the past tense.

use super::effects::JustSaved;
use crate::collections::BTreeMap;
use crate::draft::{Draft, Revision, Text};
use crate::submission::answer::Answer;

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A control's value changed, by the person or by the browser.
    Edited {
        column: String,
        value: Text,
    },
    /// An input method is composing: its half-written text is not kept.
    CompositionStarted,
    CompositionEnded,
    /// The focus left a field.
    FieldLeft,
    /// The device takes what it refused before.
    DeviceOpened,
    /// The page became hidden; it may never be shown again.
    PageHidden,
    /// The page is going away.
    PageLeft,
    /// Save was pressed. `errors` are what the page itself can see is wrong, by column.
    SavePressed {
        errors: BTreeMap<String, String>,
    },
    /// The person wants the next attempt now.
    RetryPressed,
    DiscardPressed,
    /// What was restored is to be put aside again.
    UndoPressed,
    /// Text that stands beside the form is to go into it.
    AsideTaken(Revision),
    AsideDiscarded(Revision),
    /// One field of a conflict was decided.
    Chosen {
        column: String,
        side: Side,
    },

    /// The submission lies on the device; now it may leave.
    OutboxWritten {
        id: String,
    },
    /// The device cannot keep the submission.
    OutboxRefused {
        id: String,
    },
    Answered {
        id: String,
        answer: Box<Answer>,
    },
    /// No answer, or something that is none: HTML, a proxy's 502, a redirect elsewhere, a time limit.
    Unanswered {
        id: String,
    },
    /// The server was asked for the id and has never finished it.
    NeverSaved {
        id: String,
    },
    /// The person who is signed in is the form's account (again).
    SignedIn,
    /// The server says that nobody, or somebody else, is signed in.
    SignedOut,
    /// The server can save again.
    ServerReady,

    /// Another tab of this browser discarded this text.
    DiscardedElsewhere(Revision),
    /// The person keeps text that was discarded elsewhere.
    KeepPressed,
    /// Another tab of this browser had a save answered.
    SavedElsewhere(Box<JustSaved>),
    /// Somebody saved the record; the name, empty for this person in another tab.
    RecordChanged {
        by: String,
    },

    KeptLocally(Revision),
    /// The device's storage is full or forbidden.
    LocalRefused(Revision),
    /// What was kept on the device was removed there: somebody signed out.
    GoneLocally(Revision),
    DraftStored(Revision),
    /// The server has neither this draft nor what it was built on any more.
    DraftDropped(Revision),
    DraftRefused {
        revision: Revision,
        why: DraftRefusal,
    },

    /// The time named by `next_wake` has come.
    Woke,
}

impl Event {
    pub fn answered(id: String, answer: Answer) -> Self {
        let answer = Box::new(answer);
        Self::Answered { id, answer }
    }
}

/// Whose value a conflicting field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Mine,
    Theirs,
    Base,
}

/// Why the server did not take a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftRefusal {
    /// Another draft is stored than the one this was built on; `None`: none is stored.
    Stored(Option<Box<Draft>>),
    /// The person discarded it in another tab or on another device.
    Discarded,
    TooLarge,
    /// No answer, or the server's draft store is away.
    Unanswered,
    SignedOut,
    /// Anything that will not change by itself.
    Refused,
}
