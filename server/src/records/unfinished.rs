//! A save of whose end nobody has heard: what was typed is kept, and ends as a draft once it is known to have been saved.

use std::collections::BTreeSet;
use std::time::Duration;

use app::records::model::TableName;
use app::records::port::{Manner, Records, Unanswered};
use resilient_core::backoff::{Backoff, Jitter};
use resilient_core::draft::Revision;
use resilient_core::submission::answer::{Answer, Outcome};
use tokio::task::JoinError;
use tokio::time::sleep;

use super::ending::SavedForm;
use super::save::{Intent, Posted};
use super::service::RecordService;
use crate::clock::now_ms;
use crate::sql::Dialect;
use crate::{report, request_id};

const TRY_AGAIN_MS: u64 = 1_000;
/// Between two questions what became of a save. A draft of which that stays unknown is only shown once too often.
const ASK_AGAIN: Backoff = Backoff {
    base: Duration::from_millis(100),
    cap: Duration::from_secs(30),
    jitter: Jitter::None,
};
/// About half an hour.
const MOST_QUESTIONS: u32 = 70;

/// What a save was asked to do, and who does it.
pub(super) struct Unfinished<D: Dialect> {
    pub service: RecordService<D>,
    pub post: Unanswered,
}

/// What became of it.
enum Fate {
    Saved,
    /// Not this text: none was saved under its id, or another one.
    NotSaved,
    /// It is worked on, or nobody can be asked now.
    Unknown,
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
        let (parts, post) = (&self.service.parts, &self.post);
        let changed = || self.service.changed_by(&post.table, post.key.as_ref(), &post.body);
        let kept = parts
            .drafts
            .keep_posted(&post.who.name, &post.form_key, &post.body, changed, post.manner);
        let kept = kept.await;
        match &kept {
            Ok(kept) => {
                answer.kept_in = Some(kept.kept_in.word().to_owned());
                answer.seq = kept.revision.seq;
                answer.writer = kept.revision.writer.clone();
            }
            Err(error) => tracing::warn!(%error, "what was typed could not be kept as a draft"),
        }
        parts.saves.ended(&post.who.name, &post.form_key, &answer);
        if let Ok(kept) = kept {
            self.end_draft_once_saved(kept.revision);
        }
        answer
    }

    /// In a task of its own: nobody waits for it.
    pub(super) fn end_draft_once_saved(self, kept: Revision) {
        let Some(id) = self.post.body.id.clone() else { return };
        let asked_after = &self.service.parts.asked_after;
        let Some(asking) = asked_after.begin(&self.post.who.name, &id, &kept) else {
            return;
        };
        request_id::spawn(async move {
            let _asking = asking;
            // In here: reading the form may be what has made the save panic.
            Question::about(self, id, kept).ask_on().await;
        });
    }

    fn fingerprints(&self) -> Vec<String> {
        let post = &self.post;
        let whole = self.service.parts.panel.whole();
        let posted = Posted {
            account: &post.who,
            table: &post.table,
            whole: whole.table(&post.table.name).unwrap_or(&post.table),
            key: post.key.as_ref(),
            form_key: &post.form_key,
            body: &post.body,
            now_ms: now_ms(),
        };
        let intent = Intent::read(posted, &self.service.parts.versions);
        intent.map(|intent| intent.fingerprints).unwrap_or_default()
    }
}

/// What became of a save. Of its text, which may be long, nothing is held.
struct Question<D: Dialect> {
    service: RecordService<D>,
    account: String,
    id: String,
    form_key: String,
    table: TableName,
    manner: Manner,
    /// Of the columns that the table has.
    posted: BTreeSet<String>,
    fingerprints: Vec<String>,
    kept: Revision,
}

impl<D: Dialect> Question<D> {
    fn about(unfinished: Unfinished<D>, id: String, kept: Revision) -> Self {
        let fingerprints = unfinished.fingerprints();
        let Unfinished { service, post } = unfinished;
        let whole = service.parts.panel.whole();
        let table = whole.table(&post.table.name).unwrap_or(&post.table);
        let posted = post.body.columns.keys();
        let posted = posted.filter(|written| table.column_written(written).is_some());
        Self {
            account: post.who.name,
            id,
            form_key: post.form_key,
            table: post.table.name.clone(),
            manner: post.manner,
            posted: posted.cloned().collect(),
            fingerprints,
            kept,
            service,
        }
    }

    async fn ask_on(self) {
        for asked in 1..=MOST_QUESTIONS {
            match self.fate().await {
                Fate::Saved => {
                    tracing::info!(form_key = self.form_key, "what was kept was saved all the same");
                    return self.service.end_saved(self.saved_form(), &self.kept).await;
                }
                Fate::NotSaved => return,
                Fate::Unknown => sleep(ASK_AGAIN.delay(asked, 0.0)).await,
            }
        }
    }

    async fn fate(&self) -> Fate {
        let (service, who, id) = (&self.service, &self.account, &self.id);
        if service.has_no_own_tables() {
            return Fate::NotSaved;
        }
        // Until it is over: what it does with drafts itself comes first.
        if service.parts.in_flight.contains(who, id) {
            return Fate::Unknown;
        }
        match service.settled(who, id).await {
            Ok(Some((fingerprint, _))) if self.fingerprints.contains(&fingerprint) => Fate::Saved,
            Ok(_) => Fate::NotSaved,
            Err(error) => {
                tracing::debug!(?error, "what became of a save cannot be asked yet");
                Fate::Unknown
            }
        }
    }

    fn saved_form(&self) -> SavedForm<'_> {
        SavedForm {
            account: &self.account,
            form_key: &self.form_key,
            table: &self.table,
            id: &self.id,
            posted: &self.posted,
            manner: self.manner,
        }
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
