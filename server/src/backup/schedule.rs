//! Backups by themselves, while the server runs: one at a time, and after a pause again where one failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::making::Making;
use super::timing::{due_at_ms, pause_after};
use super::turn::{SAY_EVERY, Turn};
use super::{BackedUp, BackupError, BackupsSeen};
use crate::clock;

/// Between two looks at the clock and at what is there: a machine may have slept, and somebody may have made a backup
/// by hand.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Between two looks at whether the database is prepared.
const LOOK_SOON: Duration = Duration::from_millis(200);
/// For telling the database that the turn is over, when the server stops.
const TELLING: Duration = Duration::from_secs(2);

/// The schedule of a running server. Dropped, it ends at once, with the backup that is being made.
pub struct Schedule {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Schedule {
    /// Begins once everything is `prepared`. `every`: `None` only looks at what is made on command.
    pub fn start<D: BackedUp>(
        making: Making<D>,
        every: Option<Duration>,
        prepared: Arc<AtomicBool>,
        seen: Arc<BackupsSeen>,
    ) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        seen.every(every);
        let task = tokio::spawn(async move {
            let scheduled = Scheduled {
                turn: Turn::<D>::new(making.what.db.clone()),
                making: Arc::new(making),
                seen: Arc::clone(&seen),
            };
            let told = async { drop(stopped.wait_for(|stopped| *stopped).await) };
            tokio::select! {
                () = scheduled.run(every, &prepared) => {}
                () = told => {}
            }
            seen.running(false);
            if timeout(TELLING, scheduled.turn.end(false)).await.is_err() {
                tracing::debug!("the turn of a backup is not given back; it ends by itself");
            }
        });
        Self {
            stop,
            task: Mutex::new(Some(task)),
        }
    }

    /// Ends what is being made, soon.
    pub fn tell_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends what is being made, and comes back when nothing of it is left.
    pub async fn stop(&self) {
        self.tell_to_stop();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the schedule of backups did not end as it should");
        }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

/// What the schedule does, and what it needs to know.
#[async_trait]
trait Work: Send + Sync {
    fn now_ms(&self) -> u64;

    /// When the newest good one was made, by whichever server.
    async fn newest_ms(&self) -> Option<u64>;

    /// `false`: another server is making one, or has made one.
    async fn take_turn(&self, every: Duration) -> Result<bool, BackupError>;

    async fn make(&self) -> Result<(), BackupError>;

    async fn end_turn(&self, done: bool);
}

/// For ever.
async fn run(work: &impl Work, every: Option<Duration>, seen: &BackupsSeen) {
    let Some(every) = every else {
        loop {
            work.newest_ms().await;
            sleep(LOOK_EVERY).await;
        }
    };
    let mut failures = 0;
    let mut not_before = 0;
    // Drawn once for each: else whoever looks often enough draws an early one.
    let mut part = random_part();
    loop {
        let newest = work.newest_ms().await;
        let due = due_at_ms(newest, work.now_ms(), every, part).max(not_before);
        seen.next_due(due);
        if !wait(work, due, newest).await {
            continue;
        }
        part = random_part();
        match attempt(work, every).await {
            Ok(made) => {
                failures = 0;
                not_before = if made { 0 } else { after(work, pause_after(1, every)) };
            }
            Err(error) => {
                failures += 1;
                let pause = pause_after(failures, every);
                not_before = after(work, pause);
                seen.failed(work.now_ms(), &error);
                let again_in_s = pause.as_secs();
                tracing::error!(%error, why = error.why.word(), failures, again_in_s, "a scheduled backup failed");
            }
        }
    }
}

/// Until it is due; `false` where another backup has come meanwhile.
async fn wait(work: &impl Work, due_ms: u64, newest_ms: Option<u64>) -> bool {
    loop {
        let now = work.now_ms();
        if now >= due_ms {
            return true;
        }
        let left = Duration::from_millis(due_ms - now);
        sleep(left.min(LOOK_EVERY)).await;
        if work.newest_ms().await > newest_ms {
            return false;
        }
    }
}

/// Whether one was made here.
async fn attempt(work: &impl Work, every: Duration) -> Result<bool, BackupError> {
    if !work.take_turn(every).await? {
        return Ok(false);
    }
    let made = work.make().await;
    work.end_turn(made.is_ok()).await;
    made.map(|()| true)
}

fn after(work: &impl Work, pause: Duration) -> u64 {
    work.now_ms() + pause.as_millis() as u64
}

/// 0 to 1.
fn random_part() -> f64 {
    let mut byte = [0];
    // Without it, all start at the same moment, which is no more than unwise.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

struct Scheduled<D: BackedUp> {
    making: Arc<Making<D>>,
    turn: Turn<D>,
    seen: Arc<BackupsSeen>,
}

impl<D: BackedUp> Scheduled<D> {
    async fn run(&self, every: Option<Duration>, prepared: &AtomicBool) {
        // What there is can be told before the database is there.
        self.newest_here().await;
        while !prepared.load(Ordering::Acquire) {
            sleep(LOOK_SOON).await;
        }
        run(self, every, &self.seen).await;
    }

    async fn newest_here(&self) -> Option<u64> {
        let making = Arc::clone(&self.making);
        let newest = tokio::task::spawn_blocking(move || making.shelf.newest_of(&making.name()));
        let newest = newest.await.ok().flatten();
        self.seen.newest(newest.as_ref());
        newest.map(|backup| backup.manifest.made_at_unix_ms)
    }
}

#[async_trait]
impl<D: BackedUp> Work for Scheduled<D> {
    fn now_ms(&self) -> u64 {
        clock::now_ms()
    }

    async fn newest_ms(&self) -> Option<u64> {
        let here = self.newest_here().await;
        let elsewhere = self
            .turn
            .done_ms_ago()
            .await
            .map(|ago| self.now_ms().saturating_sub(ago));
        here.max(elsewhere)
    }

    async fn take_turn(&self, every: Duration) -> Result<bool, BackupError> {
        Ok(self.turn.take(every).await?)
    }

    async fn make(&self) -> Result<(), BackupError> {
        self.seen.running(true);
        let say = async {
            loop {
                sleep(SAY_EVERY).await;
                if let Err(error) = self.turn.say().await {
                    tracing::debug!(%error, "the turn of a backup could not be kept");
                }
            }
        };
        let made = tokio::select! {
            made = self.making.make(false) => made,
            () = say => unreachable!("it is said for ever"),
        };
        self.seen.running(false);
        let made = made?;
        self.seen.newest(Some(&made.backup));
        let (name, bytes) = (&made.backup.name, made.backup.manifest.bytes());
        tracing::info!(name, bytes, removed = made.removed.len(), "a backup was made");
        made.cautions.iter().for_each(|caution| tracing::warn!("{caution}"));
        Ok(())
    }

    async fn end_turn(&self, done: bool) {
        if let Err(error) = self.turn.end(done).await {
            tracing::debug!(%error, "the turn of a backup is not given back; it ends by itself");
        }
    }
}

#[cfg(test)]
mod tests;
