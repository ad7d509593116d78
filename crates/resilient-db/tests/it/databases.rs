//! What the cases need of a database and its server, said once for each of them.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use private_servers::{PrivateMariaDb, PrivatePostgres, ServerError};
use resilient_db::{Connection, Supported};
use sqlx::{AssertSqlSafe, MySql, Postgres, Row, Sqlite};

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
    fn offer_tls(&self, offered: bool) -> Result<(), ServerError>;
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

            fn offer_tls(&self, offered: bool) -> Result<(), ServerError> {
                self.offer_tls(offered)
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
    /// How long a statement waits for a lock at least, less what clocks differ by.
    const LOCK_WAIT: Duration;
    /// What ends a transaction looks like on the wire, and nothing else does.
    const COMMIT: &'static [u8];
    /// Behind an address: no connection without TLS.
    const DEMAND_TLS: &'static str;
    /// For the witness: how many statements sleep on the server.
    const SLEEPING: &'static str;
    /// For the witness: how many connections there are but its own.
    const CONNECTIONS: &'static str;
    /// For the witness: how many transactions are open.
    const OPEN_TRANSACTIONS: &'static str;
    /// By which the server knows the connection that asks.
    const OWN_ID: &'static str;
    /// For the witness: from now on no change is taken.
    const REFUSE_CHANGES: &'static [&'static str];
    /// For the witness: the end of that.
    const TAKE_CHANGES: &'static [&'static str];
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
    const LOCK_WAIT: Duration = Duration::from_millis(800);
    const COMMIT: &'static [u8] = b"COMMIT";
    const DEMAND_TLS: &'static str = "?sslmode=require";
    const SLEEPING: &'static str = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
         AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()";
    const CONNECTIONS: &'static str = "SELECT count(*) FROM pg_stat_activity \
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    const OPEN_TRANSACTIONS: &'static str =
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    const OWN_ID: &'static str = "SELECT pg_backend_pid()::bigint";
    const REFUSE_CHANGES: &'static [&'static str] = &[
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
    ];
    const TAKE_CHANGES: &'static [&'static str] = &[
        "ALTER SYSTEM RESET default_transaction_read_only",
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
        let query = |sql: &str| server.query(Self::MAIN, sql).expect("an answer");
        let all = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL";
        let before = query(&format!("SELECT coalesce(string_agg(pid::text, ','), '0') {all}"));
        query(&format!(
            "SELECT count(pg_terminate_backend(pid)) {all} AND pid IN ({before})"
        ));
        until_none_is_left(|| query(&format!("SELECT count(*) {all} AND pid IN ({before})")));
    }
}

impl Served for MySql {
    type Private = PrivateMariaDb;

    const MAIN: &'static str = "main";
    const LOCK_WAIT: Duration = Duration::from_millis(1_800);
    /// With the order to run it before it: each connection also says READ COMMITTED once.
    const COMMIT: &'static [u8] = b"\x03COMMIT";
    const DEMAND_TLS: &'static str = "?ssl-mode=REQUIRED";
    const SLEEPING: &'static str =
        "SELECT count(*) FROM information_schema.processlist WHERE user = 'tester' AND info LIKE '%SLEEP(%'";
    const CONNECTIONS: &'static str = "SELECT count(*) FROM information_schema.processlist WHERE user = 'tester'";
    const OPEN_TRANSACTIONS: &'static str = "SELECT count(*) FROM information_schema.innodb_trx";
    const OWN_ID: &'static str = "SELECT CAST(connection_id() AS SIGNED)";
    const REFUSE_CHANGES: &'static [&'static str] = &["SET GLOBAL read_only = 1"];
    const TAKE_CHANGES: &'static [&'static str] = &["SET GLOBAL read_only = 0"];
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
        let query = |sql: &str| server.query(Self::MAIN, sql).expect("an answer");
        let all = "FROM information_schema.processlist WHERE user = 'tester'";
        let before = query(&format!("SELECT coalesce(group_concat(id), '0') {all}"));
        query("KILL USER tester");
        until_none_is_left(|| query(&format!("SELECT count(*) {all} AND id IN ({before})")));
    }
}

/// A server ends connections after it has said so: one that still answers for a moment would be met half dead.
fn until_none_is_left(count: impl Fn() -> String) {
    let begun = std::time::Instant::now();
    while count() != "0" {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(10),
            "they are still there"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
