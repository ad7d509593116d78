//! Who is told what the layer does, so that it need not know of logs or metrics.

use std::fmt;
use std::time::Duration;

use resilient_core::breaker::{State, Transition};
use resilient_core::failure::{Class, Severity};

use crate::supported::Role;

/// Called after the fact and outside every lock; must not block.
pub trait Observer: fmt::Debug + Send + Sync {
    /// `cause` is the driver's error behind it, where there is one.
    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>);

    /// A call is about to be repeated.
    fn repeating(&self, name: &'static str, failed_attempts: u32, class: &Class, delay: Duration);
}

/// The default: each opening and closing is logged once with its cause, repetitions at debug.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogChanges;

impl Observer for LogChanges {
    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>) {
        let error = cause.map(tracing::field::display);
        match (change.from, change.to) {
            (_, State::Closed) => tracing::info!(?role, "the database answers again"),
            (State::Closed, State::Open) => {
                tracing::warn!(?role, cause = ?change.cause, error, "the database is not asked until a probe succeeds");
            }
            // The probes of one outage; its beginning and its end are enough.
            _ => tracing::trace!(?role, cause = ?change.cause, error, "probing"),
        }
    }

    fn repeating(&self, name: &'static str, failed_attempts: u32, class: &Class, delay: Duration) {
        let (kind, expected) = (class.kind, class.severity <= Severity::Contention);
        tracing::debug!(name, failed_attempts, ?kind, expected, ?delay, "repeating");
    }
}
