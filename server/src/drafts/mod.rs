//! (The lead's stand-in so that the server compiles; the owner of this folder replaces it but keeps
//! these signatures: the server calls them.)

use std::path::Path;

use app::api_error::ApiError;
use app::auth::model::Account;
use app::drafts::port::{Drafts, KeptDraft};
use app::records::port::Manner;
use async_trait::async_trait;
use resilient_core::draft::{Draft, Revision};
use resilient_drafts::seal::Sealer;

pub mod http {
    use std::sync::Arc;

    use axum::routing::{MethodRouter, get};

    /// The handlers of `/api/drafts/{table}/{key}`; the router adds the path and the sign-in check.
    pub fn routes() -> MethodRouter<Arc<super::DraftService>> {
        get(|| async { "" })
    }
}

pub struct DraftService;

impl DraftService {
    /// Opens (or makes) data/drafts.db.
    pub async fn open(_path: &Path, _sealer: Sealer) -> Result<Self, std::io::Error> {
        Ok(Self)
    }

    /// After `saved`: removes this revision and what it was built on, never anything later.
    pub async fn saved(&self, _account: &str, _form_key: &str, _revision: &Revision) {}

    /// Keeps a failed save. `Manner::Scripted`: `draft.revision` is the draft's own. `Manner::Plain`: it names what
    /// was drawn into the form (seq 0: nothing); where the values differ from that draft the kept one gets a fresh
    /// random writer and seq + 1, `on` the drawn one. Gives the revision under which it is kept now.
    pub async fn keep_failed_post(
        &self,
        _account: &str,
        _form_key: &str,
        draft: Draft,
        _manner: Manner,
    ) -> Result<Revision, std::io::Error> {
        Ok(draft.revision)
    }

    /// Removes what is older than 30 days.
    pub async fn sweep(&self, _now_ms: u64) {}
}

#[async_trait]
impl Drafts for DraftService {
    async fn list(&self, _who: &Account) -> Result<Vec<KeptDraft>, ApiError> {
        Ok(Vec::new())
    }
    async fn load(&self, _who: &Account, _form_key: &str) -> Result<Vec<KeptDraft>, ApiError> {
        Ok(Vec::new())
    }
    async fn discard(&self, _who: &Account, _form_key: &str, _revision: &Revision) -> Result<(), ApiError> {
        Ok(())
    }
}
