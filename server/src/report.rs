//! Where an internal error becomes what people and programs are told. It is logged here, once, with
//! its whole chain.

use std::error::Error;

use app::api_error::{ApiError, ErrorKind};
use resilient_core::failure::{Kind, Outcome};
use resilient_db::DbError;

/// Finds a failure in the log.
pub fn new_error_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
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
        log_unavailable(what, error);
    } else {
        answer.error_id = Some(log(what, error));
    }
    answer
}

/// Why a save was kept instead of done; `None` where trying again would not help.
pub fn reason_to_keep(error: &DbError) -> Option<&'static str> {
    if error.class.outcome == Outcome::Unknown {
        return Some("unknown");
    }
    match error.class.kind {
        Kind::Unreachable | Kind::ReadOnly | Kind::Misconfigured | Kind::Closing => Some("database"),
        Kind::Busy | Kind::Contention => Some("overload"),
        Kind::TimedOut => Some("timeout"),
        Kind::Constraint | Kind::BadValue | Kind::Absent | Kind::Damaged | Kind::Defect => None,
    }
}

/// Logs a failure with its chain and gives the id it is found by.
pub fn log(what: &'static str, error: &DbError) -> String {
    let error_id = new_error_id();
    let severity = error.class.severity;
    tracing::error!(
        error_id,
        what,
        ?severity,
        attempts = error.attempts,
        chain = chain(error),
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
            chain = chain(error),
            "the database did not do it"
        );
    }
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
