//! 200, cut, refused at once, restored, 200.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fault_proxy::{Fault, free_port};
use private_servers::Lateness;
use resilient_db::breaker::{State, Transition};
use resilient_db::failure::{Kind, Outcome};
use resilient_db::{Condition, Db, DbError, Observer, Policy, Role};

use crate::support::{
    PATIENCE, PrivateServer as _, Queries, Served, ask, assert_pool_is_whole, connected, connected_to, eventually,
    is_up, is_up_and_quick, on_each_server, patient, private_server, proxied, sleep_on_server,
};

on_each_server!(
    a_killed_database_is_refused_within_50_ms_and_used_again_by_the_next_probe,
    an_outage_is_told_once_with_its_cause_and_its_end_once,
    a_cut_wire_is_refused_within_50_ms_and_used_again_when_mended,
    a_pool_full_of_connections_ended_by_the_server_costs_one_attempt,
    an_application_starts_while_its_database_is_down,
    a_database_that_does_not_exist_is_a_setting_and_not_an_outage,
    a_read_only_server_stops_writes_and_not_reads,
    a_server_without_the_tls_that_is_demanded_is_a_setting_and_is_used_when_it_has_it,
    a_closed_pool_says_so,
);

/// Asks until it is refused without an attempt, and then a hundred times more.
async fn refused_within_50_ms<D: Queries>(db: &Db<D>) -> DbError {
    eventually("the breaker opens", PATIENCE, || async {
        ask(db).await.is_err_and(|error| error.attempts == 0)
    })
    .await;
    let (mut took, mut last, lateness) = (Vec::new(), None, Lateness::watch());
    for _ in 0..100 {
        let before = Instant::now();
        let refused = ask(db).await.expect_err("still down");
        took.push(before.elapsed());
        assert!(refused.retry_after.is_some());
        assert_eq!(refused.attempts, 0);
        last = Some(refused);
    }
    took.sort();
    println!(
        "refused while open: median of 100 {:?}, slowest {:?}",
        took[49], took[99]
    );
    assert!(took[49] < Duration::from_millis(50), "{took:?}");
    let late = lateness.most();
    assert!(
        took[99] < Duration::from_millis(50) + late,
        "{took:?}, late by {late:?}"
    );
    last.expect("a hundred refusals")
}

async fn a_killed_database_is_refused_within_50_ms_and_used_again_by_the_next_probe<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    assert_eq!(ask(&db).await.expect("an answer"), 1);
    is_up_and_quick(&db).await;

    server.kill();
    let killed = Instant::now();
    let refused = refused_within_50_ms(&db).await;
    println!("a hundred and one refusals {:?} after the kill", killed.elapsed());
    assert_eq!(refused.class.kind, Kind::Unreachable);
    assert_eq!(refused.class.outcome, Outcome::NotSent);
    let cause = refused.driver_error();
    assert!(
        matches!(cause, Some(sqlx::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused),
        "{cause:?}"
    );
    assert_eq!(db.health().condition, Condition::Down);
    assert!(db.retry_after().is_some());

    server.restart().expect("it starts again");
    let (accepts, lateness) = (Instant::now(), Lateness::watch());
    is_up(&db).await;
    assert_eq!(ask(&db).await.expect("an answer again"), 1);
    println!("answered {:?} after the server accepted connections", accepts.elapsed());
    let (took, late) = (accepts.elapsed(), lateness.together());
    assert!(took < Duration::from_secs(2) + late, "{took:?}, late by {late:?}");
    assert_eq!(db.retry_after(), None);
    assert_pool_is_whole(&db).await;
}

/// Keeps what it is told, but for the probes of one outage.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<(Role, State, bool)>>);

impl Observer for Recorder {
    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>) {
        if change.from == State::Closed || change.to == State::Closed {
            self.0
                .lock()
                .expect("no panic")
                .push((role, change.to, cause.is_some()));
        }
    }
}

async fn an_outage_is_told_once_with_its_cause_and_its_end_once<D: Served>() {
    let server = private_server::<D>().await;
    let recorder = Arc::new(Recorder::default());
    let observer: Arc<dyn Observer> = recorder.clone();
    let policy = Policy {
        observer,
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, policy).await;
    server.kill();
    let both_open = || async { !db.health().read.is_closed() && !db.health().write.is_closed() };
    eventually("both breakers are open", Duration::from_secs(10), both_open).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart().expect("it starts again");
    let both_closed = || async { db.health().read.is_closed() && db.health().write.is_closed() };
    eventually("both breakers are closed", Duration::from_secs(10), both_closed).await;
    let told = recorder.0.lock().expect("no panic").clone();
    for role in [Role::Read, Role::Write] {
        let of_role: Vec<_> = told.iter().filter(|(told_role, ..)| *told_role == role).collect();
        assert_eq!(of_role, [&(role, State::Open, true), &(role, State::Closed, false)]);
    }
}

async fn a_cut_wire_is_refused_within_50_ms_and_used_again_when_mended<D: Served>() {
    let server = private_server::<D>().await;
    let (proxy, url) = proxied::<D>(&server).await;
    let db = connected::<D>(&url, Policy::default()).await;
    for _ in 0..3 {
        assert_eq!(ask(&db).await.expect("an answer"), 1);
        proxy.set(Fault::Cut).await;
        refused_within_50_ms(&db).await;
        proxy.set(Fault::Pass).await;
        is_up(&db).await;
    }
    assert_pool_is_whole(&db).await;
}

async fn a_pool_full_of_connections_ended_by_the_server_costs_one_attempt<D: Served>() {
    let server = private_server::<D>().await;
    let twice = Policy {
        attempts: 2,
        ..patient()
    };
    let db = connected_to::<D>(&server, twice).await;
    for _ in 0..5 {
        // Fills the pool with ten connections, and leaves them too fresh to be pinged.
        let all_at_once = (0..10).map(|_| sleep_on_server(&db, 0.1));
        for slept in futures::future::join_all(all_at_once).await {
            slept.expect("slept");
        }
        D::end_connections(&server);
        for _ in 0..10 {
            ask(&db).await.expect("answered at the second attempt at the latest");
        }
    }
    assert_ne!(db.health().condition, Condition::Down);
    is_up_and_quick(&db).await;
}

async fn an_application_starts_while_its_database_is_down<D: Served>() {
    let port = free_port().expect("a port");
    let (started, lateness) = (Instant::now(), Lateness::watch());
    let url = D::url_at(([127, 0, 0, 1], port).into());
    let db = connected::<D>(&url, Policy::default()).await;
    let (took, late) = (started.elapsed(), lateness.together());
    println!("started without a database in {took:?}");
    assert!(took < Duration::from_secs(4) + late, "{took:?}, late by {late:?}");
    let before = Instant::now();
    let (refused, late) = Lateness::during(ask(&db)).await;
    let (took, refused) = (before.elapsed(), refused.expect_err("down"));
    println!("the first call was refused in {took:?}");
    assert_eq!((refused.class.kind, refused.attempts), (Kind::Unreachable, 0));
    assert!(took < Duration::from_millis(50) + late, "{took:?}, late by {late:?}");
}

async fn a_database_that_does_not_exist_is_a_setting_and_not_an_outage<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected::<D>(&server.url("absent"), Policy::default()).await;
    let refused = ask(&db).await.expect_err("no such database");
    assert_eq!(refused.class.kind, Kind::Misconfigured);
    assert_eq!(refused.attempts, 0);
    assert!(
        refused
            .driver_error()
            .is_some_and(|error| error.to_string().contains("absent"))
    );
    // Once it is there, a probe finds it.
    server.create_database("absent").expect("made");
    is_up(&db).await;
    ask(&db).await.expect("an answer");
}

async fn a_read_only_server_stops_writes_and_not_reads<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    for order in D::REFUSE_CHANGES {
        server.query(D::MAIN, order).expect("set");
    }
    eventually("writing is refused", Duration::from_secs(10), || async {
        !db.health().write.is_closed()
    })
    .await;
    let written = crate::support::execute(&db, "CREATE TABLE t (id int)")
        .await
        .expect_err("read-only");
    assert_eq!(written.class.kind, Kind::ReadOnly);
    assert_eq!(db.health().condition, Condition::Slow);
    ask(&db).await.expect("reading goes on");
    for order in D::TAKE_CHANGES {
        server.query(D::MAIN, order).expect("set back");
    }
    eventually("writing is taken again", Duration::from_secs(10), || async {
        db.health().write.is_closed()
    })
    .await;
    crate::support::execute(&db, "CREATE TABLE t (id int)")
        .await
        .expect("made");
}

async fn a_server_without_the_tls_that_is_demanded_is_a_setting_and_is_used_when_it_has_it<D: Served>() {
    let server = private_server::<D>().await;
    let url = server.url(D::MAIN) + D::DEMAND_TLS;
    let db = connected::<D>(&url, Policy::default()).await;
    let refused = ask(&db).await.expect_err("no TLS");
    assert_eq!((refused.class.kind, refused.attempts), (Kind::Misconfigured, 0));
    server.offer_tls(true).expect("a certificate");
    server.restart().expect("it starts again");
    // Asked because somebody says that it is mended: by itself the probe comes more and more rarely.
    eventually("it is used", PATIENCE, || async {
        db.probe_now().await.condition != Condition::Down
    })
    .await;
    ask(&db).await.expect("an answer");
}

async fn a_closed_pool_says_so<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    db.close().await;
    let refused = ask(&db).await.expect_err("closed");
    assert_eq!(refused.class.kind, Kind::Closing);
    assert!(refused.retry_after.is_some());
}
