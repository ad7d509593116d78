//! The secret is changed while drafts are there: none is lost, none is there twice, whoever has changed over.

use super::*;
use crate::Secrets;
use crate::redis::Home;

/// A server that has these secrets, as an application puts them together.
async fn server(redis: &PrivateRedis, present: u8, next: &[u8], old: &[u8]) -> RedisStore {
    let all = |numbers: &[u8]| numbers.iter().map(|number| [*number; 32]).collect();
    let secrets = Secrets {
        present: [present; 32],
        next: all(next),
        old: all(old),
    };
    let names: Vec<String> = secrets.all().iter().map(|secret| format!("s{}", secret[0])).collect();
    let former = names.iter().map(|name| format!("test:{name}")).collect();
    let oldest = old.last().unwrap_or(&present);
    let home = Home::noted("test:homes", names, format!("test:s{oldest}"), former);
    let address: Address = redis.url().parse().unwrap();
    let store = RedisStore::connect(&address, home, Sealer::of(&secrets, "drafts"), PATIENT);
    let store = store.await.unwrap();
    until_it_answers(&store).await;
    store
}

async fn write(store: &RedisStore, form_key: &str, writer: &str, seq: u64) {
    let draft = draft(writer, seq, None, &format!("{writer} {seq}"));
    let told = store.write("ann", form_key, &draft, &Mode::Chained, seq).await.unwrap();
    assert!(matches!(told, Written::Stored(_)), "{told:?}");
}

/// Form keys and writers of all that can be read.
async fn listed(store: &RedisStore) -> Vec<(String, String)> {
    let seen = store.list("ann").await.unwrap();
    assert!(seen.complete);
    let mut listed: Vec<_> = seen
        .drafts
        .into_iter()
        .map(|stored| (stored.form_key, stored.draft.revision.writer))
        .collect();
    listed.sort();
    listed
}

fn both() -> Vec<(String, String)> {
    [("site/1", "a"), ("site/2", "b")]
        .map(|(form_key, writer)| (form_key.to_owned(), writer.to_owned()))
        .into()
}

#[tokio::test]
async fn drafts_of_an_old_secret_are_found_sealed_anew_and_need_it_no_more() {
    let redis = PrivateRedis::start().unwrap();
    let before = server(&redis, 1, &[], &[]).await;
    write(&before, "site/1", "a", 1).await;
    write(&before, "site/2", "b", 2).await;
    let after = server(&redis, 2, &[], &[1]).await;
    assert_eq!(listed(&after).await, both(), "at once");
    let swept = after.sweep(3).await.unwrap();
    assert_eq!((swept.resealed, swept.still_old, swept.unknown), (2, 0, 0));
    assert!(swept.complete);
    assert_eq!(after.sweep(3).await.unwrap().resealed, 0, "once");
    // The old one is taken away.
    let later = server(&redis, 2, &[], &[]).await;
    let seen = later.list("ann").await.unwrap();
    assert_eq!((listed(&later).await, seen.unreadable.len()), (both(), 0));
    assert_eq!(seen.drafts[0].changed_at_ms, 2, "when it was changed stays true");
    // And once more.
    let third = server(&redis, 3, &[], &[2]).await;
    third.sweep(3).await.unwrap();
    assert_eq!(listed(&server(&redis, 3, &[], &[]).await).await, both());
}

#[tokio::test]
async fn servers_that_were_told_of_the_next_secret_share_all_drafts_while_they_change_over() {
    let redis = PrivateRedis::start().unwrap();
    let late = server(&redis, 1, &[2], &[]).await;
    write(&late, "site/1", "a", 1).await;
    let early = server(&redis, 2, &[], &[1]).await;
    write(&early, "site/2", "b", 2).await;
    for store in [&late, &early] {
        assert_eq!(listed(store).await, both());
    }
    assert_eq!(late.sweep(3).await.unwrap().resealed, 0, "what is newer stays as it is");
    assert_eq!(early.sweep(3).await.unwrap().resealed, 1);
    assert_eq!(late.sweep(3).await.unwrap().resealed, 0);
    // The one goes on with what the other one has written.
    for (store, seq) in [(&late, 2), (&early, 3), (&late, 4)] {
        let on = Some(draft("a", seq - 1, None, "").revision);
        let draft = draft("a", seq, on, "typed on");
        let told = store.write("ann", "site/1", &draft, &Mode::Chained, seq).await.unwrap();
        assert!(matches!(told, Written::Stored(_)), "{told:?}");
    }
    assert_eq!(listed(&early).await, both());
}

#[tokio::test]
async fn a_server_that_was_told_of_no_other_secret_loses_and_doubles_nothing() {
    let redis = PrivateRedis::start().unwrap();
    let late = server(&redis, 1, &[], &[]).await;
    write(&late, "site/1", "a", 1).await;
    let early = server(&redis, 2, &[], &[1]).await;
    early.sweep(2).await.unwrap();
    let seen = late.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len()), (0, 1), "it says so");
    // The page goes on there: what it had typed is in what it types now.
    write(&late, "site/1", "a", 2).await;
    // Another page begins anew there, and is saved.
    write(&early, "site/2", "b", 3).await;
    let saved = draft("b", 4, None, "").revision;
    late.end("ann", "site/2", &saved, End::Saved, 5).await.unwrap();
    let seen = early.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len()), (1, 0));
    assert_eq!(seen.drafts[0].draft.revision, draft("a", 2, None, "").revision);
    let fields = redis
        .command(&["HKEYS", &redis.keys("*:form:site/1").unwrap()[0]])
        .unwrap();
    assert!(!fields.contains("draft:1:a"), "{fields}");
}

#[tokio::test]
async fn drafts_under_the_prefix_of_another_secret_move_to_the_others() {
    let redis = PrivateRedis::start().unwrap();
    // Two that did not know of each other, as before there were rings.
    let (first, second) = (server(&redis, 1, &[], &[]).await, server(&redis, 2, &[], &[]).await);
    write(&first, "site/1", "a", 1).await;
    write(&second, "site/2", "b", 2).await;
    assert_eq!(redis.keys("test:s1:*:form:*").unwrap().len(), 1);
    assert_eq!(redis.keys("test:s2:*:form:*").unwrap().len(), 1);
    let joined = server(&redis, 2, &[], &[1]).await;
    joined.sweep(3).await.unwrap();
    assert_eq!(listed(&joined).await, both());
    assert_eq!(joined.count("ann", 3).await.unwrap().forms, 2);
    assert!(
        redis.keys("test:s1:*").unwrap().is_empty(),
        "and nothing is left behind"
    );
    let seen = joined.sweep(3).await.unwrap();
    assert_eq!((seen.resealed, seen.unknown), (0, 0));
}

#[tokio::test]
async fn after_redis_has_lost_its_memory_servers_that_come_later_find_the_drafts_written_since() {
    let redis = PrivateRedis::start().unwrap();
    drop(server(&redis, 1, &[], &[]).await);
    let early = server(&redis, 2, &[], &[1]).await;
    redis.command(&["FLUSHALL"]).unwrap();
    write(&early, "site/1", "a", 1).await;
    write(&early, "site/2", "b", 2).await;
    let noted = async {
        while redis.command(&["HGET", "test:homes", "s2"]).unwrap() != "test:s1" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), noted)
        .await
        .expect("the probe notes it again");
    // By now the old secret is taken away.
    assert_eq!(listed(&server(&redis, 2, &[], &[]).await).await, both());
}
