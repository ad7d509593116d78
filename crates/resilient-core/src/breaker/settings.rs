//! The breaker's numbers.

use std::time::Duration;

use super::Cause;
use crate::window::Tally;

/// Defaults fit an application with a few calls a second: libraries that wait for a hundred calls
/// never open there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Opens after so many failures in a row. Default 5 (Envoy's number).
    pub failures_in_a_row: u32,
    /// Buckets of the window. Default 10.
    pub buckets: u32,
    /// Width of a bucket. Default 1 s.
    pub bucket_width: Duration,
    /// Ratios mean nothing below so many calls in the window. Default 8.
    pub least_calls: u32,
    /// Opens when this part of the calls failed. Default 0.5.
    pub failure_ratio: f64,
    /// A call that took longer is slow. Default 2 s.
    pub slow_after: Duration,
    /// Opens when this part of the calls was slow. Default 0.8.
    pub slow_ratio: f64,
    /// Opens after so many failed probes in a row. Default 2.
    pub failed_probes: u32,
    /// Between two probes while closed. Default 1 s.
    pub probe_closed: Duration,
    /// Between two probes while open. Default 200 ms.
    pub probe_open: Duration,
    /// `probe_open` is spread by this part of it in both directions. Default 0.2.
    pub probe_spread: f64,
    /// While isolated the distance doubles up to this. Default 30 s.
    pub probe_isolated_at_most: Duration,
    /// The first probe after opening waits at least so long. Default zero; a fixed open time, such
    /// as 60 s, for those who want one.
    pub open_at_least: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            buckets: 10,
            bucket_width: Duration::from_secs(1),
            least_calls: 8,
            failure_ratio: 0.5,
            slow_after: Duration::from_secs(2),
            slow_ratio: 0.8,
            failed_probes: 2,
            probe_closed: Duration::from_secs(1),
            probe_open: Duration::from_millis(200),
            probe_spread: 0.2,
            probe_isolated_at_most: Duration::from_secs(30),
            open_at_least: Duration::ZERO,
        }
    }
}

impl Settings {
    /// A reason to open, if there is one.
    pub(super) fn verdict(&self, failures_in_a_row: u32, totals: Tally) -> Option<Cause> {
        let reaches = |part: u32, ratio: f64| {
            totals.calls >= self.least_calls && f64::from(part) >= ratio * f64::from(totals.calls)
        };
        if failures_in_a_row >= self.failures_in_a_row {
            Some(Cause::FailuresInARow(failures_in_a_row))
        } else if reaches(totals.failures, self.failure_ratio) {
            Some(Cause::FailureRatio(totals))
        } else if reaches(totals.slow, self.slow_ratio) {
            Some(Cause::SlowRatio(totals))
        } else {
            None
        }
    }

    /// Until the next probe while open.
    pub(super) fn probe_distance(&self, isolated: Option<u32>, random: f64) -> Duration {
        let doublings = isolated.unwrap_or(0).min(20);
        let plain = self
            .probe_open
            .saturating_mul(1 << doublings)
            .min(self.probe_isolated_at_most);
        let spread = if random.is_finite() {
            self.probe_spread * (2.0 * random.clamp(0.0, 1.0) - 1.0)
        } else {
            0.0
        };
        plain.mul_f64((1.0 + spread).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_spread_to_either_side_of_their_distance() {
        let settings = Settings {
            probe_open: Duration::from_secs(10),
            probe_spread: 0.1,
            ..Settings::default()
        };
        let distance = |random| settings.probe_distance(None, random).as_millis();
        assert_eq!((distance(0.0), distance(0.5), distance(1.0)), (9_000, 10_000, 11_000));
    }
}
