//! How old a replica's data are, told by how far the primary had come and when.
//!
//! Positions are compared on one clock, ours. A replica's own word (when it last replayed something)
//! grows while nobody writes, and says nothing of a primary that it cannot hear.

use std::collections::VecDeque;
use std::time::Duration;

use resilient_core::time::Moment;

/// Probes come once a second: more than a minute, which no reader would accept.
const KEPT: usize = 64;

/// Positions of the primary, each with the moment at which it was first seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions {
    seen: VecDeque<(Moment, u64)>,
}

impl Positions {
    /// The primary was there. Nothing older is known of a position that has been seen before.
    pub(crate) fn note(&mut self, now: Moment, position: u64) {
        if self.seen.back().is_some_and(|(_, newest)| *newest >= position) {
            return;
        }
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back((now, position));
    }

    /// Another server leads now; its positions are its own.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// For how long the primary is known to have been further than `position`; `None` as long as nothing
    /// is known of it. Right to the distance of two probes.
    pub(crate) fn lag(&self, now: Moment, position: u64) -> Option<Duration> {
        self.seen.back()?;
        let further = self.seen.iter().find(|(_, seen)| *seen > position);
        Some(further.map_or(Duration::ZERO, |(since, _)| now.since(*since)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn who_has_everything_is_not_late_however_long_nobody_writes() {
        let mut positions = Positions::default();
        assert_eq!(positions.lag(at(0), 7), None);
        positions.note(at(1), 7);
        positions.note(at(500), 7);
        assert_eq!(positions.lag(at(900), 7), Some(Duration::ZERO));
        assert_eq!(positions.lag(at(900), 6), Some(Duration::from_secs(899)));
    }

    proptest! {
        /// A replica that replays everything `delay` seconds later is never called fresher than it is by
        /// more than the distance of two probes, nor staler than it is.
        #[test]
        fn lag_is_right_to_the_distance_of_two_probes(delay in 0u64..30, writes in proptest::collection::vec(0u64..5, 40)) {
            let mut positions = Positions::default();
            let mut primary = Vec::new();
            let mut position = 0;
            for (second, more) in writes.iter().enumerate() {
                position += more;
                primary.push(position);
                let now = at(second as u64);
                positions.note(now, position);
                let replayed = second.checked_sub(delay as usize).map_or(0, |then| primary[then]);
                let missing = primary.iter().position(|then| *then > replayed);
                let truly = missing.map_or(0, |then| second - then);
                prop_assert_eq!(positions.lag(now, replayed), Some(Duration::from_secs(truly as u64)));
            }
        }
    }
}
