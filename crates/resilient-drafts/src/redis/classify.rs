//! What an error of Redis means. By kind and reply code, never by the words after it.
//!
//! The library's own advice (`retry_method`) is not followed: it would reconnect on a wrong
//! password, and repeat at once what has just timed out.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};

/// No answer in time. It may have happened: a draft's revision tells.
pub(crate) const TIMED_OUT: Class = Class {
    kind: Kind::TimedOut,
    outcome: Outcome::Unknown,
    retry: Retry::IfRepeatable(Pace::Slow),
    // A late answer would be taken for that of another call's only if the protocol were confused;
    // but a way that swallows answers never comes back by itself.
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::Failure,
    severity: Severity::Degraded,
    action: Action::Wait,
};

const CONNECTION_LOST: Class = Class {
    kind: Kind::Unreachable,
    outcome: Outcome::Unknown,
    retry: Retry::IfRepeatable(Pace::Ordinary),
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::Failure,
    severity: Severity::Outage,
    action: Action::Reconnect,
};

/// A reply that says it was refused before anything was done.
const REFUSED: Class = Class {
    kind: Kind::Busy,
    outcome: Outcome::NotSent,
    retry: Retry::Yes(Pace::Slow),
    connection: ConnectionFate::Keep,
    breaker: BreakerEffect::Failure,
    severity: Severity::Outage,
    action: Action::Wait,
};

/// It answers, and does not take writes.
const NO_WRITES: Class = Class {
    kind: Kind::ReadOnly,
    breaker: BreakerEffect::FailureOfWrites,
    ..REFUSED
};

const MISCONFIGURED: Class = Class {
    kind: Kind::Misconfigured,
    retry: Retry::Never,
    breaker: BreakerEffect::Isolate,
    severity: Severity::Critical,
    action: Action::Page,
    ..REFUSED
};

/// Nothing that a running system should ever see.
const DEFECT: Class = Class {
    kind: Kind::Defect,
    retry: Retry::Never,
    breaker: BreakerEffect::Success,
    severity: Severity::Outage,
    action: Action::Report,
    ..REFUSED
};

pub(crate) fn classify(error: &RedisError) -> Class {
    match error.kind() {
        ErrorKind::Io if error.is_timeout() => TIMED_OUT,
        ErrorKind::Io | ErrorKind::Parse => CONNECTION_LOST,
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::RESP3NotSupported => {
            by_code(error.code()).unwrap_or(MISCONFIGURED)
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => MISCONFIGURED,
        _ => by_code(error.code()).unwrap_or(DEFECT),
    }
}

fn by_code(code: Option<&str>) -> Option<Class> {
    Some(match code? {
        "LOADING" => Class {
            severity: Severity::Degraded,
            ..REFUSED
        },
        // A script that runs for seconds; ours does not.
        "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => REFUSED,
        "UNKILLABLE" => Class {
            retry: Retry::Never,
            severity: Severity::Critical,
            action: Action::Page,
            ..REFUSED
        },
        "READONLY" => Class {
            action: Action::FailOver,
            ..NO_WRITES
        },
        "NOREPLICAS" => NO_WRITES,
        "OOM" | "MISCONF" => Class {
            retry: Retry::Never,
            severity: Severity::Critical,
            action: Action::Page,
            ..NO_WRITES
        },
        "NOAUTH" | "WRONGPASS" | "NOPERM" => MISCONFIGURED,
        // A cluster: this is a client of one server.
        "MOVED" | "ASK" => MISCONFIGURED,
        "NOSCRIPT" => Class {
            retry: Retry::Once,
            severity: Severity::Input,
            action: Action::RetryTransaction,
            ..DEFECT
        },
        "BUSYGROUP" => Class {
            outcome: Outcome::Applied,
            severity: Severity::Input,
            ..DEFECT
        },
        "EXECABORT" | "CROSSSLOT" | "WRONGTYPE" | "ERR" => DEFECT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: &str) -> Class {
        let known = [
            ("LOADING", ServerErrorKind::BusyLoading),
            ("READONLY", ServerErrorKind::ReadOnly),
            ("MASTERDOWN", ServerErrorKind::MasterDown),
            ("NOSCRIPT", ServerErrorKind::NoScript),
            ("MOVED", ServerErrorKind::Moved),
            ("NOPERM", ServerErrorKind::NoPerm),
            ("ERR", ServerErrorKind::ResponseError),
        ];
        let known = known.iter().find(|(name, _)| *name == code);
        classify(&match known {
            Some((_, kind)) => RedisError::from((ErrorKind::Server(*kind), "as the server said")),
            None => redis::make_extension_error(code.to_owned(), None),
        })
    }

    #[test]
    fn what_passes_by_itself_opens_the_breaker_and_a_wrong_password_keeps_it_open() {
        for code in ["LOADING", "BUSY", "MASTERDOWN", "UNKILLABLE"] {
            assert_eq!(reply(code).breaker, BreakerEffect::Failure, "{code}");
        }
        for code in ["NOAUTH", "WRONGPASS", "NOPERM", "MOVED"] {
            assert_eq!(reply(code).breaker, BreakerEffect::Isolate, "{code}");
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_is_still_asked() {
        for code in ["OOM", "MISCONF", "NOREPLICAS", "READONLY"] {
            let class = reply(code);
            assert_eq!(
                (class.breaker, class.outcome),
                (BreakerEffect::FailureOfWrites, Outcome::NotSent),
                "{code}"
            );
        }
    }

    #[test]
    fn only_a_lost_answer_leaves_open_whether_it_happened() {
        for code in ["LOADING", "OOM", "NOSCRIPT", "WRONGTYPE", "ERR", "NOAUTH"] {
            assert_ne!(reply(code).outcome, Outcome::Unknown, "{code}");
        }
        for kind in [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::TimedOut] {
            let class = classify(&RedisError::from(std::io::Error::from(kind)));
            assert_eq!(
                (class.outcome, class.connection, class.breaker),
                (Outcome::Unknown, ConnectionFate::Drop, BreakerEffect::Failure)
            );
        }
    }

    #[test]
    fn a_defect_of_ours_says_nothing_about_the_server() {
        for code in ["WRONGTYPE", "ERR", "EXECABORT", "SOMETHINGNEW"] {
            assert_eq!(
                (reply(code).kind, reply(code).breaker),
                (Kind::Defect, BreakerEffect::Success),
                "{code}"
            );
        }
    }
}
