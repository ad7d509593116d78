//! What Redis itself says when it cannot: full, loading, no disk, a replica, half a log. Drafts are kept elsewhere
//! meanwhile and come back by themselves; none is lost, none is there twice.

use super::storms::nothing_is_lost_or_doubled;
use super::*;

async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting).await.expect(what);
}

async fn kept_in(store: &LayeredStore, seq: u64) -> Place {
    let on = (seq > 1).then(|| at("a", seq - 1));
    match keep(store, "a", seq, on).await {
        Written::Stored(kept) => kept.kept_in,
        told => panic!("{told:?}"),
    }
}

#[tokio::test]
async fn a_full_redis_is_read_on_and_takes_what_waits_when_it_has_room() {
    let (store, servers) = patient().await;
    assert_eq!(kept_in(&store, 1).await, Place::Redis);
    let full = |is_full: bool| {
        let most = if is_full { "1" } else { "0" };
        servers.redis.command(&["CONFIG", "SET", "maxmemory", most]).unwrap();
    };
    full(true);
    let other = draft("b", 1, None, "typed meanwhile");
    let told = store.write("ann", "site/2", &other, &Mode::Chained, 2).await.unwrap();
    assert!(matches!(told, Written::Stored(kept) if kept.kept_in == Place::Server));
    assert!(store.redis.answers() && !store.uses_redis());
    let places = async || -> Vec<_> {
        let seen = store.list("ann").await.unwrap();
        assert!(seen.complete, "it is read");
        seen.drafts
            .into_iter()
            .map(|stored| (stored.form_key, stored.kept_in))
            .collect()
    };
    let in_both = [
        ("site/2".to_owned(), Place::Server),
        ("site/1".to_owned(), Place::Redis),
    ];
    assert_eq!(places().await, in_both);
    let ended = store.end("ann", "site/1", &at("a", 1), End::Saved, 3).await.unwrap();
    assert_eq!(ended.removed, 1, "that makes room");
    full(false);
    until_all_is_moved(&store).await;
    assert_eq!(places().await, [("site/2".to_owned(), Place::Redis)]);
    assert_eq!(keep(&store, "a", 1, None).await, Written::Ended(End::Saved));
}

#[tokio::test]
async fn a_nearly_full_redis_is_left_to_failed_saves_and_takes_the_rest_when_it_has_room() {
    let (store, servers) = patient().await;
    assert_eq!(kept_in(&store, 1).await, Place::Redis);
    crate::redis::tests::nearly_fill(&servers.redis);
    until("it looks at the memory now and then", || store.redis.is_nearly_full()).await;
    assert_eq!(kept_in(&store, 2).await, Place::Server);
    let failed = draft("b", 1, None, "of a failed save");
    let told = store
        .write("ann", "site/2", &failed, &Mode::FailedPost, 3)
        .await
        .unwrap();
    assert!(matches!(told, Written::Stored(kept) if kept.kept_in == Place::Redis));
    assert_eq!(store.waiting_forms(), 1, "what waits is not moved there");
    servers.redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    until_all_is_moved(&store).await;
    let seen = store.list("ann").await.unwrap();
    let kept: Vec<_> = seen
        .drafts
        .iter()
        .map(|stored| (&stored.draft.revision, stored.kept_in))
        .collect();
    assert_eq!(kept, [(&at("b", 1), Place::Redis), (&at("a", 2), Place::Redis)]);
}

#[tokio::test]
async fn a_redis_that_cannot_write_its_disk_takes_no_drafts_until_it_can() {
    let (store, servers) = patient().await;
    // Elsewhere a program that is connected may not change where the data lie.
    let settings = ["--enable-protected-configs", "yes", "--save", "3600 1"];
    servers.redis.restart_with(&settings).unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(kept_in(&store, 1).await, Place::Redis);
    let gone = tempfile::tempdir().unwrap();
    let dir = |path: &std::path::Path| {
        let path = path.to_str().unwrap();
        servers.redis.command(&["CONFIG", "SET", "dir", path]).unwrap();
    };
    dir(gone.path());
    drop(gone);
    let snapshot = |is_well: bool| {
        let word = if is_well {
            "rdb_last_bgsave_status:ok"
        } else {
            "rdb_last_bgsave_status:err"
        };
        let _ = servers.redis.command(&["BGSAVE"]);
        servers
            .redis
            .command(&["INFO", "persistence"])
            .is_ok_and(|info| info.contains(word))
    };
    until("a snapshot has failed", || snapshot(false)).await;
    let refused = servers.redis.command(&["SET", "x", "y"]).unwrap_err().to_string();
    assert!(refused.contains("MISCONF"), "{refused}");
    assert_eq!(kept_in(&store, 2).await, Place::Server);
    assert_eq!(kept_in(&store, 3).await, Place::Server);
    assert_eq!(stored(&store).await, [(at("a", 3), Place::Server)]);
    dir(servers.redis.directory());
    until("a snapshot has succeeded", || snapshot(true)).await;
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", 3), Place::Redis)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_loads_its_data_drafts_are_kept_elsewhere_and_nobody_waits() {
    let (store, servers) = patient().await;
    assert_eq!(kept_in(&store, 1).await, Place::Redis);
    let configure = |name: &str, value: &str| {
        servers.redis.command(&["CONFIG", "SET", name, value]).unwrap();
    };
    // As many bytes each as Redis reads between two looks at who asks, so that it answers after each of them.
    let filling = "for n = 1, 3000 do redis.call('SET', 'filling:' .. n, string.rep('x', 1024)) end";
    servers.redis.command(&["EVAL", filling, "0"]).unwrap();
    configure("rdbcompression", "no");
    servers.redis.command(&["BGREWRITEAOF"]).unwrap();
    let rewritten = || {
        let info = servers.redis.command(&["INFO", "persistence"]).unwrap();
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    };
    until("the log is rewritten", rewritten).await;
    // Each key takes 20 milliseconds, a minute in all: it ends when it is told to.
    let slowly = [
        "--key-load-delay",
        "20000",
        "--loading-process-events-interval-bytes",
        "1024",
    ];
    servers.redis.begin_restart(&slowly).unwrap();
    let loading = || {
        let said = servers.redis.command(&["GET", "filling:1"]);
        said.is_err_and(|error| error.to_string().contains("LOADING"))
    };
    until("it loads", loading).await;
    for seq in 2..=6 {
        let began = Instant::now();
        assert_eq!(kept_in(&store, seq).await, Place::Server);
        let took = began.elapsed();
        println!("while it loads: {took:?}");
        assert!(took < PATIENT.call, "it is not waited for: {took:?}");
    }
    assert!(loading(), "all of it while it loads");
    configure("key-load-delay", "0");
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", 6), Place::Redis)]);
}

#[tokio::test]
async fn a_log_without_its_end_costs_at_most_the_last_write_and_pages_go_on() {
    for bytes in [1, 2, 9, 40, 77, 100] {
        let (store, servers) = patient().await;
        for seq in 1..=3 {
            assert_eq!(kept_in(&store, seq).await, Place::Redis);
        }
        // Long enough that no more than its own text is cut.
        let long = draft("z", 1, None, &"long ".repeat(40));
        store.write("ann", "site/9", &long, &Mode::Chained, 4).await.unwrap();
        servers.redis.kill();
        servers.redis.cut_log(bytes).unwrap();
        servers.redis.restart().unwrap();
        until_all_is_moved(&store).await;
        let seen = store.list("ann").await.unwrap();
        assert!(seen.complete && seen.unreadable.is_empty(), "{bytes}: {seen:?}");
        let writers: Vec<_> = seen.drafts.iter().map(|stored| &stored.draft.revision).collect();
        assert_eq!(writers, [&at("a", 3)], "{bytes}: all but the last one");
        assert_eq!(
            store.count("ann", 5).await.unwrap().forms,
            1,
            "{bytes}: the index says the same"
        );
        // As a page does that is told that nothing is stored.
        let on = draft("z", 2, Some(at("z", 1)), "typed on");
        let told = store.write("ann", "site/9", &on, &Mode::Chained, 5).await.unwrap();
        assert_eq!(told, Written::Diverged(None), "{bytes}");
        let anew = draft("z", 2, None, "typed on");
        let told = store.write("ann", "site/9", &anew, &Mode::Chained, 5).await.unwrap();
        assert!(matches!(told, Written::Stored(_)), "{bytes}: {told:?}");
        assert_eq!(store.list("ann").await.unwrap().drafts.len(), 2, "{bytes}");
    }
}

#[tokio::test]
async fn what_was_ended_stays_away_where_the_log_has_lost_that() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    store
        .end("ann", "site/1", &at("a", 1), End::Discarded, 2)
        .await
        .unwrap();
    servers.redis.kill();
    servers.redis.cut_log(10).unwrap();
    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(keep(&store, "a", 1, None).await, Written::Ended(End::Discarded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_is_full_again_and_again() {
    for alone in [true, false] {
        let (store, servers) = hurried().await;
        let most = |bytes: &str| drop(servers.redis.command(&["CONFIG", "SET", "maxmemory", bytes]).unwrap());
        let trouble = async |round: u64| match round % 6 {
            2 => most("1"),
            5 => most("0"),
            _ => sleep(Duration::from_millis(40)).await,
        };
        nothing_is_lost_or_doubled("full", store, trouble, alone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_becomes_a_replica_again_and_again() {
    for alone in [true, false] {
        let (store, servers) = hurried().await;
        // Of nobody: what it has stays readable.
        let of = |host: &str, port: &str| drop(servers.redis.command(&["REPLICAOF", host, port]).unwrap());
        let trouble = async |round: u64| match round % 6 {
            2 => of("127.0.0.1", "1"),
            5 => of("NO", "ONE"),
            _ => sleep(Duration::from_millis(40)).await,
        };
        nothing_is_lost_or_doubled("a replica", store, trouble, alone).await;
    }
}
