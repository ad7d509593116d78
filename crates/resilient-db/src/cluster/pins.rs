//! Who has written lately, and so has to read from where it was written.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use resilient_core::time::Moment;

/// Past so many, those that are over are thrown away first.
const SWEEP_AT: usize = 1_024;

/// A caller's key. Two keys that are the same by chance only read from the primary more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

#[derive(Debug, Default)]
pub(crate) struct Pins {
    hasher: RandomState,
    until: HashMap<Key, Moment>,
}

impl Pins {
    pub(crate) fn key(&self, caller: impl Hash) -> Key {
        Key(self.hasher.hash_one(caller))
    }

    /// A pin that lasts longer already stays.
    pub(crate) fn pin(&mut self, now: Moment, key: Key, until: Moment) {
        if self.until.len() >= SWEEP_AT {
            self.until.retain(|_, until| *until > now);
        }
        let pinned = self.until.entry(key).or_insert(until);
        *pinned = until.max(*pinned);
    }

    pub(crate) fn holds(&self, now: Moment, key: Key) -> bool {
        self.until.get(&key).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_pin_holds_until_its_end_and_is_never_shortened() {
        let mut pins = Pins::default();
        let (ann, bob) = (pins.key("ann"), pins.key("bob"));
        pins.pin(at(0), ann, at(5));
        pins.pin(at(1), ann, at(3));
        assert!(pins.holds(at(4), ann) && !pins.holds(at(5), ann) && !pins.holds(at(0), bob));
    }

    #[test]
    fn pins_that_are_over_are_thrown_away() {
        let mut pins = Pins::default();
        for caller in 0..10_000_u64 {
            let key = pins.key(caller);
            pins.pin(at(caller), key, at(caller + 5));
        }
        assert!(pins.until.len() <= SWEEP_AT + 1, "{}", pins.until.len());
    }
}
