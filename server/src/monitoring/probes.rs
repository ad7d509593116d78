//! How quickly the database answered of late.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use resilient_db::{Observer, ProbeReport};
use serde_json::{Value, json};

/// About two minutes of them while all is well.
const AT_MOST: usize = 120;

/// The last probes that were answered; how many were not says the breaker.
#[derive(Debug, Default)]
pub struct ProbeTimes {
    answered: Mutex<VecDeque<Duration>>,
}

impl ProbeTimes {
    fn note(&self, took: Duration) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() == AT_MOST {
            answered.pop_front();
        }
        answered.push_back(took);
    }

    /// Milliseconds with their thousandths: a local database answers within one.
    pub fn report(&self) -> Value {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = answered.iter().copied().collect();
        drop(answered);
        sorted.sort_unstable();
        json!({
            "answered": sorted.len(),
            "p50_ms": quantile(&sorted, 50),
            "p95_ms": quantile(&sorted, 95),
            "slowest_ms": quantile(&sorted, 100),
        })
    }
}

/// What `percent` of the times do not exceed; `None` of none.
fn quantile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map(|took| took.as_micros() as f64 / 1_000.0)
}

impl Observer for ProbeTimes {
    fn probed(&self, probe: &ProbeReport) {
        if probe.succeeded {
            self.note(probe.took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_count_and_of_none_nothing_is_said() {
        let times = ProbeTimes::default();
        assert_eq!(times.report()["p50_ms"], Value::Null);
        times.probed(&ProbeReport {
            succeeded: false,
            took: Duration::from_secs(9),
            age: Duration::ZERO,
        });
        for ms in 0..300 {
            times.note(Duration::from_millis(ms));
        }
        let expected = json!({ "answered": 120, "p50_ms": 239.0, "p95_ms": 293.0, "slowest_ms": 299.0 });
        assert_eq!(times.report(), expected);
    }
}
