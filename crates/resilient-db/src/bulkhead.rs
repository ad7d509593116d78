//! How many may be at the database at once, and how many may wait: the next one is told so at once
//! instead of standing in a line that does not move.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) ordinary: u32,
    pub(crate) burst: u32,
    /// So long one waits for an ordinary place before the burst is thought of.
    pub(crate) burst_after: Duration,
    pub(crate) waiting: u32,
}

impl Places {
    /// Whether somebody who has waited this long may have a place of the burst, given how many hold an
    /// ordinary connection. Where all ordinary places are taken and yet a connection is not in hand, a
    /// call is still opening one, or pauses before it repeats: the server has trouble, and one
    /// connection more would add to it.
    fn burst_is_due(&self, waited: Duration, in_hand: usize) -> bool {
        waited >= self.burst_after && in_hand >= self.ordinary as usize
    }
}

#[derive(Debug)]
pub(crate) struct Bulkhead {
    places: Places,
    ordinary: Semaphore,
    overflow: Semaphore,
    /// Those who run and those who wait. Counted together: who has been given a place and does not know it
    /// yet is neither one nor the other to the eye.
    inside: AtomicU32,
}

/// A place among the running; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) kind: PlaceKind,
    // In this order: whoever is let in next finds the place free.
    _permit: SemaphorePermit<'a>,
    _inside: Inside<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Ordinary,
    /// One of the burst's.
    Overflow,
}

/// Too many wait already, or the wait took too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Bulkhead {
    pub(crate) fn new(places: Places) -> Self {
        Self {
            places,
            ordinary: Semaphore::new(places.ordinary as usize),
            overflow: Semaphore::new(places.burst as usize),
            inside: AtomicU32::new(0),
        }
    }

    /// Waits in line until `deadline`; `in_hand` counts the ordinary connections that are held.
    pub(crate) async fn enter(&self, deadline: Instant, in_hand: impl Fn() -> usize) -> Result<Place<'_>, Full> {
        let inside = self.come_in()?;
        if let Ok(permit) = self.ordinary.try_acquire() {
            return Ok(Place {
                kind: PlaceKind::Ordinary,
                _permit: permit,
                _inside: inside,
            });
        }
        // Kept while the burst is asked as well: its turn comes by itself.
        let mut ordinary = pin!(self.ordinary.acquire());
        let either = async {
            tokio::select! {
                biased;
                permit = &mut ordinary => permit.map(|permit| (PlaceKind::Ordinary, permit)).ok(),
                permit = self.overflow(in_hand) => permit.map(|permit| (PlaceKind::Overflow, permit)),
            }
        };
        let (kind, permit) = timeout_at(deadline, either).await.ok().flatten().ok_or(Full)?;
        Ok(Place {
            kind,
            _permit: permit,
            _inside: inside,
        })
    }

    async fn overflow(&self, in_hand: impl Fn() -> usize) -> Option<SemaphorePermit<'_>> {
        let began = Instant::now();
        loop {
            sleep(self.places.burst_after).await;
            let permit = self.overflow.acquire().await.ok()?;
            // Asked once the place is there: those ahead in its line may have taken a while.
            if self.places.burst_is_due(began.elapsed(), in_hand()) {
                return Some(permit);
            }
        }
    }

    pub(crate) fn running(&self) -> u32 {
        taken(self.places.ordinary, &self.ordinary) + self.overflowing()
    }

    fn overflowing(&self) -> u32 {
        taken(self.places.burst, &self.overflow)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.inside.load(Ordering::Acquire).saturating_sub(self.running())
    }

    fn come_in(&self) -> Result<Inside<'_>, Full> {
        let room = self.places.ordinary + self.overflowing() + self.places.waiting;
        let one_more = |inside| (inside < room).then_some(inside + 1);
        match self.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(Inside(&self.inside)),
            Err(_) => Err(Full),
        }
    }
}

fn taken(of: u32, places: &Semaphore) -> u32 {
    of.saturating_sub(u32::try_from(places.available_permits()).unwrap_or(u32::MAX))
}

/// Goes out when dropped, also when its caller gave up waiting.
#[derive(Debug)]
struct Inside<'a>(&'a AtomicU32);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
