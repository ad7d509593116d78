//! Saves that a server has promised to repeat, done by processes that are killed at every moment after which they may be
//! gone. `cargo xtask bench replay` is the same with very many.

use inkfast_server::replay::Cut;

use crate::cut_replay::life;
use crate::cut_replay::{Plan, Queue, Verdict, run};
use crate::support::private_database::PrivateDatabase;

const KILLS: usize = 3;
/// This program, asked for one test, which is a server where the environment says so.
pub const AS_A_SERVER: &[&str] = &[
    "--exact",
    "killed_while_replaying::each_promise_is_kept_once_and_in_order_over_postgresql_and_redis",
    "--nocapture",
];

fn plan(queue: Queue, servers: usize) -> Plan {
    Plan {
        queue,
        servers,
        submissions: 300,
        kills: KILLS,
        seed: 20_261_127,
        arguments: AS_A_SERVER,
    }
}

fn is_so(verdict: &Verdict) {
    assert!(verdict.submissions >= 300, "{verdict}");
    assert_eq!(verdict.faults(), 0, "{verdict}");
}

fn was_killed_everywhere(verdict: &Verdict) {
    let everywhere = [
        Cut::Saved,
        Cut::Enqueued,
        Cut::Leased,
        Cut::Committed,
        Cut::Acknowledged,
    ];
    assert_eq!(verdict.kills, everywhere.map(|cut| (cut, KILLS)).into(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promise_is_kept_once_and_in_order_over_postgresql_and_redis() {
    if life::is_told() {
        return life::serve().await;
    }
    let verdict = run(PrivateDatabase::postgres(), plan(Queue::Redis, 1)).await;
    is_so(&verdict);
    was_killed_everywhere(&verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promise_is_kept_once_and_in_order_over_mariadb_and_a_file() {
    let verdict = run(PrivateDatabase::mariadb(), plan(Queue::File, 1)).await;
    is_so(&verdict);
    was_killed_everywhere(&verdict);
}

/// How often each of them is killed is a matter of who does the work.
#[tokio::test(flavor = "multi_thread")]
async fn each_promise_is_kept_once_and_in_order_by_two_servers_that_share_a_redis() {
    let verdict = run(PrivateDatabase::postgres(), plan(Queue::Redis, 2)).await;
    is_so(&verdict);
    assert!(verdict.kills.values().sum::<usize>() >= KILLS, "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promise_is_kept_once_and_in_order_when_redis_was_away_for_some_of_them() {
    let verdict = run(PrivateDatabase::mariadb(), plan(Queue::Both, 1)).await;
    is_so(&verdict);
    was_killed_everywhere(&verdict);
}
