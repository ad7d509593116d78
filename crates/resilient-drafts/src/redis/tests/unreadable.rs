//! Text that does not open is told of, and stays until somebody discards it or it is too old.

use super::*;
use crate::{KEPT_FOR, Unreadable, WhyUnreadable};

/// The one draft of a form, as it lies in Redis: key, field, value.
fn kept(redis: &PrivateRedis, form_key: &str) -> (String, String, String) {
    let key = redis.keys(&format!("*:form:{form_key}")).unwrap().remove(0);
    let fields = redis.command(&["HKEYS", &key]).unwrap();
    let field = fields.lines().find(|field| field.starts_with("draft:")).unwrap();
    let value = redis.command(&["HGET", &key, field]).unwrap();
    (key.clone(), field.to_owned(), value)
}

async fn write(store: &RedisStore, account: &str, form_key: &str, seq: u64) -> Written {
    let draft = draft("a", seq, None, form_key);
    store
        .write(account, form_key, &draft, &Mode::Chained, seq)
        .await
        .unwrap()
}

fn unreadable(form_key: &str, seq: u64, why: WhyUnreadable) -> Unreadable {
    Unreadable {
        form_key: form_key.to_owned(),
        revision: draft("a", seq, None, "").revision,
        changed_at_ms: Some(seq),
        kept_in: Place::Redis,
        why,
    }
}

#[tokio::test]
async fn a_changed_text_is_refused_told_of_and_stays_until_it_is_discarded() {
    let (store, redis) = fresh().await;
    write(&store, "ann", "site/1", 7).await;
    write(&store, "ann", "site/2", 8).await;
    let (key, field, value) = kept(&redis, "site/1");
    let at = value.find("\"sealed\":\"").unwrap() + 60;
    for flipped in ["A", "B"] {
        let changed = format!("{}{flipped}{}", &value[..at], &value[at + 1..]);
        if changed == value {
            continue;
        }
        redis.command(&["HSET", &key, &field, &changed]).unwrap();
        let told = [unreadable("site/1", 7, WhyUnreadable::Changed)];
        let seen = store.load("ann", "site/1").await.unwrap();
        assert!(seen.drafts.is_empty() && seen.complete);
        assert_eq!(seen.unreadable, told);
        let listed = store.list("ann").await.unwrap();
        assert_eq!(
            (listed.drafts.len(), &listed.unreadable[..]),
            (1, &told[..]),
            "it hides no other"
        );
    }
    assert_eq!(store.count("ann", 8).await.unwrap().forms, 2);
    assert_eq!(store.sweep(9).await.unwrap().removed, 0);
    // Another tab types on: beside it.
    let other = draft("b", 1, None, "text");
    store.write("ann", "site/1", &other, &Mode::Chained, 9).await.unwrap();
    let seen = store.load("ann", "site/1").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len()), (1, 1));
    let hers = draft("a", 7, None, "").revision;
    let ended = store.end("ann", "site/1", &hers, End::Discarded, 10);
    let ended = ended.await.unwrap();
    assert_eq!((ended.removed, ended.left.len()), (1, 1), "the other one stays");
    assert!(store.load("ann", "site/1").await.unwrap().unreadable.is_empty());
    assert!(!redis.command(&["HKEYS", &key]).unwrap().contains(&field));
}

#[tokio::test]
async fn a_text_that_nobody_can_open_ends_when_it_is_too_old() {
    let (store, redis) = fresh().await;
    write(&store, "ann", "site/1", 7).await;
    let other = connected(&redis.url(), 2, PATIENT).await;
    let told = other.load("ann", "site/1").await.unwrap().unreadable;
    assert_eq!(told, [unreadable("site/1", 7, WhyUnreadable::OtherSecret)]);
    let days = KEPT_FOR.as_millis() as u64;
    let swept = other.sweep(days + 6).await.unwrap();
    assert_eq!((swept.removed, swept.unknown), (0, 1));
    assert_eq!(other.sweep(days + 7).await.unwrap().removed, 1);
    assert!(other.load("ann", "site/1").await.unwrap().unreadable.is_empty());
}

#[tokio::test]
async fn a_text_that_is_no_text_is_told_of_without_a_time() {
    let (store, redis) = fresh().await;
    write(&store, "ann", "site/1", 7).await;
    let (key, field, _) = kept(&redis, "site/1");
    redis.command(&["HSET", &key, &field, "not even JSON"]).unwrap();
    let told = store.load("ann", "site/1").await.unwrap().unreadable;
    let expected = Unreadable {
        changed_at_ms: None,
        ..unreadable("site/1", 7, WhyUnreadable::Changed)
    };
    assert_eq!(told, [expected]);
}

#[tokio::test]
async fn a_text_put_into_another_form_or_account_is_not_shown_there() {
    let (store, redis) = fresh().await;
    for (account, form_key, seq) in [("ann", "site/1", 1), ("ann", "site/2", 2), ("bob", "site/3", 3)] {
        write(&store, account, form_key, seq).await;
    }
    let (from, field, value) = kept(&redis, "site/1");
    // Into another form of hers, and into one of somebody else's.
    for (account, form_key) in [("ann", "site/2"), ("bob", "site/3")] {
        let (key, own, _) = kept(&redis, form_key);
        redis.command(&["HSET", &key, &field, &value]).unwrap();
        // And in the place of what was there, under its name.
        redis.command(&["HSET", &key, &own, &value]).unwrap();
        let seen = store.load(account, form_key).await.unwrap();
        assert!(seen.drafts.is_empty(), "{form_key}: {:?}", seen.drafts);
        let whys: Vec<_> = seen.unreadable.iter().map(|unreadable| unreadable.why).collect();
        assert_eq!(whys, [WhyUnreadable::Changed; 2], "{form_key}");
    }
    // Under the name of a later one, in its own form.
    redis.command(&["HSET", &from, "draft:9:a", &value]).unwrap();
    let seen = store.load("ann", "site/1").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len()), (1, 1));
}

#[tokio::test]
async fn a_page_that_goes_on_where_its_own_text_cannot_be_opened_leaves_one_draft() {
    let (store, redis) = fresh().await;
    write(&store, "ann", "site/1", 1).await;
    let other = connected(&redis.url(), 2, PATIENT).await;
    let builds = draft("a", 2, Some(draft("a", 1, None, "").revision), "typed on");
    let told = other.write("ann", "site/1", &builds, &Mode::Chained, 2).await.unwrap();
    assert_eq!(told, Written::Diverged(None));
    // As pages do then.
    write(&other, "ann", "site/1", 2).await;
    for store in [&other, &store] {
        let seen = store.load("ann", "site/1").await.unwrap();
        assert_eq!(seen.drafts.len() + seen.unreadable.len(), 1, "{seen:?}");
    }
}
