//! A press of Save, from the posted form to the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::auth::model::Account;
use app::records::model::{RecordKey, Table};
use app::records::port::Manner;
use resilient_core::draft::Draft;
use resilient_core::failure::{Kind, Outcome as FailureOutcome};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_db::{Connection, ConstraintKind, DbError, End, OnUnknownCommit};
use tokio::time::Instant;

use super::ending::SavedForm;
use super::save::{self, Intent, Posted};
use super::service::{RecordService, TABLE_GONE};
use crate::clock::now_ms;
use crate::events::Place;
use crate::monitoring::own_tables::are_there;
use crate::report;
use crate::sql::Dialect;

/// Where nothing says when another try makes sense.
const TRY_AGAIN_MS: u64 = 1_000;

impl<D: Dialect> RecordService<D> {
    /// Runs to its end whatever becomes of the caller.
    pub(super) async fn save_now(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: Option<&RecordKey>,
        form_key: &str,
        body: &FormBody,
        manner: Manner,
    ) -> Answer {
        // Whether this person may write is decided in the transaction, after an earlier answer under the same id has
        // been looked for.
        let whole = self.parts.panel.whole();
        let posted = Posted {
            account: who,
            table,
            whole: whole.table(&table.name).unwrap_or(table),
            key,
            form_key,
            body,
            now_ms: now_ms(),
        };
        let mut intent = match Intent::read(posted, &self.parts.versions) {
            Ok(intent) => Arc::new(intent),
            Err(answer) => return *answer,
        };
        let Some(_working) = self.parts.in_flight.begin(&who.name, &intent.id) else {
            return Answer {
                retry_after_ms: Some(TRY_AGAIN_MS),
                ..intent.answer(Outcome::InProgress)
            };
        };
        let answer = self.answer(&mut intent, posted).await;
        let is_first_heard = self.is_first_heard(&intent, &answer);
        let mut answer = self.settle_draft(&intent, answer, (body, manner)).await;
        self.tell_queue(&intent, body, &mut answer, manner).await;
        self.tell_open_pages(&intent, &answer, is_first_heard);
        answer
    }

    /// Whether a save has been done of which nobody knows yet: an answer given again is no news of the record, unless
    /// the first one was that it is not known.
    fn is_first_heard(&self, intent: &Intent, answer: &Answer) -> bool {
        let (unheard, who) = (&self.parts.unheard, &intent.account.name);
        match answer.outcome {
            Outcome::Saved => unheard.take(who, &intent.id) || !answer.replayed,
            Outcome::Kept if answer.reason.as_deref() == Some(report::UNKNOWN) => {
                unheard.note(who, &intent.id);
                false
            }
            _ => false,
        }
    }

    fn tell_open_pages(&self, intent: &Intent, answer: &Answer, is_first_heard: bool) {
        let (events, who) = (&self.parts.events, &intent.account.name);
        events.submission_answered(who, &intent.id, answer.outcome);
        let changed = is_first_heard && !intent.changes.is_empty();
        if let (true, Some(key)) = (changed, &intent.key) {
            events.record_saved(&Place::new(&intent.table.name, key), who, &intent.id);
        }
    }

    /// Where the table turns out to be another one than it was, `intent` is read again for it, and tried once more.
    async fn answer(&self, intent: &mut Arc<Intent>, posted: Posted<'_>) -> Answer {
        let begun = Instant::now();
        let mut done = self.done(intent).await;
        if let Err(error) = &done
            && self.own_tables_are_away(error).await
        {
            report::log_unavailable("save", error);
            return self.kept(intent, "database", error);
        }
        if let Err(error) = &done
            && self.parts.schema.is_another(begun, error).await
        {
            let Some(anew) = self.read_anew(posted) else {
                let words = format!("{TABLE_GONE} What you typed is still here.");
                return intent.invalid([(String::new(), words)].into());
            };
            *intent = Arc::new(anew);
            done = self.done(intent).await;
        }
        match done {
            Ok(answer) => answer,
            Err(error) => self.not_done(intent, &error).await,
        }
    }

    async fn done(&self, intent: &Arc<Intent>) -> Result<Answer, DbError> {
        match self.refusal(intent) {
            // What was saved before its columns went is saved.
            Some(answer) if intent.misses_columns => Ok(self.earlier(intent).await?.unwrap_or(answer)),
            Some(answer) => Ok(answer),
            None => self.run(intent).await,
        }
    }

    /// The answer that was given under this id, if it was saved.
    async fn earlier(&self, intent: &Intent) -> Result<Option<Answer>, DbError> {
        let settled = self.settled(&intent.account.name, &intent.id).await?;
        Ok(settled.map(
            |(fingerprint, saved)| match intent.fingerprints.contains(&fingerprint) {
                true => Answer {
                    replayed: true,
                    ..self.shown(&intent.account, saved).answer
                },
                false => intent.answer(Outcome::Mismatch),
            },
        ))
    }

    /// The same submission to the table as it is by now; `None` where there is none.
    fn read_anew(&self, posted: Posted) -> Option<Intent> {
        let whole = self.parts.panel.whole();
        let catalog = self.parts.panel.of(posted.account.role);
        let name = &posted.table.name;
        let posted = Posted {
            table: catalog.table(name)?,
            whole: whole.table(name)?,
            ..posted
        };
        // It was well formed before.
        Intent::read(posted, &self.parts.versions).ok()
    }

    /// What can be answered without the database.
    fn refusal(&self, intent: &Intent) -> Option<Answer> {
        let key = intent.key.as_ref();
        let whole = self.parts.panel.whole();
        let takes_saves = whole
            .table(&intent.table.name)
            .is_some_and(|table| save::takes_saves(table, key));
        if !takes_saves || self.has_no_own_tables() {
            return Some(intent.answer(Outcome::Forbidden));
        }
        // Somebody who may not write is told that, not what is wrong with the input.
        let may_write = save::takes_saves(&intent.table, key) && intent.withheld.is_empty();
        may_write.then(|| intent.refused::<D>()).flatten()
    }

    async fn run(&self, intent: &Arc<Intent>) -> Result<Answer, DbError> {
        let access = self.parts.db.by(&intent.account.name);
        let (intent, versions) = (Arc::clone(intent), self.parts.versions.clone());
        let panel = Arc::clone(&self.parts.panel);
        let named = (intent.account.name.clone(), intent.id.clone());
        let commits = Arc::new(AtomicBool::new(false));
        let work = {
            let commits = Arc::clone(&commits);
            move |conn: Connection<D::Database>| {
                let (intent, versions, panel) = (Arc::clone(&intent), versions.clone(), Arc::clone(&panel));
                let commits = Arc::clone(&commits);
                async move {
                    let done = save::run::<D>(conn, &intent, &versions, &panel).await;
                    commits.fetch_or(matches!(done, Ok(End::Commit(_))), Ordering::AcqRel);
                    done
                }
            }
        };
        let (account, id) = (&named.0, &named.1);
        let mut answer = access.transaction("save", OnUnknownCommit::Repeat, work).await?;
        // Found done by the repetition of a commit whose answer was lost: it was never answered before.
        let was_stored_before = answer.replayed;
        answer.replayed &= !commits.load(Ordering::Acquire);
        let is_stored = was_stored_before || commits.load(Ordering::Acquire);
        if answer.outcome == Outcome::Saved && is_stored {
            self.parts.saves.drill.accepted(account, id);
        }
        Ok(answer)
    }

    /// The answer where the transaction did not end with one.
    async fn not_done(&self, intent: &Intent, error: &DbError) -> Answer {
        let primary = self.parts.db.primary();
        if let Some(errors) = save::messages::<D>(&primary, &self.parts.panel.whole(), intent, error).await {
            if error
                .constraint
                .as_ref()
                .is_some_and(|broken| broken.kind == ConstraintKind::NotPermitted)
            {
                report::log("save", error);
            }
            return intent.invalid(errors);
        }
        match report::reason_to_keep(error) {
            Some(reason) => {
                report::log_unavailable("save", error);
                self.kept(intent, reason, error)
            }
            None => {
                let error_id = report::log("save", error);
                let message = format!("The database refused this change. (Error {error_id})");
                intent.invalid([(String::new(), message)].into())
            }
        }
    }

    fn kept(&self, intent: &Intent, reason: &str, error: &DbError) -> Answer {
        let wait = error.retry_after.map_or(TRY_AGAIN_MS, |wait| wait.as_millis() as u64);
        Answer {
            reason: Some(reason.to_owned()),
            retry_after_ms: Some(wait.max(1)),
            ..intent.answer(Outcome::Kept)
        }
    }

    /// It failed because they were, or are being, restored: that says nothing against the save, nor what tables there
    /// are by now of the schema.
    async fn own_tables_are_away(&self, error: &DbError) -> bool {
        let may_be = error.class.kind == Kind::Defect && error.class.outcome != FailureOutcome::Unknown;
        may_be && are_there::<D>(&self.parts.db).await == Some(false)
    }

    /// After `saved` the server's draft is done with. Otherwise it is kept: what the page's script
    /// keeps by itself only where the database failed, what was posted without script always.
    async fn settle_draft(&self, intent: &Intent, mut answer: Answer, (body, manner): (&FormBody, Manner)) -> Answer {
        let drafts = &self.parts.drafts;
        let account = &intent.account.name;
        if answer.outcome == Outcome::Saved {
            let saved = SavedForm {
                account,
                form_key: &intent.form_key,
                table: &intent.table.name,
                id: &intent.id,
                posted: &body.columns.keys().cloned().collect(),
                manner,
            };
            self.end_saved(saved, &intent.revision).await;
            self.end_drafts_equal_to_the_record(intent, &answer).await;
            return answer;
        }
        let keeps = answer.outcome == Outcome::Kept || manner == Manner::Plain;
        let draft = Draft {
            version: intent.version_text.clone(),
            base: intent.on_the_wire(&intent.changes.bases),
            values: intent.on_the_wire(&intent.changes.kept()),
            revision: intent.revision.clone(),
            on: None,
        };
        if !keeps || draft.values.is_empty() {
            return answer;
        }
        let draft = match manner {
            Manner::Plain => {
                drafts
                    .with_what_had_no_control(account, &intent.form_key, draft, body)
                    .await
            }
            Manner::Scripted | Manner::Repeated => draft,
        };
        match drafts.keep_failed_post(account, &intent.form_key, draft, manner).await {
            Ok(kept) => {
                answer.kept_in = (answer.outcome == Outcome::Kept).then(|| kept.kept_in.word().to_owned());
                answer.seq = kept.revision.seq;
                answer.writer = kept.revision.writer;
            }
            Err(error) => tracing::warn!(%error, "a failed save could not be kept as a draft"),
        }
        answer
    }
}
