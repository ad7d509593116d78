//! A save that has stopped in the middle of its work: what was typed is kept, and nobody knows whether it was saved.

use std::sync::Arc;

use app::auth::model::Account;
use app::records::model::{RecordKey, Table};
use app::records::port::{Manner, Records};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use tokio::task::JoinError;

use super::service::RecordService;
use crate::sql::Dialect;
use crate::{report, request_id};

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
    /// Does the save; where that stops by itself, what was typed is kept.
    pub(super) async fn kept_unless_done(self, saving: impl Future<Output = Answer> + Send + 'static) -> Answer {
        let answer = watched(saving, |stopped| async move { self.keep(&stopped).await });
        answer.await.unwrap_or_else(|stopped| {
            tracing::error!(%stopped, "what was typed could not be kept as a draft");
            unknown()
        })
    }

    async fn keep(self, stopped: &JoinError) -> Answer {
        tracing::error!(%stopped, "a save did not come to its end");
        let mut answer = unknown();
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
        self.service.parts.saves.ended(account, &self.form_key, &answer);
        answer
    }
}

/// Work in a task of its own, watched by another one: both go on without whoever asked.
async fn watched<T, F>(
    work: impl Future<Output = T> + Send + 'static,
    otherwise: impl FnOnce(JoinError) -> F + Send + 'static,
) -> Result<T, JoinError>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let watching = async move {
        match request_id::spawn(work).await {
            Ok(done) => done,
            Err(stopped) => otherwise(stopped).await,
        }
    };
    request_id::spawn(watching).await
}

fn unknown() -> Answer {
    Answer {
        reason: Some(report::UNKNOWN.to_owned()),
        retry_after_ms: Some(TRY_AGAIN_MS),
        ..Answer::new(Outcome::Kept)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_save_that_stops_after_the_browser_has_hung_up_is_kept_all_the_same() {
        let (stop, stopped) = oneshot::channel::<()>();
        let (keep, kept) = oneshot::channel();
        let saving = async move {
            stopped.await.expect("it is told");
            panic!("nobody has foreseen this")
        };
        let asked = watched(saving, |_| async move { keep.send(()).expect("it is waited for") });
        let asked = tokio::spawn(asked);
        tokio::task::yield_now().await;
        asked.abort();
        assert!(asked.await.expect_err("hung up").is_cancelled());
        stop.send(()).expect("it goes on");
        timeout(Duration::from_secs(20), kept)
            .await
            .expect("in time")
            .expect("kept");
    }
}
