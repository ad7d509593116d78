//! What the whole composition costs a healthy call, against sqlx alone; `cargo bench -p resilient-db --bench overhead`.
//!
//! Pairs: one call by sqlx's pool and one by [`Db`], on the same database, in turns first, each begun when
//! the connections of both are back. What is told is the median of the differences within pairs, so that
//! a machine that does other things as well slows down both sides of it.

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use private_servers::PrivatePostgres;
use resilient_db::classify::{Phase, sqlx_variant};
use resilient_db::{Db, Policy, Role, Supported};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Connection as _, PgConnection, Pool, Postgres, Sqlite};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PAIRS: usize = 5_000;
const WARM_UP: usize = 500;
/// Of pools, for what one of them holds.
const POOLS: usize = 20;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // A task, as a server's requests are: what blocks on a runtime is woken over a thread of its own.
    let measured = runtime.spawn(async {
        let directory = tempfile::tempdir().expect("a directory");
        let sqlite = SqliteConnectOptions::new()
            .filename(directory.path().join("bench.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .create_if_missing(true);
        let server = PrivatePostgres::start().expect("a server");
        let postgres: PgConnectOptions = server.url("postgres").parse().expect("an address");

        println!("{PAIRS} pairs of `SELECT 1`; microseconds, medians");
        println!("{:<34}{:>9}{:>9}{:>8}{:>16}", "", "sqlx", "Db", "ratio", "Db - sqlx");
        sqlite_calls(&sqlite).await;
        postgres_calls(&postgres).await;
        println!();
        measuring(&sqlite).await;
        println!();
        classification(&postgres).await;
        println!();
        memory(&sqlite).await;
    });
    runtime.block_on(measured).expect("measured");
}

/// One of these for each database: sqlx's executors are each driver's own.
macro_rules! calls {
    ($calls:ident, $database:ty, $name:literal) => {
        async fn $calls(options: &<<$database as sqlx::Database>::Connection as sqlx::Connection>::Options) {
            let db = Db::<$database>::connect_lazily(options.clone(), Policy::default()).await;
            for (kind, label) in [
                (Bare::SameLimits, concat!($name, ", with the same limits")),
                (Bare::AsItComes, concat!($name, ", as sqlx comes")),
            ] {
                let pool = bare::<$database>(options, kind);
                let by_sqlx = || async {
                    let mut connection = pool.acquire().await.expect("a connection");
                    if kind == Bare::SameLimits {
                        let until = Instant::now() + Duration::from_secs(2);
                        <$database>::limit(&mut connection, until).await.expect("a limit");
                    }
                    let one: i32 = sqlx::query_scalar("SELECT 1")
                        .fetch_one(&mut *connection)
                        .await
                        .expect("one");
                    black_box(one);
                };
                let by_db = || async {
                    let one = db.read("one", |mut connection| async move {
                        sqlx::query_scalar::<_, i32>("SELECT 1")
                            .fetch_one(&mut connection)
                            .await
                    });
                    black_box(one.await.expect("one"));
                };
                let mut pairs = Vec::with_capacity(PAIRS);
                for turn in 0..WARM_UP + PAIRS {
                    let pair = match turn % 2 {
                        0 => {
                            let sqlx = timed(&by_sqlx, &pool, &db).await;
                            (sqlx, timed(&by_db, &pool, &db).await)
                        }
                        _ => {
                            let db_first = timed(&by_db, &pool, &db).await;
                            (timed(&by_sqlx, &pool, &db).await, db_first)
                        }
                    };
                    if turn >= WARM_UP {
                        pairs.push(pair);
                    }
                }
                tell(label, &pairs);
            }
        }
    };
}

calls!(sqlite_calls, Sqlite, "SQLite file");
calls!(postgres_calls, Postgres, "PostgreSQL");

/// What counting a statement costs: the same call with and without it, in turns.
async fn measuring(options: &SqliteConnectOptions) {
    let off = Policy {
        statements: None,
        ..Policy::default()
    };
    let without = Db::<Sqlite>::connect_lazily(options.clone(), off).await;
    let with = Db::<Sqlite>::connect_lazily(options.clone(), Policy::default()).await;
    let mut pairs = Vec::with_capacity(PAIRS);
    for turn in 0..WARM_UP + PAIRS {
        let pair = match turn % 2 {
            0 => {
                let without = asked(&without).await;
                (without, asked(&with).await)
            }
            _ => {
                let with_first = asked(&with).await;
                (asked(&without).await, with_first)
            }
        };
        if turn >= WARM_UP {
            pairs.push(pair);
        }
    }
    println!("{:<34}{:>9}{:>9}{:>8}{:>16}", "", "off", "on", "ratio", "on - off");
    tell("SQLite, statements measured", &pairs);
}

async fn asked(db: &Db<Sqlite>) -> f64 {
    while db.health().read.pool.in_use > 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    let one = db.read("one", |mut connection| async move {
        sqlx::query_scalar::<_, i32>("SELECT 1")
            .fetch_one(&mut connection)
            .await
    });
    black_box(one.await.expect("one"));
    micros(began.elapsed())
}

/// What is compared with.
#[derive(Clone, Copy, PartialEq)]
enum Bare {
    /// Statements are stopped at the same time by the same means, and no connection in constant use is pinged: what
    /// is left is the layer's own work.
    SameLimits,
    /// A pool with its defaults, which pings before use, and no limits.
    AsItComes,
}

fn bare<D: Supported>(options: &resilient_db::Options<D>, kind: Bare) -> Pool<D> {
    let pool = PoolOptions::<D>::new().max_connections(10);
    match kind {
        Bare::SameLimits => {
            let options = D::options(options, Role::Read, &Policy::default());
            pool.test_before_acquire(false).connect_lazy_with(options)
        }
        Bare::AsItComes => pool.connect_lazy_with(options.clone()),
    }
}

/// How long one call takes that meets nobody else.
async fn timed<D: Supported, F: Future<Output = ()>>(call: &impl Fn() -> F, pool: &Pool<D>, db: &Db<D>) -> f64 {
    while pool.num_idle() < pool.size() as usize || db.health().read.pool.in_use > 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    call().await;
    micros(began.elapsed())
}

fn tell(label: &str, pairs: &[(f64, f64)]) {
    let sqlx = quantile(pairs.iter().map(|(sqlx, _)| *sqlx), 0.5);
    let db = quantile(pairs.iter().map(|(_, db)| *db), 0.5);
    let difference = |part| quantile(pairs.iter().map(|(sqlx, db)| db - sqlx), part);
    println!(
        "{label:<34}{sqlx:>9.1}{db:>9.1}{:>8.2}{:>8.1} [{:.1}, {:.1}]",
        db / sqlx,
        difference(0.5),
        difference(0.25),
        difference(0.75)
    );
}

fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// What it takes to say what a server's error means, its constraint included.
async fn classification(options: &PgConnectOptions) {
    const TIMES: u32 = 200_000;
    let mut connection = PgConnection::connect_with(options).await.expect("connected");
    let made = "CREATE TABLE note (id int PRIMARY KEY); INSERT INTO note VALUES (1)";
    sqlx::raw_sql(made).execute(&mut connection).await.expect("a table");
    for statement in ["INSERT INTO note VALUES (1)", "SELECT absent FROM note"] {
        let error = sqlx::query(statement)
            .execute(&mut connection)
            .await
            .expect_err("refused");
        let began = Instant::now();
        for _ in 0..TIMES {
            black_box(sqlx_variant::classify::<Postgres>(
                black_box(&error),
                Phase::Autocommit,
                &(),
            ));
            black_box(
                error
                    .as_database_error()
                    .and_then(|error| Postgres::constraint(error, &())),
            );
        }
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .unwrap_or_default();
        println!(
            "classifying {code}: {:.3} microseconds",
            micros(began.elapsed() / TIMES)
        );
    }
}

/// What is allocated for a call and freed after it, and what a database holds for good.
async fn memory(options: &SqliteConnectOptions) {
    let by_sqlx = bare::<Sqlite>(options, Bare::AsItComes);
    let by_db = Db::<Sqlite>::connect_lazily(options.clone(), Policy::default()).await;
    let ask_sqlx = || async {
        let mut connection = by_sqlx.acquire().await.expect("a connection");
        let one: i32 = sqlx::query_scalar("SELECT 1")
            .fetch_one(&mut *connection)
            .await
            .expect("one");
        black_box(one);
    };
    let ask_db = || async {
        let one = by_db.read("one", |mut connection| async move {
            sqlx::query_scalar::<_, i32>("SELECT 1")
                .fetch_one(&mut connection)
                .await
        });
        black_box(one.await.expect("one"));
    };
    let (sqlx, db) = (allocated(ask_sqlx).await, allocated(ask_db).await);
    println!("allocated for a call and freed: sqlx {sqlx} bytes, Db {db} bytes");

    let region = Region::new(ALLOCATOR);
    let mut pools = Vec::new();
    for _ in 0..2 * POOLS {
        let pool = bare::<Sqlite>(options, Bare::AsItComes);
        drop(pool.acquire().await.expect("a connection"));
        pools.push(pool);
    }
    let sqlx = held(&region) / POOLS;
    let region = Region::new(ALLOCATOR);
    let mut dbs = Vec::new();
    for _ in 0..POOLS {
        dbs.push(Db::<Sqlite>::connect_lazily(options.clone(), Policy::default()).await);
    }
    let db = held(&region) / POOLS;
    println!("held with a connection for reading and one for writing: two sqlx pools {sqlx} bytes, Db {db} bytes");
    black_box((pools, dbs));
}

async fn allocated<F: Future<Output = ()>>(call: impl Fn() -> F) -> usize {
    const TIMES: usize = 2_000;
    for _ in 0..WARM_UP {
        call().await;
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..TIMES {
        call().await;
    }
    region.change().bytes_allocated / TIMES
}

fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}
