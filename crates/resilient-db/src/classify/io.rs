//! Input and output errors: what they mean depends on whether anything had been sent.

use std::io::{Error, ErrorKind};

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};

use super::{DAMAGED, LOST, MISCONFIGURED, Phase, UNREACHABLE};

/// Our own process or machine has run out of something; not the database's fault.
const OWN_SHORTAGE: Class = Class {
    kind: Kind::Busy,
    retry: Retry::Yes(Pace::Slow),
    breaker: BreakerEffect::Ignored,
    action: Action::Shed,
    ..UNREACHABLE
};

/// The connection broke in use: reconnect, and resolve if a change was under way. Below an outage
/// until it turns out that something is in doubt.
const CUT: Class = Class {
    severity: Severity::Degraded,
    action: Action::Reconnect,
    ..LOST
};

/// `EMFILE` and `ENFILE`, which have no stable kind.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// What an I/O error means in `phase`.
pub fn class_of(error: &Error, phase: Phase) -> Class {
    let out_of_files = error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code));
    if out_of_files {
        OWN_SHORTAGE
    } else {
        class_of_kind(error.kind(), phase)
    }
}

/// The same by kind alone.
pub fn class_of_kind(kind: ErrorKind, phase: Phase) -> Class {
    match kind {
        ErrorKind::AddrNotAvailable => OWN_SHORTAGE,
        ErrorKind::PermissionDenied => MISCONFIGURED,
        ErrorKind::OutOfMemory | ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem | ErrorKind::QuotaExceeded => {
            DAMAGED
        }
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => UNREACHABLE,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown
            if phase == Phase::Connect =>
        {
            Class {
                action: Action::FailOver,
                ..UNREACHABLE
            }
        }
        ErrorKind::TimedOut if phase == Phase::Connect => Class {
            action: Action::FailOver,
            ..UNREACHABLE
        },
        ErrorKind::TimedOut => LOST,
        ErrorKind::Interrupted | ErrorKind::WouldBlock => internal(),
        ErrorKind::InvalidData => Class {
            kind: Kind::Defect,
            retry: Retry::Never,
            action: Action::Report,
            ..LOST
        },
        // Name resolution has no stable kind of its own.
        _ if phase == Phase::Connect && !broken(kind) => Class {
            retry: Retry::Yes(Pace::Slow),
            ..UNREACHABLE
        },
        _ => CUT,
    }
}

fn broken(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::ConnectionAborted
            | ErrorKind::WriteZero
    )
}

/// Never meant for us; if one gets through, what it interrupted is in doubt.
fn internal() -> Class {
    Class {
        outcome: Outcome::Unknown,
        retry: Retry::Yes(Pace::Ordinary),
        connection: ConnectionFate::Drop,
        breaker: BreakerEffect::Ignored,
        severity: Severity::Contention,
        ..LOST
    }
}
