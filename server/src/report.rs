//! Where an internal error becomes what people and programs are told. It is logged here, once, with
//! its whole chain.

use std::error::Error;

use app::api_error::{ApiError, ErrorKind};
use resilient_core::failure::{Kind, Outcome};
use resilient_db::DbError;

use crate::request_id;

/// Finds a failure in the log: the id of the request it happened in.
pub fn error_id() -> String {
    request_id::current().unwrap_or_else(request_id::fresh)
}

/// What a failed call of the database means to the one who asked.
pub fn database(what: &'static str, error: &DbError) -> ApiError {
    let kind = match error.class.kind {
        Kind::Absent => ErrorKind::NotFound,
        Kind::Constraint | Kind::BadValue => ErrorKind::BadRequest,
        Kind::Defect | Kind::Damaged => ErrorKind::Internal,
        Kind::Unreachable
        | Kind::Busy
        | Kind::Contention
        | Kind::TimedOut
        | Kind::ReadOnly
        | Kind::Misconfigured
        | Kind::Closing => ErrorKind::Unavailable,
    };
    let message = match kind {
        ErrorKind::NotFound => "There is no such record.",
        ErrorKind::BadRequest => "The database does not accept this.",
        ErrorKind::Internal => "Something went wrong on our side.",
        _ if error.class.kind == Kind::TimedOut => "This took too long and was stopped.",
        _ => "The database cannot be reached right now.",
    };
    let mut answer = ApiError::new(kind, message);
    if kind == ErrorKind::Unavailable {
        let wait = error.retry_after.map_or(1_000, |wait| wait.as_millis() as u64);
        answer.retry_after_ms = Some(wait);
        answer.error_id = request_id::current();
        log_unavailable(what, error);
    } else {
        answer.error_id = Some(log(what, error));
    }
    answer
}

/// The reason of a save of which it is not known whether it was done.
pub const UNKNOWN: &str = "unknown";
/// Why a save was kept: its statement took too long.
pub const TIMEOUT: &str = "timeout";

/// Why a save was kept instead of done; `None` where trying again would not help.
pub fn reason_to_keep(error: &DbError) -> Option<&'static str> {
    if error.class.outcome == Outcome::Unknown {
        return Some(UNKNOWN);
    }
    match error.class.kind {
        Kind::Unreachable | Kind::ReadOnly | Kind::Misconfigured | Kind::Closing => Some("database"),
        Kind::Busy | Kind::Contention => Some("overload"),
        Kind::TimedOut => Some(TIMEOUT),
        Kind::Constraint | Kind::BadValue | Kind::Absent | Kind::Damaged | Kind::Defect => None,
    }
}

/// Logs a failure with its chain and gives the id it is found by.
pub fn log(what: &'static str, error: &DbError) -> String {
    let error_id = error_id();
    let severity = error.class.severity;
    tracing::error!(
        error_id,
        what,
        ?severity,
        attempts = error.attempts,
        chain = cause(error),
        "a database call failed"
    );
    error_id
}

/// An outage is logged by the breaker when it changes; a single refused call is only worth a trace.
pub fn log_unavailable(what: &'static str, error: &DbError) {
    if error.attempts == 0 {
        tracing::debug!(what, "refused: the database is not reachable");
    } else {
        tracing::warn!(
            what,
            attempts = error.attempts,
            chain = cause(error),
            "the database did not do it"
        );
    }
}

/// A failed call with all that caused it. What the database says of a value it does not take repeats
/// that value, and values are not for the log: of those there is only the code.
fn cause(error: &DbError) -> String {
    let code = error
        .driver_error()
        .and_then(|driver| driver.as_database_error()?.code());
    let repeats_a_value = match error.class.kind {
        Kind::Constraint | Kind::BadValue => true,
        Kind::Defect => code.as_deref().is_some_and(|code| !is_of_the_database(code)),
        _ => false,
    };
    if !repeats_a_value {
        return chain(error);
    }
    format!("{error} (code {})", code.as_deref().unwrap_or("unknown"))
}

/// The message of such a code is the database's own, and of the schema or the server. Under any other a trigger
/// may say what it likes. SQLite's codes are plain numbers; its triggers only have one, which is a constraint's.
fn is_of_the_database(code: &str) -> bool {
    const CLASSES: [&str; 8] = ["08", "28", "3D", "42", "53", "57", "58", "XX"];
    code.len() != 5 || CLASSES.iter().any(|class| code.starts_with(class))
}

/// An error with all that caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trigger_says_under_a_code_of_its_own_is_not_logged() {
        for code in ["42703", "42P01", "57014", "XX000", "1"] {
            assert!(is_of_the_database(code), "{code}");
        }
        for code in ["P0002", "90001", "U0001", "22012"] {
            assert!(!is_of_the_database(code), "{code}");
        }
    }
}
