//! When the breakers opened and closed, and over what kind of failure: never in a driver's words.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use resilient_db::breaker::{Cause, State, Transition};
use resilient_db::classify::{Phase, sqlx_variant};
use resilient_db::{Observer, Role, Supported};
use serde_json::{Value, json};

use crate::clock::now_ms;

/// Changes remembered, of both roles.
const AT_MOST: usize = 100;

#[derive(Debug, Default)]
pub struct BreakerHistory {
    changes: Mutex<VecDeque<Change>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    server: &'static str,
    role: &'static str,
    to: &'static str,
    why: &'static str,
    /// Of the failure behind it; a probe that was not answered in time has none.
    kind: Option<&'static str>,
    at_ms: u64,
}

impl BreakerHistory {
    fn note(&self, change: Change) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() == AT_MOST {
            changes.pop_front();
        }
        changes.push_back(change);
    }

    /// Over what a server's breaker of this role opened, as far as is known.
    pub fn opened_over(&self, server: &str, role: &str) -> Option<&'static str> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |change: &&Change| change.server == server && change.role == role;
        let last = changes.iter().rev().find(is_of)?;
        last.kind.or(Some(last.why))
    }

    /// The latest first.
    pub fn report(&self) -> Value {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = changes.iter().rev().map(|change| {
            json!({
                "server": change.server,
                "role": change.role,
                "to": change.to,
                "why": change.why,
                "kind": change.kind,
                "at_unix_ms": change.at_ms,
            })
        });
        listed.collect()
    }
}

/// Writes the changes of one server's breakers down.
#[derive(Debug)]
pub struct NoteBreakers<S> {
    history: Arc<BreakerHistory>,
    server: &'static str,
    database: PhantomData<fn() -> S>,
}

impl<S> NoteBreakers<S> {
    pub fn new(history: Arc<BreakerHistory>, server: &'static str) -> Self {
        Self {
            history,
            server,
            database: PhantomData,
        }
    }
}

impl<S: Supported> Observer for NoteBreakers<S> {
    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>) {
        // The probes of an outage are not worth a line each.
        if change.to != State::Closed && change.from != State::Closed {
            return;
        }
        let class = cause.map(|error| sqlx_variant::classify::<S>(error, Phase::Connect, &S::Server::default()));
        self.history.note(Change {
            server: self.server,
            role: role.name(),
            to: change.to.name(),
            why: why(&change.cause),
            kind: class.map(|class| class.kind.name()),
            at_ms: now_ms(),
        });
    }
}

fn why(cause: &Cause) -> &'static str {
    match cause {
        Cause::FailuresInARow(_) => "failures_in_a_row",
        Cause::FailureRatio(_) => "too_many_failures",
        Cause::SlowRatio(_) => "too_many_slow",
        Cause::FailedProbes(_) | Cause::ProbeFailed => "failed_probes",
        Cause::Isolated => "misconfigured",
        Cause::ProbeStarted => "probe_started",
        Cause::ProbeSucceeded => "probe_succeeded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: State, to: State, cause: Cause) -> Transition {
        Transition { from, to, cause }
    }

    #[test]
    fn an_outage_is_two_lines_however_often_it_is_probed_and_tells_no_words_of_the_driver() {
        let history = Arc::new(BreakerHistory::default());
        let observer = NoteBreakers::<sqlx::Sqlite>::new(Arc::clone(&history), "main");
        let words = "FATAL: no entry for host 10.0.0.7, user hunter2";
        let error = sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, words));
        observer.breaker_changed(
            Role::Read,
            &change(State::Closed, State::Open, Cause::FailedProbes(2)),
            Some(&error),
        );
        for _ in 0..50 {
            let (asked, failed) = (Cause::ProbeStarted, Cause::ProbeFailed);
            observer.breaker_changed(Role::Read, &change(State::Open, State::HalfOpen, asked), None);
            observer.breaker_changed(Role::Read, &change(State::HalfOpen, State::Open, failed), Some(&error));
        }
        assert_eq!(history.opened_over("main", "read"), Some("unreachable"));
        assert_eq!(history.opened_over("standby1", "read"), None, "another server");
        assert_eq!(history.opened_over("main", "write"), None);
        observer.breaker_changed(
            Role::Read,
            &change(State::HalfOpen, State::Closed, Cause::ProbeSucceeded),
            None,
        );
        let report = history.report();
        assert_eq!(report.as_array().map(Vec::len), Some(2), "{report}");
        assert_eq!(
            (&report[0]["to"], &report[1]["kind"]),
            (&json!("closed"), &json!("unreachable"))
        );
        assert!(!report.to_string().contains("hunter2"), "{report}");
        for _ in 0..AT_MOST * 2 {
            observer.breaker_changed(Role::Write, &change(State::Closed, State::Open, Cause::Isolated), None);
        }
        assert_eq!(history.report().as_array().map(Vec::len), Some(AT_MOST));
        assert_eq!(history.opened_over("main", "write"), Some("misconfigured"));
    }
}
