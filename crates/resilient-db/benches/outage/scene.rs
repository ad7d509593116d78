//! What is put under load, and how it is broken and mended.

use std::collections::HashMap;

use clap::ValueEnum;
use resilient_db::Options;

use crate::statements::Loaded;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// `kill -9`, started again
    Kill,
    /// `SIGSTOP` and `SIGCONT`; on SQLite somebody else sits on the write lock
    Freeze,
    /// Every place of the server is taken by somebody else
    ConnectionLimit,
    /// The disk of the rows is full (root mounts a small one)
    DiskFull,
    /// The server is switched to take no changes
    ReadOnly,
    /// TLS is demanded, and the server has none; looked at again when it has
    TlsRefused,
    /// A network of one byte a second
    OneByteASecond,
    /// Connections are accepted, and what is sent is lost
    BlackHole,
    /// No outage: an hour's calls, 30 % of them refused by a constraint, 5 % deadlocked
    Errors,
}

impl Fault {
    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or(String::new(), |value| value.get_name().to_owned())
    }

    /// Reading goes on.
    pub fn spares_reading(self, sqlite: bool) -> bool {
        matches!(self, Self::DiskFull | Self::ReadOnly) || sqlite
    }

    /// A setting is wrong until a person has mended it, and says so: then the database is looked at at once.
    pub fn is_a_setting(self) -> bool {
        self == Self::TlsRefused
    }

    /// Median and 99th percentile of the time until the first change, in milliseconds.
    pub fn target_ms(self) -> (u64, u64) {
        match self {
            Self::DiskFull | Self::ReadOnly | Self::TlsRefused => (2_000, 2_000),
            _ => (300, 600),
        }
    }
}

/// A database that can be broken.
pub trait Scene<D: Loaded>: Send {
    /// How the library connects, and the plain client beside it.
    fn options(&self) -> Result<Options<D>, Failure>;

    /// The tables of the load.
    fn tables(&self) -> Vec<String>;

    /// Returns when it is broken.
    fn strike(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Returns when the cause is gone; the database may need longer.
    fn lift(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// How often each change of the load is there, by a witness that is not the library.
    fn effects(&self) -> impl Future<Output = Result<HashMap<i32, u32>, Failure>> + Send;
}

/// For the witness.
pub const EFFECTS: &str = "SELECT id, count(*) FROM effect WHERE id > 0 GROUP BY id";
