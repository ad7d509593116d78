//! A point in time that somebody else measured.
//!
//! Rules here never read a clock (on `wasm32-unknown-unknown` reading one traps): whoever drives
//! them passes the moment in, counted from a start of its own choosing.

use std::ops::Add;
use std::time::Duration;

/// Time since the driver's own start; only differences mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The driver's start.
    pub const START: Self = Self(Duration::ZERO);

    /// `elapsed` after the driver's start.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long ago `earlier` was; zero if it has yet to come.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Whole milliseconds. Std counts them in 128 bits, whose division and writing is code that a page loads.
pub fn milliseconds(duration: Duration) -> u64 {
    let part = u64::from(duration.subsec_millis());
    duration.as_secs().saturating_mul(1_000).saturating_add(part)
}

/// A part of a duration, to the microsecond; `part` is 0.0 to 1.0. Std's takes a kilobyte of a page's module.
pub fn share(whole: Duration, part: f64) -> Duration {
    let micros = whole.as_secs() as f64 * 1e6 + f64::from(whole.subsec_micros());
    Duration::from_micros((micros * part).round() as u64)
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_stds() {
        for duration in [
            Duration::ZERO,
            Duration::from_micros(1_999),
            Duration::new(3, 999_999_999),
        ] {
            assert_eq!(u128::from(milliseconds(duration)), duration.as_millis());
        }
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn a_moment_yet_to_come_is_no_time_ago() {
        let later = Moment::START + Duration::from_secs(3);
        assert_eq!(later.since(Moment::START), Duration::from_secs(3));
        assert_eq!(Moment::START.since(later), Duration::ZERO);
    }
}
