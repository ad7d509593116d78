//! sqlx's own error variants.

use std::error::Error as StdError;
use std::io::ErrorKind;

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Retry, Severity};
use sqlx::Error;

use super::{CROWDED, DEFECT, LOST, MISCONFIGURED, Phase, UNREACHABLE, in_phase, io};
use crate::supported::Supported;

/// There is no such row: the server answered, and the answer is no.
const ABSENT: Class = Class {
    kind: Kind::Absent,
    outcome: Outcome::Applied,
    severity: Severity::Input,
    action: Action::NotFound,
    ..DEFECT
};

const CLOSING: Class = Class {
    kind: Kind::Closing,
    severity: Severity::Contention,
    ..CROWDED
};

/// What any error of a call on `D` means in `phase`.
///
/// [`Error::PoolTimedOut`] is ambiguous by design and is taken here for a pool whose server does not
/// answer; whoever knows the pool's numbers and the last probe knows better.
pub fn classify<D: Supported>(error: &Error, phase: Phase, server: &D::Server) -> Class {
    let base = match error {
        Error::Database(error) => D::classify(&**error, server),
        Error::Io(error) => io::class_of(error, phase),
        other => class_of_variant(other),
    };
    in_phase(base, phase)
}

/// The variants that carry neither a server's code nor an I/O error.
pub fn class_of_variant(error: &Error) -> Class {
    match error {
        Error::Tls(cause) => tls(&**cause),
        Error::Protocol(_) => Class {
            kind: Kind::Defect,
            retry: Retry::Never,
            action: Action::Report,
            ..LOST
        },
        Error::PoolTimedOut => Class {
            retry: Retry::Once,
            severity: Severity::Degraded,
            action: Action::Shed,
            ..UNREACHABLE
        },
        Error::PoolClosed => CLOSING,
        Error::WorkerCrashed => Class {
            retry: Retry::Never,
            severity: Severity::Critical,
            action: Action::Page,
            ..LOST
        },
        Error::RowNotFound => ABSENT,
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. } => Class {
            outcome: Outcome::Applied,
            ..DEFECT
        },
        Error::TypeNotFound { .. } | Error::Encode(_) => Class {
            outcome: Outcome::NotSent,
            ..DEFECT
        },
        Error::BeginFailed | Error::InvalidSavePointStatement => Class {
            outcome: Outcome::NotSent,
            connection: ConnectionFate::Drop,
            ..DEFECT
        },
        // Configuration, InvalidArgument, AnyDriverError, Migrate, ConfigFile, and what sqlx may
        // add: nothing was sent, and only a person can help.
        _ => Class {
            connection: ConnectionFate::Keep,
            ..MISCONFIGURED
        },
    }
}

/// A handshake that broke off is an outage; one that was refused is a certificate or a setting.
fn tls(cause: &(dyn StdError + 'static)) -> Class {
    let broke_off = cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::TimedOut | ErrorKind::ConnectionReset
        )
    });
    if broke_off {
        Class {
            breaker: BreakerEffect::Failure,
            ..UNREACHABLE
        }
    } else {
        MISCONFIGURED
    }
}
