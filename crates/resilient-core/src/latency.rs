//! How long things take, without keeping each time: a count for each range of about 15 %.

use std::time::Duration;

/// Each range ends at so much more than the one before.
const GROWTH: f64 = 1.15;
/// The first ends here, where a statement on the same machine is quick; 128 ranges reach beyond 40 minutes.
const FIRST: Duration = Duration::from_micros(50);
const RANGES: usize = 128;

/// A kilobyte, however many times it has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    counts: [u64; RANGES],
    total: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            counts: [0; RANGES],
            total: 0,
        }
    }
}

impl Latency {
    pub fn record(&mut self, took: Duration) {
        let steps = (took.as_secs_f64() / FIRST.as_secs_f64()).max(1.0).log(GROWTH).ceil();
        self.counts[(steps as usize).min(RANGES - 1)] += 1;
        self.total += 1;
    }

    /// As if all that `other` has seen had been recorded here.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The end of the range that `part` (0.5 for the median) of the times do not exceed.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.total as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (range, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return FIRST.mul_f64(GROWTH.powi(range as i32));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_took_no_time() {
        assert_eq!(Latency::default().quantile(0.99), Duration::ZERO);
    }

    #[test]
    fn a_time_beyond_all_ranges_is_a_long_one() {
        let mut latency = Latency::default();
        latency.record(Duration::from_secs(24 * 60 * 60));
        assert!(latency.quantile(0.5) > Duration::from_secs(40 * 60));
    }

    proptest! {
        #[test]
        fn two_put_together_are_one_that_saw_it_all(times in prop::collection::vec(1u64..600_000, 0..50), half in 0usize..50) {
            let recorded = |times: &[u64]| {
                let mut latency = Latency::default();
                times.iter().for_each(|ms| latency.record(Duration::from_millis(*ms)));
                latency
            };
            let (first, second) = times.split_at(half.min(times.len()));
            let mut together = recorded(first);
            together.add(&recorded(second));
            prop_assert_eq!(together, recorded(&times));
        }

        #[test]
        fn a_quantile_is_at_most_a_range_above_the_true_one(times in prop::collection::vec(1u64..600_000, 1..300)) {
            let mut latency = Latency::default();
            for ms in &times {
                latency.record(Duration::from_millis(*ms));
            }
            let mut sorted = times.clone();
            sorted.sort_unstable();
            for part in [0.5, 0.95, 0.99] {
                let rank = ((times.len() as f64 * part).ceil() as usize).max(1);
                let (exact, told) = (sorted[rank - 1] as f64, latency.quantile(part).as_secs_f64() * 1_000.0);
                prop_assert!(told >= exact * 0.999 && told <= exact * GROWTH * 1.001, "{told} for {exact}");
            }
        }
    }
}
