//! How many may be at the database at once, and how many may wait: the next one is told so at once
//! instead of standing in a line that does not move.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

#[derive(Debug)]
pub(crate) struct Bulkhead {
    places: Semaphore,
    running_at_most: u32,
    waiting: AtomicU32,
    waiting_at_most: u32,
}

/// A place among the running; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    _permit: SemaphorePermit<'a>,
}

/// Too many wait already, or the wait took too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Bulkhead {
    pub(crate) fn new(running_at_most: u32, waiting_at_most: u32) -> Self {
        let places = Semaphore::new(running_at_most as usize);
        Self {
            places,
            running_at_most,
            waiting: AtomicU32::new(0),
            waiting_at_most,
        }
    }

    /// Waits in line until `deadline`.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Place<'_>, Full> {
        if let Ok(permit) = self.places.try_acquire() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = self.queue()?;
        match timeout_at(deadline, self.places.acquire()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }

    pub(crate) fn running(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.running_at_most.saturating_sub(free)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn queue(&self) -> Result<Waiting<'_>, Full> {
        let one_more = |waiting| (waiting < self.waiting_at_most).then_some(waiting + 1);
        match self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(Waiting(&self.waiting)),
            Err(_) => Err(Full),
        }
    }
}

/// Leaves the line when dropped, also when its caller gave up.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn in_a_second() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn ten_run_twenty_wait_and_the_thirty_first_is_refused_at_once() {
        let bulkhead = Arc::new(Bulkhead::new(10, 20));
        let mut running = Vec::new();
        for _ in 0..10 {
            running.push(bulkhead.enter(in_a_second()).await.expect("a place"));
        }
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let bulkhead = Arc::clone(&bulkhead);
                    async move { bulkhead.enter(in_a_second()).await.is_ok() }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (10, 20));
        let before = Instant::now();
        assert_eq!(bulkhead.enter(in_a_second()).await.err(), Some(Full));
        assert_eq!(before.elapsed(), Duration::ZERO);
        drop(running);
        for entered in waiting {
            assert!(entered.await.expect("no panic"));
        }
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_leaves_the_line() {
        let bulkhead = Bulkhead::new(1, 1);
        let _place = bulkhead.enter(in_a_second()).await.expect("a place");
        drop(tokio::time::timeout(Duration::from_millis(10), bulkhead.enter(in_a_second())).await);
        assert_eq!(bulkhead.waiting(), 0);
        assert_eq!(bulkhead.enter(in_a_second()).await.err(), Some(Full));
        assert_eq!(bulkhead.waiting(), 0);
    }
}
