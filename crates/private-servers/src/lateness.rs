//! How late the machine is: what has only to wait is late where nothing is at fault.

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(10);
/// Whoever is later than this is not excused by the machine.
const MOST: Duration = Duration::from_secs(3);

/// Watches it until dropped, in a thread that does nothing but wake up: what keeps a test's own threads busy does not
/// count.
pub struct Lateness {
    seen: Arc<Mutex<Seen>>,
    _ends: SyncSender<()>,
}

struct Seen {
    woken: Instant,
    most: Duration,
    together: Duration,
}

impl Seen {
    fn wakes(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.woken).saturating_sub(TICK);
        self.most = self.most.max(late);
        self.together += late;
        self.woken = now;
    }
}

impl Lateness {
    pub fn watch() -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            woken: Instant::now(),
            most: Duration::ZERO,
            together: Duration::ZERO,
        }));
        let (ends, ended) = sync_channel(0);
        let waking = Arc::clone(&seen);
        thread::spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                locked(&waking).wakes(Instant::now());
            }
        });
        Self { seen, _ends: ends }
    }

    /// Does `work`, and tells how late the machine was meanwhile, all in all: what waits several times may be late by each.
    pub async fn during<T>(work: impl Future<Output = T>) -> (T, Duration) {
        let lateness = Self::watch();
        let done = work.await;
        (done, lateness.together())
    }

    /// The longest that the thread was woken too late so far; 3 s at most.
    pub fn most(&self) -> Duration {
        self.until_now().most.min(MOST)
    }

    /// By how much it was woken too late so far, all in all; 3 s at most.
    pub fn together(&self) -> Duration {
        self.until_now().together.min(MOST)
    }

    /// One that is overdue counts.
    fn until_now(&self) -> MutexGuard<'_, Seen> {
        let mut seen = locked(&self.seen);
        let now = Instant::now();
        if now.saturating_duration_since(seen.woken) > TICK {
            seen.wakes(now);
        }
        seen
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_noted_once_and_all_of_it_together() {
        let begun = Instant::now();
        let mut seen = Seen {
            woken: begun,
            most: Duration::ZERO,
            together: Duration::ZERO,
        };
        for at_ms in [10, 25, 30, 65] {
            seen.wakes(begun + Duration::from_millis(at_ms));
        }
        assert_eq!(seen.most, Duration::from_millis(25));
        assert_eq!(seen.together, Duration::from_millis(30));
    }

    #[test]
    fn it_is_late_by_less_than_it_was_watched() {
        let (begun, lateness) = (Instant::now(), Lateness::watch());
        thread::sleep(Duration::from_millis(100));
        let (most, together) = (lateness.most(), lateness.together());
        assert!(most <= together && together < begun.elapsed(), "{most:?} {together:?}");
    }
}
