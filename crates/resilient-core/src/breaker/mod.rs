//! When to stop asking a thing that fails, and when to ask again.
//!
//! Three states: *closed* (calls pass), *open* (refused at once), *half-open* (one probe is under
//! way, calls are still refused). People never pay for finding out whether it is back: only the
//! background probe may close the breaker, and one success does.

mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use settings::Settings;

use crate::failure::BreakerEffect;
use crate::time::Moment;
use crate::window::{Tally, Window};

/// How one call ended, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    Success,
    Failure,
    /// Answered, but by giving up.
    Slow,
    /// Misconfigured: no repetition heals it.
    Isolate,
}

impl Observation {
    /// What a breaker for writes (or for reads) makes of an effect; `None` is not to be recorded.
    pub fn of(effect: BreakerEffect, guards_writes: bool) -> Option<Self> {
        match effect {
            BreakerEffect::Failure => Some(Self::Failure),
            BreakerEffect::FailureOfWrites if guards_writes => Some(Self::Failure),
            BreakerEffect::FailureOfWrites | BreakerEffect::Success => Some(Self::Success),
            BreakerEffect::Slow => Some(Self::Slow),
            BreakerEffect::Isolate => Some(Self::Isolate),
            BreakerEffect::Ignored => None,
        }
    }
}

/// Refused without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Until the next probe is due; at least the shortest distance between two probes.
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    /// For labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Why the state changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    FailuresInARow(u32),
    FailureRatio(Tally),
    SlowRatio(Tally),
    FailedProbes(u32),
    Isolated,
    ProbeStarted,
    ProbeFailed,
    ProbeSucceeded,
}

/// A change of state, to be told to observers after the lock is released.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    pub from: State,
    pub to: State,
    pub cause: Cause,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: Settings,
    stage: Stage,
}

/// Each state with the data that has a meaning in it.
#[derive(Clone, Debug)]
enum Stage {
    Closed {
        window: Window,
        failures_in_a_row: u32,
        failed_probes: u32,
    },
    Open(Outage),
    HalfOpen(Outage),
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    next_probe: Moment,
    /// Isolating probes since it was isolated; `None` for an ordinary outage.
    isolated: Option<u32>,
}

impl Breaker {
    pub fn new(settings: Settings) -> Self {
        Self {
            stage: Stage::closed(&settings),
            settings,
        }
    }

    pub fn state(&self) -> State {
        match self.stage {
            Stage::Closed { .. } => State::Closed,
            Stage::Open(_) => State::Open,
            Stage::HalfOpen(_) => State::HalfOpen,
        }
    }

    /// May a call pass?
    ///
    /// # Errors
    /// [`Rejected`] while open or half-open.
    pub fn admit(&self, now: Moment) -> Result<(), Rejected> {
        match &self.stage {
            Stage::Closed { .. } => Ok(()),
            Stage::Open(outage) | Stage::HalfOpen(outage) => {
                let retry_after = outage.next_probe.since(now).max(self.settings.probe_open);
                Err(Rejected { retry_after })
            }
        }
    }

    /// Notes how an admitted call ended. Calls that were cancelled or refused by ourselves are not
    /// to be recorded. What was admitted before the breaker opened changes nothing afterwards.
    pub fn record(&mut self, now: Moment, observation: Observation, took: Duration) -> Option<Transition> {
        let Stage::Closed {
            window,
            failures_in_a_row,
            ..
        } = &mut self.stage
        else {
            return None;
        };
        let failed = matches!(observation, Observation::Failure | Observation::Isolate);
        let slow = observation == Observation::Slow || took > self.settings.slow_after;
        window.record(
            now,
            Tally {
                calls: 1,
                failures: failed.into(),
                slow: slow.into(),
            },
        );
        *failures_in_a_row = if failed { *failures_in_a_row + 1 } else { 0 };
        let totals = window.totals(now);
        let cause = match observation {
            Observation::Isolate => Cause::Isolated,
            _ => self.settings.verdict(*failures_in_a_row, totals)?,
        };
        Some(self.open(now, cause))
    }

    /// A probe is on its way; there is never more than one.
    pub fn probe_started(&mut self) -> Option<Transition> {
        let Stage::Open(outage) = self.stage else { return None };
        self.stage = Stage::HalfOpen(outage);
        Some(Transition {
            from: State::Open,
            to: State::HalfOpen,
            cause: Cause::ProbeStarted,
        })
    }

    /// The probe came back. `random` in `0.0..1.0` spreads the next one.
    pub fn probe_ended(&mut self, now: Moment, observation: Observation, random: f64) -> Option<Transition> {
        let failed = matches!(observation, Observation::Failure | Observation::Isolate);
        match (&mut self.stage, failed) {
            (Stage::Closed { failed_probes, .. }, false) => {
                *failed_probes = 0;
                None
            }
            (Stage::Closed { .. }, true) if observation == Observation::Isolate => {
                Some(self.open(now, Cause::Isolated))
            }
            (Stage::Closed { failed_probes, .. }, true) => {
                *failed_probes += 1;
                let count = *failed_probes;
                (count >= self.settings.failed_probes).then(|| self.open(now, Cause::FailedProbes(count)))
            }
            (Stage::Open(_) | Stage::HalfOpen(_), false) => Some(self.close()),
            (Stage::Open(outage) | Stage::HalfOpen(outage), true) => {
                let isolated = match (outage.isolated, observation) {
                    (Some(failed), Observation::Isolate) => Some(failed + 1),
                    (None, Observation::Isolate) => Some(0),
                    // Once the way itself fails, it may also heal by itself.
                    _ => None,
                };
                Some(self.stay_open(now, isolated, random))
            }
        }
    }

    /// When the next probe should start: how long from now.
    pub fn next_probe(&self, now: Moment) -> Duration {
        match &self.stage {
            Stage::Closed { .. } => self.settings.probe_closed,
            Stage::Open(outage) | Stage::HalfOpen(outage) => outage.next_probe.since(now),
        }
    }

    fn open(&mut self, now: Moment, cause: Cause) -> Transition {
        let from = self.state();
        let isolated = (cause == Cause::Isolated).then_some(0);
        // The first probe has nobody to be spread from.
        let next_probe = now
            + self
                .settings
                .probe_distance(isolated, 0.5)
                .max(self.settings.open_at_least);
        self.stage = Stage::Open(Outage { next_probe, isolated });
        Transition {
            from,
            to: State::Open,
            cause,
        }
    }

    fn stay_open(&mut self, now: Moment, isolated: Option<u32>, random: f64) -> Transition {
        let from = self.state();
        let next_probe = now + self.settings.probe_distance(isolated, random);
        self.stage = Stage::Open(Outage { next_probe, isolated });
        Transition {
            from,
            to: State::Open,
            cause: Cause::ProbeFailed,
        }
    }

    fn close(&mut self) -> Transition {
        let from = self.state();
        self.stage = Stage::closed(&self.settings);
        Transition {
            from,
            to: State::Closed,
            cause: Cause::ProbeSucceeded,
        }
    }
}

impl Stage {
    fn closed(settings: &Settings) -> Self {
        let window = Window::new(settings.buckets, settings.bucket_width);
        Self::Closed {
            window,
            failures_in_a_row: 0,
            failed_probes: 0,
        }
    }
}
