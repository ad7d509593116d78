//! What holds another history than the present primary is not read from, whatever it says of itself.

use std::time::Duration;

use resilient_db::{Cluster, ClusterPolicy, Condition, ServerHealth};

use crate::replicated::{REPLICATED_WITHIN, Replicated, on, promoted, replicated, server};
use crate::support::{PrivateServer as _, Served, eventually, on_each_server, run};

on_each_server!(
    a_replica_left_with_the_old_primary_is_not_read_from_until_it_follows_the_new_one,
    an_old_primary_that_comes_back_read_only_is_left_alone,
);

fn at_once() -> ClusterPolicy {
    ClusterPolicy {
        settling: Duration::ZERO,
        ..ClusterPolicy::default()
    }
}

fn of<D: Served>(cluster: &Cluster<D>, name: &str) -> ServerHealth {
    let mut health = cluster.health().into_iter();
    health.find(|server| server.name == name).expect("it is one of them")
}

async fn insert<D: Served>(cluster: &Cluster<D>, id: i64) {
    let sql = format!("INSERT INTO effect VALUES ({id})");
    let inserted = cluster.write("insert", |connection| run(connection, sql.clone()));
    inserted.await.expect("inserted");
}

/// The primary hangs: the replica still takes itself for one that is in time.
async fn a_replica_left_with_the_old_primary_is_not_read_from_until_it_follows_the_new_one<D: Replicated>() {
    let (north, others) = replicated::<D>(2).await;
    let (south, east) = (&others[0], &others[1]);
    let may_lead = vec![server::<D>("north", &north), server::<D>("south", south)];
    let cluster = Cluster::connect_lazily(may_lead, vec![server::<D>("east", east)], at_once()).await;
    let is_read_from = || async { of(&cluster, "east").is_reader };
    eventually("the replica is read from", REPLICATED_WITHIN, is_read_from).await;

    north.freeze();
    promoted::<D>(south).await;
    let leads = || async { of(&cluster, "south").is_writer };
    eventually("the new primary is found", REPLICATED_WITHIN, leads).await;
    for id in 1..=40 {
        insert(&cluster, id).await;
        let east = of(&cluster, "east");
        assert!(!east.is_reader, "it follows the old one: {east:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for order in D::follow(south) {
        on::<D>(east, &order);
    }
    eventually("it is read from again", REPLICATED_WITHIN, is_read_from).await;
    let has_all = || async { on::<D>(east, "SELECT count(*) FROM effect") == "40" };
    eventually("it has what was written meanwhile", REPLICATED_WITHIN, has_all).await;
}

async fn an_old_primary_that_comes_back_read_only_is_left_alone<D: Replicated>() {
    let (north, others) = replicated::<D>(1).await;
    let south = &others[0];
    let may_lead = vec![server::<D>("north", &north), server::<D>("south", south)];
    let cluster = Cluster::connect_lazily(may_lead, Vec::new(), at_once()).await;
    insert(&cluster, 1).await;
    eventually("it was streamed", REPLICATED_WITHIN, || async {
        on::<D>(south, "SELECT count(*) FROM effect") == "1"
    })
    .await;
    north.kill();
    promoted::<D>(south).await;
    let leads = || async { of(&cluster, "south").is_writer };
    eventually("the new primary is found", REPLICATED_WITHIN, leads).await;
    insert(&cluster, 2).await;

    north.restart().expect("it starts again");
    // By somebody who does not know.
    on::<D>(&north, "INSERT INTO effect VALUES (3)");
    for order in D::REFUSE_CHANGES {
        on::<D>(&north, order);
    }
    let looks_only = || async {
        let north = of(&cluster, "north");
        north.health.condition != Condition::Down && !north.is_rival
    };
    eventually("it answers, and takes no changes", REPLICATED_WITHIN, looks_only).await;
    for id in 10..40 {
        insert(&cluster, id).await;
        let north = of(&cluster, "north");
        assert!(north.is_barred && !north.is_reader, "it follows nobody: {north:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    south.kill();
    for order in D::TAKE_CHANGES {
        on::<D>(&north, order);
    }
    let is_rival = || async { of(&cluster, "north").is_rival };
    eventually("it would take changes", REPLICATED_WITHIN, is_rival).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!of(&cluster, "north").is_writer, "it holds another history");
}
