//! Several Redis servers that stand in for each other: the contract, and what becomes of drafts when one is lost.

use private_servers::{RedisCluster, WatchedRedis};

use super::*;

fn watched_url(watched: &WatchedRedis) -> String {
    let sentinels: Vec<String> = watched
        .sentinel_ports()
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    format!("redis+sentinel://{}/{}", sentinels.join(","), WatchedRedis::NAME)
}

async fn write(store: &LayeredStore, account: &str, form_key: &str, seq: u64) -> Written {
    let on = (seq > 1).then(|| at("a", seq - 1));
    let draft = draft("a", seq, on, &format!("{form_key} {seq}"));
    store
        .write(account, form_key, &draft, &Mode::Chained, seq)
        .await
        .unwrap()
}

/// Told that what it builds on is not there, a page writes anew.
async fn type_on(store: &LayeredStore, form_key: &str, seq: u64) {
    if let Written::Diverged(None) = write(store, "ann", form_key, seq).await {
        let anew = draft("a", seq, None, &format!("{form_key} {seq}"));
        let told = store.write("ann", form_key, &anew, &Mode::Chained, seq).await.unwrap();
        assert!(matches!(told, Written::Stored(_)), "{told:?}");
    }
}

fn is_replica(server: &PrivateRedis) -> bool {
    server.command(&["ROLE"]).is_ok_and(|role| role.starts_with("slave"))
}

mod in_a_cluster {
    async fn fresh() -> (crate::RedisStore, super::RedisCluster) {
        let cluster = super::RedisCluster::start().unwrap();
        let url = format!("redis+cluster://{}", cluster.hosts());
        let store = super::connected(&url, 1, super::PATIENT).await;
        super::until_it_answers(&store).await;
        (store, cluster)
    }

    crate::contract_tests!(@each super::fresh();
        what_is_written_is_read_back,
        nobody_sees_the_drafts_of_another_account_or_form,
        a_page_replaces_its_own_draft_and_is_told_of_another_s,
        the_same_write_again_changes_nothing,
        a_failed_post_is_stored_beside_and_both_are_listed,
        what_has_ended_stays_away_and_what_is_later_does_not,
        everything_ends_thirty_days_after_its_last_change,
        forms_with_drafts_are_counted_and_neither_old_nor_ended_ones,
        one_draft_too_many_is_refused_unless_it_is_a_failed_save_and_no_other_is_dropped,
        of_many_first_writers_one_wins_and_all_others_are_told,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_primary_is_lost_drafts_are_kept_here_until_its_replica_takes_over() {
    let mut watched = tokio::task::block_in_place(|| WatchedRedis::start().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let store = over(&watched_url(&watched), &directory, PATIENT).await;
    until_it_answers(&store.redis).await;
    let told = write(&store, "ann", "site/1", 1).await;
    assert!(
        matches!(&told, Written::Stored(kept) if kept.kept_in == Place::Redis),
        "{told:?}"
    );
    let has_it = || watched.servers[1].keys("*:form:site/1").unwrap().len() == 1;
    while !has_it() {
        sleep(Duration::from_millis(5)).await;
    }
    // One sentinel less is still a majority, and the one that is asked first.
    watched.kill_sentinel(0);
    watched.servers[0].kill();
    let (mut seq, mut kept_here) = (1, 0);
    for _ in 0..3 {
        seq += 1;
        let was_replica = is_replica(&watched.servers[1]);
        let told = write(&store, "ann", "site/1", seq).await;
        let Written::Stored(kept) = &told else {
            panic!("{told:?}");
        };
        // On a busy machine the sentinels may be done before all three are written.
        if was_replica && is_replica(&watched.servers[1]) {
            assert_eq!(kept.kept_in, Place::Server);
            kept_here += 1;
        }
    }
    assert!(kept_here > 0, "there was nobody yet to take it");
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", seq), Place::Redis)], "once");
    assert_eq!(
        watched.servers[1].keys("*:form:site/1").unwrap().len(),
        1,
        "at the other one"
    );

    // The old one comes back, and is made a replica.
    watched.servers[0].restart().unwrap();
    let made_a_replica = async {
        while !is_replica(&watched.servers[0]) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(2 * LONG, made_a_replica)
        .await
        .expect("the sentinels make it a replica");
    seq += 1;
    type_on(&store, "site/1", seq).await;
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", seq), Place::Redis)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_server_of_a_cluster_is_lost_no_draft_is_and_all_are_swept_on_every_server() {
    let cluster = tokio::task::block_in_place(|| RedisCluster::start().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let url = format!("redis+cluster://{}", cluster.hosts());
    let store = over(&url, &directory, PATIENT).await;
    until_it_answers(&store.redis).await;
    // Accounts are spread over the servers, and each is on one.
    let accounts: Vec<String> = (0..12).map(|account| format!("account {account}")).collect();
    for account in &accounts {
        for form in ["site/1", "site/2"] {
            let told = write(&store, account, form, 1).await;
            assert!(
                matches!(&told, Written::Stored(kept) if kept.kept_in == Place::Redis),
                "{told:?}"
            );
        }
    }
    for server in &cluster.servers {
        assert!(!server.keys("*:form:*").unwrap().is_empty(), "each holds some");
    }
    let everything = async || -> usize {
        let mut all = 0;
        for account in &accounts {
            let seen = store.list(account).await.unwrap();
            assert!(seen.complete, "{account}");
            all += seen.drafts.len();
        }
        all
    };
    assert_eq!(everything().await, 24);

    cluster.servers[1].kill();
    for account in &accounts {
        let told = write(&store, account, "site/1", 2).await;
        assert!(matches!(told, Written::Stored(_)), "{account}: {told:?}");
    }
    cluster.servers[1].restart().unwrap();
    tokio::task::block_in_place(|| cluster.until_whole().unwrap());
    until_all_is_moved(&store).await;
    assert_eq!(everything().await, 24, "each once");
    for account in &accounts {
        let seen = store.load(account, "site/1").await.unwrap();
        let kept: Vec<_> = seen
            .drafts
            .iter()
            .map(|stored| (&stored.draft.revision, stored.kept_in))
            .collect();
        assert_eq!(kept, [(&at("a", 2), Place::Redis)], "{account}");
    }

    let thirty_days = crate::KEPT_FOR.as_millis() as u64;
    let swept = store.sweep(thirty_days + 1).await.unwrap();
    assert_eq!((swept.removed, swept.complete), (12, true), "site/2 of each");
    assert_eq!(everything().await, 12);
}
