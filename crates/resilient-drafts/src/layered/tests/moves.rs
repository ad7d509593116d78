//! What waits beside Redis moves there, and nothing holds anything else back.

use super::*;

#[tokio::test]
async fn the_drafts_of_the_embedded_store_move_to_redis_when_it_is_put_in_front() {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let file = directory.path().join("drafts.db");
    let embedded = SqliteStore::open(&file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
    for site in 0..30 {
        let form_key = format!("site/{site}");
        let draft = draft("a", 1, None, "typed before");
        embedded
            .write("ann", &form_key, &draft, &Mode::Chained, site)
            .await
            .unwrap();
    }
    embedded.close().await;
    let store = over(&redis.url(), &directory, PATIENT).await;
    assert_eq!(
        store.list("ann").await.unwrap().drafts.len(),
        30,
        "also while they are moved"
    );
    until_all_is_moved(&store).await;
    let drafts = store.list("ann").await.unwrap().drafts;
    assert_eq!(drafts.len(), 30);
    assert!(drafts.iter().all(|draft| draft.kept_in == Place::Redis));
    assert_eq!(drafts[0].changed_at_ms, 29, "when it was changed stays true");
}

#[tokio::test]
async fn a_form_that_redis_refuses_stays_in_the_spill_and_stops_no_other() {
    let (store, servers) = patient().await;
    let write = async |form_key: &str| {
        let draft = draft("a", 1, None, "text");
        store.write("ann", form_key, &draft, &Mode::Chained, 1).await.unwrap();
    };
    write("site/0").await;
    let key = servers.redis.keys("*:form:site/0").unwrap().remove(0);
    let in_the_way = key.replace("site/0", "site/1");
    servers
        .redis
        .command(&["SET", &in_the_way, "of somebody else"])
        .unwrap();
    servers.redis.kill();
    write("site/1").await;
    write("site/2").await;
    servers.redis.restart().unwrap();
    let others_moved = async {
        while store.waiting_forms() != 1 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, others_moved).await.expect("site/2 is moved");
    let mut places: Vec<_> = store.list("ann").await.unwrap().drafts;
    places.sort_by(|one, other| one.form_key.cmp(&other.form_key));
    let places: Vec<_> = places
        .iter()
        .map(|draft| (draft.form_key.as_str(), draft.kept_in))
        .collect();
    assert_eq!(
        places,
        [
            ("site/0", Place::Redis),
            ("site/1", Place::Server),
            ("site/2", Place::Redis)
        ]
    );
    servers.redis.command(&["DEL", &in_the_way]).unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(store.list("ann").await.unwrap().drafts.len(), 3);
}

#[tokio::test]
async fn a_form_that_breaks_the_way_each_time_holds_no_other_back() {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], redis.port()));
    let proxy = FaultProxy::start(upstream).await.unwrap();
    // Over a way on which connecting again takes its time.
    let far = FaultProxy::start(proxy.address()).await.unwrap();
    far.set(Fault::Slow {
        bytes_per_second: 0,
        latency: Duration::from_millis(10),
    })
    .await;
    let store = over(&format!("redis://{}", far.address()), &directory, PATIENT).await;
    until_it_answers(&store.redis).await;
    proxy.set(Fault::Cut).await;
    for site in 0..6 {
        let draft = draft("a", 1, None, "text");
        let form_key = format!("site/{site}");
        let told = store.write("ann", &form_key, &draft, &Mode::Chained, 1).await.unwrap();
        assert!(matches!(told, Written::Stored(kept) if kept.kept_in == Place::Server));
    }
    let pattern = b":form:site/0".to_vec();
    proxy
        .set(Fault::CutAfterForwarding {
            pattern,
            times: u32::MAX,
        })
        .await;
    let others_moved = async {
        while store.waiting_forms() != 1 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, others_moved).await.expect("all others are moved");
    let left = store.spill.form_keys();
    assert_eq!(left, [("ann".to_owned(), "site/0".to_owned())]);
    proxy.set(Fault::Pass).await;
    until_all_is_moved(&store).await;
    assert_eq!(store.list("ann").await.unwrap().drafts.len(), 6);
}

#[tokio::test]
async fn what_waits_in_the_spill_outlives_the_process() {
    let (store, servers) = patient().await;
    servers.redis.kill();
    keep(&store, "a", 1, None).await;
    drop(store);
    servers.redis.restart().unwrap();
    let store = over(&servers.redis.url(), &servers.directory, PATIENT).await;
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", 1), Place::Redis)]);
}

async fn until_its_memory_is_known(store: &LayeredStore) {
    let known = async {
        while store.spill.memory().is_none() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, known).await.expect("Redis is asked");
}

#[tokio::test]
async fn what_redis_knows_to_have_ended_is_told_again_only_to_one_that_has_forgotten_it() {
    let (store, servers) = patient().await;
    until_its_memory_is_known(&store).await;
    for (seq, site) in (1..).zip(["site/1", "site/2"]) {
        let typed = draft("a", seq, None, "typed");
        store.write("ann", site, &typed, &Mode::Chained, seq).await.unwrap();
        store
            .end("ann", site, &at("a", seq), End::Discarded, seq)
            .await
            .unwrap();
    }
    drop(store);
    let store = over(&servers.redis.url(), &servers.directory, PATIENT).await;
    assert_eq!(store.waiting_forms(), 0, "after a start");

    servers.redis.kill();
    let typed = draft("b", 1, None, "typed");
    store.write("ann", "site/1", &typed, &Mode::Chained, 3).await.unwrap();
    store.end("ann", "site/1", &at("b", 1), End::Saved, 3).await.unwrap();
    drop(store);
    let store = over(&servers.redis.url(), &servers.directory, PATIENT).await;
    assert_eq!(store.waiting_forms(), 1, "what Redis has not heard of");

    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    until_its_memory_is_known(&store).await;
    servers.redis.command(&["FLUSHALL"]).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = over(&servers.redis.url(), &elsewhere, PATIENT).await;
    let told = async {
        for (site, revision, end) in [
            ("site/1", at("a", 1), End::Discarded),
            ("site/1", at("b", 1), End::Saved),
            ("site/2", at("a", 2), End::Discarded),
        ] {
            while other.how_ended("ann", site, &revision).await.unwrap() != Some(end) {
                sleep(Duration::from_millis(5)).await;
            }
        }
    };
    timeout(LONG, told).await.expect("other servers learn it, too");
}

#[tokio::test]
async fn the_file_of_an_earlier_version_is_told_to_redis_once() {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let file = directory.path().join("drafts.db");
    let embedded = SqliteStore::open(&file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
    let ended = embedded.end("ann", "site/1", &at("a", 1), End::Discarded, 1).await;
    assert_eq!(ended.unwrap().removed, 0, "it comes before what it discards");
    let as_before = "ALTER TABLE ended DROP COLUMN known_to";
    sqlx::raw_sql(as_before).execute(embedded.writer()).await.unwrap();
    embedded.close().await;
    let store = over(&redis.url(), &directory, PATIENT).await;
    until_all_is_moved(&store).await;
    let told = store.redis.how_ended("ann", "site/1", &at("a", 1)).await;
    assert_eq!(told.unwrap(), Some(End::Discarded));
    until_its_memory_is_known(&store).await;
    drop(store);
    let store = over(&redis.url(), &directory, PATIENT).await;
    // It was moved before the memory of Redis was known, or after.
    until_all_is_moved(&store).await;
    drop(store);
    assert_eq!(over(&redis.url(), &directory, PATIENT).await.waiting_forms(), 0);
}
