//! Servers, databases and the few statements that all cases share.

use std::future::Future;
use std::time::{Duration, Instant};

use private_servers::PrivatePostgres;
use resilient_db::{Condition, Connection, Db, DbError, Policy, Supported};
use sqlx::{Postgres, Sqlite};

/// A server of the test's own.
pub async fn private_postgres() -> PrivatePostgres {
    tokio::task::spawn_blocking(PrivatePostgres::start)
        .await
        .expect("no panic")
        .expect("a private PostgreSQL")
}

pub async fn connected(url: &str, policy: Policy) -> Db<Postgres> {
    Db::connect_lazily(url.parse().expect("an address"), policy).await
}

pub async fn opened(path: &std::path::Path, policy: Policy) -> Db<Sqlite> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    Db::connect_lazily(options, policy).await
}

/// The shortest read.
pub async fn ask(db: &Db<Postgres>) -> Result<i32, DbError> {
    db.read("ask", |mut connection| async move {
        sqlx::query_scalar("SELECT 1").fetch_one(&mut connection).await
    })
    .await
}

pub async fn execute(db: &Db<Postgres>, sql: &'static str) -> Result<u64, DbError> {
    db.write("execute", |connection| run(connection, sql)).await
}

pub async fn count(db: &Db<Postgres>, sql: &'static str) -> i64 {
    let counted = db.read("count", |mut connection| async move {
        sqlx::query_scalar(sql).fetch_one(&mut connection).await
    });
    counted.await.expect("a count")
}

pub async fn sleep_on_server(db: &Db<Postgres>, seconds: f64) -> Result<(), DbError> {
    db.read("sleep", |mut connection| async move {
        sqlx::query("SELECT pg_sleep($1)")
            .bind(seconds)
            .execute(&mut connection)
            .await
            .map(drop)
    })
    .await
}

pub async fn run(mut connection: Connection<Postgres>, sql: &'static str) -> Result<u64, sqlx::Error> {
    sqlx::query(sql)
        .execute(&mut connection)
        .await
        .map(|done| done.rows_affected())
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

/// All connections are back, nobody holds a place, and as many calls as the pool has connections run
/// at once, which a leaked permit would not allow.
pub async fn assert_pool_is_whole(db: &Db<Postgres>) {
    let nothing_in_use = || async {
        let health = db.health();
        [health.read.pool, health.write.pool]
            .iter()
            .all(|pool| pool.in_use == 0 && pool.running == 0 && pool.waiting == 0)
    };
    eventually("nothing is in use", Duration::from_secs(5), nothing_in_use).await;
    for reading in [true, false] {
        let sleeps = (0..10).map(|_| async {
            if reading {
                sleep_on_server(db, 0.3).await
            } else {
                execute(db, "SELECT pg_sleep(0.3)").await.map(drop)
            }
        });
        for slept in futures::future::join_all(sleeps).await {
            slept.expect("ten at once");
        }
    }
    eventually("nothing is in use again", Duration::from_secs(5), nothing_in_use).await;
    let health = db.health();
    for pool in [health.read.pool, health.write.pool] {
        assert_eq!(pool.idle + pool.in_use, pool.size);
        assert!(pool.size <= pool.max);
    }
}
