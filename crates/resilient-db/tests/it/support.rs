//! What all cases do: run on each server, connect, ask, wait, and look at the pool.

use std::future::Future;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use fault_proxy::FaultProxy;
use resilient_db::{Condition, Connection, Db, DbError, Policy, Role, Supported};
use sqlx::Sqlite;
use tokio::sync::Barrier;

pub use crate::databases::{PrivateServer, Queries, Served};

/// Nothing in a test takes as long, however much else the machine does.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// For tests whose outcome does not depend on time: a busy machine reaches none of these limits.
pub fn patient() -> Policy {
    Policy {
        acquire_timeout: PATIENCE,
        waiting_timeout: PATIENCE,
        read_deadline: 2 * PATIENCE,
        write_deadline: 2 * PATIENCE,
        read_statement_timeout: 2 * PATIENCE,
        write_statement_timeout: 2 * PATIENCE,
        idle_in_transaction_timeout: 2 * PATIENCE,
        ..Policy::default()
    }
}

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
    eventually("the database is up", PATIENCE, || async {
        db.health().condition != Condition::Down
    })
    .await;
}

/// One probe that a busy machine holds up makes it slow, until the next.
pub async fn is_up_and_quick<D: Supported>(db: &Db<D>) {
    eventually("the database is up and quick", PATIENCE, || async {
        db.health().condition == Condition::Up
    })
    .await;
}

/// The same, asked after this was called: a probe that was under way while the server stood still may
/// fail when it goes on, and be the second to do so.
pub async fn answers_again<D: Supported>(db: &Db<D>) {
    eventually("the database answers", PATIENCE, || async {
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
    eventually("nothing is in use", PATIENCE, nothing_in_use).await;
    // A limit that moves returns to where it was while nobody calls.
    let as_it_was = || async {
        let health = db.health();
        [health.read.pool, health.write.pool]
            .iter()
            .all(|pool| pool.limit == pool.max)
    };
    eventually("the limits are as they were", Duration::from_secs(30), as_it_was).await;
    all_at_once(db, Role::Read).await;
    all_at_once(db, Role::Write).await;
    eventually("nothing is in use again", PATIENCE, nothing_in_use).await;
    let health = db.health();
    for pool in [health.read.pool, health.write.pool] {
        assert_eq!(pool.idle + pool.in_use, pool.size);
        assert!(pool.size <= pool.most);
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
