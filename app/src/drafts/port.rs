//! What the pages need to know of unsaved work on the server.

use std::collections::BTreeSet;

use async_trait::async_trait;
use resilient_core::draft::{Draft, Revision};
use resilient_core::submission::queue::Entry;

use crate::api_error::ApiError;
use crate::auth::model::Account;

/// A draft as the server keeps it.
#[derive(Clone, Debug)]
pub struct KeptDraft {
    pub form_key: String,
    pub draft: Draft,
    /// Unix time in milliseconds; only ever shown.
    pub changed_at_ms: u64,
    /// Save was pressed, the save could not be done yet, and this is what it was kept as.
    pub waits_to_be_saved: bool,
}

/// A draft whose text cannot be opened.
#[derive(Clone, Debug)]
pub struct UnreadableDraft {
    pub form_key: String,
    pub revision: Revision,
    /// As in [`KeptDraft`]; `None` where not even that can be read.
    pub changed_at_ms: Option<u64>,
    /// With a secret that the server does not have: with that one it opens again.
    pub is_of_another_secret: bool,
}

/// What can be seen of somebody's drafts, or of a form's.
#[derive(Clone, Debug)]
pub struct SeenDrafts {
    /// Latest change first.
    pub drafts: Vec<KeptDraft>,
    /// Those that are there and cannot be shown.
    pub unreadable: Vec<UnreadableDraft>,
    /// Whether that is all. Else there may be more where nobody can look at the moment.
    pub complete: bool,
}

/// How many forms have unsaved work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsavedForms {
    pub forms: usize,
    /// As in [`SeenDrafts`].
    pub complete: bool,
}

impl SeenDrafts {
    /// Several drafts of one form are one.
    pub fn forms(&self) -> UnsavedForms {
        let kept = self.drafts.iter().map(|kept| &kept.form_key);
        let unreadable = self.unreadable.iter().map(|unreadable| &unreadable.form_key);
        let forms: BTreeSet<&String> = kept.chain(unreadable).collect();
        UnsavedForms {
            forms: forms.len(),
            complete: self.complete,
        }
    }
}

/// What the server itself sends for a person, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct SentSaves {
    /// In the order pressed.
    pub entries: Vec<Entry>,
    /// Whether this server sends what waits.
    pub works: bool,
    /// It can be taken now from where it waits.
    pub can_be_taken: bool,
    /// As in [`SeenDrafts`].
    pub complete: bool,
}

impl SentSaves {
    pub fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_waiting())
    }

    /// Ended, and its person does not know: what failed first, then by when Save was pressed.
    pub fn news(&self) -> Vec<&Entry> {
        let mut news: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| !entry.is_waiting() && !entry.seen)
            .collect();
        news.sort_by_key(|entry| !entry.has_failed());
        news
    }

    /// Of one form.
    pub fn not_saved(&self, form_key: &str) -> impl Iterator<Item = &Entry> {
        let of_form = move |entry: &&Entry| entry.form_key == form_key && entry.has_failed();
        self.entries.iter().filter(of_form)
    }

    pub fn were_seen(&mut self, ids: &[String]) {
        for entry in self.entries.iter_mut().filter(|entry| ids.contains(&entry.id)) {
            entry.seen = true;
        }
    }

    /// Forms whose last word is that they could not be saved.
    pub fn failed_forms(&self) -> usize {
        let failed = self.entries.iter().filter(|entry| entry.has_failed());
        failed.map(|entry| &entry.form_key).collect::<BTreeSet<_>>().len()
    }
}

/// What every page shows of a person's unsaved work.
#[derive(Clone, Debug)]
pub struct Unsaved {
    /// `None` where that cannot be told.
    pub forms: Option<UnsavedForms>,
    pub sent: SentSaves,
}

#[async_trait]
pub trait Drafts: Send + Sync {
    /// Everything this person has unsaved.
    async fn list(&self, who: &Account) -> Result<SeenDrafts, ApiError>;

    /// How much that is. Every page shows it, so no text is read for it.
    async fn count(&self, who: &Account) -> Result<UnsavedForms, ApiError>;

    /// What the server sends by itself. Every page shows what came of it; no text is read for it.
    async fn sent(&self, who: &Account) -> Result<SentSaves, ApiError>;

    /// The person has been shown what became of the entries with these ids.
    async fn seen(&self, who: &Account, ids: &[String]);

    /// The drafts of one form: none, one, or several that went separate ways.
    async fn load(&self, who: &Account, form_key: &str) -> Result<SeenDrafts, ApiError>;

    /// Discards the named draft and what it was built on, and keeps it from coming back.
    async fn discard(&self, who: &Account, form_key: &str, revision: &Revision) -> Result<(), ApiError>;
}
