use std::sync::Arc;
use std::time::Duration;

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivateRedis;
use resilient_core::submission::queue::{Enqueued, Tried};

use super::*;
use crate::queue::SubmissionQueue;
use crate::queue::contract::{LEASE, press, work_off};
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
