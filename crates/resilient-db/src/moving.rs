//! Places whose number moves: one that is taken away while somebody stands on it is gone when they leave.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

#[derive(Debug)]
pub(crate) struct Moving {
    free: Semaphore,
    /// How many there should be.
    number: AtomicU32,
    /// How many there are: those that should be, and those that are still to go.
    there: AtomicU32,
    to_go: AtomicU32,
}

/// Given back when dropped, or gone if it was to go.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    of: &'a Moving,
    permit: Option<SemaphorePermit<'a>>,
}

impl Moving {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            free: Semaphore::new(number as usize),
            number: AtomicU32::new(number),
            there: AtomicU32::new(number),
            to_go: AtomicU32::new(0),
        }
    }

    /// One that is free, without waiting.
    pub(crate) fn try_take(&self) -> Option<Taken<'_>> {
        self.free.try_acquire().ok().map(|permit| self.taken(permit))
    }

    /// Waits in line.
    pub(crate) async fn take(&self) -> Option<Taken<'_>> {
        self.free.acquire().await.ok().map(|permit| self.taken(permit))
    }

    fn taken<'a>(&'a self, permit: SemaphorePermit<'a>) -> Taken<'a> {
        Taken {
            of: self,
            permit: Some(permit),
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    pub(crate) fn there(&self) -> u32 {
        self.there.load(Ordering::Acquire)
    }

    pub(crate) fn in_use(&self) -> u32 {
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        self.there().saturating_sub(free)
    }

    /// Takes away what is more than `number`: the free ones now, the others when they are given back. By one
    /// caller at a time, as [`raise_to`](Self::raise_to).
    pub(crate) fn lower_to(&self, number: u32) {
        let surplus = self.number().saturating_sub(number);
        if surplus == 0 {
            return;
        }
        self.number.store(number, Ordering::Release);
        // First: who gives one back from now on takes it away as well, so none is missed below.
        self.to_go.fetch_add(surplus, Ordering::AcqRel);
        while self.to_go.load(Ordering::Acquire) > 0 {
            // Dropped at once: it goes.
            let Some(_free) = self.try_take() else { return };
        }
    }

    /// Adds what is missing to `number`: those that were to go stay.
    pub(crate) fn raise_to(&self, number: u32) {
        let missing = number.saturating_sub(self.number());
        if missing == 0 {
            return;
        }
        self.number.store(number, Ordering::Release);
        let stays = |to_go: u32| Some(to_go.saturating_sub(missing));
        let to_go = self.to_go.fetch_update(Ordering::AcqRel, Ordering::Acquire, stays);
        let new = missing - to_go.unwrap_or(0).min(missing);
        self.there.fetch_add(new, Ordering::AcqRel);
        self.free.add_permits(new as usize);
    }

    /// Whether this one is to go.
    fn one_goes(&self) -> bool {
        let one_less = |to_go: u32| to_go.checked_sub(1);
        self.to_go.load(Ordering::Acquire) > 0
            && self
                .to_go
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less)
                .is_ok()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        if self.of.one_goes() {
            permit.forget();
            self.of.there.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_that_is_taken_goes_when_it_is_given_back() {
        let places = Moving::new(3);
        let held: Vec<_> = (0..3).map(|_| places.try_take().expect("free")).collect();
        places.lower_to(1);
        assert_eq!((places.number(), places.there(), places.in_use()), (1, 3, 3));
        drop(held);
        assert_eq!((places.number(), places.there(), places.in_use()), (1, 1, 0));
        let _one = places.try_take().expect("the one that is left");
        assert!(places.try_take().is_none());
        places.raise_to(2);
        assert!(places.try_take().is_some());
    }

    #[tokio::test]
    async fn who_waits_is_let_in_when_the_number_rises() {
        let places = Moving::new(1);
        let _one = places.try_take().expect("free");
        let raising = async { places.raise_to(2) };
        let (waited, ()) = tokio::join!(places.take(), raising);
        assert!(waited.is_some());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Take,
        Give(usize),
        MoveTo(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Take),
            4 => (0usize..20).prop_map(Step::Give),
            2 => (1u32..20).prop_map(Step::MoveTo),
        ];
        proptest::collection::vec(step, 1..200)
    }

    proptest! {
        /// Whatever is taken, given back and moved, in whatever order: nobody new is let in beyond the number,
        /// none is missing, and in the end there are exactly as many as there should be.
        #[test]
        fn places_are_neither_lost_nor_made(steps in steps(), first in 1u32..20) {
            let places = Moving::new(first);
            let mut held = Vec::new();
            for step in steps {
                match step {
                    Step::Take => {
                        let room = (held.len() as u32) < places.number();
                        let taken = places.try_take();
                        prop_assert_eq!(taken.is_some(), room);
                        held.extend(taken);
                    }
                    Step::Give(which) if which < held.len() => drop(held.swap_remove(which)),
                    Step::Give(_) => {}
                    Step::MoveTo(number) => {
                        places.lower_to(number);
                        places.raise_to(number);
                        prop_assert_eq!(places.number(), number);
                    }
                }
                prop_assert_eq!(places.in_use(), held.len() as u32);
                prop_assert_eq!(places.there(), places.number().max(held.len() as u32));
            }
            held.clear();
            prop_assert_eq!((places.there(), places.in_use()), (places.number(), 0));
            let all: Vec<_> = std::iter::from_fn(|| places.try_take()).collect();
            prop_assert_eq!(all.len() as u32, places.number());
        }
    }
}
