//! The secret is changed while drafts are there: none is lost, none is there twice, whoever has changed over.

use super::*;
use crate::Secrets;
use crate::redis::Home;

/// A server that has these secrets, as an application puts them together.
pub(crate) async fn server(redis: &PrivateRedis, present: u8, next: &[u8], old: &[u8]) -> RedisStore {
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
    for swept in [false, true, true] {
        if swept {
            joined.sweep(3).await.unwrap();
        }
        assert_eq!(listed(&joined).await, both(), "swept: {swept}");
        assert_eq!(joined.count("ann", 3).await.unwrap().forms, 2, "swept: {swept}");
    }
    assert!(
        redis.keys("test:s2:*").unwrap().is_empty(),
        "and nothing is left behind"
    );
    let seen = joined.sweep(3).await.unwrap();
    assert_eq!((seen.resealed, seen.unknown), (0, 0));
}

#[tokio::test]
async fn before_drafts_were_moved_they_are_gone_on_with_and_ended_where_they_are_kept_now() {
    let redis = PrivateRedis::start().unwrap();
    let (first, second) = (server(&redis, 1, &[], &[]).await, server(&redis, 2, &[], &[]).await);
    drop(first);
    for (form_key, writer) in [("site/1", "a"), ("site/2", "b")] {
        write(&second, form_key, writer, 1).await;
    }
    let joined = server(&redis, 2, &[], &[1]).await;
    let on = Some(draft("a", 1, None, "").revision);
    let typed_on = draft("a", 2, on, "typed on");
    let told = joined.write("ann", "site/1", &typed_on, &Mode::Chained, 2).await;
    assert!(
        matches!(told.unwrap(), Written::Stored(_)),
        "it builds on what lies elsewhere"
    );
    let saved = draft("b", 1, None, "").revision;
    let ended = joined.end("ann", "site/2", &saved, End::Saved, 3).await.unwrap();
    assert_eq!(ended.removed, 1);
    for _ in 0..3 {
        let seen = joined.list("ann").await.unwrap();
        let revisions: Vec<_> = seen.drafts.iter().map(|kept| &kept.draft.revision).collect();
        assert_eq!(revisions, [&typed_on.revision]);
        assert_eq!(joined.load("ann", "site/2").await.unwrap().drafts, []);
        assert_eq!(joined.count("ann", 3).await.unwrap().forms, 1);
        joined.sweep(4).await.unwrap();
    }
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
    timeout(LONG, noted).await.expect("the probe notes it again");
    // By now the old secret is taken away.
    assert_eq!(listed(&server(&redis, 2, &[], &[]).await).await, both());
}

/// A server that notes nothing.
async fn server_at(redis: &PrivateRedis, prefix: &str) -> RedisStore {
    let address: Address = redis.url().parse().unwrap();
    let store = RedisStore::connect(&address, prefix, Sealer::new(&[1; 32], "drafts"), PATIENT);
    let store = store.await.unwrap();
    until_it_answers(&store).await;
    store
}

/// Waits until a probe has told the server where the drafts are.
async fn until_it_lists(store: &RedisStore, drafts: &[(String, String)]) {
    let lists = async {
        while listed(store).await != drafts {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, lists).await.expect("it finds them");
}

#[tokio::test]
async fn servers_that_have_each_other_s_secrets_the_other_way_round_keep_their_drafts_in_one_place() {
    let redis = PrivateRedis::start().unwrap();
    let (first, second) = (server(&redis, 1, &[], &[]).await, server(&redis, 2, &[], &[]).await);
    write(&second, "site/2", "b", 2).await;
    let (one, other) = (server(&redis, 1, &[2], &[]).await, server(&redis, 2, &[1], &[]).await);
    write(&one, "site/1", "a", 1).await;
    for _ in 0..3 {
        let (swept, too) = tokio::join!(one.sweep(3), other.sweep(3));
        assert!(swept.unwrap().complete && too.unwrap().complete);
        for store in [&one, &other] {
            until_it_lists(store, &both()).await;
        }
        assert_eq!(redis.keys("*:form:site/*").unwrap().len(), 2, "each is there once");
    }
    // Those that were there first have followed them, whichever secret seals the texts by now.
    for store in [&first, &second] {
        let follows = async {
            loop {
                let seen = store.list("ann").await.unwrap();
                if seen.drafts.len() + seen.unreadable.len() == 2 {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, follows).await.expect("it sees both");
    }
}

#[tokio::test]
async fn a_form_that_two_servers_move_in_opposite_directions_stays_in_one_place() {
    let redis = PrivateRedis::start().unwrap();
    let (one, other) = (server_at(&redis, "one").await, server_at(&redis, "other").await);
    write(&one, "site/1", "a", 1).await;
    let form = |store: &RedisStore| store.keys().form("ann", "site/1");
    let there = other.carry(&one.keys(), &form(&one)).await.unwrap().unwrap();
    let back = one.carry(&other.keys(), &form(&other)).await.unwrap().unwrap();
    assert!(other.leave(&there).await.unwrap());
    assert!(!one.leave(&back).await.unwrap(), "it is nowhere else by now");
    assert_eq!(redis.keys("*:form:site/1").unwrap().len(), 1);
    assert_eq!(listed(&other).await, both()[..1]);
}

#[tokio::test]
async fn what_is_written_where_a_form_is_just_moved_from_is_not_taken_away_with_it() {
    let redis = PrivateRedis::start().unwrap();
    let (one, other) = (server_at(&redis, "one").await, server_at(&redis, "other").await);
    write(&one, "site/1", "a", 1).await;
    let form = one.keys().form("ann", "site/1");
    let carried = other.carry(&one.keys(), &form).await.unwrap().unwrap();
    write(&one, "site/1", "a", 2).await;
    assert!(!other.leave(&carried).await.unwrap(), "there is more than was carried");
    let carried = other.carry(&one.keys(), &form).await.unwrap().unwrap();
    assert!(other.leave(&carried).await.unwrap());
    let seen = other.list("ann").await.unwrap();
    let revisions: Vec<_> = seen.drafts.iter().map(|kept| &kept.draft.revision).collect();
    assert_eq!(revisions, [&draft("a", 2, None, "").revision]);
}

#[tokio::test]
async fn whoever_has_the_name_of_what_was_left_follows_and_what_others_use_stays() {
    let redis = PrivateRedis::start().unwrap();
    // One has gone from the second secret to the third; nobody has both that one and the first.
    let third = server(&redis, 3, &[], &[2]).await;
    write(&third, "site/2", "b", 2).await;
    third.sweep(2).await.unwrap();
    let first = server(&redis, 1, &[], &[]).await;
    write(&first, "site/1", "a", 1).await;
    let joined = server(&redis, 2, &[], &[1]).await;
    assert_eq!(joined.sweep(3).await.unwrap().unknown, 1, "it cannot open that one");
    // Whoever can moves it.
    assert!(third.sweep(3).await.unwrap().complete);
    assert_eq!(listed(&third).await, both());
    for name in ["s1", "s2", "s3"] {
        assert_eq!(redis.command(&["HGET", "test:homes", name]).unwrap(), "test:s1");
    }
    // Of another application that happens to be where one of these secrets would be.
    redis.command(&["HSET", "test:homes", "s9", "test:s2"]).unwrap();
    let others = server_at(&redis, "test:s2").await;
    write(&others, "site/3", "c", 3).await;
    joined.sweep(4).await.unwrap();
    assert_eq!(listed(&others).await, [("site/3".to_owned(), "c".to_owned())]);
}
