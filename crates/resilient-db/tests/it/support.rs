//! What the cases need of a server and a database, said once for each of them.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use fault_proxy::FaultProxy;
use futures::StreamExt;
use private_servers::{PrivateMariaDb, PrivatePostgres, ServerError};
use resilient_db::{Condition, Connection, Db, DbError, Policy, Role, Supported};
use sqlx::{AssertSqlSafe, MySql, Postgres, Row, Sqlite};
use tokio::sync::Barrier;

/// Makes one test of each case, which runs it on every server at once: most of a case is waiting.
macro_rules! on_each_server {
    ($($case:ident),* $(,)?) => {
        mod on_each_server {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let postgres = tokio::spawn(super::$case::<sqlx::Postgres>());
                    let mariadb = tokio::spawn(super::$case::<sqlx::MySql>());
                    crate::support::both_passed(postgres.await, mariadb.await);
                }
            )*
        }
    };
}

pub(crate) use on_each_server;

/// Says on which server a case failed, and fails as it did.
pub fn both_passed(postgres: Result<(), tokio::task::JoinError>, mariadb: Result<(), tokio::task::JoinError>) {
    for (server, ended) in [("PostgreSQL", postgres), ("MariaDB", mariadb)] {
        if let Err(panic) = ended {
            eprintln!("this was on {server}");
            resume_unwind(panic.into_panic());
        }
    }
}

/// The few statements that all cases share. SQL is written out with its values: placeholders are each
/// database's own.
pub trait Queries: Supported {
    fn perform(
        connection: &mut Connection<Self>,
        sql: impl Into<String> + Send,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// The same in one message, without preparing it first.
    fn perform_at_once(
        connection: &mut Connection<Self>,
        sql: impl Into<String> + Send,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    fn number(
        connection: &mut Connection<Self>,
        sql: impl Into<String> + Send,
    ) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;

    /// How many columns the first row has.
    fn columns(
        connection: &mut Connection<Self>,
        sql: impl Into<String> + Send,
    ) -> impl Future<Output = Result<usize, sqlx::Error>> + Send;

    /// Reads one row of many and drops the rest.
    fn read_one_row_of(
        connection: &mut Connection<Self>,
        sql: impl Into<String> + Send,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

macro_rules! queries {
    ($database:ty) => {
        impl Queries for $database {
            async fn perform(
                connection: &mut Connection<Self>,
                sql: impl Into<String> + Send,
            ) -> Result<u64, sqlx::Error> {
                let query = sqlx::query(AssertSqlSafe(sql.into()));
                query.execute(connection).await.map(|done| done.rows_affected())
            }

            async fn perform_at_once(
                connection: &mut Connection<Self>,
                sql: impl Into<String> + Send,
            ) -> Result<u64, sqlx::Error> {
                let query = sqlx::raw_sql(AssertSqlSafe(sql.into()));
                query.execute(connection).await.map(|done| done.rows_affected())
            }

            async fn number(
                connection: &mut Connection<Self>,
                sql: impl Into<String> + Send,
            ) -> Result<i64, sqlx::Error> {
                sqlx::query_scalar(AssertSqlSafe(sql.into()))
                    .fetch_one(connection)
                    .await
            }

            async fn columns(
                connection: &mut Connection<Self>,
                sql: impl Into<String> + Send,
            ) -> Result<usize, sqlx::Error> {
                let row = sqlx::query(AssertSqlSafe(sql.into()))
                    .fetch_one(connection)
                    .await?;
                Ok(row.len())
            }

            async fn read_one_row_of(
                connection: &mut Connection<Self>,
                sql: impl Into<String> + Send,
            ) -> Result<(), sqlx::Error> {
                let mut rows = sqlx::query(AssertSqlSafe(sql.into())).fetch(connection);
                rows.next().await.transpose().map(drop)
            }
        }
    };
}

queries!(Postgres);
queries!(MySql);
queries!(Sqlite);

/// A real server of a test's own, whichever it is.
pub trait PrivateServer: Sized + Send + Sync + 'static {
    fn begin() -> Result<Self, ServerError>;
    fn url(&self, database: &str) -> String;
    fn port(&self) -> u16;
    fn query(&self, database: &str, sql: &str) -> Result<String, ServerError>;
    fn create_database(&self, name: &str) -> Result<String, ServerError>;
    fn kill(&self);
    fn restart(&self) -> Result<(), ServerError>;
    fn freeze(&self);
    fn thaw(&self);
}

macro_rules! private_server {
    ($server:ty) => {
        impl PrivateServer for $server {
            fn begin() -> Result<Self, ServerError> {
                Self::start()
            }

            fn url(&self, database: &str) -> String {
                self.url(database)
            }

            fn port(&self) -> u16 {
                self.port()
            }

            fn query(&self, database: &str, sql: &str) -> Result<String, ServerError> {
                self.query(database, sql)
            }

            fn create_database(&self, name: &str) -> Result<String, ServerError> {
                self.create_database(name)
            }

            fn kill(&self) {
                self.kill();
            }

            fn restart(&self) -> Result<(), ServerError> {
                self.restart()
            }

            fn freeze(&self) {
                self.freeze();
            }

            fn thaw(&self) {
                self.thaw();
            }
        }
    };
}

private_server!(PrivatePostgres);
private_server!(PrivateMariaDb);

/// A database that runs on a server, and how it says what the cases want of it.
pub trait Served: Queries {
    type Private: PrivateServer;

    /// The database that is there from the start.
    const MAIN: &'static str;
    /// How long a statement may wait for a lock, give or take what a busy machine needs.
    const LOCK_WAIT_MS: RangeInclusive<u128>;
    /// What ends a transaction looks like on the wire, and nothing else does.
    const COMMIT: &'static [u8];
    /// For the witness: how many statements sleep on the server.
    const SLEEPING: &'static str;
    /// For the witness: how many transactions are open.
    const OPEN_TRANSACTIONS: &'static str;
    /// For the witness: from now on no change is taken.
    const REFUSE_CHANGES: &'static [&'static str];
    /// A row each, and a failure at the third.
    const FAILS_AT_THE_THIRD_ROW: &'static str;

    /// The address of the main database on another port.
    fn url_at(address: SocketAddr) -> String;

    /// Sleeps on the server.
    fn sleep(seconds: f64) -> String;

    /// Inserts, and does nothing where the key is taken.
    fn claim(table: &str, id: i32) -> String;

    /// Ends every connection but those of the witness.
    fn end_connections(server: &Self::Private);
}

impl Served for Postgres {
    type Private = PrivatePostgres;

    const MAIN: &'static str = "postgres";
    const LOCK_WAIT_MS: RangeInclusive<u128> = 800..=2_000;
    const COMMIT: &'static [u8] = b"COMMIT";
    const SLEEPING: &'static str = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
         AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()";
    const OPEN_TRANSACTIONS: &'static str =
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    const REFUSE_CHANGES: &'static [&'static str] = &[
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
    ];
    const FAILS_AT_THE_THIRD_ROW: &'static str = "SELECT 1 / (3 - n) FROM generate_series(1, 9) n";

    fn url_at(address: SocketAddr) -> String {
        format!("postgres://postgres@{address}/postgres")
    }

    fn sleep(seconds: f64) -> String {
        format!("SELECT pg_sleep({seconds})")
    }

    fn claim(table: &str, id: i32) -> String {
        format!("INSERT INTO {table} VALUES ({id}) ON CONFLICT DO NOTHING")
    }

    fn end_connections(server: &PrivatePostgres) {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE pid <> pg_backend_pid() AND datname IS NOT NULL";
        server.query(Self::MAIN, end).expect("ended");
    }
}

impl Served for MySql {
    type Private = PrivateMariaDb;

    const MAIN: &'static str = "main";
    const LOCK_WAIT_MS: RangeInclusive<u128> = 1_800..=3_200;
    /// With the order to run it before it: each connection also says READ COMMITTED once.
    const COMMIT: &'static [u8] = b"\x03COMMIT";
    const SLEEPING: &'static str =
        "SELECT count(*) FROM information_schema.processlist WHERE user = 'tester' AND info LIKE '%SLEEP(%'";
    const OPEN_TRANSACTIONS: &'static str = "SELECT count(*) FROM information_schema.innodb_trx";
    const REFUSE_CHANGES: &'static [&'static str] = &["SET GLOBAL read_only = 1"];
    const FAILS_AT_THE_THIRD_ROW: &'static str =
        "SELECT IF(seq = 3, (SELECT seq FROM seq_1_to_2 WHERE seq < s.seq), seq) FROM seq_1_to_9 s";

    fn url_at(address: SocketAddr) -> String {
        format!("mysql://tester:tester@{address}/main")
    }

    fn sleep(seconds: f64) -> String {
        format!("SELECT SLEEP({seconds})")
    }

    fn claim(table: &str, id: i32) -> String {
        format!("INSERT IGNORE INTO {table} VALUES ({id})")
    }

    fn end_connections(server: &PrivateMariaDb) {
        server.query(Self::MAIN, "KILL USER tester").expect("ended");
    }
}

/// A server of the test's own.
pub async fn private_server<D: Served>() -> D::Private {
    tokio::task::spawn_blocking(D::Private::begin)
        .await
        .expect("no panic")
        .expect("a private server")
}

/// Connects to a server's main database.
pub async fn connected_to<D: Served>(server: &D::Private, policy: Policy) -> Db<D> {
    connected(&server.url(D::MAIN), policy).await
}

pub async fn connected<D: Supported>(url: &str, policy: Policy) -> Db<D> {
    Db::connect_lazily(url.parse().expect("an address"), policy).await
}

/// A proxy before a server, and the address of the server's main database by that way.
pub async fn proxied<D: Served>(server: &D::Private) -> (FaultProxy, String) {
    let proxy = FaultProxy::start(([127, 0, 0, 1], server.port()).into())
        .await
        .expect("a proxy");
    let url = D::url_at(proxy.address());
    (proxy, url)
}

pub async fn opened(path: &std::path::Path, policy: Policy) -> Db<Sqlite> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    Db::connect_lazily(options, policy).await
}

/// The shortest read.
pub async fn ask<D: Queries>(db: &Db<D>) -> Result<i64, DbError> {
    db.read("ask", |connection| number(connection, "SELECT count(*)")).await
}

pub async fn execute<D: Queries>(db: &Db<D>, sql: impl Into<String>) -> Result<u64, DbError> {
    let sql = sql.into();
    db.write("execute", |connection| run(connection, sql.clone())).await
}

pub async fn count<D: Queries>(db: &Db<D>, sql: &str) -> i64 {
    let counted = db.read("count", |connection| number(connection, sql.to_owned()));
    counted.await.expect("a count")
}

pub async fn sleep_on_server<D: Served>(db: &Db<D>, seconds: f64) -> Result<(), DbError> {
    db.read("sleep", |connection| async move {
        run(connection, D::sleep(seconds)).await.map(drop)
    })
    .await
}

pub async fn run<D: Queries>(mut connection: Connection<D>, sql: impl Into<String> + Send) -> Result<u64, sqlx::Error> {
    D::perform(&mut connection, sql).await
}

async fn number<D: Queries>(mut connection: Connection<D>, sql: impl Into<String> + Send) -> Result<i64, sqlx::Error> {
    D::number(&mut connection, sql).await
}

/// Polls until it holds; panics when it never does.
pub async fn eventually<Fut: Future<Output = bool>>(what: &str, limit: Duration, holds: impl Fn() -> Fut) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn is_up<D: Supported>(db: &Db<D>) {
    eventually("the database is up", Duration::from_secs(10), || async {
        db.health().condition != Condition::Down
    })
    .await;
}

/// The same, asked after this was called: a probe that was under way while the server stood still may
/// fail when it goes on, and be the second to do so.
pub async fn answers_again<D: Supported>(db: &Db<D>) {
    eventually("the database answers", Duration::from_secs(10), || async {
        let health = db.probe_now().await;
        health.condition != Condition::Down && health.last_probe.is_some_and(|probe| probe.succeeded)
    })
    .await;
}

/// All connections are back, nobody holds a place, and as many calls as a pool has connections hold one
/// at the same time, which a leaked permit would not allow.
pub async fn assert_pool_is_whole<D: Queries>(db: &Db<D>) {
    let nothing_in_use = || async {
        let health = db.health();
        [health.read.pool, health.write.pool]
            .iter()
            .all(|pool| pool.in_use == 0 && pool.running == 0 && pool.waiting == 0)
    };
    eventually("nothing is in use", Duration::from_secs(5), nothing_in_use).await;
    all_at_once(db, Role::Read).await;
    all_at_once(db, Role::Write).await;
    eventually("nothing is in use again", Duration::from_secs(5), nothing_in_use).await;
    let health = db.health();
    for pool in [health.read.pool, health.write.pool] {
        assert_eq!(pool.idle + pool.in_use, pool.size);
        assert!(pool.size <= pool.max);
    }
}

/// Each keeps its connection until all have one.
async fn all_at_once<D: Queries>(db: &Db<D>, role: Role) {
    let most = match role {
        Role::Read => db.health().read.pool.max,
        Role::Write => db.health().write.pool.max,
    };
    let all_have_one = Barrier::new(most as usize);
    let all_have_one = &all_have_one;
    let hold = |mut connection: Connection<D>| async move {
        // Answered first: one that had gone stale is repeated, and does not count.
        D::number(&mut connection, "SELECT count(*)").await?;
        all_have_one.wait().await;
        Ok(())
    };
    let holding = (0..most).map(|_| async {
        match role {
            Role::Read => db.read("hold", hold).await,
            Role::Write => db.write("hold", hold).await,
        }
    });
    for held in futures::future::join_all(holding).await {
        held.unwrap_or_else(|error| panic!("{most} at once: {error:?}"));
    }
}
