//! A server that is there and does not answer: the hardest outage for a pool.

use std::process::Command;
use std::time::{Duration, Instant};

use futures::future::join_all;
use private_servers::Lateness;
use resilient_db::{Connection, End, OnUnknownCommit, Policy};
use sqlx::Postgres;

use crate::support::{
    PATIENCE, PrivateServer as _, Queries, Served, answers_again, ask, assert_pool_is_whole, connected_to, eventually,
    execute, on_each_server, private_server, sleep_on_server,
};

on_each_server!(
    twenty_freezes_are_answered_in_time_and_leave_the_pool_whole,
    a_server_frozen_while_all_connections_come_back_does_not_cost_one,
    a_call_given_up_by_its_caller_leaves_neither_a_change_nor_a_hole_in_the_pool,
);

/// For a machine that does other things as well.
const SLACK: Duration = Duration::from_millis(500);
const ROLLBACK_LIMIT: Duration = Duration::from_millis(500);

fn short_deadlines() -> Policy {
    Policy {
        read_deadline: Duration::from_millis(900),
        read_statement_timeout: Duration::from_millis(600),
        write_deadline: Duration::from_millis(1_200),
        write_statement_timeout: Duration::from_millis(900),
        commit_at_least: Duration::from_millis(400),
        ..Policy::default()
    }
}

async fn change<D: Served>(mut connection: Connection<D>) -> Result<End<()>, sqlx::Error> {
    D::perform(&mut connection, "INSERT INTO effect (note) VALUES ('frozen')").await?;
    D::perform(&mut connection, D::sleep(0.02)).await?;
    Ok(End::Commit(()))
}

/// What was waited for at most, less what the machine was late.
#[derive(Debug, Default)]
struct Slowest {
    read: Duration,
    change: Duration,
}

/// Four servers take five freezes each: it is the waiting that takes long.
async fn twenty_freezes_are_answered_in_time_and_leave_the_pool_whole<D: Served>() {
    let slowest = join_all((0..4).map(frozen_in_rounds::<D>)).await;
    println!("20 freezes of {}: {slowest:?}", D::NAME);
}

/// Every fourth round, from this one on; each freezes a little later.
async fn frozen_in_rounds<D: Served>(first: u64) -> Slowest {
    let server = private_server::<D>().await;
    let policy = short_deadlines();
    let db = connected_to::<D>(&server, policy.clone()).await;
    execute(&db, "CREATE TABLE effect (note text)").await.expect("a table");
    let mut slowest = Slowest::default();
    for round in (first..20).step_by(4) {
        eventually("people are answered", Duration::from_secs(10), || async {
            ask(&db).await.is_ok()
        })
        .await;
        let calls: Vec<_> = (0..16u64)
            .map(|call| {
                let db = db.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(call * 25)).await;
                    let (reads, before) = (call % 2 == 0, Instant::now());
                    let _ok_or_not = match reads {
                        true => ask(&db).await.map(drop),
                        false => db.transaction("change", OnUnknownCommit::Report, change).await,
                    };
                    (reads, before.elapsed())
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(10 * round)).await;
        let lateness = Lateness::watch();
        server.freeze();
        for call in calls {
            let (reads, took) = call.await.expect("no panic");
            let took = took.saturating_sub(lateness.together());
            let slowest = if reads { &mut slowest.read } else { &mut slowest.change };
            *slowest = took.max(*slowest);
        }
        server.thaw();
    }
    assert!(slowest.read <= policy.read_deadline + SLACK, "{slowest:?}");
    assert!(
        slowest.change <= policy.write_deadline + policy.commit_at_least + ROLLBACK_LIMIT + SLACK,
        "{slowest:?}"
    );
    answers_again(&db).await;
    assert_pool_is_whole(&db).await;
    slowest
}

async fn a_server_frozen_while_all_connections_come_back_does_not_cost_one<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, short_deadlines()).await;
    for _ in 0..3 {
        answers_again(&db).await;
        let sleeps: Vec<_> = (0..10)
            .map(|_| {
                tokio::spawn({
                    let db = db.clone();
                    async move { execute(&db, D::sleep(0.2)).await }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.freeze();
        for sleep in sleeps {
            let _lost = sleep.await.expect("no panic");
        }
        server.thaw();
    }
    answers_again(&db).await;
    assert_pool_is_whole(&db).await;
}

/// Some of the server's processes, which only PostgreSQL has for each connection, hanging for as long as this lives.
struct Hanging(Vec<i32>);

impl Hanging {
    fn new(backends: Vec<i32>) -> Self {
        let hanging = Self(backends);
        hanging.signal("-STOP");
        hanging
    }

    fn signal(&self, signal: &str) {
        let backends = self.0.iter().map(i32::to_string);
        let sent = Command::new("kill").arg(signal).args(backends).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

async fn own_backend(connection: &mut Connection<Postgres>) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hangs_when_it_is_given_back_gives_its_place_to_another() {
    let postgres = private_server::<Postgres>().await;
    let db = connected_to::<Postgres>(&postgres, Policy::default()).await;
    let gone_in_hand = (0..10).map(|_| {
        db.read("hangs afterwards", |mut connection| async move {
            let backend = own_backend(&mut connection).await?;
            Postgres::perform(&mut connection, Postgres::sleep(0.2)).await?;
            Ok(Hanging::new(vec![backend]))
        })
    });
    // They go on hanging while the pool is looked at: after that anything would recover.
    let hanging = join_all(gone_in_hand).await;
    assert!(hanging.iter().all(Result::is_ok), "all had been answered before");
    assert_pool_is_whole(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hangs_at_work_or_at_rest_gives_its_place_to_another() {
    let postgres = private_server::<Postgres>().await;
    // Only what hangs is to end the calls at work.
    let deadlines = Policy {
        read_deadline: Duration::from_secs(4),
        read_statement_timeout: PATIENCE,
        ..short_deadlines()
    };
    let db = connected_to::<Postgres>(&postgres, deadlines).await;
    let backends: Vec<i32> = join_all((0..10).map(|_| {
        db.read("backend", |mut connection| async move {
            let backend = own_backend(&mut connection).await?;
            Postgres::perform(&mut connection, Postgres::sleep(0.2)).await?;
            Ok(backend)
        })
    }))
    .await
    .into_iter()
    .map(|backend| backend.expect("a backend"))
    .collect();
    let at_work: Vec<_> = (0..5)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { sleep_on_server(&db, PATIENCE.as_secs_f64()).await })
        })
        .collect();
    eventually("five are at work", Duration::from_secs(3), || async {
        postgres.query(Postgres::MAIN, Postgres::SLEEPING).expect("counted") == "5"
    })
    .await;
    let _hanging = Hanging::new(backends);
    for call in at_work {
        call.await.expect("no panic").expect_err("hung at work");
    }
    // At rest for so long that they are pinged before use.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    answers_again(&db).await;
    assert_pool_is_whole(&db).await;
}

async fn a_call_given_up_by_its_caller_leaves_neither_a_change_nor_a_hole_in_the_pool<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    execute(&db, "CREATE TABLE effect (note text)").await.expect("a table");
    let gone = |wait: u64| {
        let db = db.clone();
        async move {
            let work = db.transaction("given up", OnUnknownCommit::Report, |mut connection| async move {
                D::perform(&mut connection, "INSERT INTO effect VALUES ('given up')").await?;
                D::perform(&mut connection, D::sleep(1.0)).await?;
                Ok(End::Commit(()))
            });
            let limit = Duration::from_millis(wait);
            assert!(tokio::time::timeout(limit, work).await.is_err());
        }
    };
    join_all((0..10).map(|call| gone(20 * call + 1))).await;
    assert_pool_is_whole(&db).await;
    let none = "SELECT count(*) FROM effect";
    eventually("no effect", Duration::from_secs(3), || async {
        crate::support::count(&db, none).await == 0
    })
    .await;
    assert!(
        db.health().write.is_closed(),
        "a call that was given up is not a failure of the database"
    );
}
