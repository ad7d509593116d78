//! SQLite, in a file. (A database in memory is another one for each connection.)

use std::time::Instant;

use resilient_core::failure::Class;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor, Sqlite, SqliteConnection};

use super::{Options, PoolSize, Purpose, Replication, Role, Supported};
use crate::classify::sqlite as classify;
use crate::error::Constraint;
use crate::policy::Policy;
use crate::probe::ProbeAnswer;
use crate::statements::{Contention, Syntax};

/// Virtual machine instructions between two looks at the clock: some tens of microseconds.
const LOOK_EVERY: i32 = 1_000;

impl Supported for Sqlite {
    type Server = ();

    /// Takes the write lock at once: a transaction that began by reading cannot wait for it later,
    /// SQLite refuses without looking at the busy timeout.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    const SYNTAX: Syntax = Syntax::Sqlite;

    /// `SQLITE_BUSY_SNAPSHOT`: refused at once where waiting would be a deadlock.
    const DEADLOCK: &'static str = "517";

    const READ_ONLY: &'static str = "8";

    const DISK_FULL: &'static str = "13";

    const PROBE_SEES_READ_ONLY: bool = false;

    /// A file can be deleted under an open connection, which then notices nothing.
    const PROBE_OPENS_ANEW: bool = true;

    fn options(options: &Options<Self>, role: Role, policy: &Policy) -> Options<Self> {
        let options = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL may lose the last commits when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(policy.lock_timeout);
        match role {
            Role::Read => options.pragma("query_only", "ON"),
            Role::Write => options,
        }
    }

    /// A missing file must be a failure, not a new, empty one.
    fn probe_options(options: &Options<Self>, policy: &Policy) -> Options<Self> {
        options
            .clone()
            .create_if_missing(false)
            .busy_timeout(policy.probe_limit / 2)
    }

    async fn settle_in(_: &mut SqliteConnection, _: Purpose, _: &Policy, (): &()) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// One writer: a second could only wait for the first, inside SQLite and out of our sight.
    fn pool_size(role: Role, policy: &Policy) -> PoolSize {
        match role {
            Role::Read => PoolSize {
                min: 0,
                max: policy.max_connections,
                burst: policy.burst_connections,
            },
            Role::Write => PoolSize {
                min: 0,
                max: 1,
                burst: 0,
            },
        }
    }

    async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement).await.map(drop)
    }

    async fn forget_statements(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        connection.clear_cached_statements().await
    }

    /// Reads a page of the file; `SELECT 1` would not.
    async fn probe(connection: &mut SqliteConnection, (): &()) -> Result<ProbeAnswer, sqlx::Error> {
        connection.execute("SELECT count(*) FROM sqlite_schema").await?;
        Ok(ProbeAnswer { writable: true })
    }

    /// A file has no replicas.
    async fn replication(_connection: &mut SqliteConnection, (): &()) -> Result<Replication, sqlx::Error> {
        Ok(Replication::default())
    }

    /// There is no server to stop a statement, and dropping its future does not: the progress handler
    /// does.
    async fn limit(connection: &mut SqliteConnection, until: Instant) -> Result<(), sqlx::Error> {
        connection
            .lock_handle()
            .await?
            .set_progress_handler(LOOK_EVERY, move || Instant::now() < until);
        Ok(())
    }

    async fn lift_limit(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        connection.lock_handle().await?.remove_progress_handler();
        Ok(())
    }

    fn classify(error: &dyn DatabaseError, (): &()) -> Class {
        classify::class_of(code(error).unwrap_or_default())
    }

    fn contention(error: &dyn DatabaseError) -> Option<Contention> {
        classify::contention_of(error.code()?.parse().ok()?)
    }

    fn constraint(error: &dyn DatabaseError, (): &()) -> Option<Constraint> {
        classify::constraint_of(code(error)?, error.message())
    }
}

fn code(error: &dyn DatabaseError) -> Option<i32> {
    error.code()?.parse().ok()
}
