//! PostgreSQL: by SQLSTATE.

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};
use sqlx::postgres::PgDatabaseError;

use super::{
    BAD_VALUE, BROKEN, CONSTRAINT, CONTENTION, DAMAGED, DEFECT, LOST, MISCONFIGURED, SHORT, STALE, TIMED_OUT,
    UNREACHABLE,
};
use crate::error::{Constraint, ConstraintKind};
use crate::statements::Contention;

/// (codes, what they mean). A code of two characters stands for the rest of its SQLSTATE class;
/// the first row that fits counts.
const TABLE: &[(&[&str], Class)] = &[
    (
        &["08000", "08003"],
        Class {
            action: Action::Reconnect,
            ..UNREACHABLE
        },
    ),
    (
        &["08001", "08004"],
        Class {
            retry: Retry::Yes(Pace::Slow),
            ..UNREACHABLE
        },
    ),
    (&["08006", "08007", "40003"], LOST),
    (
        &["08P01"],
        Class {
            kind: Kind::Defect,
            retry: Retry::Never,
            action: Action::Report,
            ..LOST
        },
    ),
    // Above all "cached plan must not change result type", which sticks to the connection.
    (
        &["0A000"],
        Class {
            retry: Retry::Once,
            connection: ConnectionFate::Reprepare,
            severity: Severity::Degraded,
            action: Action::Reconnect,
            ..DEFECT
        },
    ),
    (&["22012", "22P03"], DEFECT),
    (&["22"], BAD_VALUE),
    (&["23", "40002", "P0001"], CONSTRAINT),
    (
        &["25006"],
        Class {
            kind: Kind::ReadOnly,
            retry: Retry::IfRepeatable(Pace::Ordinary),
            connection: ConnectionFate::Drop,
            breaker: BreakerEffect::FailureOfWrites,
            action: Action::FailOver,
            ..DEFECT
        },
    ),
    (
        &["25P03"],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            connection: ConnectionFate::Drop,
            breaker: BreakerEffect::Ignored,
            action: Action::RetryTransaction,
            ..TIMED_OUT
        },
    ),
    (
        &["25P04"],
        Class {
            connection: ConnectionFate::Drop,
            ..TIMED_OUT
        },
    ),
    (
        &["26000"],
        Class {
            retry: Retry::Once,
            severity: Severity::Degraded,
            ..STALE
        },
    ),
    (&["28", "3D000", "3F000", "57P04", "F0000", "F0001"], MISCONFIGURED),
    (&["40001", "40P01"], CONTENTION),
    (
        &["42P05", "42P07"],
        Class {
            connection: ConnectionFate::Reprepare,
            severity: Severity::Degraded,
            ..DEFECT
        },
    ),
    (
        &["53100"],
        Class {
            kind: Kind::ReadOnly,
            breaker: BreakerEffect::FailureOfWrites,
            severity: Severity::Critical,
            action: Action::ReadOnly,
            ..DEFECT
        },
    ),
    (&["53200"], SHORT),
    (
        &["53300"],
        Class {
            outcome: Outcome::NotSent,
            connection: ConnectionFate::Drop,
            action: Action::Shed,
            ..SHORT
        },
    ),
    (
        &["53400", "54000", "54001", "54011", "54023"],
        Class {
            breaker: BreakerEffect::Success,
            ..TIMED_OUT
        },
    ),
    (
        &["55000", "55006"],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            ..CONTENTION
        },
    ),
    (
        &["55P03"],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            breaker: BreakerEffect::Slow,
            ..CONTENTION
        },
    ),
    (
        &["57014"],
        Class {
            retry: Retry::OnceIfRead,
            ..TIMED_OUT
        },
    ),
    (&["57P01", "57P02"], BROKEN),
    (
        &["57P03"],
        Class {
            severity: Severity::Degraded,
            ..UNREACHABLE
        },
    ),
    (
        &["57P05"],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            severity: Severity::Contention,
            ..STALE
        },
    ),
    (
        &["58000", "58030", "58P01"],
        Class {
            outcome: Outcome::Unknown,
            breaker: BreakerEffect::Failure,
            ..DAMAGED
        },
    ),
    (
        &["72000"],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            ..CONTENTION
        },
    ),
    (
        &["XX000"],
        Class {
            retry: Retry::Once,
            breaker: BreakerEffect::Failure,
            ..DEFECT
        },
    ),
    (&["XX001", "XX002"], DAMAGED),
];

/// Every code that has a row; one of two characters stands for its whole class.
pub fn codes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|(codes, _)| codes.iter().copied())
}

/// What a SQLSTATE means. `severe` is a severity of FATAL or PANIC: with a code that is not in the
/// table it says that the connection is over, so the answer is lost; otherwise an unknown code is a
/// defect on our side.
pub fn class_of(code: &str, severe: bool) -> Class {
    let fits = |row: &&(&[&str], Class)| {
        row.0
            .iter()
            .any(|listed| *listed == code || Some(*listed) == code.get(..2))
    };
    match TABLE.iter().find(fits) {
        Some((_, class)) => *class,
        None if severe => LOST,
        None => DEFECT,
    }
}

/// How another transaction was in the way.
pub fn contention_of(code: &str) -> Option<Contention> {
    match code {
        "40P01" => Some(Contention::Deadlock),
        "40001" => Some(Contention::Serialization),
        "55P03" => Some(Contention::LockTimeout),
        _ => None,
    }
}

/// From the fields the server sends beside its message. 22001 and 22P02 come without a column.
pub fn constraint_of(error: &PgDatabaseError) -> Option<Constraint> {
    let kind = constraint_kind(error.code())?;
    Some(Constraint {
        kind,
        said: (kind == ConstraintKind::Raised).then(|| error.message().to_owned()),
        name: error.constraint().map(str::to_owned),
        table: error.table().map(str::to_owned),
        columns: error.column().map(str::to_owned).into_iter().collect(),
    })
}

/// Which kind of rule a SQLSTATE names.
pub fn constraint_kind(code: &str) -> Option<ConstraintKind> {
    match code {
        "23505" => Some(ConstraintKind::Unique),
        "23P01" => Some(ConstraintKind::Exclusion),
        "23503" | "23001" => Some(ConstraintKind::ForeignKey),
        "23502" => Some(ConstraintKind::NotNull),
        "23514" | "40002" => Some(ConstraintKind::Check),
        "22001" => Some(ConstraintKind::TooLong),
        "22012" | "22P03" => None,
        "P0001" => Some(ConstraintKind::Raised),
        "42501" | "44000" => Some(ConstraintKind::NotPermitted),
        _ if code.starts_with("22") => Some(ConstraintKind::BadValue),
        _ => None,
    }
}
