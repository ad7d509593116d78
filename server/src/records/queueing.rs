//! What of a press is put into the queue, and when the queue is told of one.

use app::records::port::Manner;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_core::submission::queue::{Answered, Press};

use super::save::Intent;
use super::service::RecordService;
use crate::clock::now_ms;
use crate::replay::QueuedSave;
use crate::sql::Dialect;

impl<D: Dialect> RecordService<D> {
    /// A save that was kept as a draft is sent again by the server, too; one that was done waits no more.
    pub(super) async fn tell_queue(&self, intent: &Intent, body: &FormBody, answer: &mut Answer, manner: Manner) {
        let (waiting, account) = (self.parts.drafts.waiting(), &intent.account.name);
        if answer.outcome == Outcome::Saved {
            let answered = Answered {
                id: &intent.id,
                form_key: &intent.form_key,
                revision: &intent.revision,
                is_told: manner.tells_its_person(),
            };
            waiting.saved(account, answered).await;
            return;
        }
        let is_kept = answer.outcome == Outcome::Kept && answer.kept_in.is_some();
        if !is_kept || manner != Manner::Scripted || !waiting.works() || !self.may_be_queued(intent) {
            return;
        }
        let press = Press {
            id: intent.id.clone(),
            form_key: intent.form_key.clone(),
            revision: intent.revision.clone(),
            pressed_at_ms: now_ms(),
            reason: answer.reason.clone(),
        };
        let text = QueuedSave::of(body, &intent.said).to_text();
        answer.server_retries = waiting.keep(account, &press, &text).await;
    }

    /// A typed secret is stored nowhere. What was typed where no column is any more can only be copied by its person.
    fn may_be_queued(&self, intent: &Intent) -> bool {
        let table = intent.table.name.written();
        let is_secret = |column: &String| self.parts.panel.is_secret(&table, column);
        intent.changes.secrets.is_empty() && !intent.misses_columns && !intent.said.iter().any(is_secret)
    }
}
