//! What happened lately: calls, failures and slow calls of the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Moment;

/// Counts of one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub calls: u32,
    pub failures: u32,
    pub slow: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
        self.slow = self.slow.saturating_add(other.slow);
    }
}

/// A ring of buckets. By time rather than by number of calls: an admin panel has a few calls a
/// second, and the last hundred of them may reach back to yesterday.
#[derive(Clone, Debug)]
pub struct Window {
    width: Duration,
    count: u64,
    /// (index since the start, tally), oldest first; stretches without calls have no bucket.
    buckets: VecDeque<(u64, Tally)>,
}

impl Window {
    /// `count` buckets of `width` each; zero of either is taken as the least possible.
    pub fn new(count: u32, width: Duration) -> Self {
        Self {
            width: width.max(Duration::from_millis(1)),
            count: u64::from(count.max(1)),
            buckets: VecDeque::new(),
        }
    }

    pub fn record(&mut self, now: Moment, tally: Tally) {
        let index = self.index(now);
        self.forget_before(index);
        match self.buckets.back_mut() {
            // Threads may report in another order than they read the clock.
            Some((newest, sum)) if *newest >= index => sum.add(tally),
            _ => self.buckets.push_back((index, tally)),
        }
    }

    /// The sum over the window that ends now.
    pub fn totals(&mut self, now: Moment) -> Tally {
        self.forget_before(self.index(now));
        self.buckets.iter().fold(Tally::default(), |mut sum, (_, tally)| {
            sum.add(*tally);
            sum
        })
    }

    fn index(&self, now: Moment) -> u64 {
        let widths = now.since(Moment::START).as_nanos() / self.width.as_nanos();
        u64::try_from(widths).unwrap_or(u64::MAX)
    }

    fn forget_before(&mut self, index: u64) {
        while self
            .buckets
            .front()
            .is_some_and(|(oldest, _)| oldest.saturating_add(self.count) <= index)
        {
            self.buckets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::after_start(Duration::from_millis(milliseconds))
    }

    const ONE_FAILURE: Tally = Tally {
        calls: 1,
        failures: 1,
        slow: 0,
    };

    proptest! {
        #[test]
        fn totals_are_what_a_recount_of_the_last_ten_seconds_gives(pauses in proptest::collection::vec((0u64..3000, any::<bool>(), any::<bool>()), 1..80)) {
            let mut window = Window::new(10, Duration::from_secs(1));
            let mut all = Vec::new();
            let mut now = 0;
            for (pause, failed, slow) in pauses {
                now += pause;
                let tally = Tally { calls: 1, failures: failed.into(), slow: slow.into() };
                window.record(at(now), tally);
                all.push((now / 1000, tally));
                let recent = all.iter().filter(|(second, _)| second + 10 > now / 1000);
                let recount = recent.fold(Tally::default(), |mut sum, (_, tally)| { sum.add(*tally); sum });
                prop_assert_eq!(window.totals(at(now)), recount);
                prop_assert!(window.buckets.len() <= 10);
            }
        }
    }

    #[test]
    fn a_failure_is_forgotten_after_ten_seconds() {
        let mut window = Window::new(10, Duration::from_secs(1));
        window.record(at(500), ONE_FAILURE);
        assert_eq!(window.totals(at(9_999)).failures, 1);
        assert_eq!(window.totals(at(10_000)).failures, 0);
    }

    #[test]
    fn a_report_that_comes_late_counts_in_the_newest_bucket() {
        let mut window = Window::new(10, Duration::from_secs(1));
        window.record(at(2_000), ONE_FAILURE);
        window.record(at(1_999), ONE_FAILURE);
        assert_eq!(window.totals(at(2_000)).calls, 2);
    }
}
