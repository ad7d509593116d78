//! How long each named call usually takes, and how many times that one took: what the limit and the trend go
//! by, so that a list and a report in one minute are not taken for a database that is slow.

use std::collections::HashMap;
use std::time::Duration;

use resilient_core::time::Moment;

/// Two levels for each name: of all its calls, and of those that were nearly alone.
#[derive(Debug, Default)]
pub(crate) struct Usual {
    names: HashMap<&'static str, OfName>,
}

#[derive(Debug, Default)]
struct OfName {
    all: Level,
    quiet: Level,
}

/// How a call compares, as natural logarithms: 0 is as usual, `ln 2` twice as long. `None` while too little is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Compared {
    /// With calls of its name lately, whatever else was going on.
    pub(crate) with_all: Option<f64>,
    /// With calls of its name that had the database nearly to themselves, where there were some.
    pub(crate) with_quiet: Option<f64>,
}

impl Usual {
    /// Compares, then learns. Only of calls that succeeded: how soon one fails says nothing of the next.
    pub(crate) fn record(&mut self, now: Moment, name: &'static str, took: Duration, quiet: bool) -> Compared {
        let OfName { all, quiet: alone } = self.names.entry(name).or_default();
        let value = (took + NOBODY_NOTICES).as_secs_f64().ln();
        let with_all = all.compare(value);
        let compared = Compared {
            with_all,
            with_quiet: alone.compare(value).or(with_all),
        };
        all.learn(now, value);
        if quiet {
            alone.learn(now, value);
        }
        compared
    }
}

/// Added to each time: a call of 1 ms that takes 3 is not three times as slow to anybody.
const NOBODY_NOTICES: Duration = Duration::from_millis(5);
/// Calls before there is anything to compare with.
const KNOWN_AFTER: u32 = 10;
/// Calls in which a level is found. From then on it rises slowly.
const FOUND_AFTER: u32 = 50;
/// Calls that a level goes back, about.
const MEMORY: u32 = 200;
/// A tenth a minute: in five minutes of trouble what is usual becomes 1.6 times as long, and no outage of
/// seconds is ever learnt as normal. It falls as quickly as calls come.
const RISE_IN_A_MINUTE: f64 = 0.1;

/// The mean of logarithms, which a few calls that took very long do not move.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    mean: f64,
    calls: u32,
    /// What it was at the beginning of this minute.
    before: f64,
    since: Moment,
}

impl Level {
    fn compare(&self, value: f64) -> Option<f64> {
        (self.calls >= KNOWN_AFTER).then_some(value - self.mean)
    }

    fn learn(&mut self, now: Moment, value: f64) {
        self.calls = self.calls.saturating_add(1);
        self.mean += (value - self.mean) / f64::from(self.calls.min(MEMORY));
        let minutes = now.since(self.since).as_secs_f64() / 60.0;
        if self.calls > FOUND_AFTER {
            // After a night without calls no more than after a minute.
            self.mean = self.mean.min(self.before + RISE_IN_A_MINUTE * minutes.min(1.0));
        }
        if minutes >= 1.0 || self.calls <= FOUND_AFTER {
            (self.before, self.since) = (self.mean, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Twenty calls a second for so long, each of `took`; how the last one compared.
    fn calls(usual: &mut Usual, from: &mut Moment, seconds: u32, took: Duration, quiet: bool) -> Compared {
        let mut last = Compared::default();
        for _ in 0..20 * seconds {
            *from = *from + 50 * MS;
            last = usual.record(*from, "list", took, quiet);
        }
        last
    }

    fn times(compared: Option<f64>) -> f64 {
        compared.expect("known").exp()
    }

    #[test]
    fn an_outage_is_not_learnt_as_normal_but_a_new_normal_is() {
        let (mut usual, mut now) = (Usual::default(), Moment::START);
        let before = calls(&mut usual, &mut now, 60, 20 * MS, true);
        assert!((times(before.with_quiet) - 1.0).abs() < 0.01, "{before:?}");
        let outage = calls(&mut usual, &mut now, 30, 1_000 * MS, true);
        assert!(times(outage.with_all) > 30.0, "{outage:?}");
        let after = calls(&mut usual, &mut now, 60, 20 * MS, true);
        assert!((times(after.with_all) - 1.0).abs() < 0.05, "{after:?}");
        let hour = calls(&mut usual, &mut now, 3_600, 100 * MS, true);
        assert!(times(hour.with_quiet) < 1.1, "{hour:?}");
    }

    #[test]
    fn a_night_without_calls_lets_nothing_in() {
        let (mut usual, mut now) = (Usual::default(), Moment::START);
        calls(&mut usual, &mut now, 60, 20 * MS, true);
        now = now + Duration::from_secs(8 * 3_600);
        let slow = calls(&mut usual, &mut now, 10, 1_000 * MS, true);
        assert!(times(slow.with_all) > 25.0, "{slow:?}");
    }

    #[test]
    fn a_crowd_does_not_change_what_a_call_takes_alone() {
        let (mut usual, mut now) = (Usual::default(), Moment::START);
        calls(&mut usual, &mut now, 10, 20 * MS, true);
        let crowded = calls(&mut usual, &mut now, 3_600, 100 * MS, false);
        assert!(times(crowded.with_quiet) > 4.0, "{crowded:?}");
        assert!(times(crowded.with_all) < 1.1, "{crowded:?}");
    }

    #[test]
    fn nothing_is_known_of_a_new_name() {
        let mut usual = Usual::default();
        let compared = usual.record(Moment::START, "report", 900 * MS, true);
        assert_eq!(compared, Compared::default());
    }

    proptest! {
        #[test]
        fn the_level_stays_among_what_was_seen(values in proptest::collection::vec((1u64..5_000, 0u64..90_000), 1..300)) {
            let (mut level, mut now) = (Level::default(), Moment::START);
            let logarithm = |took: u64| (Duration::from_millis(took)).as_secs_f64().ln();
            for (took, pause) in &values {
                now = now + Duration::from_millis(*pause);
                level.learn(now, logarithm(*took));
            }
            let all = values.iter().map(|(took, _)| logarithm(*took));
            let least = all.clone().fold(f64::INFINITY, f64::min);
            let most = all.fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((least - 1e-9..=most + 1e-9).contains(&level.mean), "{level:?}");
        }
    }
}
