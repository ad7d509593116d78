//! How long each named call usually takes, to know whether another attempt has time to end.

use std::collections::HashMap;
use std::time::Duration;

/// A running median per name, moved by a small step towards each new duration: half of the calls
/// push it up and half down, so it settles where they balance. No durations are kept.
#[derive(Debug, Default)]
pub(crate) struct Typical {
    medians: HashMap<&'static str, Duration>,
}

/// The part of the median by which it moves.
const STEP: f64 = 0.1;
/// Small medians still have to move.
const LEAST_STEP: Duration = Duration::from_micros(50);

impl Typical {
    pub(crate) fn record(&mut self, name: &'static str, took: Duration) {
        let median = self.medians.entry(name).or_insert(took);
        let step = median.mul_f64(STEP).max(LEAST_STEP);
        *median = match took.cmp(median) {
            std::cmp::Ordering::Greater => (*median + step).min(took),
            std::cmp::Ordering::Less => median.saturating_sub(step).max(took),
            std::cmp::Ordering::Equal => *median,
        };
    }

    /// What an attempt should have left: one and a half times the usual; zero for a new name.
    pub(crate) fn needed(&self, name: &'static str) -> Duration {
        self.medians
            .get(name)
            .map_or(Duration::ZERO, |median| median.mul_f64(1.5))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_median_stays_among_what_was_seen(durations in proptest::collection::vec(0u64..5_000, 1..200)) {
            let mut typical = Typical::default();
            for milliseconds in &durations {
                typical.record("list", Duration::from_millis(*milliseconds));
            }
            let ends = (durations.iter().min().copied().unwrap_or(0), durations.iter().max().copied().unwrap_or(0));
            let needed = typical.needed("list");
            prop_assert!(needed >= Duration::from_millis(ends.0).mul_f64(1.5));
            prop_assert!(needed <= Duration::from_millis(ends.1).mul_f64(1.5));
        }
    }

    #[test]
    fn a_few_outliers_do_not_move_it_far() {
        let mut typical = Typical::default();
        for call in 0..500 {
            let milliseconds = if call % 10 == 0 { 3_000 } else { 20 };
            typical.record("list", Duration::from_millis(milliseconds));
        }
        assert!(
            typical.needed("list") < Duration::from_millis(45),
            "{:?}",
            typical.needed("list")
        );
    }

    #[test]
    fn a_new_name_needs_nothing() {
        assert_eq!(Typical::default().needed("list"), Duration::ZERO);
    }
}
