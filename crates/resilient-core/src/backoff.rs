//! How long to wait before the next attempt.

use std::time::Duration;

use crate::time::share;

/// Growing delays: `base` doubled for each attempt and never above `cap`.
///
/// ```
/// use std::time::Duration;
/// use resilient_core::backoff::{Backoff, Jitter};
///
/// let plain = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(4), jitter: Jitter::None };
/// let delays: Vec<u64> = plain.delays([0.5; 4]).map(|delay| delay.as_secs()).collect();
/// assert_eq!(delays, [1, 2, 4, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
    pub jitter: Jitter,
}

/// How much of a delay is left to chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Anything from nothing to the whole delay: those who failed together do not return together.
    #[default]
    Full,
    /// Exactly the delay.
    None,
}

impl Backoff {
    /// With full jitter.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            jitter: Jitter::Full,
        }
    }

    /// The longest wait after the `failures`-th failure, counted from 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The wait after the `failures`-th failure, counted from 1. `random` is in `0.0..1.0`; what is
    /// outside is taken as the nearer end.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let ceiling = self.ceiling(failures);
        match self.jitter {
            Jitter::Full if random.is_finite() => share(ceiling, random.clamp(0.0, 1.0)).min(ceiling),
            Jitter::Full | Jitter::None => ceiling,
        }
    }

    /// One delay for each random number.
    pub fn delays(self, random: impl IntoIterator<Item = f64>) -> impl Iterator<Item = Duration> {
        (1u32..)
            .zip(random)
            .map(move |(failures, random)| self.delay(failures, random))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_backoff() -> impl Strategy<Value = Backoff> {
        (1u64..10_000, 1u64..60_000)
            .prop_map(|(base, cap)| Backoff::new(Duration::from_millis(base), Duration::from_millis(cap)))
    }

    proptest! {
        #[test]
        fn a_delay_is_never_above_its_cap(backoff in any_backoff(), random in proptest::collection::vec(-1.0f64..2.0, 1..60)) {
            for delay in backoff.delays(random) {
                prop_assert!(delay <= backoff.cap);
            }
        }

        #[test]
        fn there_is_a_delay_for_each_random_number(backoff in any_backoff(), random in proptest::collection::vec(0.0f64..1.0, 0..60)) {
            let each = (1..).zip(&random).map(|(failures, random)| backoff.delay(failures, *random));
            prop_assert_eq!(backoff.delays(random.clone()).collect::<Vec<_>>(), each.collect::<Vec<_>>());
        }

        #[test]
        fn the_longest_wait_grows_until_the_cap(backoff in any_backoff(), failures in 1u32..100) {
            prop_assert!(backoff.ceiling(failures) <= backoff.ceiling(failures + 1));
            prop_assert_eq!(backoff.ceiling(100), backoff.cap);
        }

        #[test]
        fn a_delay_is_the_part_of_the_longest_wait_that_chance_says(backoff in any_backoff(), failures in 1u32..50, random in 0.0f64..1.0) {
            let expected = backoff.ceiling(failures).as_secs_f64() * random;
            prop_assert!((backoff.delay(failures, random).as_secs_f64() - expected).abs() < 1e-6);
        }

        #[test]
        fn without_jitter_chance_has_no_say(backoff in any_backoff(), failures in 1u32..50, random in 0.0f64..1.0) {
            let plain = Backoff { jitter: Jitter::None, ..backoff };
            prop_assert_eq!(plain.delay(failures, random), plain.ceiling(failures));
        }
    }

    #[test]
    fn three_attempts_wait_at_most_fifty_and_a_hundred_milliseconds() {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let longest: Vec<_> = (1..=6).map(|failures| backoff.ceiling(failures).as_millis()).collect();
        assert_eq!(longest, [50, 100, 200, 400, 800, 1000]);
    }

    #[test]
    fn a_broken_random_number_waits_the_longest() {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        assert_eq!(backoff.delay(1, f64::NAN), Duration::from_millis(50));
    }
}
