//! A breaker that many calls share: its lock, its clock, and those who wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resilient_core::breaker::{Breaker, Observation, State, Transition};
use resilient_core::failure::{Class, Kind};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::classify::REFUSED;
use crate::clock::Clock;
use crate::failed_attempt::FailedAttempt;
use crate::policy::Policy;
use crate::random;
use crate::supported::Role;

#[derive(Debug)]
pub(crate) struct Circuit {
    role: Role,
    clock: Clock,
    policy: Arc<Policy>,
    guarded: Mutex<Guarded>,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Guarded {
    breaker: Breaker,
    /// The failure that opened the breaker, or the last one a probe met since.
    blamed: Option<FailedAttempt>,
}

impl Circuit {
    pub(crate) fn new(role: Role, clock: Clock, policy: Arc<Policy>) -> Self {
        let guarded = Mutex::new(Guarded {
            breaker: Breaker::new(policy.breaker),
            blamed: None,
        });
        Self {
            role,
            clock,
            policy,
            guarded,
            closed: watch::Sender::new(true),
        }
    }

    /// # Errors
    /// A refusal with `retry_after` and what is known of the cause.
    pub(crate) fn admit(&self) -> Result<(), FailedAttempt> {
        let guarded = self.guarded();
        let Err(rejected) = guarded.breaker.admit(self.clock.now()) else {
            return Ok(());
        };
        let (kind, source) = match &guarded.blamed {
            Some(blamed) => (blamed.class.kind, blamed.source.clone()),
            None => (Kind::Unreachable, None),
        };
        drop(guarded);
        let spread = self.policy.retry_after_spread.mul_f64(random::unit());
        let class = Class {
            kind: refused_kind(kind),
            ..REFUSED
        };
        Err(FailedAttempt {
            class,
            constraint: None,
            retry_after: Some(rejected.retry_after + spread),
            source,
        })
    }

    /// Notes how a call ended; `None` for a success.
    pub(crate) fn record(&self, failed: Option<&FailedAttempt>, took: Duration) {
        let observation = match failed {
            None => Some(Observation::Success),
            Some(failed) => self.observation(&failed.class),
        };
        let Some(observation) = observation else { return };
        let now = self.clock.now();
        self.change(failed, |breaker| breaker.record(now, observation, took));
    }

    pub(crate) fn probe_started(&self) {
        self.change(None, Breaker::probe_started);
    }

    pub(crate) fn probe_ended(&self, failed: Option<&FailedAttempt>) {
        // A probe's limit is its own: being slow within it is no failure. What is not to be recorded
        // says nothing about the way, so it must not close the breaker either.
        let observation = match failed.map(|failed| self.observation(&failed.class)) {
            None => Observation::Success,
            Some(Some(observation)) => observation,
            Some(None) if self.is_closed() => return,
            Some(None) => Observation::Failure,
        };
        let (now, random) = (self.clock.now(), random::unit());
        self.change(failed, |breaker| breaker.probe_ended(now, observation, random));
    }

    pub(crate) fn next_probe(&self) -> Duration {
        self.guarded().breaker.next_probe(self.clock.now())
    }

    pub(crate) fn state(&self) -> State {
        self.guarded().breaker.state()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state() == State::Closed
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.guarded()
            .breaker
            .admit(self.clock.now())
            .err()
            .map(|rejected| rejected.retry_after)
    }

    /// Ends when the breaker is not closed.
    pub(crate) async fn opened(&self) {
        // Cannot fail: the sender is `self`.
        let _ = self.closed.subscribe().wait_for(|closed| !closed).await;
    }

    /// Whether it closes before `deadline`.
    pub(crate) async fn closes_before(&self, deadline: Instant) -> bool {
        let mut closed = self.closed.subscribe();
        timeout_at(deadline, closed.wait_for(|closed| *closed)).await.is_ok()
    }

    fn observation(&self, class: &Class) -> Option<Observation> {
        Observation::of(class.breaker, self.role == Role::Write)
    }

    /// Decides under the lock and tells afterwards.
    fn change(&self, failed: Option<&FailedAttempt>, step: impl FnOnce(&mut Breaker) -> Option<Transition>) {
        let mut guarded = self.guarded();
        let Some(transition) = step(&mut guarded.breaker) else {
            return;
        };
        match (failed, transition.to) {
            (_, State::Closed) => guarded.blamed = None,
            (Some(failed), _) => guarded.blamed = Some(failed.clone()),
            (None, _) => {}
        }
        // Under the lock, so that two changes are not told in the wrong order to those who wait.
        self.closed.send_replace(transition.to == State::Closed);
        drop(guarded);
        let cause = failed
            .and_then(|failed| failed.source.as_deref())
            .and_then(|source| source.downcast_ref());
        self.policy.observer.breaker_changed(self.role, &transition, cause);
    }

    fn guarded(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a refused caller is told: only what it would be told by the failure itself and can act upon.
fn refused_kind(kind: Kind) -> Kind {
    match kind {
        Kind::Misconfigured | Kind::ReadOnly | Kind::Damaged => kind,
        _ => Kind::Unreachable,
    }
}
