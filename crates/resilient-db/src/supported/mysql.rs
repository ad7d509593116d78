//! MySQL and MariaDB.

use std::time::{Duration, Instant};

use resilient_core::failure::Class;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, Executor, MySql, MySqlConnection, Row};
use tokio::sync::OnceCell;

use super::{Options, PoolSize, Purpose, Replication, Role, Supported};
use crate::classify::mysql::{self as classify, Flavour};
use crate::error::Constraint;
use crate::policy::Policy;
use crate::probe::ProbeAnswer;
use crate::statements::{Contention, Syntax};

/// Which product answers, and in which version: they differ in settings and in what their errors
/// mean. Known from the first connection on, and not asked again: nobody replaces the one by the
/// other under a running application.
#[derive(Debug, Default)]
pub struct MySqlServer {
    version: OnceCell<String>,
}

impl MySqlServer {
    /// As the server names it; `None` as long as none has answered.
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// `None` as long as no server has answered.
    pub fn flavour(&self) -> Option<Flavour> {
        self.version().map(flavour_of)
    }

    /// The flavour, asked for where it is not known yet. Who comes while another one asks waits for
    /// its answer, and asks itself where that one gave up.
    async fn learn(&self, connection: &mut MySqlConnection) -> Result<Flavour, sqlx::Error> {
        let ask = || sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)").fetch_one(connection);
        let version = self.version.get_or_try_init(ask).await?;
        Ok(flavour_of(version))
    }
}

/// MariaDB always says so; everything else that speaks this protocol takes after MySQL.
fn flavour_of(version: &str) -> Flavour {
    match version.to_ascii_lowercase().contains("mariadb") {
        true => Flavour::MariaDb,
        false => Flavour::MySql,
    }
}

/// Not what the server happens to be set to: a value that does not fit is refused instead of cut, one
/// statement is one transaction, COMMIT does nothing but commit, and messages are those that
/// `classify` knows. Without the isolation level InnoDB locks gaps, and people wait for each other
/// over rows that nobody has. (The first line is what sqlx's types rely on.)
const SETTINGS: &str = "SET NAMES utf8mb4, time_zone = '+00:00', \
sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT', \
autocommit = 1, completion_type = 'NO_CHAIN', foreign_key_checks = 1, unique_checks = 1, lc_messages = 'en_US'";

const READ_COMMITTED: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

impl Supported for MySql {
    type Server = MySqlServer;

    const BEGIN: &'static str = "BEGIN";

    const SYNTAX: Syntax = Syntax::MySql;

    const DEADLOCK: &'static str = "1213";

    const READ_ONLY: &'static str = "1290";

    const DISK_FULL: &'static str = "1021";

    const PROBE_SEES_READ_ONLY: bool = true;

    const PROBE_OPENS_ANEW: bool = false;

    /// Nothing can be set when connecting. What sqlx would send right after it is sent by
    /// [`settle_in`](Supported::settle_in) with the rest, in one message: when a server comes back,
    /// everybody connects at once.
    fn options(options: &Options<Self>, _role: Role, _policy: &Policy) -> Options<Self> {
        options
            .clone()
            .set_names(false)
            .timezone(None)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
    }

    fn probe_options(options: &Options<Self>, policy: &Policy) -> Options<Self> {
        Self::options(options, Role::Read, policy)
    }

    async fn settle_in(
        connection: &mut MySqlConnection,
        purpose: Purpose,
        policy: &Policy,
        server: &MySqlServer,
    ) -> Result<(), sqlx::Error> {
        let flavour = server.learn(connection).await?;
        let limits = limits(flavour, purpose, policy);
        let access = match purpose {
            Purpose::Work(Role::Read) => ", READ ONLY",
            _ => "",
        };
        let all = format!("{SETTINGS}, {limits}; {READ_COMMITTED}{access}");
        connection.execute(AssertSqlSafe(all)).await.map(drop)
    }

    fn pool_size(_role: Role, policy: &Policy) -> PoolSize {
        PoolSize {
            min: policy.min_connections.min(policy.max_connections),
            max: policy.max_connections,
            burst: policy.burst_connections,
        }
    }

    async fn run(connection: &mut MySqlConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement).await.map(drop)
    }

    async fn forget_statements(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        connection.clear_cached_statements().await
    }

    /// A replica says by how many seconds it is late and whom it hears; MariaDB's count transactions alike as well, and
    /// notice by that when they hear nothing any more. It takes the right to ask (`SLAVE MONITOR`, `REPLICATION
    /// CLIENT`); without it nothing is known, and it is not read from.
    async fn replication(connection: &mut MySqlConnection, server: &MySqlServer) -> Result<Replication, sqlx::Error> {
        let words = match server.learn(connection).await? {
            Flavour::MariaDb => &OF_MARIADB,
            Flavour::MySql => &OF_MYSQL,
        };
        let mut sources = Vec::new();
        for row in connection.fetch_all(words.sources).await? {
            let hears = row.try_get_unchecked::<Option<String>, _>(words.hears)?;
            sources.push(Source {
                behind: row.try_get_unchecked(words.behind)?,
                identity: row.try_get_unchecked(words.identity)?,
                is_heard: hears.as_deref() == Some("Yes"),
            });
        }
        let (identity, position): (u64, Option<String>) = sqlx::query_as(words.own).fetch_one(connection).await?;
        Ok(Replication {
            position: position.as_deref().and_then(transactions),
            behind: latest(&sources),
            identity: Some(identity),
            follows: heard(&sources),
        })
    }

    /// `read_only` does not bind who has the right to ignore it; it is a standby all the same.
    async fn probe(connection: &mut MySqlConnection, server: &MySqlServer) -> Result<ProbeAnswer, sqlx::Error> {
        let writable = match server.learn(connection).await? {
            // Later versions of MariaDB give `read_only` more values than two.
            Flavour::MariaDb => {
                "SELECT CAST(@@global.read_only AS CHAR) IN ('0', 'OFF') \
                 AND NOT (@@global.innodb_read_only OR @@tx_read_only)"
            }
            Flavour::MySql => {
                "SELECT NOT (@@global.read_only OR @@global.super_read_only OR @@global.innodb_read_only \
                 OR @@transaction_read_only)"
            }
        };
        let writable: i64 = sqlx::query_scalar(writable).fetch_one(connection).await?;
        Ok(ProbeAnswer {
            writable: writable == 1,
        })
    }

    /// Set when settling in, as far as the server can do it.
    async fn limit(_connection: &mut MySqlConnection, _until: Instant) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn lift_limit(_connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn classify(error: &dyn DatabaseError, server: &MySqlServer) -> Class {
        let flavour = server.flavour();
        match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(error) => {
                let state = error.code().unwrap_or_default();
                classify::class_of(error.number(), state, error.message(), flavour)
            }
            // A failure on purpose has no state.
            None => {
                let number = error.code().and_then(|code| code.parse().ok());
                classify::class_of(number.unwrap_or_default(), "", error.message(), flavour)
            }
        }
    }

    fn contention(error: &dyn DatabaseError) -> Option<Contention> {
        match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(error) => classify::contention_of(error.number()),
            None => classify::contention_of(error.code()?.parse().ok()?),
        }
    }

    fn constraint(error: &dyn DatabaseError, server: &MySqlServer) -> Option<Constraint> {
        classify::constraint_of(error.try_downcast_ref()?, server.flavour())
    }
}

/// How each product is asked where it stands.
struct Words {
    sources: &'static str,
    behind: &'static str,
    identity: &'static str,
    hears: &'static str,
    own: &'static str,
}

/// What is written to a replica itself does not count: what it has of its primary's is asked for. (`read_only` has more
/// values than two in later versions.)
const OF_MARIADB: Words = Words {
    sources: "SHOW ALL SLAVES STATUS",
    behind: "Seconds_Behind_Master",
    identity: "Master_Server_Id",
    hears: "Slave_IO_Running",
    own: "SELECT CAST(@@global.server_id AS UNSIGNED), CAST(IF(CAST(@@global.read_only AS CHAR) IN ('0', 'OFF'), \
          @@global.gtid_current_pos, @@global.gtid_slave_pos) AS CHAR)",
};

/// Its sets of transactions do not tell a replica's own from its primary's.
const OF_MYSQL: Words = Words {
    sources: "SHOW REPLICA STATUS",
    behind: "Seconds_Behind_Source",
    identity: "Source_Server_Id",
    hears: "Replica_IO_Running",
    own: "SELECT CAST(@@global.server_id AS UNSIGNED), CAST(NULL AS CHAR)",
};

/// One that a replica is set to follow.
struct Source {
    behind: Option<i64>,
    identity: Option<u64>,
    /// It is connected to it.
    is_heard: bool,
}

/// By how much a replica is late that follows these; one that cannot hear one of them does not know.
fn latest(sources: &[Source]) -> Option<Duration> {
    let seconds = sources.iter().map(|source| source.behind);
    let seconds = seconds.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    seconds.try_into().ok().map(Duration::from_secs)
}

/// Those that it hears. Whom it does not reach it cannot know: another one may be there by now.
fn heard(sources: &[Source]) -> Option<Vec<u64>> {
    let heard = sources.iter().filter(|source| source.is_heard);
    let heard: Vec<u64> = heard
        .filter_map(|source| source.identity.filter(|id| *id > 0))
        .collect();
    (sources.is_empty() || !heard.is_empty()).then_some(heard)
}

/// `0-1-270,7-3-4` is 274: the number at the end counts up in each domain, whoever writes.
fn transactions(position: &str) -> Option<u64> {
    let count = |gtid: &str| gtid.rsplit('-').next()?.trim().parse::<u64>().ok();
    position.split(',').map(count).sum()
}

/// What the server ends by itself. MySQL can stop only what reads, and has no limit for a transaction
/// that nobody goes on with: there the deadline of the call is the first to notice, and closing the
/// connection what undoes it.
fn limits(flavour: Flavour, purpose: Purpose, policy: &Policy) -> String {
    let statement = match purpose {
        Purpose::Work(Role::Read) => policy.read_statement_timeout,
        Purpose::Work(Role::Write) => policy.write_statement_timeout,
        Purpose::Probe => policy.probe_limit,
    };
    // InnoDB counts lock waits in whole seconds and looks once a second: one more, or it may be none.
    let (lock, idle) = (whole_seconds(policy.lock_timeout) + 1, idle_session(policy));
    let common = format!("innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}, wait_timeout = {idle}");
    match flavour {
        Flavour::MariaDb => {
            let (statement, idle) = (
                statement.as_secs_f64(),
                whole_seconds(policy.idle_in_transaction_timeout),
            );
            format!("{common}, max_statement_time = {statement:.3}, idle_transaction_timeout = {idle}")
        }
        Flavour::MySql => format!("{common}, max_execution_time = {}", statement.as_millis()),
    }
}

/// Rounded up: zero would be no limit, or no patience at all.
fn whole_seconds(limit: Duration) -> u64 {
    limit.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

/// The pool is to end idle connections, not the server behind its back.
fn idle_session(policy: &Policy) -> u64 {
    whole_seconds(policy.idle_timeout + policy.max_age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_known_by_its_version() {
        for (version, flavour) in [
            ("10.11.19-MariaDB-0+deb12u1", Flavour::MariaDb),
            ("11.4.2-mariadb", Flavour::MariaDb),
            ("8.0.36-0ubuntu0.22.04.1", Flavour::MySql),
            ("8.4.0", Flavour::MySql),
            ("8.0.11-TiDB-v7.5.0", Flavour::MySql),
        ] {
            assert_eq!(flavour_of(version), flavour, "{version}");
        }
    }

    #[test]
    fn a_replica_is_as_late_as_the_latest_of_its_sources_and_knows_only_if_it_hears_all() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let source = |behind| Source {
            behind,
            identity: Some(1),
            is_heard: true,
        };
        assert_eq!(latest(&[source(Some(3)), source(Some(7))]), seconds(7));
        assert_eq!(latest(&[source(Some(3)), source(None)]), None);
        assert_eq!(latest(&[]), None);
    }

    #[test]
    fn a_replica_follows_whom_it_hears_and_knows_of_nobody_where_it_hears_none() {
        let source = |identity, is_heard| Source {
            behind: None,
            identity: Some(identity),
            is_heard,
        };
        assert_eq!(heard(&[source(1, true), source(2, false)]), Some(vec![1]));
        assert_eq!(heard(&[source(2, false)]), None);
        assert_eq!(heard(&[source(0, true)]), None, "not told yet");
        assert_eq!(heard(&[]), Some(Vec::new()));
    }

    #[test]
    fn transactions_are_counted_over_all_domains() {
        assert_eq!(transactions("0-1-270,7-3-4"), Some(274));
        assert_eq!(transactions(""), None);
    }

    #[test]
    fn each_product_is_given_the_limits_it_has() {
        let policy = Policy::default();
        assert_eq!(
            limits(Flavour::MariaDb, Purpose::Work(Role::Read), &policy),
            "innodb_lock_wait_timeout = 2, lock_wait_timeout = 2, wait_timeout = 2100, \
             max_statement_time = 2.000, idle_transaction_timeout = 5"
        );
        assert_eq!(
            limits(Flavour::MySql, Purpose::Work(Role::Write), &policy),
            "innodb_lock_wait_timeout = 2, lock_wait_timeout = 2, wait_timeout = 2100, max_execution_time = 4000"
        );
        assert!(limits(Flavour::MariaDb, Purpose::Probe, &policy).contains("max_statement_time = 0.500"));
    }
}
