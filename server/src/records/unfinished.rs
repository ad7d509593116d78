//! A save that has stopped in the middle of its work: what was typed is kept, and nobody knows whether it was saved.

use std::sync::Arc;

use app::auth::model::Account;
use app::records::model::{RecordKey, Table};
use app::records::port::{Manner, Records};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use tokio::task::JoinError;

use super::service::RecordService;
use crate::report;
use crate::sql::Dialect;

const TRY_AGAIN_MS: u64 = 1_000;

/// What a save was asked to do.
pub(super) struct Unfinished<D: Dialect> {
    pub service: RecordService<D>,
    pub who: Account,
    pub table: Arc<Table>,
    pub key: Option<RecordKey>,
    pub form_key: String,
    pub body: Arc<FormBody>,
    pub manner: Manner,
}

impl<D: Dialect> Unfinished<D> {
    pub(super) async fn keep(self, stopped: &JoinError) -> Answer {
        tracing::error!(%stopped, "a save did not come to its end");
        let mut answer = Answer {
            reason: Some(report::UNKNOWN.to_owned()),
            retry_after_ms: Some(TRY_AGAIN_MS),
            ..Answer::new(Outcome::Kept)
        };
        let (drafts, account) = (&self.service.parts.drafts, &self.who.name);
        let changed = || self.service.changed_by(&self.table, self.key.as_ref(), &self.body);
        let kept = drafts.keep_posted(account, &self.form_key, &self.body, changed, self.manner);
        match kept.await {
            Ok(kept) => {
                answer.kept_in = Some(kept.kept_in.word().to_owned());
                answer.seq = kept.revision.seq;
                answer.writer = kept.revision.writer;
            }
            Err(error) => tracing::warn!(%error, "what was typed could not be kept as a draft"),
        }
        answer
    }
}
