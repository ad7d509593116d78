//! Backups: a consistent copy of the database and of what Inkfast keeps beside it, made on command or by a schedule,
//! checked, kept for a while, and brought back.
//!
//! One backup is one directory, with a manifest that says what is in it. It appears under its name only when all of
//! it is on the disk and checked; whatever was begun and not ended has another name and is swept.
//!
//! *Add a database:* implement [`BackedUp`] for its dialect, and test it in `server/tests/it/backups`.

mod aside;
mod beside;
mod counting;
mod error;
mod handed;
mod kept_file;
mod making;
mod manifest;
mod mysql;
mod partial;
mod postgres;
mod program;
mod queued;
mod replay;
mod restoring;
mod retention;
mod rights;
mod schedule;
mod seen;
mod shelf;
mod sqlite;
mod timing;
mod turn;
mod unsaved;
mod verifying;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;

use resilient_db::Options;

pub use self::beside::Beside;
pub use self::error::{BackupError, Why};
pub use self::making::{Made, Making, What, secret_of};
pub use self::manifest::Manifest;
pub use self::program::Places;
pub use self::restoring::{Manner, Restored, restore};
pub use self::retention::Keep;
pub use self::schedule::Schedule;
pub use self::seen::BackupsSeen;
pub use self::shelf::{Backup, Shelf};
pub use self::verifying::{Verified, verify};
use crate::sql::migrations::OwnTables;

/// The database's part in a backup's directory.
pub(crate) const DATABASE: &str = "database";

/// Rows by table.
pub type Rows = BTreeMap<String, u64>;

/// What a copy is of.
#[derive(Clone, Debug)]
pub struct Copied {
    pub server_version: String,
    /// In the copy, not in what the database has become meanwhile.
    pub rows: Rows,
    /// What the copy cannot promise, in words for the operator.
    pub cautions: Vec<String>,
}

/// A kind of database that can be copied while it is written to, and brought back.
pub trait BackedUp: OwnTables {
    /// As manifests write it.
    const KIND: &'static str;

    /// The database's clock, as Unix time in milliseconds.
    const NOW_MS: &'static str;

    /// Which database, for people and to tell backups of one from those of another; without a password.
    fn name_of(options: &Options<Self::Database>) -> String;

    /// Reads an address, as in `DATABASE_URL`.
    fn read_address(url: &str) -> Option<Options<Self::Database>>;

    /// Writes a consistent copy to `file`, which is not there yet, and checks that it can be read.
    fn copy(
        options: &Options<Self::Database>,
        places: &Places,
        file: &Path,
    ) -> impl Future<Output = Result<Copied, BackupError>> + Send;

    /// The database's own name.
    fn database_of(options: &Options<Self::Database>) -> String;

    /// Whether there is nothing in it that a restore would meet.
    fn is_empty(options: &Options<Self::Database>) -> impl Future<Output = Result<bool, BackupError>> + Send;

    /// Brings the copy back into an empty database: all of it but what [`release`](Self::release) brings, or nothing.
    /// Nothing in it runs by itself.
    fn fill(
        options: &Options<Self::Database>,
        places: &Places,
        file: &Path,
        plain: bool,
    ) -> impl Future<Output = Result<(), BackupError>> + Send;

    /// Where a server may use the database meanwhile: brings back the table without which nothing can be saved. It comes
    /// last, after everything that is to be known of a restore.
    fn release(
        options: &Options<Self::Database>,
        places: &Places,
        file: &Path,
        plain: bool,
    ) -> impl Future<Output = Result<(), BackupError>> + Send;

    /// What of the copy would run by itself, and came back switched off.
    fn switched_off(
        options: &Options<Self::Database>,
    ) -> impl Future<Output = Result<Vec<String>, BackupError>> + Send {
        let _nothing_does = options;
        async { Ok(Vec::new()) }
    }

    /// Databases that are made beside this one for these purposes and are of no use afterwards.
    const LEFT_BESIDE: &'static [&'static str];

    /// Databases of this server that nobody is connected to.
    fn unused_beside(
        options: &Options<Self::Database>,
    ) -> impl Future<Output = Result<Vec<String>, BackupError>> + Send;

    /// Makes an empty database beside this one, to be filled and looked at.
    fn make_beside(
        options: &Options<Self::Database>,
        purpose: &str,
    ) -> impl Future<Output = Result<Beside<Self>, BackupError>> + Send
    where
        Self: Sized;

    /// Throws away what [`make_beside`](Self::make_beside) has made.
    fn remove_beside(
        options: &Options<Self::Database>,
        beside: &Beside<Self>,
    ) -> impl Future<Output = Result<(), BackupError>> + Send
    where
        Self: Sized;

    /// Puts the one beside in the place of this one, in one step, where that is possible.
    fn switch(
        options: &Options<Self::Database>,
        beside: &Beside<Self>,
    ) -> impl Future<Output = Result<Switched, BackupError>> + Send
    where
        Self: Sized;

    /// Runs statements that give nothing back.
    fn run(
        options: &Options<Self::Database>,
        orders: &[String],
    ) -> impl Future<Output = Result<(), BackupError>> + Send;

    /// Counts now, of every table that is asked for.
    fn rows(
        options: &Options<Self::Database>,
        of: &(dyn Fn(&str) -> bool + Sync),
    ) -> impl Future<Output = Result<Rows, BackupError>> + Send;
}

/// Where what was restored beside the old database is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Switched {
    /// In its place; the old one has another name.
    InPlace { old: String },
    /// Where it was made: this kind cannot put it there. The old one is what it was.
    Beside { name: String },
}

/// The file that a driver's option names, for a program that reads it itself.
fn certificate_file(key: &str, value: &str) -> Result<String, BackupError> {
    let file = value.strip_prefix("file: ").unwrap_or(value);
    if file.trim_start().starts_with("-----BEGIN") {
        let words = format!("{key} in DATABASE_URL has to be the name of a file for backups, not its content.");
        return Err(BackupError::new(Why::Refused, words));
    }
    Ok(file.to_owned())
}

/// What an address writes as `%HH`.
fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
