//! The calls of an hour, 20 a second, as quick as they go: of each twenty, six are refused by a constraint
//! and one meets a deadlock. A living server says no; nothing of that may open a breaker.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::join_all;
use resilient_db::failure::{Class, Kind};
use resilient_db::{Connection, Db, DbError, End, Observer, OnUnknownCommit, Policy, Role};
use tokio::sync::Barrier;

use crate::databases::{PrivateServer as _, Queries, Served};
use crate::scene::Failure;
use crate::server::Breakable;
use crate::support::{connected, execute, private_server};
use crate::watch::Watch;

const CALLS: u64 = 72_000;
/// Places that the pool has, so that nobody waits for one.
const AT_ONCE: u64 = 8;

/// What became of them.
pub struct Hour {
    calls: u64,
    refused: u64,
    deadlocked: u64,
    failed_otherwise: u64,
    pub trips: usize,
}

impl fmt::Display for Hour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls,
            refused,
            deadlocked,
            failed_otherwise,
            trips,
        } = self;
        write!(
            formatter,
            "{calls} calls, {refused} refused by a constraint, {deadlocked} deadlocked, {failed_otherwise} failed otherwise; breakers opened {trips} times (0)"
        )
    }
}

/// A deadlock is told by its repetition.
#[derive(Debug, Default)]
struct Deadlocks {
    watch: Watch,
    met: AtomicU64,
}

impl Observer for Deadlocks {
    fn repeating(&self, _: &'static str, _: Role, _: u32, class: &Class, _: std::time::Duration) {
        self.met
            .fetch_add(u64::from(class.kind == Kind::Contention), Ordering::SeqCst);
    }

    fn breaker_changed(&self, role: Role, change: &resilient_db::breaker::Transition, cause: Option<&sqlx::Error>) {
        self.watch.breaker_changed(role, change, cause);
    }
}

/// # Errors
/// There is no such server here.
pub async fn hour<D: Breakable>(seed: u64) -> Result<Hour, Failure> {
    let server = private_server::<D>().await;
    for order in D::FIND_DEADLOCKS_AT_ONCE {
        server.query(D::MAIN, order)?;
    }
    let observer = Arc::new(Deadlocks::default());
    let policy = Policy {
        observer: observer.clone(),
        ..Policy::default()
    };
    let db = connected::<D>(&server.url(D::MAIN), policy).await;
    execute(&db, "CREATE TABLE taken (id int PRIMARY KEY, times int NOT NULL)").await?;
    for id in 0..2 * i32::try_from(AT_ONCE)? {
        execute(&db, format!("INSERT INTO taken VALUES ({id}, 0)")).await?;
    }
    let workers = (0..AT_ONCE).map(|worker| tokio::spawn(calls(db.clone(), worker, seed + worker)));
    let (mut refused, mut failed_otherwise) = (0, 0);
    for worker in join_all(workers).await {
        let (of_constraint, others) = worker?;
        refused += of_constraint;
        failed_otherwise += others;
    }
    Ok(Hour {
        calls: CALLS,
        refused,
        deadlocked: observer.met.load(Ordering::SeqCst),
        failed_otherwise,
        trips: observer.watch.trips(),
    })
}

/// One worker's share of the calls: (refused by a constraint, failed otherwise).
async fn calls<D: Served>(db: Db<D>, worker: u64, seed: u64) -> (u64, u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut refused, mut failed, mut made) = (0, 0, 0);
    while made < CALLS / AT_ONCE {
        let drawn = random.f64();
        let ended = match drawn {
            // Two calls that meet; one of them is deadlocked, so twice the share of deadlocks is in pairs.
            drawn if drawn < 0.05 / 0.95 => {
                made += 1;
                let (one, other) = meeting(&db, worker).await;
                failed += u64::from(one.is_err());
                other
            }
            drawn if drawn < 0.05 / 0.95 + 0.30 / 0.95 => taken_twice(&db).await,
            _ => asked(&db).await,
        };
        made += 1;
        match ended {
            Ok(()) => {}
            Err(error) if error.class.kind == Kind::Constraint => refused += 1,
            Err(_) => failed += 1,
        }
    }
    (refused, failed)
}

async fn asked<D: Queries>(db: &Db<D>) -> Result<(), DbError> {
    crate::support::ask(db).await.map(drop)
}

async fn taken_twice<D: Queries>(db: &Db<D>) -> Result<(), DbError> {
    execute(db, "INSERT INTO taken VALUES (1, 0)").await.map(drop)
}

/// Two transactions that take the same two rows in opposite order.
async fn meeting<D: Queries>(db: &Db<D>, worker: u64) -> (Result<(), DbError>, Result<(), DbError>) {
    let (first, second) = (2 * worker, 2 * worker + 1);
    let both_have_one = Barrier::new(2);
    let change = |rows: [u64; 2]| {
        let (both_have_one, met) = (&both_have_one, AtomicBool::new(false));
        async move {
            let met = &met;
            db.transaction(
                "meets",
                OnUnknownCommit::Report,
                move |mut connection: Connection<D>| async move {
                    D::perform(&mut connection, counted(rows[0])).await?;
                    // The repetition has nobody to wait for.
                    if !met.swap(true, Ordering::SeqCst) {
                        both_have_one.wait().await;
                    }
                    D::perform(&mut connection, counted(rows[1])).await?;
                    Ok(End::Commit(()))
                },
            )
            .await
        }
    };
    tokio::join!(change([first, second]), change([second, first]))
}

fn counted(row: u64) -> String {
    format!("UPDATE taken SET times = times + 1 WHERE id = {row}")
}
