//! The rules that every store has to pass. A store's tests are one line:
//! `resilient_drafts::contract_tests!(async { (store, guard) })`, where `guard` is dropped last.

#![allow(
    clippy::unwrap_used,
    reason = "these are tests: they stop at the first thing that is not as they say"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};

use crate::{DraftStore, End, Ended, KEPT_FOR, LONGEST_DRAFT, MOST_DRAFTS, StoreError, StoredDraft, Written};

/// Makes a test of each rule; the expression is a future of a fresh store and a guard.
#[macro_export]
macro_rules! contract_tests {
    ($fresh:expr) => {
        $crate::contract_tests!(@each $fresh;
            what_is_written_is_read_back,
            nobody_sees_the_drafts_of_another_account_or_form,
            a_page_replaces_its_own_draft_and_is_told_of_another_s,
            the_same_write_again_changes_nothing,
            a_failed_post_is_stored_beside_and_both_are_listed,
            a_page_that_knows_of_another_text_is_stored_beside_it_and_goes_on_there,
            a_press_without_script_gets_a_revision_of_its_own,
            what_has_ended_stays_away_and_what_is_later_does_not,
            ending_an_older_state_leaves_the_later_one_and_every_other,
            everything_ends_thirty_days_after_its_last_change,
            forms_with_drafts_are_counted_and_neither_old_nor_ended_ones,
            a_draft_that_is_too_large_leaves_the_old_one_as_it_is,
            one_draft_too_many_is_refused_unless_it_is_a_failed_save_and_no_other_is_dropped,
            more_text_than_an_account_may_have_is_refused_unless_its_save_failed_and_none_is_dropped,
            of_many_first_writers_one_wins_and_all_others_are_told,
            of_one_page_s_writes_at_once_the_last_one_stays,
        );
    };
    (@each $fresh:expr; $($rule:ident,)+) => {
        mod contract {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let (store, _guard) = $fresh.await;
                    $crate::contract::$rule(store).await;
                }
            )+
        }
    };
}

const FORM: &str = "site/1";

/// A draft of one column.
pub fn draft(writer: &str, seq: u64, on: Option<Revision>, text: &str) -> Draft {
    let values = [("note".to_owned(), Some(text.to_owned()))].into();
    Draft {
        version: "v1".to_owned(),
        base: Default::default(),
        values,
        revision: at(writer, seq),
        on,
    }
}

fn at(writer: &str, seq: u64) -> Revision {
    Revision {
        seq,
        writer: writer.to_owned(),
    }
}

async fn write(store: &impl DraftStore, draft: &Draft, now_ms: u64) -> Written {
    store.write("ann", FORM, draft, &Mode::Chained, now_ms).await.unwrap()
}

async fn stored(store: &impl DraftStore) -> Vec<Revision> {
    revisions(&store.load("ann", FORM).await.unwrap().drafts)
}

fn revisions(drafts: &[StoredDraft]) -> Vec<Revision> {
    drafts.iter().map(|stored| stored.draft.revision.clone()).collect()
}

pub async fn what_is_written_is_read_back(store: impl DraftStore) {
    let mut whole = draft("a", 1, None, "two\nlines, ünïcode 🖋 and \"quotes\"");
    whole
        .values
        .extend([("empty".to_owned(), Some(String::new())), ("null".to_owned(), None)]);
    whole.base.insert("null".to_owned(), Some("before".to_owned()));
    let expected = StoredDraft {
        form_key: FORM.to_owned(),
        draft: whole.clone(),
        changed_at_ms: 42,
        kept_in: store.check().await.unwrap(),
    };
    assert_eq!(write(&store, &whole, 42).await, Written::Stored(expected.clone()));
    assert_eq!(
        store.load("ann", FORM).await.unwrap().drafts,
        std::slice::from_ref(&expected)
    );
    assert_eq!(store.list("ann").await.unwrap().drafts, [expected]);
}

pub async fn nobody_sees_the_drafts_of_another_account_or_form(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "hers"), 1).await;
    assert!(store.load("bob", FORM).await.unwrap().drafts.is_empty());
    assert!(store.list("bob").await.unwrap().drafts.is_empty());
    assert!(store.load("ann", "site/2").await.unwrap().drafts.is_empty());
    store.end("bob", FORM, &at("a", 9), End::Discarded, 2).await.unwrap();
    store
        .end("ann", "site/2", &at("a", 9), End::Discarded, 2)
        .await
        .unwrap();
    assert_eq!(stored(&store).await, [at("a", 1)]);
}

pub async fn a_page_replaces_its_own_draft_and_is_told_of_another_s(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "one"), 1).await;
    assert!(matches!(
        write(&store, &draft("a", 2, Some(at("a", 1)), "two"), 2).await,
        Written::Stored(_)
    ));
    let Written::Diverged(Some(told)) = write(&store, &draft("b", 1, None, "other"), 3).await else {
        panic!("another page's draft is no place to start from nothing");
    };
    assert_eq!((told.draft.revision, told.changed_at_ms), (at("a", 2), 2));
    assert!(matches!(
        write(&store, &draft("b", 2, Some(at("a", 2)), "both"), 4).await,
        Written::Stored(_)
    ));
    assert_eq!(stored(&store).await, [at("b", 2)]);
    assert!(matches!(
        write(&store, &draft("a", 1, None, "one"), 5).await,
        Written::Stale(_)
    ));
}

pub async fn the_same_write_again_changes_nothing(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "one"), 1).await;
    let Written::SameAgain(told) = write(&store, &draft("a", 1, None, "one"), 9).await else {
        panic!("a repeated write is the same write");
    };
    assert_eq!(told.changed_at_ms, 1);
    let other = write(&store, &draft("a", 1, None, "another text"), 9).await;
    assert!(matches!(other, Written::Diverged(Some(_))));
}

pub async fn a_failed_post_is_stored_beside_and_both_are_listed(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "one"), 1).await;
    store
        .write("ann", FORM, &draft("b", 1, None, "two"), &Mode::FailedPost, 2)
        .await
        .unwrap();
    store
        .write("ann", "site/2", &draft("c", 1, None, "three"), &Mode::Chained, 3)
        .await
        .unwrap();
    assert_eq!(stored(&store).await, [at("b", 1), at("a", 1)], "latest first");
    let listed = revisions(&store.list("ann").await.unwrap().drafts);
    assert_eq!(listed, [at("c", 1), at("b", 1), at("a", 1)]);
    write(&store, &draft("b", 2, Some(at("a", 1)), "both"), 4).await;
    assert_eq!(stored(&store).await, [at("b", 2)], "built on both, it replaces both");
}

pub async fn a_page_that_knows_of_another_text_is_stored_beside_it_and_goes_on_there(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "one"), 1).await;
    let beside = |draft, now_ms| {
        let store = &store;
        async move { store.write("ann", FORM, &draft, &Mode::Beside, now_ms).await.unwrap() }
    };
    assert!(matches!(
        beside(draft("b", 1, None, "two"), 2).await,
        Written::Stored(_)
    ));
    assert!(matches!(
        write(&store, &draft("b", 2, Some(at("b", 1)), "two more"), 3).await,
        Written::Stored(_)
    ));
    assert_eq!(stored(&store).await, [at("b", 2), at("a", 1)]);
    store.end("ann", FORM, &at("b", 2), End::Discarded, 4).await.unwrap();
    assert!(matches!(
        beside(draft("b", 2, None, "two more"), 5).await,
        Written::Ended(End::Discarded)
    ));
    assert_eq!(stored(&store).await, [at("a", 1)]);
}

pub async fn a_press_without_script_gets_a_revision_of_its_own(store: impl DraftStore) {
    let mode = |fresh| Mode::FailedPostWithoutScript { fresh: at(fresh, 1) };
    let posted = draft("page", 0, None, "one");
    let Written::Stored(first) = store.write("ann", FORM, &posted, &mode("f1"), 1).await.unwrap() else {
        panic!("a first press is stored");
    };
    assert_eq!(first.draft.revision, at("f1", 1));
    let again = Draft {
        revision: at("f1", 1),
        ..draft("", 0, None, "two")
    };
    store.write("ann", FORM, &again, &mode("f2"), 2).await.unwrap();
    assert_eq!(
        stored(&store).await,
        [at("f2", 1)],
        "drawn from the first, it replaces the first"
    );
}

pub async fn what_has_ended_stays_away_and_what_is_later_does_not(store: impl DraftStore) {
    write(&store, &draft("a", 5, None, "five"), 1).await;
    write(&store, &draft("b", 1, Some(at("a", 5)), "more"), 2).await;
    let ended = store.end("ann", FORM, &at("b", 1), End::Saved, 3).await.unwrap();
    assert_eq!(
        ended,
        Ended {
            removed: 1,
            lineage: [at("a", 5), at("b", 1)].into_iter().collect(),
            later: None,
            left: vec![]
        }
    );
    assert_eq!(
        write(&store, &draft("a", 5, None, "five"), 4).await,
        Written::Ended(End::Saved)
    );
    assert_eq!(
        write(&store, &draft("b", 1, None, "more"), 4).await,
        Written::Ended(End::Saved)
    );
    assert_eq!(
        write(&store, &draft("a", 6, Some(at("a", 5)), "six"), 4).await,
        Written::Diverged(None)
    );
    assert!(matches!(
        write(&store, &draft("a", 6, None, "six"), 4).await,
        Written::Stored(_)
    ));
}

pub async fn ending_an_older_state_leaves_the_later_one_and_every_other(store: impl DraftStore) {
    write(&store, &draft("a", 5, None, "five"), 1).await;
    store
        .write("ann", FORM, &draft("b", 1, None, "other"), &Mode::FailedPost, 2)
        .await
        .unwrap();
    let left = store.end("ann", FORM, &at("a", 3), End::Discarded, 3).await.unwrap();
    assert_eq!(left.later.map(|later| later.draft.revision), Some(at("a", 5)));
    assert_eq!((left.removed, revisions(&left.left)), (0, vec![at("b", 1), at("a", 5)]));
    let left = store.end("ann", FORM, &at("a", 7), End::Discarded, 3).await.unwrap();
    assert_eq!((left.removed, left.later), (1, None));
    assert_eq!(
        revisions(&left.left),
        [at("b", 1)],
        "what the page typed before goes with it"
    );
    assert_eq!(stored(&store).await, [at("b", 1)]);
    store.end("ann", FORM, &at("a", 2), End::Discarded, 4).await.unwrap();
    assert_eq!(
        write(&store, &draft("a", 6, None, "late"), 5).await,
        Written::Ended(End::Discarded),
        "an older end forgets no later one"
    );
}

pub async fn everything_ends_thirty_days_after_its_last_change(store: impl DraftStore) {
    let days = KEPT_FOR.as_millis() as u64;
    write(&store, &draft("a", 1, None, "one"), 1_000).await;
    store
        .write("ann", "site/2", &draft("b", 1, None, "two"), &Mode::Chained, 2_000)
        .await
        .unwrap();
    store
        .end("ann", FORM, &at("c", 1), End::Discarded, 1_000)
        .await
        .unwrap();
    assert_eq!(store.sweep(days + 999).await.unwrap().removed, 0);
    assert_eq!(
        write(&store, &draft("c", 1, None, ""), 1_000).await,
        Written::Ended(End::Discarded)
    );
    assert_eq!(store.sweep(days + 1_000).await.unwrap().removed, 1);
    assert_eq!(revisions(&store.list("ann").await.unwrap().drafts), [at("b", 1)]);
    assert!(matches!(
        write(&store, &draft("c", 1, None, ""), days).await,
        Written::Stored(_)
    ));
}

pub async fn forms_with_drafts_are_counted_and_neither_old_nor_ended_ones(store: impl DraftStore) {
    let days = KEPT_FOR.as_millis() as u64;
    let counted = async |now_ms: u64| store.count("ann", now_ms).await.unwrap().forms;
    assert_eq!(counted(0).await, 0);
    write(&store, &draft("a", 1, None, "one"), 1_000).await;
    // Two that went separate ways are one form.
    let beside = draft("b", 1, None, "other");
    store
        .write("ann", FORM, &beside, &Mode::FailedPost, 3_000)
        .await
        .unwrap();
    for (site, at_ms) in [(2, 2_000), (3, 4_000)] {
        let form_key = format!("site/{site}");
        let draft = draft("a", 1, None, "text");
        store
            .write("ann", &form_key, &draft, &Mode::Chained, at_ms)
            .await
            .unwrap();
    }
    store
        .write("bob", "site/9", &draft("c", 1, None, "his"), &Mode::Chained, 4_000)
        .await
        .unwrap();
    assert_eq!(counted(4_000).await, 3);
    assert_eq!(counted(days + 1_999).await, 3);
    assert_eq!(counted(days + 2_000).await, 2, "old, and not yet swept");
    assert_eq!(counted(days + 2_999).await, 2, "the later one of two counts");
    assert_eq!(counted(days + 3_000).await, 1);
    store
        .end("ann", "site/3", &at("a", 1), End::Saved, 5_000)
        .await
        .unwrap();
    assert_eq!(counted(5_000).await, 2);
    store
        .end("ann", FORM, &at("b", 1), End::Discarded, 5_000)
        .await
        .unwrap();
    assert_eq!(counted(5_000).await, 2, "the other text is there still");
    assert_eq!(counted(days + 1_000).await, 1, "and is as old as it is");
    store.sweep(days + 1_500).await.unwrap();
    assert_eq!(counted(5_000).await, 1);
    store
        .end("ann", "site/2", &at("a", 1), End::Discarded, 5_000)
        .await
        .unwrap();
    assert_eq!(counted(5_000).await, 0);
}

pub async fn a_draft_that_is_too_large_leaves_the_old_one_as_it_is(store: impl DraftStore) {
    write(&store, &draft("a", 1, None, "small"), 1).await;
    let large = draft("a", 2, Some(at("a", 1)), &"x".repeat(LONGEST_DRAFT));
    let refused = store.write("ann", FORM, &large, &Mode::Chained, 2).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(stored(&store).await, [at("a", 1)]);
    let fitting = draft("a", 3, Some(at("a", 1)), &"x".repeat(LONGEST_DRAFT - 200));
    assert!(matches!(write(&store, &fitting, 3).await, Written::Stored(_)));
}

pub async fn one_draft_too_many_is_refused_unless_it_is_a_failed_save_and_no_other_is_dropped(store: impl DraftStore) {
    let keep = async |form: u32, draft: &Draft| {
        let form_key = format!("site/{form}");
        store.write("ann", &form_key, draft, &Mode::Chained, form.into()).await
    };
    for form in 0..MOST_DRAFTS {
        keep(form, &draft("a", 1, None, "text")).await.unwrap();
    }
    let refused = keep(MOST_DRAFTS, &draft("a", 1, None, "one more")).await;
    assert!(matches!(refused, Err(StoreError::TooMany)), "{refused:?}");
    assert_eq!(store.list("ann").await.unwrap().drafts.len(), MOST_DRAFTS as usize);
    let goes_on = keep(7, &draft("a", 2, Some(at("a", 1)), "more text")).await.unwrap();
    assert!(
        matches!(goes_on, Written::Stored(_)),
        "what is there may grow: {goes_on:?}"
    );
    store
        .end("ann", "site/8", &at("a", 1), End::Saved, 9_999)
        .await
        .unwrap();
    keep(MOST_DRAFTS, &draft("a", 1, None, "now there is room"))
        .await
        .unwrap();
    failed_saves_are_kept_all_the_same(&store, "text").await;
}

/// Without script, their text is nowhere else.
async fn failed_saves_are_kept_all_the_same(store: &impl DraftStore, text: &str) {
    let plain = Mode::FailedPostWithoutScript { fresh: at("fresh", 1) };
    for (form_key, mode) in [("site/failed", Mode::FailedPost), ("site/plain", plain)] {
        let failed = draft("page", 1, None, text);
        let kept = store.write("ann", form_key, &failed, &mode, 9).await.unwrap();
        assert!(matches!(kept, Written::Stored(_)), "{kept:?}");
        let seen = store.load("ann", form_key).await.unwrap();
        assert_eq!(seen.drafts[0].draft.values, failed.values);
    }
}

pub async fn more_text_than_an_account_may_have_is_refused_unless_its_save_failed_and_none_is_dropped(
    store: impl DraftStore,
) {
    let long = "x".repeat(LONGEST_DRAFT - 200);
    let keep = async |form: usize, draft: &Draft| {
        let form_key = format!("site/{form}");
        store
            .write("ann", &form_key, draft, &Mode::Chained, form as u64 + 1)
            .await
    };
    let mut kept = 0;
    let refused = loop {
        match keep(kept, &draft("a", 1, None, &long)).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, StoreError::TooMuch), "{refused:?}");
    failed_saves_are_kept_all_the_same(&store, &long).await;
    for form_key in ["site/failed", "site/plain"] {
        let kept = store.load("ann", form_key).await.unwrap();
        let revision = &kept.drafts[0].draft.revision;
        store.end("ann", form_key, revision, End::Discarded, 9).await.unwrap();
    }
    // Sealed, a text is a third larger than it was.
    assert!((47..=64).contains(&kept), "{kept}");
    assert_eq!(store.count("ann", 0).await.unwrap().forms, kept);
    let hers = store.load("ann", "site/3").await.unwrap();
    assert_eq!(
        hers.drafts[0].draft.values["note"].as_ref().map(String::len),
        Some(long.len())
    );
    let shorter = keep(3, &draft("a", 2, Some(at("a", 1)), "less of it")).await.unwrap();
    assert!(
        matches!(shorter, Written::Stored(_)),
        "what is there may shrink: {shorter:?}"
    );
    keep(kept, &draft("a", 1, None, "now there is room")).await.unwrap();
    let his = store
        .write("bob", FORM, &draft("b", 1, None, &long), &Mode::Chained, 1)
        .await;
    assert!(his.is_ok(), "nobody else is concerned");
}

pub async fn of_many_first_writers_one_wins_and_all_others_are_told(store: impl DraftStore + 'static) {
    only_one_of_many_is_first(vec![store]).await;
}

/// Compare-and-set under contention; `stores` are several doors to the same drafts.
pub async fn only_one_of_many_is_first<S: DraftStore + 'static>(stores: Vec<S>) {
    let stores: Vec<Arc<S>> = stores.into_iter().map(Arc::new).collect();
    for round in 0..5 {
        let form_key = format!("site/{round}");
        let writes = (0..16).map(|page| {
            let (store, form_key) = (Arc::clone(&stores[page % stores.len()]), form_key.clone());
            let draft = draft(&format!("p{page}"), 1, None, "mine");
            tokio::spawn(async move { store.write("ann", &form_key, &draft, &Mode::Chained, 1).await.unwrap() })
        });
        let mut winners = BTreeSet::new();
        for told in writes.collect::<Vec<_>>() {
            match told.await.unwrap() {
                Written::Stored(stored) => assert!(winners.insert((0, stored.draft.revision.writer)), "two winners"),
                Written::Diverged(Some(stored)) => drop(winners.insert((1, stored.draft.revision.writer))),
                other => panic!("{other:?}"),
            }
        }
        let names: BTreeSet<_> = winners.iter().map(|(_, writer)| writer).collect();
        assert_eq!(
            (winners.len(), names.len()),
            (2, 1),
            "one wins, and all others are told the same: {winners:?}"
        );
        assert_eq!(stores[0].load("ann", &form_key).await.unwrap().drafts.len(), 1);
    }
}

pub async fn of_one_page_s_writes_at_once_the_last_one_stays(store: impl DraftStore + 'static) {
    let store = Arc::new(store);
    let writes = (1..=20).rev().map(|seq| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .write("ann", FORM, &draft("a", seq, None, "text"), &Mode::Chained, seq)
                .await
        })
    });
    for told in writes.collect::<Vec<_>>() {
        assert!(matches!(
            told.await.unwrap().unwrap(),
            Written::Stored(_) | Written::Stale(_)
        ));
    }
    assert_eq!(revisions(&store.load("ann", FORM).await.unwrap().drafts), [at("a", 20)]);
}
