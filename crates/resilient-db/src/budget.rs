//! What retries may cost: when everything fails, repeating it makes it worse.

use std::time::Duration;

use resilient_core::time::Moment;

/// A bucket of tokens: 100 at most, 5 for a repetition and 10 after a timeout, 1 back for each call
/// that succeeds at once and 1 each second. An empty bucket stops repetitions, never first tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryBudget {
    tokens: f64,
    counted_at: Moment,
}

const FULL: f64 = 100.0;
const REFILL_PER_SECOND: f64 = 1.0;
const FIRST_TRY_REWARD: f64 = 1.0;

/// What one repetition costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Ordinary,
    /// The attempt before it held a connection until its time was over.
    AfterTimeout,
}

impl Cost {
    fn tokens(self) -> f64 {
        match self {
            Self::Ordinary => 5.0,
            Self::AfterTimeout => 10.0,
        }
    }
}

impl RetryBudget {
    pub(crate) fn full(now: Moment) -> Self {
        Self {
            tokens: FULL,
            counted_at: now,
        }
    }

    /// Pays for a repetition; false if there is not enough left, and then nothing is taken.
    pub(crate) fn pay(&mut self, now: Moment, cost: Cost) -> bool {
        self.refill(now);
        let affordable = self.tokens >= cost.tokens();
        if affordable {
            self.tokens -= cost.tokens();
        }
        affordable
    }

    pub(crate) fn first_try_succeeded(&mut self, now: Moment) {
        self.refill(now);
        self.tokens = (self.tokens + FIRST_TRY_REWARD).min(FULL);
    }

    fn refill(&mut self, now: Moment) {
        let passed: Duration = now.since(self.counted_at);
        self.tokens = (self.tokens + passed.as_secs_f64() * REFILL_PER_SECOND).min(FULL);
        self.counted_at = self.counted_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::after_start(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_full_budget_pays_for_twenty_repetitions_or_ten_timeouts() {
        let paid = |cost| {
            let mut budget = RetryBudget::full(at(0));
            (0..100).filter(|_| budget.pay(at(0), cost)).count()
        };
        assert_eq!(paid(Cost::Ordinary), 20);
        assert_eq!(paid(Cost::AfterTimeout), 10);
    }

    #[test]
    fn an_empty_budget_pays_again_after_five_seconds_or_five_successes() {
        let mut budget = RetryBudget::full(at(0));
        while budget.pay(at(0), Cost::Ordinary) {}
        assert!(!budget.pay(at(4_900), Cost::Ordinary));
        assert!(budget.pay(at(5_000), Cost::Ordinary));
        (0..5).for_each(|_| budget.first_try_succeeded(at(5_000)));
        assert!(budget.pay(at(5_000), Cost::Ordinary));
    }

    proptest! {
        #[test]
        fn repetitions_never_cost_more_than_was_saved(steps in proptest::collection::vec((0u64..2_000, any::<bool>(), any::<bool>()), 1..300)) {
            let mut budget = RetryBudget::full(at(0));
            let (mut now, mut spent, mut earned) = (0, 0.0, FULL);
            for (pause, succeeded, timed_out) in steps {
                now += pause;
                earned += pause as f64 / 1_000.0;
                let cost = if timed_out { Cost::AfterTimeout } else { Cost::Ordinary };
                if succeeded {
                    budget.first_try_succeeded(at(now));
                    earned += FIRST_TRY_REWARD;
                } else if budget.pay(at(now), cost) {
                    spent += cost.tokens();
                }
                prop_assert!(spent <= earned + 1e-6);
                prop_assert!((0.0..=FULL).contains(&budget.tokens));
            }
        }
    }
}
