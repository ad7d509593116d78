//! The queue as the rest of the server sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use resilient_core::draft::Revision;
use resilient_core::submission::queue::{Answered, Enqueued, Entry, Numbers, Press};
use resilient_drafts::queue::{Listed, SubmissionQueue};
use resilient_drafts::{StoreError, Swept};
use tokio::sync::Notify;

use crate::clock::now_ms;

/// Moments after which the process may be gone. A benchmark ends it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The draft is kept, the entry not yet.
    Saved,
    Enqueued,
    Leased,
    /// The database has it, the queue does not know.
    Committed,
    Acknowledged,
}

/// What a look at everybody's entries has found.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// `None` before the first look.
    pub numbers: Option<Numbers>,
    /// Since that look nobody could: these are old numbers.
    pub out_of_sight_since_ms: Option<u64>,
    /// What could not be saved, with whose it is: the newest.
    pub failed: Vec<(String, Entry)>,
}

/// Of what could not be saved, so many are listed for those who watch over the server.
const MOST_FAILED: usize = 50;

type Hook = Box<dyn Fn(Cut) + Send + Sync>;

pub struct WaitingSaves {
    pub(super) queue: Arc<dyn SubmissionQueue>,
    pub(super) bell: Notify,
    /// Whether somebody here sends what waits.
    works: AtomicBool,
    /// As of the last look at everything.
    looked: Mutex<Looked>,
    hook: OnceLock<Hook>,
}

impl WaitingSaves {
    pub fn over(queue: Arc<dyn SubmissionQueue>) -> Self {
        Self {
            queue,
            bell: Notify::new(),
            works: AtomicBool::new(false),
            looked: Mutex::default(),
            hook: OnceLock::new(),
        }
    }

    /// Whether what is queued will be sent by this server.
    pub fn works(&self) -> bool {
        self.works.load(Ordering::Acquire)
    }

    pub(super) fn is_worked_at(&self, works: bool) {
        self.works.store(works, Ordering::Release);
    }

    /// Whether what waits can be taken from where it waits, as far as is known. Asking touches nothing.
    pub fn can_be_taken(&self) -> bool {
        self.queue.can_lease()
    }

    /// Whether the server will send it again by itself.
    pub async fn keep(&self, account: &str, press: &Press, text: &[u8]) -> bool {
        self.reached(Cut::Saved);
        let kept = self.queue.enqueue(account, press, text).await;
        self.reached(Cut::Enqueued);
        match kept {
            Ok(Enqueued::Waiting) => true,
            Ok(Enqueued::Settled | Enqueued::Full) => false,
            Err(error) => {
                tracing::warn!(?error, "a kept save could not be queued: its page sends it again");
                false
            }
        }
    }

    /// Nothing of it waits any more. That it waits on where this fails does no harm: its id is known.
    pub async fn saved(&self, account: &str, answered: Answered<'_>) {
        if let Err(error) = self.queue.saved(account, answered, now_ms()).await {
            tracing::debug!(?error, "the queue could not be told of a save");
        }
    }

    /// What was discarded is not sent. Where this fails, the draft's end is found before it is sent.
    pub async fn discarded(&self, account: &str, form_key: &str, revision: &Revision) {
        if let Err(error) = self.queue.cancel(account, form_key, revision).await {
            tracing::debug!(?error, "the queue could not be told of a discarded text");
        }
    }

    /// All of an account that is no more goes. Whether it did: some may be where nobody can look now.
    pub async fn forget_account(&self, account: &str) -> bool {
        let forgotten = self.queue.forget_account(account).await;
        if let Err(error) = &forgotten {
            tracing::debug!(?error, "what waits of a removed account is removed later");
        }
        forgotten.is_ok()
    }

    /// Seals anew what an old secret has sealed.
    pub async fn reseal(&self) -> Swept {
        self.queue.reseal().await.unwrap_or_else(|error| {
            tracing::warn!(?error, "waiting saves could not be looked through for old secrets");
            Swept::default()
        })
    }

    /// # Errors
    /// Where the queue cannot be read.
    pub async fn list(&self, account: &str) -> Result<Listed, StoreError> {
        self.queue.list(account).await
    }

    /// What became of these was shown to their person. Where this fails, it is shown once more.
    pub async fn seen(&self, account: &str, ids: &[String]) {
        if let Err(error) = self.queue.seen(account, ids).await {
            tracing::debug!(?error, "the queue could not be told what was seen");
        }
    }

    /// Has the worker look now.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Of everybody, as of the last look.
    pub fn looked(&self) -> Looked {
        self.lock().clone()
    }

    /// The last numbers stay, as what they are; metrics, which have no word for that, have none.
    pub(super) fn cannot_look(&self) {
        gauges(None);
        self.lock().out_of_sight_since_ms.get_or_insert_with(now_ms);
    }

    pub(super) async fn counted(&self, numbers: Numbers) {
        gauges(Some(numbers));
        {
            let mut looked = self.lock();
            (looked.numbers, looked.out_of_sight_since_ms) = (Some(numbers), None);
        }
        let failed = match numbers.needs_attention + numbers.dead {
            0 => Ok(Vec::new()),
            _ => self.queue.failed(MOST_FAILED).await,
        };
        match failed {
            Ok(failed) => self.lock().failed = failed,
            Err(error) => tracing::debug!(?error, "what could not be saved cannot be listed now"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a proof that the process may end anywhere: `hook` may end it.
    pub fn on_cut(&self, hook: impl Fn(Cut) + Send + Sync + 'static) {
        let _set_once = self.hook.set(Box::new(hook));
    }

    pub(super) fn reached(&self, cut: Cut) {
        if let Some(hook) = self.hook.get() {
            hook(cut);
        }
    }
}

/// `None`: they are not known.
fn gauges(numbers: Option<Numbers>) {
    let gauge = |name: &'static str, value: &dyn Fn(Numbers) -> f64| {
        metrics::gauge!(name).set(numbers.map_or(f64::NAN, value));
    };
    gauge("inkfast_replay_waiting", &|numbers| numbers.waiting as f64);
    gauge("inkfast_replay_needs_attention", &|numbers| {
        numbers.needs_attention as f64
    });
    gauge("inkfast_replay_dead", &|numbers| numbers.dead as f64);
    gauge("inkfast_replay_oldest_age_seconds", &|numbers| {
        let age = numbers.oldest_pressed_at_ms.map(|at_ms| now_ms().saturating_sub(at_ms));
        age.unwrap_or(0) as f64 / 1_000.0
    });
}

#[cfg(test)]
mod tests {
    use resilient_drafts::queue::SqliteQueue;
    use resilient_drafts::{Sealer, SqliteStore};

    use super::*;

    #[tokio::test]
    async fn numbers_are_old_once_nobody_can_look_and_new_after_the_next_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drafts.db");
        let drafts = SqliteStore::open(&file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
        let waiting = WaitingSaves::over(Arc::new(SqliteQueue::beside(&drafts).await.unwrap()));
        let numbers = Numbers {
            waiting: 3,
            ..Numbers::default()
        };
        waiting.counted(numbers).await;
        assert_eq!(waiting.looked().out_of_sight_since_ms, None);
        waiting.cannot_look();
        let looked = waiting.looked();
        assert_eq!(looked.numbers, Some(numbers));
        assert!(looked.out_of_sight_since_ms.is_some());
        waiting.counted(numbers).await;
        assert_eq!(waiting.looked().out_of_sight_since_ms, None);
    }
}
