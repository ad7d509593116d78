//! With TLS a connection ends with a farewell of its own.

use std::time::Duration;

use futures::future::join_all;
use resilient_db::Policy;

use crate::support::{
    PrivateServer as _, Served, assert_pool_is_whole, connected, eventually, on_each_server, private_server,
    sleep_on_server,
};

on_each_server!(connections_with_tls_that_nobody_uses_are_closed_and_cost_no_place);

async fn connections_with_tls_that_nobody_uses_are_closed_and_cost_no_place<D: Served>() {
    let server = private_server::<D>().await;
    server.offer_tls(true).expect("a certificate");
    server.restart().expect("it starts again");
    let short = Policy {
        idle_timeout: Duration::from_secs(1),
        acquire_timeout: Duration::from_secs(5),
        ..Policy::default()
    };
    let db = connected::<D>(&(server.url(D::MAIN) + D::DEMAND_TLS), short).await;
    for slept in join_all((0..10).map(|_| sleep_on_server(&db, 0.5))).await {
        slept.expect("slept");
    }
    eventually("most are closed", Duration::from_secs(10), || async {
        let pool = db.health().read.pool;
        pool.size <= 2 && pool.in_use == 0
    })
    .await;
    assert_pool_is_whole(&db).await;
}
