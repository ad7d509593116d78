//! How many may be at the database at once, and how many may wait: the next one is told so at once
//! instead of standing in a line that does not move.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::moving::{Moving, Taken};

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) ordinary: u32,
    pub(crate) burst: u32,
    /// So long one waits for an ordinary place before the burst is thought of.
    pub(crate) burst_after: Duration,
    pub(crate) waiting: u32,
}

#[derive(Debug)]
pub(crate) struct Bulkhead {
    places: Places,
    ordinary: Moving,
    overflow: Moving,
    /// Somebody had to wait since this was last asked.
    crowded: AtomicBool,
    /// Those who run and those who wait. Counted together: who has been given a place and does not know it
    /// yet is neither one nor the other to the eye.
    inside: AtomicU32,
}

/// A place among the running; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) kind: PlaceKind,
    // In this order: whoever is let in next finds the place free.
    _taken: Taken<'a>,
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
            ordinary: Moving::new(places.ordinary),
            overflow: Moving::new(places.burst),
            crowded: AtomicBool::new(false),
            inside: AtomicU32::new(0),
        }
    }

    /// Waits in line until `deadline`; `in_hand` counts the ordinary connections that are held.
    pub(crate) async fn enter(&self, deadline: Instant, in_hand: impl Fn() -> usize) -> Result<Place<'_>, Full> {
        let inside = self.come_in()?;
        if let Some(taken) = self.ordinary.try_take() {
            return Ok(Place {
                kind: PlaceKind::Ordinary,
                _taken: taken,
                _inside: inside,
            });
        }
        self.crowded.store(true, Ordering::Relaxed);
        // Kept while the burst is asked as well: its turn comes by itself.
        let mut ordinary = pin!(self.ordinary.take());
        let either = async {
            tokio::select! {
                biased;
                taken = &mut ordinary => taken.map(|taken| (PlaceKind::Ordinary, taken)),
                taken = self.overflow(in_hand) => taken.map(|taken| (PlaceKind::Overflow, taken)),
            }
        };
        let (kind, taken) = timeout_at(deadline, either).await.ok().flatten().ok_or(Full)?;
        Ok(Place {
            kind,
            _taken: taken,
            _inside: inside,
        })
    }

    async fn overflow(&self, in_hand: impl Fn() -> usize) -> Option<Taken<'_>> {
        let began = Instant::now();
        loop {
            sleep(self.places.burst_after).await;
            let taken = self.overflow.take().await?;
            // Asked once the place is there: those ahead in its line may have taken a while.
            if self.burst_is_due(began.elapsed(), in_hand()) {
                return Some(taken);
            }
        }
    }

    /// Whether somebody who has waited this long may have a place of the burst, given how many hold an
    /// ordinary connection. Where all ordinary places are taken and yet a connection is not in hand, a
    /// call is still opening one, or pauses before it repeats: the server has trouble, and one
    /// connection more would add to it.
    fn burst_is_due(&self, waited: Duration, in_hand: usize) -> bool {
        waited >= self.places.burst_after && in_hand >= self.limit() as usize
    }

    /// From now on so many ordinary places and so many of the burst, by one caller at a time. All in all there
    /// are never more than there were at first: who is to grow gets what the others have really given up, and
    /// the rest when this is called again.
    pub(crate) fn steer(&self, limit: u32, burst: u32) {
        let all = self.places.ordinary + self.places.burst;
        self.ordinary.lower_to(limit);
        self.overflow.lower_to(burst);
        self.ordinary.raise_to(limit.min(all - self.overflow.there().min(all)));
        self.overflow.raise_to(burst.min(all - self.ordinary.there().min(all)));
    }

    /// Ordinary places.
    pub(crate) fn limit(&self) -> u32 {
        self.ordinary.number()
    }

    /// Whether somebody had to wait since the last time.
    pub(crate) fn was_crowded(&self) -> bool {
        self.crowded.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn running(&self) -> u32 {
        self.ordinary.in_use() + self.overflow.in_use()
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.inside.load(Ordering::Acquire).saturating_sub(self.running())
    }

    fn come_in(&self) -> Result<Inside<'_>, Full> {
        let room = self.ordinary.there() + self.overflow.in_use() + self.places.waiting;
        let one_more = |inside| (inside < room).then_some(inside + 1);
        match self.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(Inside(&self.inside)),
            Err(_) => Err(Full),
        }
    }
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
