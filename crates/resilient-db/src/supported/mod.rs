//! What the resilience layer has to know of a database besides sqlx's own traits.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use resilient_core::failure::Class;
use sqlx::Database;
use sqlx::error::DatabaseError;

use crate::error::Constraint;
use crate::policy::Policy;
use crate::probe::ProbeAnswer;
use crate::statements::{Contention, Syntax};

#[cfg(feature = "mysql")]
pub use mysql::MySqlServer;

/// How to connect to `D`, as sqlx has it.
pub type Options<D> = <<D as Database>::Connection as sqlx::Connection>::Options;

/// Reading and writing have pools, bulkheads and breakers of their own: a full disk stops writing
/// and must not stop reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Read,
    Write,
}

impl Role {
    /// For labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// How many connections a pool keeps and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    pub min: u32,
    pub max: u32,
    /// More of them while all of `max` are busy; closed when given back.
    pub burst: u32,
}

/// What a connection is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    Work(Role),
    Probe,
}

/// Where a server stands among those with the same data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replication {
    /// How far it is in the stream of changes, in a number that all of them share.
    pub position: Option<u64>,
    /// How far it thinks it is behind its primary, where it is a replica and knows.
    pub behind: Option<Duration>,
    /// What those that follow it name it by, where it can be followed and that is known.
    pub identity: Option<u64>,
    /// Whose changes it gets, by identity: nobody's where it follows nobody, and `None` where it does not know at
    /// the moment, because it cannot reach them perhaps.
    pub follows: Option<Vec<u64>>,
}

/// A database this crate can keep alive: [`sqlx::Postgres`], [`sqlx::MySql`] and [`sqlx::Sqlite`].
pub trait Supported: Database {
    /// What has to be known of a server before its settings and errors can be understood, where that
    /// is more than nothing. Asked once for all connections, by the first.
    type Server: Debug + Default + Send + Sync + 'static;

    /// Starts a transaction that means to write.
    const BEGIN: &'static str;

    /// How its SQL is read.
    const SYNTAX: Syntax;

    /// The code of a transaction that was undone in favour of another.
    const DEADLOCK: &'static str;

    /// The code of a change that a server refuses because it takes none.
    const READ_ONLY: &'static str;

    /// The code of a change that there is no room for on the disk.
    const DISK_FULL: &'static str;

    /// Whether a probe can tell that no changes are taken.
    const PROBE_SEES_READ_ONLY: bool;

    /// Opening is what a probe has to try, each time.
    const PROBE_OPENS_ANEW: bool;

    /// The given options with the policy's server-side limits and a fixed text form for values, as far
    /// as they can be given when connecting. Connections for reading refuse to write, so that
    /// repeating a read is safe whatever it says.
    fn options(options: &Options<Self>, role: Role, policy: &Policy) -> Options<Self>;

    /// The given options for the probe's own connection.
    fn probe_options(options: &Options<Self>, policy: &Policy) -> Options<Self>;

    /// The rest of them, on a connection that was just opened.
    fn settle_in(
        connection: &mut Self::Connection,
        purpose: Purpose,
        policy: &Policy,
        server: &Self::Server,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// How many connections of this role make sense.
    fn pool_size(role: Role, policy: &Policy) -> PoolSize;

    /// Runs one statement without parameters and ignores its rows.
    fn run(
        connection: &mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Forgets prepared statements: a changed table makes them fail on every connection that has them.
    fn forget_statements(connection: &mut Self::Connection) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The cheapest question that shows the database to be alive, and whether it can be written to.
    fn probe(
        connection: &mut Self::Connection,
        server: &Self::Server,
    ) -> impl Future<Output = Result<ProbeAnswer, sqlx::Error>> + Send;

    /// Where the server stands among others; asked with each probe where there are several.
    fn replication(
        connection: &mut Self::Connection,
        server: &Self::Server,
    ) -> impl Future<Output = Result<Replication, sqlx::Error>> + Send;

    /// Has statements stopped at `until`, where connecting did not arrange for it.
    fn limit(connection: &mut Self::Connection, until: Instant)
    -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Takes that limit away, for the end of a transaction.
    fn lift_limit(connection: &mut Self::Connection) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The meaning of an error the server reported, by its code.
    fn classify(error: &dyn DatabaseError, server: &Self::Server) -> Class;

    /// Whether another transaction was in the way, and how, by the error's code.
    fn contention(error: &dyn DatabaseError) -> Option<Contention>;

    /// The rule that was broken, where the server names one.
    fn constraint(error: &dyn DatabaseError, server: &Self::Server) -> Option<Constraint>;
}
