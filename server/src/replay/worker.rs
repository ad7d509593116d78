//! Sends what waits, one after the other, once the database has been taking changes for a while.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::api_error::ErrorKind;
use app::auth::model::Account;
use app::records::port::{Manner, Records};
use futures::FutureExt;
use resilient_core::submission::answer::Outcome;
use resilient_core::submission::queue::{Tried, Why};
use resilient_drafts::queue::Leased;
use resilient_drafts::{End, StoreError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::submission::{Of, QueuedSave};
use super::{Cut, ReplaySettings, WaitingSaves};
use crate::auth::service::Auth;
use crate::clock::now_ms;
use crate::drafts::DraftService;

/// Between two looks where nothing is due and nobody rings.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between two looks at everything: they find what a crash has left without a mention.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Anybody who is signed in can ring: looking through everything costs too much for doing it each time.
const SWEEP_WHEN_RUNG: Duration = Duration::from_secs(5);
/// After a defect that has ended it.
const BEGINS_ANEW_AFTER: Duration = Duration::from_secs(1);
/// What is under way at the end has its answer by then.
const STOPS_WITHIN: Duration = Duration::from_secs(12);

/// What sending a save again takes.
pub struct Worker {
    pub records: Arc<dyn Records>,
    pub auth: Arc<Auth>,
    pub drafts: Arc<DraftService>,
    pub settings: ReplaySettings,
    /// Whether the database takes changes and everything is prepared; asks nothing.
    pub can_save: Box<dyn Fn() -> bool + Send + Sync>,
}

/// The worker while it works.
pub struct Replay {
    stopping: Arc<AtomicBool>,
    waiting: Arc<WaitingSaves>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Replay {
    /// Works until it is told to stop; not at all where the settings say so.
    pub fn start(worker: Worker) -> Self {
        let waiting = Arc::clone(worker.drafts.waiting());
        let stopping = Arc::new(AtomicBool::new(false));
        let works = worker.settings.per_second > 0;
        let task = works.then(|| {
            waiting.is_worked_at(true);
            tokio::spawn(keep_working(worker, Arc::clone(&waiting), Arc::clone(&stopping)))
        });
        Self {
            stopping,
            waiting,
            task: std::sync::Mutex::new(task),
        }
    }

    /// What is under way comes to its end; nothing else is begun.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.waiting.ring();
        let task = self
            .task
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            let _ended = timeout(STOPS_WITHIN, task).await;
        }
    }
}

/// Where it ends without having been told to, it begins anew; until then nothing is promised to anybody.
async fn keep_working(worker: Worker, waiting: Arc<WaitingSaves>, stopping: Arc<AtomicBool>) {
    while AssertUnwindSafe(work(&worker, &waiting, &stopping))
        .catch_unwind()
        .await
        .is_err()
    {
        waiting.is_worked_at(false);
        tracing::error!("sending waiting saves has ended by a defect, and begins anew");
        sleep(BEGINS_ANEW_AFTER).await;
        waiting.is_worked_at(true);
    }
}

async fn work(worker: &Worker, waiting: &WaitingSaves, stopping: &AtomicBool) {
    let pace = Duration::from_secs(1) / worker.settings.per_second;
    let (mut takes_changes_since, mut swept, mut rung) = (None, None::<Instant>, false);
    while !stopping.load(Ordering::Acquire) {
        let now = Instant::now();
        takes_changes_since = (worker.can_save)().then(|| takes_changes_since.unwrap_or(now));
        let is_settled = takes_changes_since.is_some_and(|since| now - since >= worker.settings.settled_for);
        if sweeps(swept.map(|swept| now - swept), rung) {
            match waiting.queue.sweep(now_ms()).await {
                Ok(numbers) => waiting.counted(numbers).await,
                Err(error) => {
                    tracing::debug!(?error, "what waits cannot be looked through now");
                    waiting.cannot_look();
                }
            }
            (swept, rung) = (Some(now), false);
        }
        let did_something = is_settled && worker.next(waiting).await;
        if did_something {
            sleep(pace.saturating_sub(now.elapsed())).await;
        } else {
            rung |= timeout(LOOK_EVERY, waiting.bell.notified()).await.is_ok();
        }
    }
}

/// Whether all that waits is looked through now, so long after the last time.
fn sweeps(since: Option<Duration>, rung: bool) -> bool {
    let pause = if rung { SWEEP_WHEN_RUNG } else { SWEEP_EVERY };
    since.is_none_or(|since| since >= pause)
}

impl Worker {
    /// Whether there was something to do.
    async fn next(&self, waiting: &WaitingSaves) -> bool {
        let leased = match waiting.queue.lease(now_ms(), self.settings.lease).await {
            Ok(Some(leased)) => leased,
            Ok(None) => return false,
            Err(error) => {
                tracing::debug!(?error, "nothing can be taken out of the queue now");
                return false;
            }
        };
        let trying = async {
            waiting.reached(Cut::Leased);
            self.try_one(&leased).await
        };
        // The panic hook has told of it.
        let tried = AssertUnwindSafe(trying).catch_unwind().await.unwrap_or(Tried::Failed);
        waiting.reached(Cut::Committed);
        tracing::info!(
            account = leased.account,
            id = leased.entry.id,
            ?tried,
            "a waiting save was sent again"
        );
        // Not settled, it is tried again when the lease is over, and answered by its id.
        if let Err(error) = waiting.queue.settle(&leased, tried, now_ms()).await {
            tracing::debug!(?error, "the queue could not be told what became of a save");
        }
        waiting.reached(Cut::Acknowledged);
        true
    }

    async fn try_one(&self, leased: &Leased) -> Tried {
        if let Some(ended) = self.ended(leased).await {
            return ended;
        }
        if leased.is_of_another_secret {
            return Tried::Sealed;
        }
        let queued = leased.text.as_deref().and_then(QueuedSave::read);
        let (Some(queued), Some(of)) = (queued, Of::read(&leased.entry.form_key)) else {
            return Tried::Refused(Why::Unreadable);
        };
        let account = match self.account(&leased.account).await {
            Ok(account) => account,
            Err(tried) => return tried,
        };
        let table = match self.records.table(&account, &of.table) {
            Ok(table) => table,
            Err(error) if error.kind == ErrorKind::Unavailable => return Tried::Away,
            Err(_) => return Tried::Refused(Why::Answered(Outcome::Forbidden)),
        };
        if of.key.as_ref().is_some_and(|key| key.0.len() != table.key.len()) {
            return Tried::Refused(Why::Answered(Outcome::Gone));
        }
        let (key, form_key) = (of.key.as_ref(), &leased.entry.form_key);
        let answer = self
            .records
            .save(&account, &table, key, form_key, queued.body(), Manner::Repeated)
            .await;
        Tried::of(&answer, (self.can_save)())
    }

    /// A text that was discarded is never saved, whoever could not be told of it; one that was saved is.
    async fn ended(&self, leased: &Leased) -> Option<Tried> {
        let entry = &leased.entry;
        let ended = self.drafts.how_ended(&leased.account, &entry.form_key, &entry.revision);
        match ended.await {
            Ok(None) => None,
            Ok(Some(End::Discarded)) => Some(Tried::Discarded),
            Ok(Some(End::Saved)) => Some(Tried::Saved),
            Err(
                StoreError::Unavailable(_)
                | StoreError::TooLarge { .. }
                | StoreError::TooMany
                | StoreError::TooMuch
                | StoreError::NearlyFull,
            ) => Some(Tried::Away),
        }
    }

    /// As the database knows it now.
    async fn account(&self, name: &str) -> Result<Account, Tried> {
        match self.auth.accounts().find(name).await {
            Ok(Some(stored)) if !stored.known.disabled => Ok(Account {
                name: name.to_owned(),
                role: stored.known.role,
            }),
            Ok(_) => Err(Tried::Refused(Why::AccountOff)),
            Err(_) => Err(Tried::Away),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_rings_again_and_again_has_all_that_waits_looked_through_now_and_then() {
        assert!(sweeps(None, false));
        assert!(!sweeps(Some(SWEEP_WHEN_RUNG), false));
        assert!(sweeps(Some(SWEEP_WHEN_RUNG), true));
        assert!(!sweeps(Some(Duration::from_secs(1)), true));
        assert!(sweeps(Some(SWEEP_EVERY), false));
    }
}
