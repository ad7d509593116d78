//! The contract with Redis there, and that nothing is lost or doubled whatever happens to Redis.

#[cfg(all(feature = "cluster", feature = "sentinel"))]
mod groups;
mod moves;
mod storms;
mod troubles;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivateRedis;
use resilient_core::draft::Revision;
use resilient_core::draft::replacement::Mode;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use super::LayeredStore;
use crate::contract::draft;
use crate::redis::Limits;
use crate::redis::tests::{LONG, PATIENT, connected, until_it_answers};
use crate::step::Room;
use crate::{Count, DraftStore, End, Place, Sealer, SqliteStore, StoreError, Written};

struct Servers {
    redis: PrivateRedis,
    directory: TempDir,
}

async fn over(url: &str, directory: &TempDir, limits: Limits) -> LayeredStore {
    let file = directory.path().join("drafts.db");
    let embedded = SqliteStore::open(&file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
    let redis = connected(url, 1, limits).await;
    LayeredStore::over(redis, embedded).await.unwrap()
}

async fn fresh() -> (LayeredStore, Servers) {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let store = over(&redis.url(), &directory, PATIENT).await;
    (store, Servers { redis, directory })
}

/// With Redis in use. One that is killed refuses at once, however patient whoever asks it is.
async fn patient() -> (LayeredStore, Servers) {
    let (store, servers) = fresh().await;
    until_it_answers(&store.redis).await;
    (store, servers)
}

/// With the limits of every day: on a busy machine a draft may be kept beside a Redis that is well.
async fn hurried() -> (LayeredStore, Servers) {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let store = over(&redis.url(), &directory, Limits::default()).await;
    until_it_answers(&store.redis).await;
    (store, Servers { redis, directory })
}

crate::contract_tests!(super::fresh());

/// All rules that do not ask what is in a Redis that nobody can see.
mod without_redis {
    async fn fresh() -> (super::LayeredStore, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let nobody = format!("redis://127.0.0.1:{}", fault_proxy::free_port().unwrap());
        (
            super::over(&nobody, &directory, super::Limits::default()).await,
            directory,
        )
    }

    crate::contract_tests!(@each super::fresh();
        what_is_written_is_read_back,
        nobody_sees_the_drafts_of_another_account_or_form,
        a_page_replaces_its_own_draft_and_is_told_of_another_s,
        the_same_write_again_changes_nothing,
        a_failed_post_is_stored_beside_and_both_are_listed,
        a_press_without_script_gets_a_revision_of_its_own,
        ending_an_older_state_leaves_the_later_one_and_every_other,
        everything_ends_thirty_days_after_its_last_change,
        forms_with_drafts_are_counted_and_neither_old_nor_ended_ones,
        a_draft_that_is_too_large_leaves_the_old_one_as_it_is,
        of_many_first_writers_one_wins_and_all_others_are_told,
        of_one_page_s_writes_at_once_the_last_one_stays,
    );
}

fn at(writer: &str, seq: u64) -> Revision {
    Revision {
        seq,
        writer: writer.to_owned(),
    }
}

async fn keep(store: &LayeredStore, writer: &str, seq: u64, on: Option<Revision>) -> Written {
    let draft = draft(writer, seq, on, &format!("{writer} {seq}"));
    store.write("ann", "site/1", &draft, &Mode::Chained, seq).await.unwrap()
}

async fn stored(store: &LayeredStore) -> Vec<(Revision, Place)> {
    let seen = store.load("ann", "site/1").await.unwrap();
    let listed = store.list("ann").await.unwrap();
    assert_eq!(seen, listed, "one form is all there is");
    let forms = usize::from(!seen.drafts.is_empty());
    let count = Count {
        forms,
        complete: seen.complete,
    };
    assert_eq!(store.count("ann", 0).await.unwrap(), count);
    seen.drafts
        .into_iter()
        .map(|stored| (stored.draft.revision, stored.kept_in))
        .collect()
}

/// Waits until Redis is used again and nothing is left to move.
async fn until_all_is_moved(store: &LayeredStore) {
    let moved = async {
        // Asked, because a connection that has died is noticed by asking.
        while store.redis.form("ann", "none").await.is_err() || !store.uses_redis() || store.waiting_forms() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    // A sentinel that a busy machine holds up for two seconds does nothing for the next thirty.
    timeout(2 * LONG, moved).await.expect("all is moved");
}

#[tokio::test]
async fn typed_on_while_redis_is_killed_it_is_one_draft_afterwards() {
    let (store, servers) = patient().await;
    assert!(matches!(keep(&store, "a", 1, None).await, Written::Stored(kept) if kept.kept_in == Place::Redis));
    servers.redis.kill();
    let Written::Stored(kept) = keep(&store, "a", 2, Some(at("a", 1))).await else {
        panic!("it builds on what cannot be seen now");
    };
    assert_eq!(kept.kept_in, Place::Server);
    assert_eq!(stored(&store).await, [(at("a", 2), Place::Server)]);
    assert_eq!(store.check().await.unwrap(), Place::Server);
    keep(&store, "a", 3, Some(at("a", 2))).await;

    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", 3), Place::Redis)]);
    assert!(store.spill.look("ann", "site/1").await.0.is_empty());
}

#[tokio::test]
async fn what_was_discarded_while_redis_was_away_does_not_come_back_with_it() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    keep(&store, "b", 1, Some(at("a", 1))).await;
    servers.redis.kill();
    let ended = store
        .end("ann", "site/1", &at("b", 1), End::Discarded, 3)
        .await
        .unwrap();
    assert!(ended.left.is_empty());
    servers.redis.restart().unwrap();
    until_it_answers(&store.redis).await;
    assert_eq!(stored(&store).await, [], "also before it is moved");
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, []);
    for late in ["a", "b"] {
        let told = keep(&store, late, 1, None).await;
        assert_eq!(told, Written::Ended(End::Discarded), "{late}");
    }
}

#[tokio::test]
async fn while_redis_is_away_nobody_can_say_that_a_text_was_not_discarded() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    assert_eq!(store.how_ended("ann", "site/1", &at("a", 1)).await.unwrap(), None);
    servers.redis.kill();
    let asked = store.how_ended("ann", "site/1", &at("a", 1)).await;
    assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    let discarded = store.end("ann", "site/1", &at("a", 1), End::Discarded, 3).await;
    discarded.unwrap();
    let asked = store.how_ended("ann", "site/1", &at("a", 1)).await.unwrap();
    assert_eq!(asked, Some(End::Discarded), "it was discarded here");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_one_draft() {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], redis.port()));
    let proxy = FaultProxy::start(upstream).await.unwrap();
    let store = over(&format!("redis://{}", proxy.address()), &directory, PATIENT).await;
    until_it_answers(&store.redis).await;
    keep(&store, "a", 1, None).await;
    let pattern = b"EVALSHA".to_vec();
    proxy.set(Fault::CutAnswerTo { pattern, times: 1 }).await;
    let Written::Stored(kept) = keep(&store, "a", 2, Some(at("a", 1))).await else {
        panic!("it is kept, whatever Redis did");
    };
    assert_eq!(kept.kept_in, Place::Server);
    let in_redis = redis.keys("*:form:site/1").unwrap();
    let in_redis = redis.command(&["HKEYS", &in_redis[0]]).unwrap();
    assert!(
        in_redis.contains("draft:2:a"),
        "the cut came after the work: {in_redis}"
    );
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("a", 2), Place::Redis)]);
}

#[tokio::test]
async fn a_press_without_script_replaces_the_draft_it_was_drawn_from_once_both_are_seen() {
    let (store, servers) = patient().await;
    keep(&store, "a", 3, None).await;
    servers.redis.kill();
    let mode = Mode::FailedPostWithoutScript { fresh: at("f", 1) };
    let posted = draft("a", 3, None, "typed over it");
    store.write("ann", "site/1", &posted, &mode, 4).await.unwrap();
    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("f", 1), Place::Redis)]);
}

#[tokio::test]
async fn the_same_press_without_script_in_redis_and_beside_it_is_one_draft() {
    let (store, servers) = patient().await;
    let press = async |name: &str, on: &Revision, now_ms: u64| {
        let mode = Mode::FailedPostWithoutScript { fresh: at(name, 1) };
        let posted = draft(&on.writer, on.seq, None, "typed once");
        store.write("ann", "site/1", &posted, &mode, now_ms).await.unwrap()
    };
    let drawn = at("page", 0);
    assert!(matches!(press("first", &drawn, 1).await, Written::Stored(kept) if kept.kept_in == Place::Redis));
    servers.redis.kill();
    assert!(matches!(press("second", &drawn, 2).await, Written::Stored(kept) if kept.kept_in == Place::Server));
    servers.redis.restart().unwrap();
    until_it_answers(&store.redis).await;
    // Also before it is moved, and while it is.
    let seen = [
        store.load("ann", "site/1").await.unwrap(),
        store.list("ann").await.unwrap(),
    ];
    assert_eq!(seen.map(|seen| seen.drafts.len()), [1, 1]);
    until_all_is_moved(&store).await;
    assert_eq!(stored(&store).await, [(at("second", 1), Place::Redis)]);
    // The page that was drawn with it goes on from there.
    let mode = Mode::FailedPostWithoutScript { fresh: at("third", 1) };
    let posted = draft("second", 1, None, "typed on");
    store.write("ann", "site/1", &posted, &mode, 3).await.unwrap();
    assert_eq!(stored(&store).await, [(at("third", 1), Place::Redis)]);
}

#[tokio::test]
async fn two_tabs_type_on_while_redis_is_away_and_both_are_kept() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    let beside = draft("b", 1, None, "text");
    store
        .write("ann", "site/1", &beside, &Mode::FailedPost, 1)
        .await
        .unwrap();
    servers.redis.kill();
    for writer in ["b", "a"] {
        let told = keep(&store, writer, 2, Some(at(writer, 1))).await;
        assert!(matches!(told, Written::Stored(_)), "{writer}: {told:?}");
    }
    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    let mut revisions: Vec<_> = stored(&store).await.into_iter().map(|(revision, _)| revision).collect();
    revisions.sort_by(|one, other| one.writer.cmp(&other.writer));
    assert_eq!(revisions, [at("a", 2), at("b", 2)]);
}

#[tokio::test]
async fn what_was_discarded_stays_away_from_a_flushed_redis() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    store
        .end("ann", "site/1", &at("a", 1), End::Discarded, 2)
        .await
        .unwrap();
    assert_eq!(store.waiting_forms(), 0, "Redis knows it");
    servers.redis.command(&["FLUSHALL"]).unwrap();
    assert_eq!(keep(&store, "a", 1, None).await, Written::Ended(End::Discarded));
    drop(store);
    servers.redis.command(&["FLUSHALL"]).unwrap();
    let store = over(&servers.redis.url(), &servers.directory, PATIENT).await;
    until_all_is_moved(&store).await;
    assert_eq!(keep(&store, "a", 1, None).await, Written::Ended(End::Discarded));
    let thirty_days = crate::KEPT_FOR.as_millis() as u64;
    store.sweep(2 + thirty_days).await.unwrap();
    assert!(store.spill.look("ann", "site/1").await.0.is_empty());
}

#[tokio::test]
async fn a_list_hides_what_redis_knows_to_have_ended() {
    let (store, _servers) = patient().await;
    keep(&store, "a", 1, None).await;
    let late = draft("a", 1, None, "a 1");
    store
        .redis
        .end("ann", "site/1", &at("a", 1), End::Saved, 2)
        .await
        .unwrap();
    let receive = |form: &crate::form::Form| form.receive_unseen(&late, &Mode::Chained, 1);
    store
        .spill
        .update("ann", "site/1", Room::Unlimited, receive)
        .await
        .unwrap();
    assert_eq!(stored(&store).await, []);
}

#[tokio::test]
async fn what_went_separate_ways_is_kept_beside_each_other() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    keep(&store, "b", 1, Some(at("a", 1))).await;
    servers.redis.kill();
    // The other tab has not heard of b1, and goes on from a1.
    keep(&store, "a", 2, Some(at("a", 1))).await;
    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(
        stored(&store).await,
        [(at("a", 2), Place::Redis), (at("b", 1), Place::Redis)]
    );
}

#[tokio::test]
async fn a_flushed_redis_is_filled_again_by_the_next_write_of_the_page() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    servers.redis.command(&["FLUSHALL"]).unwrap();
    assert_eq!(stored(&store).await, []);
    // As the page does it: told that nothing is stored, it writes anew.
    assert_eq!(keep(&store, "a", 2, Some(at("a", 1))).await, Written::Diverged(None));
    assert!(matches!(keep(&store, "a", 2, None).await, Written::Stored(_)));
    assert_eq!(stored(&store).await, [(at("a", 2), Place::Redis)]);
}

#[tokio::test]
async fn what_cannot_be_opened_beside_redis_is_told_of_and_can_be_discarded() {
    let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
    let file = directory.path().join("drafts.db");
    let embedded = SqliteStore::open(&file, Sealer::new(&[2; 32], "drafts")).await.unwrap();
    for (form_key, seq) in [("site/1", 1), ("site/2", 2)] {
        let draft = draft("x", seq, None, "of another secret");
        embedded
            .write("ann", form_key, &draft, &Mode::Chained, seq)
            .await
            .unwrap();
    }
    embedded.close().await;
    let store = over(&redis.url(), &directory, PATIENT).await;
    until_all_is_moved(&store).await;
    keep(&store, "a", 3, None).await;
    let seen = store.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len(), seen.complete), (1, 2, true));
    assert_eq!(store.load("ann", "site/1").await.unwrap().unreadable.len(), 1);
    assert_eq!(store.count("ann", 4).await.unwrap().forms, 2);
    for (form_key, left) in [("site/1", 1), ("site/2", 0)] {
        let seq = if form_key == "site/1" { 1 } else { 2 };
        let ended = store
            .end("ann", form_key, &at("x", seq), End::Discarded, 5)
            .await
            .unwrap();
        assert_eq!(ended.removed, 1, "{form_key}");
        assert_eq!(store.list("ann").await.unwrap().unreadable.len(), left, "{form_key}");
    }
    assert_eq!(stored(&store).await, [(at("a", 3), Place::Redis)]);
    drop(store);
    let store = over(&redis.url(), &directory, PATIENT).await;
    assert_eq!(store.list("ann").await.unwrap().unreadable, [], "nor after a start");
}

#[tokio::test]
async fn what_is_seen_without_redis_is_never_said_to_be_all() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    let complete = async || {
        let listed = store.list("ann").await.unwrap();
        let loaded = store.load("ann", "site/2").await.unwrap();
        let counted = store.count("ann", 2).await.unwrap();
        assert_eq!((listed.complete, loaded.complete), (counted.complete, counted.complete));
        (
            listed.drafts.len(),
            loaded.drafts.len(),
            counted.forms,
            counted.complete,
        )
    };
    assert_eq!(complete().await, (1, 0, 1, true));
    servers.redis.kill();
    let typed = draft("b", 1, None, "typed meanwhile");
    store.write("ann", "site/2", &typed, &Mode::Chained, 2).await.unwrap();
    assert_eq!(complete().await, (1, 1, 1, false));
    servers.redis.restart().unwrap();
    until_all_is_moved(&store).await;
    assert_eq!(complete().await, (2, 1, 2, true));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_hides_something() {
    let (store, servers) = patient().await;
    keep(&store, "a", 1, None).await;
    servers.redis.kill();
    let typed = draft("b", 1, None, "typed meanwhile");
    store.write("ann", "site/2", &typed, &Mode::Chained, 2).await.unwrap();
    store.spill.close().await;
    servers.redis.restart().unwrap();
    until_it_answers(&store.redis).await;
    let seen = store.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.complete), (1, false));
    assert!(!store.load("ann", "site/2").await.unwrap().complete);
    assert!(!store.count("ann", 2).await.unwrap().complete);
}
