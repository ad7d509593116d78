//! What the pages need to know of unsaved work on the server.

use std::collections::BTreeSet;

use async_trait::async_trait;
use resilient_core::draft::{Draft, Revision};

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

#[async_trait]
pub trait Drafts: Send + Sync {
    /// Everything this person has unsaved.
    async fn list(&self, who: &Account) -> Result<SeenDrafts, ApiError>;

    /// How much that is. Every page shows it, so no text is read for it.
    async fn count(&self, who: &Account) -> Result<UnsavedForms, ApiError>;

    /// The drafts of one form: none, one, or several that went separate ways.
    async fn load(&self, who: &Account, form_key: &str) -> Result<SeenDrafts, ApiError>;

    /// Discards the named draft and what it was built on, and keeps it from coming back.
    async fn discard(&self, who: &Account, form_key: &str, revision: &Revision) -> Result<(), ApiError>;
}
