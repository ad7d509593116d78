//! A limit that follows what calls take, on real servers: down, up, and whole again. And trends, told before the
//! breaker opens.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use resilient_db::breaker::{State, Transition};
use resilient_db::{Connection, Db, Fault, Faults, Observer, Policy, PoolNumbers, Role, Trend, TrendChange};

use crate::support::{
    PATIENCE, PrivateServer as _, Served, answers_again, ask, assert_pool_is_whole, connected_to, eventually,
    on_each_server, patient, private_server,
};

on_each_server!(
    fewer_run_while_sharing_makes_calls_slow_and_as_many_as_before_after_it,
    more_run_while_calls_only_wait_and_no_more_connections_than_there_may_be,
    a_server_that_is_killed_while_the_limit_moves_leaves_all_places,
    a_limit_that_is_switched_off_does_not_move,
    failures_that_become_more_are_told_before_the_breaker_opens,
);

/// Of a call that is alone: long beside what a busy machine adds to it.
const ALONE: Duration = Duration::from_millis(40);

fn adaptive() -> Policy {
    Policy {
        adaptive: true,
        ..patient()
    }
}

fn pool<D: Served>(db: &Db<D>, role: Role) -> PoolNumbers {
    let health = db.health();
    match role {
        Role::Read => health.read.pool,
        Role::Write => health.write.pool,
    }
}

/// One call on a server of which it is said here how long it takes, by how many are there.
async fn call<D: Served>(db: &Db<D>, role: Role, running: &AtomicU32, takes: impl Fn(u32) -> Duration) {
    let takes = &takes;
    let work = |mut connection: Connection<D>| async move {
        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
        let slept = D::perform(&mut connection, D::sleep(takes(now).as_secs_f64())).await;
        running.fetch_sub(1, Ordering::SeqCst);
        slept.map(drop)
    };
    let ended = match role {
        Role::Read => db.read("call", work).await,
        Role::Write => db.write("call", work).await,
    };
    // Where the server is killed.
    if ended.is_err() {
        tokio::time::sleep(ALONE).await;
    }
}

/// Callers who come again at once, until this is over; before them a few that come alone.
async fn crowd<D: Served>(db: &Db<D>, role: Role, takes: impl Fn(u32) -> Duration, over: &AtomicBool) {
    let running = AtomicU32::new(0);
    for _ in 0..15 {
        call(db, role, &running, |_| ALONE).await;
    }
    let caller = || async {
        while !over.load(Ordering::SeqCst) {
            call(db, role, &running, &takes).await;
        }
    };
    join_all((0..20).map(|_| caller())).await;
}

/// Ends the crowd when the limit is as wanted, and waits until nothing of it is left.
async fn until<D: Served>(db: &Db<D>, role: Role, over: &AtomicBool, wanted: impl Fn(PoolNumbers) -> bool) {
    eventually("the limit follows", PATIENCE, || async { wanted(pool(db, role)) }).await;
    over.store(true, Ordering::SeqCst);
}

async fn fewer_run_while_sharing_makes_calls_slow_and_as_many_as_before_after_it<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, adaptive()).await;
    for role in [Role::Read, Role::Write] {
        let before = pool(&db, role);
        assert_eq!((before.limit, before.least, before.most, before.max), (10, 2, 20, 10));
        let over = AtomicBool::new(false);
        // Each one more makes all of them slower.
        let takes = |running: u32| ALONE * running.min(20);
        let low = until(&db, role, &over, |pool| pool.limit <= 6 && pool.running <= pool.limit);
        tokio::join!(crowd(&db, role, takes, &over), low);
        let other = match role {
            Role::Read => Role::Write,
            Role::Write => Role::Read,
        };
        assert_eq!(pool(&db, other).limit, 10, "{role:?} is not the other's matter");
        // Long before their breaker would have to open.
        assert!(db.health().read.is_closed() && db.health().write.is_closed());
        eventually("as many as before", PATIENCE, || async { pool(&db, role).limit == 10 }).await;
    }
    assert_pool_is_whole(&db).await;
}

async fn more_run_while_calls_only_wait_and_no_more_connections_than_there_may_be<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, adaptive()).await;
    let over = AtomicBool::new(false);
    let grown = async {
        let most = |pool: PoolNumbers| {
            assert!(pool.overflow > 0 || pool.size <= 20, "{pool:?}");
            pool.limit == 20 && pool.running == 20 && pool.overflow == 0
        };
        until(&db, Role::Read, &over, most).await;
    };
    tokio::join!(crowd(&db, Role::Read, |_| ALONE, &over), grown);
    // What is not needed goes, one by one.
    eventually("ten are left", 2 * PATIENCE, || async {
        let pool = pool(&db, Role::Read);
        pool.limit == 10 && pool.size <= 10
    })
    .await;
    let known = db.health().read.pool.size + db.health().write.pool.size + 1;
    eventually("the server agrees", PATIENCE, || async {
        let counted = server.query(D::MAIN, D::CONNECTIONS).expect("counted");
        counted.parse::<u32>().expect("a number") <= known
    })
    .await;
    assert_pool_is_whole(&db).await;
}

async fn a_server_that_is_killed_while_the_limit_moves_leaves_all_places<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, adaptive()).await;
    for goes_up in [true, false] {
        let over = AtomicBool::new(false);
        let takes = |running: u32| match goes_up {
            true => ALONE,
            false => ALONE * running.min(20),
        };
        let killed = async {
            let moves = |pool: PoolNumbers| if goes_up { pool.limit > 12 } else { pool.limit < 8 };
            eventually("it moves", PATIENCE, || async { moves(pool(&db, Role::Write)) }).await;
            server.kill();
            server.restart().expect("it starts again");
            over.store(true, Ordering::SeqCst);
        };
        tokio::join!(crowd(&db, Role::Write, takes, &over), killed);
        answers_again(&db).await;
        assert_pool_is_whole(&db).await;
    }
}

async fn a_limit_that_is_switched_off_does_not_move<D: Served>() {
    let server = private_server::<D>().await;
    let policy = Policy {
        adaptive: false,
        ..adaptive()
    };
    let db = connected_to::<D>(&server, policy).await;
    let over = AtomicBool::new(false);
    let watched = async {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let pool = pool(&db, Role::Read);
            assert_eq!((pool.limit, pool.least, pool.most, pool.max), (10, 10, 10, 10));
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(
        crowd(&db, Role::Read, |running| ALONE * running.min(20), &over),
        watched
    );
    assert_pool_is_whole(&db).await;
}

/// What was told, in its order.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn of(&self, role: Role) -> Vec<String> {
        let all = self.0.lock().expect("no panic");
        all.iter()
            .filter_map(|told| told.strip_prefix(role.name()).map(str::to_owned))
            .collect()
    }

    fn add(&self, role: Role, what: &str) {
        self.0.lock().expect("no panic").push(format!("{} {what}", role.name()));
    }
}

impl Observer for Told {
    fn trend_changed(&self, role: Role, change: &TrendChange) {
        let over = if change.rising { "" } else { " is over" };
        self.add(role, &format!("{}{over}", change.trend.name()));
    }

    fn breaker_changed(&self, role: Role, change: &Transition, _: Option<&sqlx::Error>) {
        if (change.from, change.to) == (State::Closed, State::Open) {
            self.add(role, "opened");
        }
    }
}

/// Calls without connections, of which more and more fail, between calls that succeed.
async fn failures_that_become_more_are_told_before_the_breaker_opens<D: Served>() {
    let server = private_server::<D>().await;
    let (told, faults) = (Arc::new(Told::default()), Faults::default());
    let policy = Policy {
        observer: told.clone(),
        faults: Some(faults.clone()),
        attempts: 1,
        // The probe meets the fault too, and is not to be faster than the calls here.
        probe_limit: Duration::from_secs(5),
        breaker: resilient_db::breaker::Settings {
            failed_probes: 1_000,
            ..Default::default()
        },
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, policy).await;
    // Of each ten so many are refused.
    for refused in [0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 4] {
        for turn in 0..10 {
            if turn >= 10 - refused {
                faults.inject(Fault::Refuse, PATIENCE);
            } else {
                faults.stop();
            }
            let _ended = ask(&db).await;
        }
        faults.stop();
    }
    assert_eq!(told.of(Role::Read), [" failing"], "and the breaker is closed");
    assert!(db.health().read.is_closed());
    assert!(db.health().read.trends.failing && !db.health().write.trends.failing);
    faults.inject(Fault::Refuse, PATIENCE);
    eventually("the breaker is open", PATIENCE, || async {
        let _ended = ask(&db).await;
        !db.health().read.is_closed()
    })
    .await;
    faults.stop();
    let of_reads = told.of(Role::Read);
    assert_eq!(of_reads[..2], [" failing", " opened"], "{of_reads:?}");
    assert_eq!(Trend::Failing.name(), "failing");
}
