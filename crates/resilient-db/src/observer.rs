//! Who is told what the layer does, so that it need not know of logs or metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resilient_core::breaker::{State, Transition};
use resilient_core::failure::{Class, Severity};

use crate::error::DbError;
use crate::health::{ProbeReport, RoleHealth};
use crate::statements::Contention;
use crate::supported::Role;
use crate::trend::{Trend, TrendChange};

/// Told of each decision, after the fact and outside every lock. Must not block. What an observer is
/// not interested in it leaves out.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A call has come to its end, whatever that was.
    fn call_ended(&self, _call: &CallEnded) {}

    /// A call is about to be repeated.
    fn repeating(&self, _name: &'static str, _role: Role, _failed_attempts: u32, _class: &Class, _delay: Duration) {}

    /// A call was turned away without an attempt. [`call_ended`](Self::call_ended) follows.
    fn refused(&self, _name: &'static str, _role: Role, _refusal: Refusal) {}

    /// A call runs in a place of the burst, because all ordinary connections were busy for `waited`.
    fn overflowed(&self, _name: &'static str, _role: Role, _waited: Duration) {}

    /// `cause` is the driver's error behind it, where there is one.
    fn breaker_changed(&self, _role: Role, _change: &Transition, _cause: Option<&sqlx::Error>) {}

    /// Calls fail more often or take longer than usual, though the breaker is closed; or they no longer do.
    fn trend_changed(&self, _role: Role, _change: &TrendChange) {}

    /// A probe has ended.
    fn probed(&self, _probe: &ProbeReport) {}

    /// Writes go to another one of several servers, or to none.
    fn writer_changed(&self, _from: Option<&str>, _to: Option<&str>) {}

    /// `other` could be written to as well. It is not, but whoever else writes to it makes another history:
    /// somebody has to look, now.
    fn two_writers(&self, _writer: Option<&str>, _other: &str) {}

    /// The breaker and the pool's numbers, after each probe: about once a second.
    fn counted(&self, _role: Role, _health: &RoleHealth) {}

    /// A statement was slow; at most once a minute for each shape.
    fn slow_statement(&self, _slow: &SlowStatement) {}

    /// A statement lost to another transaction. The call may be repeated and succeed.
    fn contended(&self, _contended: &Contended) {}

    /// Transactions meet too often over statements of one shape.
    fn contention_clustered(&self, _cluster: &ContentionCluster) {}
}

/// A statement that took longer than [`Measuring::slow_after`](crate::Measuring::slow_after).
#[derive(Clone, Copy, Debug)]
pub struct SlowStatement<'a> {
    /// Without any value.
    pub shape: &'a str,
    /// The call that ran it.
    pub call: &'static str,
    pub role: Role,
    pub took: Duration,
}

/// A statement that was undone, or gave up waiting, because of another transaction.
#[derive(Clone, Copy, Debug)]
pub struct Contended<'a> {
    pub contention: Contention,
    pub shape: &'a str,
    pub call: &'static str,
    pub role: Role,
}

/// See [`ClusterRule`](crate::ClusterRule).
#[derive(Clone, Copy, Debug)]
pub struct ContentionCluster<'a> {
    pub shape: &'a str,
    /// The call that met the last one.
    pub call: &'static str,
    pub count: u32,
    pub within: Duration,
}

/// One call, from its caller's point of view.
#[derive(Clone, Copy, Debug)]
pub struct CallEnded<'a> {
    /// As given by the caller.
    pub name: &'static str,
    pub role: Role,
    /// How often the work was tried; 0 for a refusal.
    pub attempts: u32,
    /// From the caller's asking to the answer, waits included.
    pub took: Duration,
    pub ending: Ending<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    Succeeded,
    Failed(&'a DbError),
    /// Whoever asked no longer waits.
    Abandoned,
}

impl Ending<'_> {
    /// `succeeded`, `abandoned`, or the failure's kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(error) => error.class.kind.name(),
            Self::Abandoned => "abandoned",
        }
    }
}

/// Why a call was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The database is known to be away.
    BreakerOpen,
    /// Too many wait already, or the wait was too long.
    BulkheadFull,
    /// Of several servers none is known to take writes, or no longer this one.
    NoWriter,
}

impl Refusal {
    pub fn name(self) -> &'static str {
        match self {
            Self::BreakerOpen => "breaker_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::NoWriter => "no_writer",
        }
    }
}

/// Several observers, told in their order.
#[derive(Clone, Debug)]
pub struct Observers(pub Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn call_ended(&self, call: &CallEnded) {
        self.0.iter().for_each(|observer| observer.call_ended(call));
    }

    fn repeating(&self, name: &'static str, role: Role, failed_attempts: u32, class: &Class, delay: Duration) {
        let tell = |observer: &Arc<dyn Observer>| observer.repeating(name, role, failed_attempts, class, delay);
        self.0.iter().for_each(tell);
    }

    fn refused(&self, name: &'static str, role: Role, refusal: Refusal) {
        self.0.iter().for_each(|observer| observer.refused(name, role, refusal));
    }

    fn overflowed(&self, name: &'static str, role: Role, waited: Duration) {
        self.0
            .iter()
            .for_each(|observer| observer.overflowed(name, role, waited));
    }

    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>) {
        self.0
            .iter()
            .for_each(|observer| observer.breaker_changed(role, change, cause));
    }

    fn trend_changed(&self, role: Role, change: &TrendChange) {
        self.0.iter().for_each(|observer| observer.trend_changed(role, change));
    }

    fn probed(&self, probe: &ProbeReport) {
        self.0.iter().for_each(|observer| observer.probed(probe));
    }

    fn writer_changed(&self, from: Option<&str>, to: Option<&str>) {
        self.0.iter().for_each(|observer| observer.writer_changed(from, to));
    }

    fn two_writers(&self, writer: Option<&str>, other: &str) {
        self.0.iter().for_each(|observer| observer.two_writers(writer, other));
    }

    fn counted(&self, role: Role, health: &RoleHealth) {
        self.0.iter().for_each(|observer| observer.counted(role, health));
    }

    fn slow_statement(&self, slow: &SlowStatement) {
        self.0.iter().for_each(|observer| observer.slow_statement(slow));
    }

    fn contended(&self, contended: &Contended) {
        self.0.iter().for_each(|observer| observer.contended(contended));
    }

    fn contention_clustered(&self, cluster: &ContentionCluster) {
        self.0
            .iter()
            .for_each(|observer| observer.contention_clustered(cluster));
    }
}

/// The default: each opening and closing is logged once with its cause, each trend when it begins and when it is
/// over, repetitions at debug.
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

    fn trend_changed(&self, role: Role, change: &TrendChange) {
        match (change.trend, change.rising) {
            (Trend::Failing, true) => tracing::warn!(?role, "more calls of the database fail than usual"),
            (Trend::Slowing, true) => tracing::warn!(?role, "calls of the database take longer than usual"),
            (trend, false) => tracing::info!(?role, trend = trend.name(), "this trend of the database is over"),
        }
    }

    fn repeating(&self, name: &'static str, role: Role, failed_attempts: u32, class: &Class, delay: Duration) {
        let (kind, expected) = (class.kind, class.severity <= Severity::Contention);
        tracing::debug!(name, ?role, failed_attempts, ?kind, expected, ?delay, "repeating");
    }

    fn writer_changed(&self, from: Option<&str>, to: Option<&str>) {
        match to {
            Some(to) => tracing::warn!(from, to, "writes go to this server"),
            None => tracing::error!(from, "no server takes writes: they are refused until one does"),
        }
    }

    fn two_writers(&self, writer: Option<&str>, other: &str) {
        tracing::error!(
            writer,
            other,
            "two servers take writes at the same time; the other one is left alone until it follows this one"
        );
    }

    fn overflowed(&self, name: &'static str, role: Role, waited: Duration) {
        tracing::debug!(name, ?role, ?waited, "all connections are busy, one more is used");
    }

    fn slow_statement(&self, slow: &SlowStatement) {
        let SlowStatement {
            shape,
            call,
            role,
            took,
        } = *slow;
        tracing::warn!(call, ?role, ?took, statement = shape, "a statement was slow");
    }

    fn contended(&self, contended: &Contended) {
        let Contended {
            contention,
            shape,
            call,
            role,
        } = *contended;
        tracing::debug!(
            call,
            ?role,
            ?contention,
            statement = shape,
            "another transaction was in the way"
        );
    }

    fn contention_clustered(&self, cluster: &ContentionCluster) {
        let ContentionCluster {
            shape,
            call,
            count,
            within,
        } = *cluster;
        tracing::warn!(
            call,
            count,
            ?within,
            statement = shape,
            "transactions are in each other's way too often over this statement"
        );
    }
}
