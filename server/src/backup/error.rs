//! Why there is no backup, or nothing was restored.

use std::io;
use std::path::Path;

use crate::report;

/// What whoever asked can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Install a program, or name where it is.
    Tool,
    /// Make room.
    DiskFull,
    /// See to the database, or to what its account may do.
    Database,
    /// Take another backup: this one is none, or not what it was.
    Damaged,
    /// Say more, or stop the server first; nothing was changed.
    Refused,
    /// Come back later: another one is at work.
    Busy,
    /// See to the disk.
    Disk,
}

impl Why {
    /// As reports write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::DiskFull => "disk_full",
            Self::Database => "database",
            Self::Damaged => "damaged",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Disk => "disk",
        }
    }

    /// How a command ends with it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Database | Self::DiskFull | Self::Disk => 1,
            Self::Damaged => 3,
            Self::Refused | Self::Busy => 4,
            Self::Tool => 5,
        }
    }
}

/// In words for the operator, in one line. It may hold what a database's program said.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{words}")]
pub struct BackupError {
    pub why: Why,
    words: String,
}

impl BackupError {
    pub fn new(why: Why, words: impl Into<String>) -> Self {
        let words = words.into();
        // What a program said may have several lines.
        let words = words.lines().map(str::trim).filter(|line| !line.is_empty());
        let words = words.collect::<Vec<_>>().join(" / ");
        Self { why, words }
    }

    /// Of a file or directory.
    pub fn of(path: &Path, error: &io::Error) -> Self {
        let place = path.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(Why::DiskFull, format!("The disk is full: {place} cannot be written."))
            }
            _ => Self::new(Why::Disk, format!("{place} cannot be used: {error}.")),
        }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        /// `SQLITE_FULL`
        const FULL: &str = "13";
        let code = error.as_database_error().and_then(|error| error.code());
        if code.as_deref() == Some(FULL) {
            return Self::new(Why::DiskFull, "The disk is full: the copy cannot be written.");
        }
        let cause = report::chain(&error);
        Self::new(Why::Database, format!("The database did not do it: {cause}."))
    }
}

impl From<resilient_db::DbError> for BackupError {
    fn from(error: resilient_db::DbError) -> Self {
        let cause = report::chain(&error);
        Self::new(Why::Database, format!("The database did not do it: {cause}."))
    }
}
