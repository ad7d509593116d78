//! More calls than connections, and each of them long: the burst.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use resilient_db::{Connection, Db, DbError, Observer, Policy, PoolNumbers, Role};
use tokio::sync::Barrier;

use crate::support::{
    PATIENCE, PrivateServer as _, Served, answers_again, assert_pool_is_whole, connected_to, eventually,
    on_each_server, patient, private_server, sleep_on_server,
};

on_each_server!(
    fifteen_long_calls_run_at_once_and_ten_connections_are_left,
    a_burst_that_is_given_up_or_killed_leaves_all_its_places,
    short_calls_open_no_connection_of_the_burst,
);

#[derive(Debug, Default)]
struct Overflows(AtomicUsize);

impl Observer for Overflows {
    fn overflowed(&self, _: &'static str, _: Role, waited: Duration) {
        assert!(waited >= Duration::from_millis(100), "{waited:?}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn observed<D: Served>(server: &D::Private) -> (Db<D>, Arc<Overflows>) {
    let overflows = Arc::new(Overflows::default());
    let policy = Policy {
        observer: overflows.clone(),
        ..patient()
    };
    (connected_to::<D>(server, policy).await, overflows)
}

fn pool<D: Served>(db: &Db<D>, role: Role) -> PoolNumbers {
    let health = db.health();
    match role {
        Role::Read => health.read.pool,
        Role::Write => health.write.pool,
    }
}

/// Holds fifteen connections until all fifteen are held, which is when the pool's numbers are taken.
async fn fifteen_at_once<D: Served>(db: &Db<D>, role: Role) -> Vec<Result<Option<PoolNumbers>, DbError>> {
    let all_run = Barrier::new(15);
    let all_run = &all_run;
    let hold = |mut connection: Connection<D>| async move {
        D::number(&mut connection, "SELECT count(*)").await?;
        let numbers = all_run.wait().await.is_leader().then(|| pool(db, role));
        D::perform(&mut connection, D::sleep(0.2)).await?;
        Ok(numbers)
    };
    let calls = (0..15).map(|_| async {
        match role {
            Role::Read => db.read("long", hold).await,
            Role::Write => db.write("long", hold).await,
        }
    });
    join_all(calls).await
}

/// For the witness: connections of the application, the one that asks left out.
async fn ten_are_left<D: Served>(server: &D::Private, db: &Db<D>, role: Role) {
    eventually("the burst is given back", PATIENCE, || async {
        let numbers = pool(db, role);
        numbers.overflow == 0 && numbers.in_use == 0
    })
    .await;
    assert_eq!(pool(db, role).size, 10);
    let both = db.health();
    // And the probe's own.
    let known = both.read.pool.size + both.write.pool.size + 1;
    eventually("the server agrees", PATIENCE, || async {
        let counted = server.query(D::MAIN, D::CONNECTIONS).expect("counted");
        // Idle ones of the other role may have been killed.
        counted.parse::<u32>().expect("a number") <= known
    })
    .await;
}

async fn fifteen_long_calls_run_at_once_and_ten_connections_are_left<D: Served>() {
    let server = private_server::<D>().await;
    let (db, overflows) = observed::<D>(&server).await;
    for (round, role) in [Role::Read, Role::Write, Role::Read].into_iter().enumerate() {
        let ended = fifteen_at_once(&db, role).await;
        let during = ended.into_iter().filter_map(|ended| ended.expect("all run"));
        let during = during.last().expect("one was the last");
        assert_eq!(
            (during.size, during.in_use, during.overflow, during.max),
            (15, 15, 5, 10),
            "{during:?}"
        );
        assert_eq!((during.running, during.waiting), (15, 0));
        ten_are_left(&server, &db, role).await;
        assert_eq!(overflows.0.load(Ordering::SeqCst), 5 * (round + 1));
    }
    assert_pool_is_whole(&db).await;
}

async fn a_burst_that_is_given_up_or_killed_leaves_all_its_places<D: Served>() {
    let server = private_server::<D>().await;
    let (db, _) = observed::<D>(&server).await;
    let all_run = || async {
        eventually("all run", PATIENCE, || async { pool(&db, Role::Read).running == 20 }).await;
    };
    let twenty = || -> Vec<_> {
        let sleep = |db: Db<D>| async move { sleep_on_server(&db, 30.0).await };
        (0..20).map(|_| tokio::spawn(sleep(db.clone()))).collect()
    };
    let given_up = twenty();
    all_run().await;
    given_up.iter().for_each(tokio::task::JoinHandle::abort);
    join_all(given_up).await;
    eventually("nothing is held", PATIENCE, || async {
        let numbers = pool(&db, Role::Read);
        (numbers.running, numbers.in_use, numbers.overflow) == (0, 0, 0)
    })
    .await;

    let killed = twenty();
    all_run().await;
    server.kill();
    for call in killed {
        call.await.expect("no panic").expect_err("killed");
    }
    server.restart().expect("it starts again");
    answers_again(&db).await;
    for role in [Role::Read, Role::Write] {
        let ended = fifteen_at_once(&db, role).await;
        let failed: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).collect();
        assert!(failed.is_empty(), "as before: {failed:#?}");
        ten_are_left(&server, &db, role).await;
    }
    assert_pool_is_whole(&db).await;
}

/// Three times as many callers as connections, each of them back at once.
async fn short_calls_open_no_connection_of_the_burst<D: Served>() {
    let server = private_server::<D>().await;
    let overflows = Arc::new(Overflows::default());
    let policy = Policy {
        observer: overflows.clone(),
        // However slow everything is beside other tests: far longer than a call takes, and the whole line less than this.
        burst_after: PATIENCE / 2,
        waiting_timeout: PATIENCE,
        acquire_timeout: PATIENCE,
        read_deadline: 2 * PATIENCE,
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, policy).await;
    let caller = || async {
        for _ in 0..100 {
            crate::support::ask(&db).await.expect("an answer");
        }
    };
    join_all((0..30).map(|_| caller())).await;
    assert_eq!(overflows.0.load(Ordering::SeqCst), 0);
    assert!(pool(&db, Role::Read).size <= 10);
}
