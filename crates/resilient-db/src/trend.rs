//! Whether things are getting worse, told before the breaker has to open: three cumulative sums (Page's CUSUM),
//! each of evidence that calls fail, are slow for the breaker, or take longer than they usually do.
//!
//! A sum grows with each call that speaks for trouble and shrinks with each that does not, never below zero. It
//! has to reach a height that chance does not reach in hundreds of millions of calls; what is usual is learnt
//! slowly, so that trouble does not become usual while it comes.

use std::time::Duration;

use resilient_core::time::Moment;

/// What gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trend {
    /// More calls fail than usual.
    Failing,
    /// Calls take longer than usual.
    Slowing,
}

impl Trend {
    /// For labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Slowing => "slowing",
        }
    }
}

/// A trend has begun, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrendChange {
    pub trend: Trend,
    pub rising: bool,
}

/// Which trends there are now, of one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trends {
    pub failing: bool,
    pub slowing: bool,
}

/// One call, as far as trends go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Evidence {
    /// As the breaker counts it.
    pub(crate) failed: bool,
    /// The same.
    pub(crate) slow: bool,
    /// With how many times the usual it took, as a natural logarithm, where that is known.
    pub(crate) compared: Option<f64>,
}

/// See the [module](self).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    failures: Share,
    slow: Share,
    drift: Alarm,
}

/// Changes to be told, at most one of each trend.
pub(crate) type Changes = [Option<TrendChange>; 2];

/// The share of calls that is looked for, if it is not usual.
const SHARE_OF_TROUBLE: f64 = 0.3;
/// Evidence, in natural logarithms of how likely. Four failures in a row reach it where hardly any are usual.
const SHARE_HEIGHT: f64 = 12.0;
/// Beyond this many times the usual a call speaks for trouble: half way, in logarithms, to four times.
const DRIFT_REFERENCE: f64 = std::f64::consts::LN_2;
const DRIFT_HEIGHT: f64 = 16.0;
/// One call speaks no louder, however long it took: about 20 times.
const LOUDEST: f64 = 3.0;
/// A sum goes no higher than this part above its height, so that it comes down in time.
const HEADROOM: f64 = 1.25;
/// A trend lasts at least as long, so that it does not come and go.
const AT_LEAST: Duration = Duration::from_secs(30);
/// Without any more evidence for so long it is over, also where hardly anybody calls.
const QUIET_FOR: Duration = Duration::from_secs(60);

impl Watch {
    pub(crate) fn record(&mut self, now: Moment, evidence: Evidence) -> Changes {
        let before = self.trends();
        self.failures.record(now, evidence.failed);
        self.slow.record(now, evidence.slow);
        if let Some(compared) = evidence.compared {
            let step = compared.clamp(-LOUDEST, LOUDEST) - DRIFT_REFERENCE;
            self.drift.add(now, step, DRIFT_HEIGHT);
        }
        changes(before, self.trends())
    }

    /// Time has passed, and calls may come.
    pub(crate) fn tick(&mut self, now: Moment) -> Changes {
        let before = self.trends();
        for alarm in [&mut self.failures.alarm, &mut self.slow.alarm, &mut self.drift] {
            alarm.rest(now);
        }
        changes(before, self.trends())
    }

    pub(crate) fn trends(&self) -> Trends {
        Trends {
            failing: self.failures.alarm.is_raised(),
            slowing: self.slow.alarm.is_raised() || self.drift.is_raised(),
        }
    }
}

fn changes(before: Trends, after: Trends) -> Changes {
    let change = |trend, was: bool, rising: bool| (was != rising).then_some(TrendChange { trend, rising });
    [
        change(Trend::Failing, before.failing, after.failing),
        change(Trend::Slowing, before.slowing, after.slowing),
    ]
}

/// The part of calls that are bad, against what part of them usually is.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    usual: Usually,
    alarm: Alarm,
}

impl Share {
    fn record(&mut self, now: Moment, bad: bool) {
        let usual = self.usual.at_most();
        let trouble = SHARE_OF_TROUBLE.max(3.0 * usual).min(0.9);
        let step = match bad {
            true => (trouble / usual).ln(),
            false => ((1.0 - trouble) / (1.0 - usual)).ln(),
        };
        self.alarm.add(now, step, SHARE_HEIGHT);
        self.usual.learn(now, bad);
    }
}

/// What part of calls is usually bad; at first taken to be 1 in 50.
#[derive(Clone, Copy, Debug)]
struct Usually {
    part: f64,
    calls: u32,
    /// What it was at the beginning of this minute.
    before: f64,
    since: Moment,
}

/// As if so many calls had been seen before the first.
const PRESUMED_CALLS: u32 = 100;
const PRESUMED_PART: f64 = 0.02;
/// Calls in which the part is found. From then on it rises slowly.
const FOUND_AFTER: u32 = 600;
/// Calls that it goes back, about.
const MEMORY: u32 = 2_000;
const RISE_IN_A_MINUTE: f64 = 0.005;

impl Default for Usually {
    fn default() -> Self {
        Self {
            part: PRESUMED_PART,
            calls: PRESUMED_CALLS,
            before: PRESUMED_PART,
            since: Moment::START,
        }
    }
}

impl Usually {
    /// Generously: what was seen may have been luck.
    fn at_most(&self) -> f64 {
        (2.0 * self.part + 0.005).min(0.3)
    }

    fn learn(&mut self, now: Moment, bad: bool) {
        self.calls = self.calls.saturating_add(1).min(MEMORY);
        self.part += (f64::from(u8::from(bad)) - self.part) / f64::from(self.calls);
        let minutes = now.since(self.since).as_secs_f64() / 60.0;
        if self.calls > FOUND_AFTER {
            self.part = self.part.min(self.before + RISE_IN_A_MINUTE * minutes.min(1.0));
        }
        if minutes >= 1.0 || self.calls <= FOUND_AFTER {
            (self.before, self.since) = (self.part, now);
        }
    }
}

/// A sum that is raised at its height and comes down at zero.
#[derive(Clone, Copy, Debug, Default)]
struct Alarm {
    sum: f64,
    raised: Option<Moment>,
    /// When something last spoke for trouble.
    fed: Moment,
}

impl Alarm {
    fn add(&mut self, now: Moment, step: f64, height: f64) {
        self.sum = (self.sum + step).clamp(0.0, HEADROOM * height);
        if step > 0.0 {
            self.fed = now;
        }
        if self.sum >= height {
            self.raised.get_or_insert(now);
        }
        self.rest(now);
    }

    fn rest(&mut self, now: Moment) {
        let Some(since) = self.raised else { return };
        let calm = self.sum == 0.0 || now.since(self.fed) >= QUIET_FOR;
        if calm && now.since(since) >= AT_LEAST {
            *self = Self::default();
        }
    }

    fn is_raised(&self) -> bool {
        self.raised.is_some()
    }
}

#[cfg(test)]
mod tests;
