//! What the page shows of the machine: one state, the words beside Save, the leave guard.

use super::FormMachine;
use super::content::Undecided;
use super::delivery::{Delivery, Pause};
use crate::collections::{BTreeMap, BTreeSet};
use crate::draft::{Revision, Values};
use crate::submission::Submission;
use crate::submission::answer::Outcome;
use crate::time::Moment;

/// The form's `data-state`: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormState {
    SignedOut,
    Conflict,
    Invalid,
    Saving,
    Queued,
    Dirty,
    Saved,
    Clean,
}

impl FormState {
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Saving => "saving",
            Self::Queued => "queued",
            Self::Dirty => "dirty",
            Self::Saved => "saved",
            Self::Clean => "clean",
        }
    }
}

const IN_THIS_PAGE_ONLY: &str = "Not protected on this device: keep this page open until it is saved";

/// Words for the whole form, after an answer that will not change by trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub words: String,
    pub action: Option<Action>,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    LoadAgain,
    CreateAsNew,
}

impl Message {
    pub(super) fn of(outcome: Outcome) -> Self {
        let (words, action) = match outcome {
            Outcome::Gone => (
                "Your text is kept. The record is gone: somebody deleted it.",
                Some(Action::CreateAsNew),
            ),
            Outcome::Expired => (
                "Your text is kept. This form is too old to be saved; load it again and go on.",
                Some(Action::LoadAgain),
            ),
            Outcome::Forbidden => ("Your text is kept. You may not save this record.", None),
            Outcome::TooLarge => (
                "Your text is kept. It is too large to be saved; the limit is 32 MiB, or what a proxy sets.",
                None,
            ),
            Outcome::Malformed => (
                "Your text is kept. The server could not read this form; load it again and go on.",
                Some(Action::LoadAgain),
            ),
            Outcome::Mismatch => (
                "Your text is kept. An earlier press of Save was carried out with other text; look it over and press Save again.",
                None,
            ),
            _ => ("Your text is kept. It was not saved.", None),
        };
        Self {
            words: words.to_owned(),
            action,
        }
    }

    /// Discard was pressed while a press of Save has no answer yet.
    pub(super) fn under_way() -> Self {
        let words =
            "A press of Save is on its way and cannot be taken back. Only what was typed after it is discarded.";
        Self {
            words: words.to_owned(),
            action: None,
        }
    }

    pub(super) fn say_it_is_in_this_page_only(&mut self) {
        if let Some(more) = self.words.strip_prefix("Your text is kept.") {
            self.words = ["Your text is in this page only.", more].concat();
        }
    }
}

/// Everything the page draws. Cheap enough to make after each event.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub state: FormState,
    /// Beside Save.
    pub words: String,
    /// Leaving would lose something: the newest text lies neither on the device nor on the server.
    pub guard: bool,
    pub changed: BTreeSet<String>,
    pub errors: BTreeMap<String, String>,
    pub conflicts: BTreeMap<String, Undecided>,
    pub message: Option<Message>,
    /// The draft that was put into the form when the page was loaded.
    pub restored: Option<Revision>,
    /// Other unsaved text of this form.
    pub aside: Vec<Revision>,
    /// Restored text that has no field any more.
    pub unfit: Values,
    pub signed_out: bool,
    /// The text was discarded elsewhere and is in this page only.
    pub discarded_elsewhere: bool,
    /// Who saved the record since this page was drawn; empty: this person, in another tab.
    pub outdated_by: Option<String>,
    /// The server has exactly this text as a draft.
    pub kept_on_server: bool,
    pub next_try: Option<Moment>,
}

impl FormMachine {
    pub fn view(&self) -> View {
        View {
            state: self.state(),
            words: self.words(),
            guard: self.guard(),
            changed: self.content.changed_names().cloned().collect(),
            errors: self.errors.clone(),
            conflicts: self.content.undecided.clone(),
            message: self.message.clone(),
            restored: self
                .restored
                .as_ref()
                .map(|restored| restored.draft.draft.revision.clone()),
            aside: self.aside.iter().map(|aside| aside.draft.revision.clone()).collect(),
            unfit: self.unfit.clone(),
            signed_out: self.is_signed_out(),
            discarded_elsewhere: self.discarded_elsewhere,
            outdated_by: self.outdated_by.clone(),
            kept_on_server: self.server.held.as_ref() == Some(&self.chain.present),
            next_try: self.next_try(),
        }
    }

    /// When a queued submission is sent again.
    pub fn next_try(&self) -> Option<Moment> {
        self.delivery.due()
    }

    /// The submission that waits for its next try.
    pub fn waiting(&self) -> Option<&Submission> {
        match &self.delivery {
            Delivery::Waiting { intent, .. } => Some(&intent.submission),
            _ => None,
        }
    }

    fn is_signed_out(&self) -> bool {
        self.signed_out || matches!(self.delivery, Delivery::SignedOut(_))
    }

    pub fn state(&self) -> FormState {
        match &self.delivery {
            _ if self.is_signed_out() => FormState::SignedOut,
            _ if self.content.is_undecided() => FormState::Conflict,
            _ if !self.errors.is_empty() => FormState::Invalid,
            Delivery::Storing(_)
            | Delivery::Sending(_)
            | Delivery::Waiting {
                pause: Pause::InProgress,
                ..
            } => FormState::Saving,
            Delivery::Waiting { .. } => FormState::Queued,
            _ if self.content.is_changed() => FormState::Dirty,
            _ if self.was_saved => FormState::Saved,
            _ => FormState::Clean,
        }
    }

    /// Whether leaving now would lose text.
    pub fn guard(&self) -> bool {
        let present = Some(&self.chain.present);
        let kept = self.device.held.as_ref() == present || self.server.held.as_ref() == present;
        self.is_changed() && (self.content.has_secret_changes() || !kept)
    }

    /// The device refuses to keep the newest text, and the server does not have it either.
    pub(super) fn is_unprotected(&self) -> bool {
        let present = Some(&self.chain.present);
        let kept = self.device.held.as_ref() == present || self.server.held.as_ref() == present;
        self.device.refused.is_some() && !kept
    }

    /// The words beside Save.
    pub fn words(&self) -> String {
        match self.state() {
            FormState::SignedOut if !self.is_changed() => "Signed out.".to_owned(),
            FormState::SignedOut => ["Signed out. ", &self.kept_words()].concat(),
            FormState::Conflict => ["Conflict: choose for each marked field. ", &self.kept_words()].concat(),
            FormState::Invalid if !self.is_changed() => "Not saved: see the marked fields.".to_owned(),
            FormState::Invalid => ["Not saved: see the marked fields. ", &self.kept_words()].concat(),
            FormState::Saving if self.is_in_this_page_only() => ["Saving… ", IN_THIS_PAGE_ONLY].concat(),
            FormState::Saving => "Saving…".to_owned(),
            FormState::Queued => self.queue_words(),
            FormState::Dirty => self.kept_words(),
            FormState::Clean if self.is_new => String::new(),
            FormState::Saved | FormState::Clean => "All changes saved".to_owned(),
        }
    }

    /// The device could not keep what was pressed: after a reload nobody would know of it.
    fn is_in_this_page_only(&self) -> bool {
        let unstored = |intent: &super::delivery::Intent| intent.unstored && !intent.has_secret;
        self.delivery.intent().is_some_and(unstored)
    }

    fn queue_words(&self) -> String {
        let Delivery::Waiting { intent, pause, .. } = &self.delivery else {
            return String::new();
        };
        let mut words = queued_words(pause);
        if self.content.changed() != intent.submission.values && self.content.is_changed() {
            words.push_str(". Newer text: ");
            words.push_str(&self.kept_words());
        } else if self.is_in_this_page_only() {
            words.push_str(". ");
            words.push_str(IN_THIS_PAGE_ONLY);
        } else if intent.has_secret {
            words.push_str(". Kept in this page only: it has a secret");
        }
        words
    }

    /// Where the newest text is kept. Says nothing of a place that has not acknowledged it.
    fn kept_words(&self) -> String {
        let present = Some(&self.chain.present);
        let on_device = self.device.held.as_ref() == present;
        let on_server = self.server.held.as_ref() == present;
        if self.discarded_elsewhere {
            return "Discarded in another tab or on another device: in this page only".to_owned();
        }
        let unprotected = self.device.refused.is_some();
        let mut words = match (on_device, on_server) {
            (true, true) => "Unsaved changes, kept on this device and the server",
            (true, false) => "Unsaved changes, kept on this device",
            (false, true) if unprotected => "Unsaved changes, kept on the server. Not protected on this device",
            (false, true) => "Unsaved changes, kept on the server",
            (false, false) if unprotected => "Unsaved changes. Not protected on this device",
            (false, false) => "Unsaved changes",
        }
        .to_owned();
        if self.server.refused == Some(super::keeping::Refused::TooLarge) {
            words.push_str(". Too large for the server");
        }
        if self.content.has_secret_changes() {
            words.push_str(". Secrets are kept in this page only");
        }
        words
    }
}

/// The words for a submission that waits.
pub(super) fn queued_words(pause: &Pause) -> String {
    let when = match pause {
        Pause::Unanswered => "when the server can be reached",
        Pause::Kept { reason, .. } => match reason.as_str() {
            "database" => "when the database is back",
            "overload" | "timeout" => "when the server is less busy",
            "unknown" => return "Queued: we are checking whether it was saved".to_owned(),
            _ => "when the server can save again",
        },
        Pause::RateLimited { .. } => "when the server takes more requests",
        Pause::LeftBehind => "when the server can save again",
        Pause::InProgress => "in a moment",
    };
    let mut words = ["Queued: will be saved ", when].concat();
    if let Pause::Kept {
        server_retries: true, ..
    } = pause
    {
        words.push_str(", even if you close this page");
    }
    words
}
