//! A way on which everything is lost, and with it whatever was under way.

use std::time::{Duration, Instant};

use fault_proxy::Fault;
use futures::future::join_all;
use resilient_db::Policy;

use crate::support::{
    PATIENCE, Served, answers_again, ask, assert_pool_is_whole, connected, eventually, on_each_server, private_server,
    proxied, sleep_on_server,
};

on_each_server!(
    a_black_hole_costs_no_place,
    a_probe_that_is_lost_does_not_keep_the_next_from_finding_the_way_mended,
);

async fn a_black_hole_costs_no_place<D: Served>() {
    let server = private_server::<D>().await;
    let (proxy, url) = proxied::<D>(&server).await;
    let short = Policy {
        read_deadline: Duration::from_secs(3),
        read_statement_timeout: Duration::from_secs(2),
        ..Policy::default()
    };
    let db = connected::<D>(&url, short).await;
    // All ten are open, and all are lost.
    for slept in join_all((0..10).map(|_| sleep_on_server(&db, 0.1))).await {
        slept.expect("slept");
    }
    proxy.set(Fault::BlackHole).await;
    for lost in join_all((0..10).map(|_| ask(&db))).await {
        lost.expect_err("lost");
    }
    // Whoever opens a connection in their place is lost as well.
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Fault::Pass).await;
    answers_again(&db).await;
    assert_pool_is_whole(&db).await;
    eventually("one of each role is kept open", Duration::from_secs(5), || async {
        let health = db.health();
        health.read.pool.idle > 0 && health.write.pool.idle > 0
    })
    .await;
}

async fn a_probe_that_is_lost_does_not_keep_the_next_from_finding_the_way_mended<D: Served>() {
    let server = private_server::<D>().await;
    let (proxy, url) = proxied::<D>(&server).await;
    let patient = Policy {
        probe_limit: Duration::from_secs(15),
        ..Policy::default()
    };
    let db = connected::<D>(&url, patient).await;
    let succeeded = || async { db.health().last_probe.is_some_and(|probe| probe.succeeded) };
    proxy.set(Fault::BlackHole).await;
    eventually("a probe is lost", 2 * PATIENCE, || async { !succeeded().await }).await;
    let lost = proxy.counters().accepted;
    eventually("the next one is sent", PATIENCE, || async {
        proxy.counters().accepted > lost
    })
    .await;
    proxy.set(Fault::Pass).await;
    let mended = Instant::now();
    eventually("the way is found mended", 2 * PATIENCE, succeeded).await;
    // Whoever waited for the one that is lost would wait for its limit.
    assert!(mended.elapsed() < Duration::from_secs(10), "{:?}", mended.elapsed());
}
