//! From a driver's error to a [`Class`], by variant and code, never by message text (but for the name of
//! an option, where MySQL has one number for all of them).
//!
//! `tests/rows` holds what is expected of every row, apart from the tables here; `tables.rs` compares.

pub mod io;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod sqlx_variant;
#[cfg(test)]
mod tables;

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};

/// How far a call had come when it failed. A lost connection means something else in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Getting a connection: nothing has been sent.
    Connect,
    /// A read leaves nothing behind, so it is never in doubt.
    Read,
    /// A statement that commits itself.
    Autocommit,
    /// Before COMMIT was sent: the server undoes what it cannot finish.
    InTransaction,
    /// COMMIT was sent.
    Commit,
}

/// The class of `base` when it happens in `phase`.
pub fn in_phase(base: Class, phase: Phase) -> Class {
    let outcome = match (base.outcome, phase) {
        (Outcome::Unknown, Phase::Connect) => Outcome::NotSent,
        (Outcome::Unknown, Phase::Read | Phase::InTransaction) => Outcome::RolledBack,
        // What was applied is undone with the rest of the transaction.
        (Outcome::Applied, Phase::InTransaction) => Outcome::RolledBack,
        (outcome, _) => outcome,
    };
    let in_doubt = outcome == Outcome::Unknown;
    match base.action {
        Action::Reconnect if in_doubt => Class {
            outcome,
            action: Action::Resolve,
            severity: base.severity.max(Severity::Outage),
            ..base
        },
        Action::Resolve if !in_doubt => Class {
            outcome,
            action: Action::Reconnect,
            ..base
        },
        _ => Class { outcome, ..base },
    }
}

/// The class of a failure after which it is not known what became of an attempt before it.
pub(crate) fn in_doubt(class: Class) -> Class {
    Class {
        outcome: Outcome::Unknown,
        action: Action::Resolve,
        severity: class.severity.max(Severity::Outage),
        ..class
    }
}

/// A living server said no, and the statement is to blame. Most rows differ from this in a few
/// fields.
pub(crate) const DEFECT: Class = Class {
    kind: Kind::Defect,
    outcome: Outcome::RolledBack,
    retry: Retry::Never,
    connection: ConnectionFate::Keep,
    breaker: BreakerEffect::Success,
    severity: Severity::Outage,
    action: Action::Report,
};

/// A person's input broke a rule.
pub(crate) const CONSTRAINT: Class = Class {
    kind: Kind::Constraint,
    severity: Severity::Input,
    action: Action::Fix,
    ..DEFECT
};

pub(crate) const BAD_VALUE: Class = Class {
    kind: Kind::BadValue,
    ..CONSTRAINT
};

/// Two transactions met and this one lost.
pub(crate) const CONTENTION: Class = Class {
    kind: Kind::Contention,
    retry: Retry::Yes(Pace::Fast),
    severity: Severity::Contention,
    action: Action::RetryTransaction,
    ..DEFECT
};

/// The server stopped the statement.
pub(crate) const TIMED_OUT: Class = Class {
    kind: Kind::TimedOut,
    breaker: BreakerEffect::Slow,
    severity: Severity::Degraded,
    action: Action::Narrow,
    ..DEFECT
};

/// The way to the server is gone, and with it the answer.
pub(crate) const LOST: Class = Class {
    kind: Kind::Unreachable,
    outcome: Outcome::Unknown,
    retry: Retry::IfRepeatable(Pace::Ordinary),
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::Failure,
    severity: Severity::Outage,
    action: Action::Resolve,
};

/// The connection broke, or is about to, while the server worked for us.
pub(crate) const BROKEN: Class = Class {
    action: Action::Reconnect,
    ..LOST
};

/// Nothing of ours was begun on this connection, and another one will do.
pub(crate) const STALE: Class = Class {
    kind: Kind::Unreachable,
    outcome: Outcome::NotSent,
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::Ignored,
    action: Action::Reconnect,
    ..DEFECT
};

/// There was no way to the server in the first place.
pub(crate) const UNREACHABLE: Class = Class {
    outcome: Outcome::NotSent,
    retry: Retry::Yes(Pace::Ordinary),
    action: Action::Wait,
    ..LOST
};

/// Only a person can help.
pub(crate) const MISCONFIGURED: Class = Class {
    kind: Kind::Misconfigured,
    outcome: Outcome::NotSent,
    retry: Retry::Never,
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::Isolate,
    severity: Severity::Critical,
    action: Action::Page,
};

/// Data or disk are damaged.
pub(crate) const DAMAGED: Class = Class {
    kind: Kind::Damaged,
    outcome: Outcome::RolledBack,
    action: Action::ReadOnly,
    ..MISCONFIGURED
};

/// The server has no room at the moment.
pub(crate) const SHORT: Class = Class {
    kind: Kind::Busy,
    retry: Retry::Yes(Pace::Slow),
    breaker: BreakerEffect::Failure,
    action: Action::Wait,
    ..DEFECT
};

/// Refused by ourselves because the breaker is open.
pub(crate) const REFUSED: Class = Class {
    retry: Retry::Never,
    connection: ConnectionFate::Keep,
    breaker: BreakerEffect::Ignored,
    action: Action::Shed,
    ..UNREACHABLE
};

/// Refused by ourselves because too many wait already, or no time is left.
pub(crate) const CROWDED: Class = Class {
    kind: Kind::Busy,
    severity: Severity::Degraded,
    ..REFUSED
};
