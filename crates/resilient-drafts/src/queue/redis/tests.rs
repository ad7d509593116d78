use std::sync::Arc;
use std::time::Duration;

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivateRedis;
use resilient_core::submission::queue::{Enqueued, Tried};

use super::*;
use crate::queue::SubmissionQueue;
use crate::queue::contract::{LEASE, press, work_off};
use crate::redis::tests::rotation::server;
use crate::redis::tests::{PATIENT, connected, until_it_answers};

async fn at(url: &str) -> RedisQueue {
    RedisQueue::beside(&connected(url, 1, PATIENT).await)
}

async fn fresh() -> (RedisQueue, PrivateRedis) {
    let redis = PrivateRedis::start().unwrap();
    (at(&redis.url()).await, redis)
}

crate::queue_contract_tests!(super::fresh());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_on_one_redis_share_the_work_and_do_nothing_twice() {
    let (one, redis) = fresh().await;
    let doors = vec![
        Arc::new(one),
        Arc::new(at(&redis.url()).await),
        Arc::new(at(&redis.url()).await),
    ];
    work_off(doors.clone()).await;
    // Sweeps may have written some too many; each is seen to once.
    for _ in 0..200 {
        assert_eq!(doors[0].lease(12, LEASE).await.unwrap(), None);
    }
    let stream = redis.keys("*queue-tickets").unwrap().remove(0);
    assert_eq!(redis.command(&["XLEN", &stream]).unwrap().trim(), "0");
}

/// A server dies between taking a ticket and everything else.
#[tokio::test]
async fn what_a_dead_server_held_is_taken_over_when_its_lease_is_over() {
    let (dead, redis) = fresh().await;
    dead.enqueue("ann", &press("1", "a/1"), b"text").await.unwrap();
    assert!(dead.lease(5, LEASE).await.unwrap().is_some());
    drop(dead);
    let other = at(&redis.url()).await;
    assert_eq!(other.lease(6, LEASE).await.unwrap(), None);
    let later = 5 + LEASE.as_millis() as u64;
    other.sweep(later).await.unwrap();
    let leased = other
        .lease(later, LEASE)
        .await
        .unwrap()
        .expect("the sweep offers it again");
    assert_eq!(leased.text.as_deref(), Some(&b"text"[..]));
    assert!(other.settle(&leased, Tried::Saved, later).await.unwrap());
}

/// The ticket of a crash between queueing and telling is written by the sweep.
#[tokio::test]
async fn an_entry_whose_ticket_is_lost_is_found_by_the_sweep() {
    let (queue, redis) = fresh().await;
    queue.enqueue("ann", &press("1", "a/1"), b"text").await.unwrap();
    let stream = redis.keys("*queue-tickets").unwrap().remove(0);
    redis.command(&["DEL", &stream]).unwrap();
    assert_eq!(queue.lease(5, LEASE).await.unwrap(), None);
    for _ in 0..5 {
        queue.sweep(6).await.unwrap();
    }
    assert_eq!(
        redis.command(&["XLEN", &stream]).unwrap().trim(),
        "2",
        "sweeps write no more than are needed"
    );
    assert!(queue.lease(7, LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_of_redis_and_nothing_readable_lies_in_it() {
    let (queue, redis) = fresh().await;
    for id in ["1", "2"] {
        let text = b"a very private text";
        assert_eq!(
            queue.enqueue("ann", &press(id, "a/1"), text).await.unwrap(),
            Enqueued::Waiting
        );
    }
    redis.kill();
    redis.restart().unwrap();
    while queue.list("ann").await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    until_it_answers(&queue.redis).await;
    let leased = queue.lease(5, LEASE).await.unwrap().unwrap();
    assert_eq!(
        (leased.entry.id.as_str(), leased.text.as_deref()),
        ("1", Some(&b"a very private text"[..]))
    );
    for key in redis.keys("*queue-texts").unwrap() {
        assert!(!redis.command(&["HGETALL", &key]).unwrap().contains("private"));
    }
}

/// The answer to a change is lost: the same call again finds it done.
#[tokio::test]
async fn a_press_whose_answer_was_lost_is_queued_once() {
    let redis = PrivateRedis::start().unwrap();
    let proxy = FaultProxy::start(std::net::SocketAddr::from(([127, 0, 0, 1], redis.port())))
        .await
        .unwrap();
    let queue = at(&format!("redis://{}", proxy.address())).await;
    until_it_answers(&queue.redis).await;
    queue.enqueue("ann", &press("1", "a/1"), b"one").await.unwrap();
    proxy.set(Fault::Cut).await;
    assert!(queue.enqueue("ann", &press("2", "a/1"), b"two").await.is_err());
    proxy.set(Fault::Pass).await;
    until_it_answers(&queue.redis).await;
    for _ in 0..2 {
        queue.enqueue("ann", &press("2", "a/1"), b"two").await.unwrap();
    }
    assert_eq!(queue.list("ann").await.unwrap().entries.len(), 2);
}

/// Ids and texts of what is due, which is put back.
async fn seen(queue: &RedisQueue, now_ms: u64) -> Vec<(String, String)> {
    queue.sweep(now_ms).await.unwrap();
    let mut seen = Vec::new();
    while let Some(leased) = queue.lease(now_ms, LEASE).await.unwrap() {
        let text = String::from_utf8(leased.text.clone().expect("it can be opened")).unwrap();
        seen.push((leased.entry.id.clone(), text));
        assert!(queue.settle(&leased, Tried::Away, now_ms).await.unwrap());
    }
    // Of different accounts, in any order.
    seen.sort();
    seen
}

fn texts(ids: &[&str]) -> Vec<(String, String)> {
    ids.iter()
        .map(|id| ((*id).to_owned(), format!("text of {id}")))
        .collect()
}

async fn put(queue: &RedisQueue, account: &str, id: &str) {
    let text = format!("text of {id}");
    queue
        .enqueue(account, &press(id, "a/1"), text.as_bytes())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_waits_is_found_after_the_secret_was_changed_and_needs_the_old_one_no_more() {
    let redis = PrivateRedis::start().unwrap();
    let before = RedisQueue::beside(&server(&redis, 1, &[], &[]).await);
    put(&before, "ann", "1").await;
    put(&before, "bob", "2").await;
    let after = RedisQueue::beside(&server(&redis, 2, &[], &[1]).await);
    assert_eq!(seen(&after, 1_000).await, texts(&["1", "2"]), "at once");
    put(&before, "ann", "3").await;
    let swept = after.reseal().await.unwrap();
    assert_eq!((swept.resealed, swept.still_old, swept.unknown), (3, 0, 0));
    assert_eq!(after.reseal().await.unwrap().resealed, 0, "once");
    let later = RedisQueue::beside(&server(&redis, 2, &[], &[]).await);
    assert_eq!(seen(&later, 10_000).await, texts(&["1", "2"]));
    let line = later.list("ann").await.unwrap().entries;
    let ids: Vec<&str> = line.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["1", "3"]);
}

#[tokio::test]
async fn what_waits_under_the_prefix_of_another_secret_moves_to_the_others_in_its_order() {
    let redis = PrivateRedis::start().unwrap();
    // Two that did not know of each other.
    let first = RedisQueue::beside(&server(&redis, 1, &[], &[]).await);
    let second = RedisQueue::beside(&server(&redis, 2, &[], &[]).await);
    put(&first, "bob", "0").await;
    for id in ["1", "2", "3"] {
        put(&second, "ann", id).await;
    }
    // Somebody was at it, and is no more.
    assert!(second.lease(5, LEASE).await.unwrap().is_some());
    let joined = RedisQueue::beside(&server(&redis, 2, &[], &[1]).await);
    let mut done = Vec::new();
    joined.sweep(6).await.unwrap();
    while let Some(leased) = joined.lease(6, LEASE).await.unwrap() {
        assert_eq!(
            leased.text.as_deref(),
            Some(format!("text of {}", leased.entry.id).as_bytes())
        );
        assert!(joined.settle(&leased, Tried::Saved, 7).await.unwrap());
        done.push(leased.entry.id);
    }
    assert!(done.contains(&"0".to_owned()), "{done:?}");
    done.retain(|id| id != "0");
    assert_eq!(done, ["1", "2", "3"]);
    assert!(redis.keys("test:s2:*").unwrap().is_empty(), "nothing is left behind");
}
