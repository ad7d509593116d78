//! PostgreSQL.

use std::time::{Duration, Instant};

use resilient_core::failure::Class;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::{Connection as _, Executor, PgConnection, Postgres};

use super::{Options, PoolSize, Purpose, Replication, Role, Supported};
use crate::classify::postgres as classify;
use crate::error::Constraint;
use crate::policy::Policy;
use crate::probe::ProbeAnswer;
use crate::statements::{Contention, Syntax};

/// Its place in the log, in bytes. How late it is by its own clock: not at all while it hears its primary
/// and has replayed all of it; else since the last transaction it has replayed. Whom it follows is told by the
/// timeline: each promotion begins one. A standby has reached at least the newest that it knows of, and learns of it at
/// once (for which the account needs the right to see it: `pg_read_all_stats`), or with the next restart point.
const REPLICATION: &str = "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint, \
CASE WHEN NOT pg_is_in_recovery() THEN NULL \
WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0 \
ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8, \
CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END, \
CASE WHEN pg_is_in_recovery() THEN greatest((SELECT received_tli FROM pg_stat_wal_receiver), \
(SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery())) \
END::bigint";

impl Supported for Postgres {
    type Server = ();

    const BEGIN: &'static str = "BEGIN";

    const SYNTAX: Syntax = Syntax::Postgres;

    const DEADLOCK: &'static str = "40P01";

    const READ_ONLY: &'static str = "25006";

    const DISK_FULL: &'static str = "53100";

    const PROBE_SEES_READ_ONLY: bool = true;

    const PROBE_OPENS_ANEW: bool = false;

    fn options(options: &Options<Self>, role: Role, policy: &Policy) -> Options<Self> {
        match role {
            Role::Read => limited(options, policy.read_statement_timeout, policy)
                .options([("default_transaction_read_only", "on")]),
            Role::Write => limited(options, policy.write_statement_timeout, policy),
        }
    }

    fn probe_options(options: &Options<Self>, policy: &Policy) -> Options<Self> {
        limited(options, policy.probe_limit, policy)
    }

    async fn settle_in(_: &mut PgConnection, _: Purpose, _: &Policy, (): &()) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn pool_size(_role: Role, policy: &Policy) -> PoolSize {
        PoolSize {
            min: policy.min_connections.min(policy.max_connections),
            max: policy.max_connections,
            burst: policy.burst_connections,
        }
    }

    async fn run(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement).await.map(drop)
    }

    async fn forget_statements(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.clear_cached_statements().await
    }

    async fn probe(connection: &mut PgConnection, (): &()) -> Result<ProbeAnswer, sqlx::Error> {
        let writable = "SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)";
        let writable = sqlx::query_scalar(writable).fetch_one(connection).await?;
        Ok(ProbeAnswer { writable })
    }

    async fn replication(connection: &mut PgConnection, (): &()) -> Result<Replication, sqlx::Error> {
        type Told = (Option<i64>, Option<f64>, Option<i64>, Option<i64>);
        let (position, behind, writes, repeats): Told = sqlx::query_as(REPLICATION).fetch_one(connection).await?;
        let number = |number: Option<i64>| number.and_then(|number| number.try_into().ok());
        Ok(Replication {
            position: number(position),
            behind: behind.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            identity: number(writes),
            follows: Some(number(repeats).into_iter().collect()),
        })
    }

    /// `statement_timeout` was set when connecting.
    async fn limit(_connection: &mut PgConnection, _until: Instant) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn lift_limit(_connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn classify(error: &dyn DatabaseError, (): &()) -> Class {
        let severity = error
            .try_downcast_ref::<PgDatabaseError>()
            .map(PgDatabaseError::severity);
        let severe = matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic));
        classify::class_of(error.code().as_deref().unwrap_or_default(), severe)
    }

    fn contention(error: &dyn DatabaseError) -> Option<Contention> {
        classify::contention_of(&error.code()?)
    }

    fn constraint(error: &dyn DatabaseError, (): &()) -> Option<Constraint> {
        classify::constraint_of(error.try_downcast_ref()?)
    }
}

fn limited(options: &Options<Postgres>, statement_timeout: Duration, policy: &Policy) -> Options<Postgres> {
    let milliseconds = |limit: Duration| limit.as_millis().to_string();
    options
        .clone()
        .application_name(&policy.application_name)
        .extra_float_digits(3)
        .options([
            ("statement_timeout", milliseconds(statement_timeout)),
            ("lock_timeout", milliseconds(policy.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(policy.idle_in_transaction_timeout),
            ),
            // Values cross as text: their form must not depend on the server's configuration.
            ("DateStyle", "ISO,YMD".to_owned()),
            ("TimeZone", "UTC".to_owned()),
            ("IntervalStyle", "postgres".to_owned()),
            ("bytea_output", "hex".to_owned()),
        ])
}
