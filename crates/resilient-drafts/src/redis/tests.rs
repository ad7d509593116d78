//! The contract, and what only Redis can do, against a real one.

pub(crate) mod rotation;
mod unreadable;

use std::time::Duration;

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivateRedis;
use resilient_core::draft::replacement::Mode;
use tokio::time::{Instant, sleep, timeout};

use super::{Address, Durability, Limits, RedisStore, Weakness};
use crate::contract::draft;
use crate::{DraftStore, End, MOST_DRAFTS, Place, Sealer, StoreError, Written};

/// What is stored does not depend on time: on a busy machine a slow answer is no outage.
pub(crate) const PATIENT: Limits = Limits {
    connect: Duration::from_secs(20),
    response: Duration::from_secs(20),
    call: Duration::from_secs(20),
    list: Duration::from_secs(20),
};

/// Far longer than anything here takes, also on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn connected(url: &str, secret: u8, limits: Limits) -> RedisStore {
    let sealer = Sealer::new(&[secret; 32], "drafts");
    connected_with(url, sealer, limits).await
}

pub(crate) async fn connected_with(url: &str, sealer: Sealer, limits: Limits) -> RedisStore {
    let address: Address = url.parse().unwrap();
    RedisStore::connect(&address, "test", sealer, limits).await.unwrap()
}

async fn fresh() -> (RedisStore, PrivateRedis) {
    let redis = PrivateRedis::start().unwrap();
    (connected(&redis.url(), 1, PATIENT).await, redis)
}

/// Waits until Redis is used again.
pub(crate) async fn until_it_answers(store: &RedisStore) {
    let answers = async {
        while !store.answers() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, answers).await.expect("Redis is back");
}

async fn keep(store: &RedisStore, seq: u64) -> Result<Written, StoreError> {
    let draft = draft("a", seq, None, "a very private text");
    store.write("ann", "site/1", &draft, &Mode::Chained, seq).await
}

crate::contract_tests!(super::fresh());

#[tokio::test]
async fn two_processes_on_one_server_do_not_overwrite_each_other() {
    let (one, redis) = fresh().await;
    let other = connected(&redis.url(), 1, PATIENT).await;
    crate::contract::only_one_of_many_is_first(vec![one, other]).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_of_redis() {
    let (store, redis) = fresh().await;
    for seq in 1..=20 {
        let Written::Stored(stored) = keep(&store, seq).await.unwrap() else {
            panic!("each change is stored");
        };
        assert_eq!(stored.kept_in, Place::Redis);
    }
    redis.kill();
    redis.restart().unwrap();
    let seq = async {
        loop {
            // The connection died with it, which is noticed by asking.
            match store.load("ann", "site/1").await {
                Ok(seen) => return seen.drafts[0].draft.revision.seq,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    assert_eq!(timeout(LONG, seq).await.expect("Redis is back"), 20);
}

#[tokio::test]
async fn an_emptied_script_cache_is_filled_again() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    redis.command(&["SCRIPT", "FLUSH"]).unwrap();
    assert!(matches!(keep(&store, 2).await.unwrap(), Written::Stored(_)));
}

#[tokio::test]
async fn all_of_an_account_expires_by_itself_once_the_sweep_should_have_removed_it() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    let ended = draft("b", 1, None, "");
    store
        .end("ann", "site/2", &ended.revision, End::Discarded, 1)
        .await
        .unwrap();
    let keys = redis.keys("*").unwrap();
    assert_eq!(keys.len(), 3, "a form, the memory of another one, an index: {keys:?}");
    let two_days_late = 32 * 24 * 60 * 60 * 1000;
    for key in keys {
        let left: i64 = redis.command(&["PTTL", &key]).unwrap().parse().unwrap();
        assert!(
            (two_days_late - 60_000..=two_days_late).contains(&left),
            "{key} expires in {left} ms"
        );
    }
}

#[tokio::test]
async fn drafts_that_have_expired_take_no_room_from_new_ones() {
    let (store, redis) = fresh().await;
    for site in 1..=MOST_DRAFTS {
        let form_key = format!("site/{site}");
        let draft = draft("a", 1, None, "text");
        store.write("ann", &form_key, &draft, &Mode::Chained, 1).await.unwrap();
    }
    let new = draft("b", 1, None, "text");
    let write = || store.write("ann", "site/new", &new, &Mode::Chained, 2);
    assert!(matches!(write().await, Err(StoreError::TooMany)));
    for key in redis.keys("*:form:site/*").unwrap().iter().skip(1) {
        redis.command(&["DEL", key]).unwrap();
    }
    assert_eq!(store.sweep(2).await.unwrap().removed, 0);
    write().await.unwrap();
    assert_eq!(
        store.list("ann").await.unwrap().drafts.len(),
        2,
        "what was still there stays"
    );
    let counted = redis.command(&["HLEN", &redis.keys("*:forms").unwrap()[0]]).unwrap();
    assert_eq!(counted.trim(), "2");
}

#[tokio::test]
async fn a_call_that_has_no_time_left_says_nothing_about_redis() {
    let redis = PrivateRedis::start().unwrap();
    let limits = Limits {
        call: Duration::ZERO,
        ..PATIENT
    };
    let store = connected(&redis.url(), 1, limits).await;
    until_it_answers(&store).await;
    let told = keep(&store, 1).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    let seen = store.load("ann", "site/1").await;
    assert!(matches!(seen, Err(StoreError::Unavailable(_))), "{seen:?}");
    assert!(store.answers(), "others go on");
}

#[tokio::test]
async fn nothing_but_the_memory_of_it_is_left_of_a_draft_that_was_saved() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    store
        .end("ann", "site/1", &draft("a", 1, None, "").revision, End::Saved, 2)
        .await
        .unwrap();
    let keys = redis.keys("*").unwrap();
    assert_eq!(keys.len(), 1, "no index, no text: {keys:?}");
    let fields = redis.command(&["HKEYS", &keys[0]]).unwrap();
    let mut fields: Vec<_> = fields.lines().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["ended:a", "mark"]);
}

#[tokio::test]
async fn nobody_reads_the_text_in_redis_or_opens_it_in_another_account() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    let keys = redis.keys("*:form:*").unwrap();
    let all = redis.command(&["HGETALL", &keys[0]]).unwrap();
    assert!(all.contains("sealed") && !all.contains("private"), "{all}");
    let moved = keys[0].replace("YW5u", "Ym9i");
    assert_ne!(moved, keys[0]);
    redis.command(&["COPY", &keys[0], &moved]).unwrap();
    assert!(store.load("bob", "site/1").await.unwrap().drafts.is_empty());
    let without_the_secret = connected(&redis.url(), 2, PATIENT).await;
    assert!(
        without_the_secret
            .load("ann", "site/1")
            .await
            .unwrap()
            .drafts
            .is_empty()
    );
    assert_eq!(store.load("ann", "site/1").await.unwrap().drafts.len(), 1);
}

#[tokio::test]
async fn a_full_redis_refuses_new_drafts_and_goes_on_reading_and_ending() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let new = draft("b", 1, None, "text");
    let refused = store.write("ann", "site/2", &new, &Mode::Chained, 2).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(store.answers() && !store.takes_writes());
    assert!(store.check().await.is_err());
    let stored = store.load("ann", "site/1").await.unwrap().drafts;
    let ended = store
        .end("ann", "site/1", &stored[0].draft.revision, End::Saved, 3)
        .await
        .unwrap();
    assert_eq!(ended.removed, 1, "that makes room");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    store.write("ann", "site/2", &new, &Mode::Chained, 2).await.unwrap();
    assert!(store.takes_writes());
}

#[tokio::test]
async fn a_wrong_password_is_no_outage_that_passes_and_is_asked_about_ever_less_often() {
    let redis = PrivateRedis::start().unwrap();
    redis
        .command(&["ACL", "SETUSER", "app", "on", ">right", "~*", "+@all"])
        .unwrap();
    let with = |password: &str| format!("redis://app:{password}@127.0.0.1:{}", redis.port());
    let right = connected(&with("right"), 1, PATIENT).await;
    assert!(matches!(keep(&right, 1).await.unwrap(), Written::Stored(_)));
    let begun = Instant::now();
    let wrong = connected(&with("wrong"), 1, PATIENT).await;
    assert!(!wrong.answers());
    assert!(matches!(keep(&wrong, 2).await, Err(StoreError::Unavailable(_))));
    let probes = || -> u32 {
        let refused = redis.command(&["ACL", "LOG"]).unwrap();
        let count = refused.lines().skip_while(|line| *line != "count").nth(1);
        count.unwrap().parse().unwrap()
    };
    sleep(Duration::from_millis(1500)).await;
    let asked_again = async {
        while probes() < 2 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, asked_again).await.expect("it is asked about again");
    // 6 in 1.5 s, and no more often where a busy machine has taken longer.
    let (probes, took) = (probes(), begun.elapsed());
    assert!(
        f64::from(probes) <= 4.0 * took.as_secs_f64(),
        "{probes} probes in {took:?}"
    );
}

#[tokio::test]
async fn a_replica_is_read_and_takes_no_writes() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    // Of nobody: what it has stays readable.
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    assert!(matches!(keep(&store, 2).await, Err(StoreError::Unavailable(_))));
    assert!(store.answers() && !store.takes_writes());
    assert_eq!(store.load("ann", "site/1").await.unwrap().drafts.len(), 1);
    redis.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    keep(&store, 2).await.unwrap();
    assert!(store.takes_writes());
}

#[tokio::test]
async fn redis_is_asked_whether_it_is_durable() {
    let redis = PrivateRedis::start().unwrap();
    redis
        .command(&["ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-config"])
        .unwrap();
    let ask = async |url: &str| {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        Durability::ask(&mut connection).await
    };
    assert_eq!(ask(&redis.url()).await, Durability::Durable);
    for (setting, value) in [("appendfsync", "everysec"), ("maxmemory-policy", "volatile-lru")] {
        redis.command(&["CONFIG", "SET", setting, value]).unwrap();
    }
    let weak = vec![
        Weakness::LateLog("everysec".to_owned()),
        Weakness::Evicts("volatile-lru".to_owned()),
    ];
    assert_eq!(ask(&redis.url()).await, Durability::Weak(weak));
    redis.command(&["CONFIG", "SET", "appendonly", "no"]).unwrap();
    redis
        .command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])
        .unwrap();
    assert_eq!(ask(&redis.url()).await, Durability::Weak(vec![Weakness::NoLog]));
    let refused = format!("redis://app:secret@127.0.0.1:{}", redis.port());
    assert_eq!(ask(&refused).await, Durability::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_waited_for_once_and_then_not_at_all() {
    let redis = PrivateRedis::start().unwrap();
    // Longer than a busy machine holds a process up: whatever takes less has not waited for Redis.
    let limit = Duration::from_secs(5);
    let limits = Limits {
        connect: limit,
        response: limit,
        call: limit,
        ..PATIENT
    };
    let store = connected(&redis.url(), 1, limits).await;
    until_it_answers(&store).await;
    redis.freeze();
    let began = Instant::now();
    let told = keep(&store, 1).await;
    let took = began.elapsed();
    assert!(matches!(told, Err(StoreError::Unavailable(_))));
    assert!((limit..2 * limit).contains(&took), "once: {took:?}");
    let began = Instant::now();
    for seq in 2..=50 {
        assert!(keep(&store, seq).await.is_err());
    }
    let took = began.elapsed();
    assert!(took < limit, "none of 49 more calls waits: {took:?}");
    redis.thaw();
    until_it_answers(&store).await;
    assert!(
        store.load("ann", "site/1").await.unwrap().drafts.len() <= 1,
        "it may have come through"
    );
    let kept = keep(&store, 51).await.unwrap();
    assert!(matches!(kept, Written::Stored(_)), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_on_a_slow_way_is_cut_short_and_nobody_is_told_that_redis_is_away() {
    let redis = PrivateRedis::start().unwrap();
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], redis.port()));
    let proxy = FaultProxy::start(upstream).await.unwrap();
    let straight = connected(&redis.url(), 1, PATIENT).await;
    let long = "x".repeat(30_000);
    for site in 1..=40 {
        let draft = draft("a", 1, None, &long);
        let form_key = format!("site/{site}");
        straight
            .write("ann", &form_key, &draft, &Mode::Chained, site)
            .await
            .unwrap();
    }
    // On this way a call has time for less than a list is long: behind one it would fail.
    let limits = Limits {
        response: Duration::from_secs(10),
        call: Duration::from_secs(10),
        list: Duration::from_secs(5),
        ..PATIENT
    };
    let store = connected(&format!("redis://{}", proxy.address()), 1, limits).await;
    until_it_answers(&store).await;
    proxy
        .set(Fault::Slow {
            bytes_per_second: 30_000,
            latency: Duration::ZERO,
        })
        .await;
    let others = async {
        for _ in 0..20 {
            assert_eq!(store.count("ann", 40).await.unwrap().forms, 40);
            assert!(store.answers());
            sleep(Duration::from_millis(150)).await;
        }
    };
    let (seen, ()) = tokio::join!(store.list("ann"), others);
    let seen = seen.unwrap();
    assert!(!seen.complete && seen.drafts.len() < 40, "{} drafts", seen.drafts.len());
    let latest = seen.drafts.iter().map(|stored| stored.changed_at_ms);
    assert!(
        latest.eq((1..=40).rev().take(seen.drafts.len())),
        "the latest come first"
    );
    assert!(store.answers(), "for everybody else Redis is there");

    proxy.set(Fault::Pass).await;
    let limits = Limits {
        list: PATIENT.list,
        ..limits
    };
    let store = connected(&format!("redis://{}", proxy.address()), 1, limits).await;
    let seen = store.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.complete), (40, true));
}

#[tokio::test]
async fn an_index_of_an_earlier_version_is_understood() {
    let (store, redis) = fresh().await;
    for seq in 1..=2 {
        keep(&store, seq).await.unwrap();
    }
    let index = redis.keys("*:forms").unwrap().remove(0);
    redis.command(&["HSET", &index, "site/1", "1"]).unwrap();
    assert_eq!(
        store.count("ann", u64::MAX).await.unwrap().forms,
        1,
        "it may be of today"
    );
    assert_eq!(store.list("ann").await.unwrap().drafts.len(), 1);
    let other = draft("b", 1, None, "text");
    store.write("ann", "site/2", &other, &Mode::Chained, 9).await.unwrap();
    keep(&store, 3).await.unwrap();
    assert_eq!(store.count("ann", u64::MAX).await.unwrap().forms, 0);
    assert_eq!(store.count("ann", 9).await.unwrap().forms, 2);
}

/// What is refused to the program: all of it is found by the probe, also where only the drafts of some are meant.
const REFUSALS: [(&str, &[&str]); 4] = [
    ("scripts", &["-eval", "-evalsha"]),
    ("reading", &["-hgetall"]),
    ("writing", &["-hset"]),
    ("somebody", &["resetkeys", "~test:{AHByb2Jl*"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_what_calls_need_is_away_until_it_does_not() {
    let redis = PrivateRedis::start().unwrap();
    let allow = |name: &str, rules: &[&str]| {
        let user = ["ACL", "SETUSER", name, "on", "nopass"];
        redis.command(&[&user[..], rules].concat()).unwrap();
    };
    for (name, refusal) in REFUSALS {
        allow(name, &["~*", "+@all"]);
        let store = connected(&format!("redis://{name}:any@127.0.0.1:{}", redis.port()), 1, PATIENT).await;
        until_it_answers(&store).await;
        assert!(
            matches!(keep(&store, 1).await, Ok(Written::Stored(_) | Written::SameAgain(_))),
            "{name}"
        );
        allow(name, refusal);
        let begun = Instant::now();
        while store.answers() {
            assert!(keep(&store, 2).await.is_err(), "{name}");
            assert!(begun.elapsed() < LONG, "{name} goes unnoticed");
            sleep(Duration::from_millis(5)).await;
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1_200) {
            assert!(!store.answers(), "{name}: it comes and goes");
            assert!(keep(&store, 2).await.is_err(), "{name}");
            sleep(Duration::from_millis(2)).await;
        }
        allow(name, &["~*", "+@all"]);
        until_it_answers(&store).await;
        assert_eq!(store.load("ann", "site/1").await.unwrap().drafts.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_probe_leaves_nothing_behind() {
    let (_store, redis) = fresh().await;
    assert_eq!(redis.keys("*").unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_redis_that_has_room_again_is_used_without_anybody_trying() {
    let (store, redis) = fresh().await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    assert!(keep(&store, 1).await.is_err());
    // Longer than between two probes.
    sleep(Duration::from_millis(1_200)).await;
    assert!(!store.takes_writes());
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    let used = async {
        while !store.takes_writes() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, used).await.expect("the probe has written");
}

/// What is there is 95 percent of what it may have, and a draft has room.
pub(crate) fn nearly_fill(redis: &PrivateRedis) {
    let info = redis.command(&["INFO", "memory"]).unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let used: u64 = used.trim().parse().unwrap();
    let most = (used * 100 / 95).to_string();
    redis.command(&["CONFIG", "SET", "maxmemory", &most]).unwrap();
}

#[tokio::test]
async fn a_redis_that_is_nearly_full_takes_only_drafts_of_failed_saves() {
    let (store, redis) = fresh().await;
    keep(&store, 1).await.unwrap();
    nearly_fill(&redis);
    let is = async |is_full: bool| {
        let so = async {
            while store.is_nearly_full() != is_full {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, so).await.expect("it looks at the memory now and then");
    };
    is(true).await;
    assert!(matches!(keep(&store, 2).await, Err(StoreError::NearlyFull)));
    assert_eq!(
        store.load("ann", "site/1").await.unwrap().drafts.len(),
        1,
        "what is there stays"
    );
    let failed = draft("b", 1, None, "of a failed save");
    let told = store
        .write("ann", "site/2", &failed, &Mode::FailedPost, 3)
        .await
        .unwrap();
    assert!(matches!(told, Written::Stored(_)), "{told:?}");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    is(false).await;
    keep(&store, 2).await.unwrap();
}
