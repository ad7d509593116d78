//! Saves that a server has promised to repeat, done by processes that are killed at every moment after which they may be
//! gone. `cargo xtask bench replay` is the same with very many.

use std::sync::Arc;

use inkfast_server::replay::Cut;

use crate::cut_replay::life::{self, End, How};
use crate::cut_replay::{Plan, Queue, Verdict, Waiting, run};
use crate::support::private_database::PrivateDatabase;

const KILLS: usize = 3;
/// This program, asked for one test, which is a server where the environment says so.
const AS_A_SERVER: &[&str] = &[
    "--exact",
    "killed_while_replaying::each_promise_is_kept_once_and_in_order_over_postgresql_and_redis",
    "--nocapture",
];

fn plan(queue: Queue, servers: usize) -> Plan {
    Plan {
        queue,
        servers,
        people: 4,
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

/// One person, so that two servers want the same entry.
async fn eleven_of_one_person() -> Waiting {
    let plan = Plan {
        people: 1,
        submissions: 11,
        kills: 0,
        ..plan(Queue::Redis, 2)
    };
    Waiting::pressed(PrivateDatabase::postgres(), plan).await
}

fn stands_still_at(cut: Cut) -> End {
    End {
        cut,
        time: 1,
        how: How::Frozen,
    }
}

/// The first server has saved the first one, and stands still for longer than its lease. The second one has that lease
/// by now, and stands still, too, when the first one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stood_still_does_not_settle_what_is_another_s_by_now() {
    let waiting = eleven_of_one_person().await;
    let scene = Arc::clone(&waiting.scene);
    let first = scene.begin(0, &[Cut::Committed, Cut::Acknowledged].map(stands_still_at));
    first.until_frozen().await;
    let of_first = scene.line();
    let second = scene.begin(1, &[stands_still_at(Cut::Leased)]);
    second.until_frozen().await;
    let of_second = scene.line();
    let leases = [&of_first, &of_second].map(|line| line["head"]["lease"].clone());
    assert_eq!(leases[0]["id"], leases[1]["id"]);
    assert!(leases[0]["token"].as_u64() < leases[1]["token"].as_u64(), "{leases:?}");
    assert_eq!(scene.done(), 1);
    first.thaw();
    first.until_frozen().await;
    assert_eq!(scene.line(), of_second, "what it says counts no more");
    second.thaw();
    first.thaw();
    is_eleven(&waiting.compared(1).await);
}

/// It stands still before it has saved anything; meanwhile the other one does all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stood_still_repeats_nothing_that_another_one_has_done() {
    let waiting = eleven_of_one_person().await;
    let scene = Arc::clone(&waiting.scene);
    let first = scene.begin(0, &[Cut::Leased, Cut::Acknowledged].map(stands_still_at));
    first.until_frozen().await;
    assert_eq!(scene.done(), 0);
    let _second = scene.begin(1, &[]);
    scene.until_nothing_waits(1).await;
    let done = scene.line();
    assert_eq!(scene.done(), 11);
    first.thaw();
    first.until_frozen().await;
    assert_eq!(scene.line(), done);
    is_eleven(&waiting.compared(1).await);
}

fn is_eleven(verdict: &Verdict) {
    assert_eq!((verdict.submissions, verdict.faults()), (11, 0), "{verdict}");
}
