//! Leaving all connections by hand: what is idle is closed, what is in use ends well and is not used again.

use std::time::Duration;

use resilient_db::{Condition, Connection, Db, DbError, End, OnUnknownCommit, Policy};

use crate::support::{
    PrivateServer as _, Served, assert_pool_is_whole, connected_to, eventually, is_up, on_each_server, private_server,
};

on_each_server!(every_connection_is_another_one_and_nothing_is_broken_off,);

async fn own_id<D: Served>(db: &Db<D>) -> Result<i64, DbError> {
    db.read("id", |mut connection: Connection<D>| async move {
        D::number(&mut connection, D::OWN_ID).await
    })
    .await
}

async fn every_connection_is_another_one_and_nothing_is_broken_off<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    is_up(&db).await;
    let probed_before = db.health().last_probe.expect("a probe").age;
    let before: Vec<i64> = all_at_once(&db).await;
    // In use while everything is left: it comes to its end on the connection it has.
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let working = db.transaction("work", OnUnknownCommit::Report, |mut connection: Connection<D>| {
        let begun = begun.lock().expect("no panic").take();
        async move {
            let first = D::number(&mut connection, D::OWN_ID).await?;
            if let Some(begun) = begun {
                begun.send(()).expect("somebody waits for it");
            }
            tokio::time::sleep(Duration::from_millis(800)).await;
            let second = D::number(&mut connection, D::OWN_ID).await?;
            Ok(End::Commit((first, second)))
        }
    });
    let leaving = async {
        begins.await.expect("it begins");
        let health = db.reconnect().await;
        assert_ne!(health.condition, Condition::Down);
        assert!(
            health
                .last_probe
                .is_some_and(|probe| probe.age < probed_before + Duration::from_secs(5))
        );
    };
    let (worked, ()) = tokio::join!(working, leaving);
    let (first, second) = worked.expect("done");
    assert_eq!(first, second, "nothing was broken off");

    let after = all_at_once(&db).await;
    assert!(after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    let write_id = |mut connection: Connection<D>| async move { D::number(&mut connection, D::OWN_ID).await };
    let next = db.write("id", write_id).await.expect("an answer");
    assert_ne!(next, first, "it was replaced before its next use");
    let most = i64::try_from(after.len()).expect("few") + 4;
    eventually(
        "the old ones are gone from the server",
        Duration::from_secs(10),
        || async {
            let there = server.query(D::MAIN, D::CONNECTIONS).expect("the witness");
            there.trim().parse::<i64>().expect("a number") <= most
        },
    )
    .await;
    own_id(&db).await.expect("an answer");
    assert_pool_is_whole(&db).await;
}

/// The connections of three readers at the same time.
async fn all_at_once<D: Served>(db: &Db<D>) -> Vec<i64> {
    let barrier = tokio::sync::Barrier::new(3);
    let barrier = &barrier;
    let asking = (0..3).map(|_| {
        db.read("id", move |mut connection: Connection<D>| async move {
            let id = D::number(&mut connection, D::OWN_ID).await?;
            barrier.wait().await;
            Ok(id)
        })
    });
    let ids = futures::future::join_all(asking).await;
    ids.into_iter().map(|id| id.expect("an id")).collect()
}
