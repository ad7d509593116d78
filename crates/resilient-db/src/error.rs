//! The one error the crate answers with.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resilient_core::failure::{Class, Kind};

/// A transaction was not committed because a statement in it had failed, or was dropped half read,
/// or the work kept its connection, and wanted to commit all the same. PostgreSQL would have answered such a COMMIT with a
/// rollback that sqlx reports as success. After a failed
/// statement the work has to end with [`End::Rollback`](crate::End::Rollback) or the error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitRefused {
    pub failed_statements: u32,
    pub unfinished_statements: u32,
    /// The work ended and its connection was still somewhere.
    pub connection_kept: bool,
}

impl fmt::Display for CommitRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            failed_statements,
            unfinished_statements,
            connection_kept,
        } = self;
        match connection_kept {
            true => write!(
                formatter,
                "not committed: the work ended without giving its connection back"
            ),
            false => write!(
                formatter,
                "not committed: {failed_statements} statements failed and {unfinished_statements} were left unfinished"
            ),
        }
    }
}

impl Error for CommitRefused {}

/// A failed call. [`class`](Self::class) says what follows from it; `Display` says one level,
/// [`source`](Error::source) carries the driver's error.
#[derive(Clone, Debug)]
pub struct DbError {
    /// The call's name, as given by the caller.
    pub name: &'static str,
    pub class: Class,
    /// The constraint or value that was refused, where the server said so.
    pub constraint: Option<Box<Constraint>>,
    /// When another try makes sense; always there for a refusal.
    pub retry_after: Option<Duration>,
    /// How often the work was tried; 0 for a refusal.
    pub attempts: u32,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl DbError {
    /// The driver's error, where there is one: for the log, never for people.
    pub fn driver_error(&self) -> Option<&sqlx::Error> {
        self.source.as_deref()?.downcast_ref()
    }
}

/// Which rule a value broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub kind: ConstraintKind,
    pub name: Option<String>,
    pub table: Option<String>,
    /// As the database names them; empty where it does not say.
    pub columns: Vec<String>,
    /// What a trigger or function said when it refused: the words of whoever wrote it, meant for people.
    pub said: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    Unique,
    /// Another row already takes up what this one wants, such as an overlapping time.
    Exclusion,
    ForeignKey,
    NotNull,
    Check,
    /// The text is no value of the column's type.
    BadValue,
    TooLong,
    /// A trigger refused.
    Raised,
    /// Row-level security, or a right that is missing, refused.
    NotPermitted,
}

impl fmt::Display for DbError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.class.kind {
            Kind::Unreachable => "the database cannot be reached",
            Kind::Busy => "the database is busy",
            Kind::Contention => "another transaction was in the way",
            Kind::TimedOut => "the statement took too long",
            Kind::Constraint => "a constraint refused the change",
            Kind::BadValue => "a value does not fit its column",
            Kind::Absent => "there is no such row",
            Kind::ReadOnly => "the database cannot be written to",
            Kind::Damaged => "the database reports damage",
            Kind::Misconfigured => "the database refuses this configuration",
            Kind::Defect => "the statement is wrong",
            Kind::Closing => "the pool is closed",
        };
        write!(formatter, "{}: {what}", self.name)
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}
