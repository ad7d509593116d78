//! What the pages need to know of unsaved work on the server.

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
}

#[async_trait]
pub trait Drafts: Send + Sync {
    /// Everything this person has unsaved, latest change first.
    async fn list(&self, who: &Account) -> Result<Vec<KeptDraft>, ApiError>;

    /// The drafts of one form: none, one, or several that went separate ways.
    async fn load(&self, who: &Account, form_key: &str) -> Result<Vec<KeptDraft>, ApiError>;

    /// Discards the named draft and what it was built on, and keeps it from coming back.
    async fn discard(&self, who: &Account, form_key: &str, revision: &Revision) -> Result<(), ApiError>;
}
