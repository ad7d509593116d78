//! What one role's calls tell: its limit follows them, and a trend is noticed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resilient_core::breaker::Observation;
use resilient_core::failure::{BreakerEffect, Class, Kind};

use crate::bulkhead::Bulkhead;
use crate::clock::Clock;
use crate::failed_attempt::FailedAttempt;
use crate::limit::{Bounds, Limit, Seen};
use crate::policy::Policy;
use crate::supported::{PoolSize, Role};
use crate::trend::{Changes, Evidence, Trends, Watch};
use crate::usual::{Compared, Usual};

/// So many calls at once are nearly alone: what they take is what a call takes.
const QUIET: u32 = 2;

#[derive(Debug)]
pub(crate) struct Pulse {
    role: Role,
    clock: Clock,
    policy: Arc<Policy>,
    bounds: Bounds,
    burst: u32,
    felt: Mutex<Felt>,
}

#[derive(Debug)]
struct Felt {
    usual: Usual,
    watch: Watch,
    /// `None` where it does not move.
    limit: Option<Limit>,
}

/// One attempt that has ended.
pub(crate) struct Attempt<'a> {
    pub(crate) name: &'static str,
    pub(crate) failed: Option<&'a FailedAttempt>,
    /// Getting its connection included.
    pub(crate) took: Duration,
    /// Without that; `None` where it got none.
    pub(crate) worked: Option<Duration>,
    pub(crate) was_quiet: bool,
}

impl Pulse {
    pub(crate) fn new(role: Role, clock: Clock, policy: Arc<Policy>, size: PoolSize) -> Self {
        let bounds = bounds(&policy, size);
        let moves = policy.adaptive && bounds.least < bounds.most;
        Self {
            role,
            clock,
            policy,
            bounds: if moves { bounds } else { fixed(size.max) },
            burst: size.burst,
            felt: Mutex::new(Felt {
                usual: Usual::default(),
                watch: Watch::default(),
                limit: moves.then(|| Limit::new(bounds)),
            }),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether a call has the database nearly to itself.
    pub(crate) fn is_quiet(bulkhead: &Bulkhead) -> bool {
        bulkhead.running() <= QUIET
    }

    pub(crate) fn record(&self, bulkhead: &Bulkhead, attempt: &Attempt) {
        let observation = match attempt.failed {
            None => Some(Observation::Success),
            Some(failed) => Observation::of(failed.class.breaker, self.role == Role::Write),
        };
        let (now, running) = (self.clock.now(), bulkhead.running());
        let quiet = attempt.was_quiet && running <= QUIET;
        let mut felt = self.felt();
        let compared = match (attempt.failed, attempt.worked) {
            (None, Some(worked)) => felt.usual.record(now, attempt.name, worked, quiet),
            _ => Compared::default(),
        };
        let changes = observation.map_or([None, None], |observation| {
            felt.watch
                .record(now, evidence(&self.policy, observation, attempt.took, compared))
        });
        if let Some(limit) = &mut felt.limit {
            if let Some(seen) = seen(attempt.failed.map(|failed| &failed.class), compared) {
                limit.record(seen, running);
            }
            if limit.is_due(now) {
                self.steer(limit, bulkhead);
            }
        }
        drop(felt);
        self.tell(changes);
    }

    /// With each probe that succeeds, so that all of this goes on where nobody calls.
    pub(crate) fn tick(&self, bulkhead: &Bulkhead) {
        let now = self.clock.now();
        let mut felt = self.felt();
        let changes = felt.watch.tick(now);
        if let Some(limit) = felt.limit.as_mut().filter(|limit| limit.is_due(now)) {
            self.steer(limit, bulkhead);
        }
        drop(felt);
        self.tell(changes);
    }

    pub(crate) fn trends(&self) -> Trends {
        self.felt().watch.trends()
    }

    /// Under the lock: one at a time.
    fn steer(&self, limit: &mut Limit, bulkhead: &Bulkhead) {
        limit.decide(self.clock.now(), bulkhead.was_crowded());
        bulkhead.steer(limit.places(), limit.burst(self.burst));
    }

    fn tell(&self, changes: Changes) {
        for change in changes.into_iter().flatten() {
            self.policy.observer.trend_changed(self.role, &change);
        }
    }

    fn felt(&self) -> MutexGuard<'_, Felt> {
        self.felt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Up to all connections there may ever be, the burst's included; where there is one, it is one.
fn bounds(policy: &Policy, size: PoolSize) -> Bounds {
    Bounds {
        least: policy.least_running.clamp(1, size.max.max(1)),
        usual: size.max,
        most: size.max + size.burst,
    }
}

fn fixed(max: u32) -> Bounds {
    Bounds {
        least: max,
        usual: max,
        most: max,
    }
}

fn evidence(policy: &Policy, observation: Observation, took: Duration, compared: Compared) -> Evidence {
    Evidence {
        failed: matches!(observation, Observation::Failure | Observation::Isolate),
        slow: observation == Observation::Slow || took > policy.breaker.slow_after,
        compared: compared.with_all,
    }
}

/// What a call's end says of how many there may be. That the way is broken, that somebody else held a lock, or
/// that a value is wrong is no matter of their number.
fn seen(failed: Option<&Class>, compared: Compared) -> Option<Seen> {
    match failed {
        None => Some(Seen::Answered(compared.with_quiet)),
        Some(class) if class.breaker == BreakerEffect::Ignored => None,
        Some(class) if matches!(class.kind, Kind::TimedOut | Kind::Busy) => Some(Seen::TooMuch),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{BROKEN, CONSTRAINT, CONTENTION, CROWDED, DEFECT, SHORT, TIMED_OUT, UNREACHABLE};

    #[test]
    fn only_what_depends_on_how_many_there_are_moves_the_limit() {
        for class in [CONSTRAINT, CONTENTION, DEFECT, BROKEN, UNREACHABLE, CROWDED] {
            assert_eq!(seen(Some(&class), Compared::default()), None, "{class:?}");
        }
        for class in [TIMED_OUT, SHORT] {
            assert_eq!(
                seen(Some(&class), Compared::default()),
                Some(Seen::TooMuch),
                "{class:?}"
            );
        }
    }

    #[test]
    fn one_writer_is_one_writer_and_the_floor_is_never_above_what_there_is() {
        let adaptive = Policy {
            adaptive: true,
            least_running: 5,
            ..Policy::default()
        };
        let pulse = |max, burst| {
            let size = PoolSize { min: 0, max, burst };
            Pulse::new(Role::Write, Clock::start(), Arc::new(adaptive.clone()), size)
        };
        assert_eq!(pulse(1, 0).bounds(), fixed(1));
        assert!(pulse(1, 0).felt().limit.is_none());
        let bounds = pulse(3, 4).bounds();
        assert_eq!((bounds.least, bounds.usual, bounds.most), (3, 3, 7));
    }
}
