//! The rules that every queue has to pass. A queue's tests are one line:
//! `resilient_drafts::queue_contract_tests!(async { (queue, guard) })`, where `guard` is dropped last.

#![allow(
    clippy::unwrap_used,
    reason = "these are tests: they stop at the first thing that is not as they say"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilient_core::draft::Revision;
use resilient_core::submission::answer::Outcome;
use resilient_core::submission::queue::{Answered, Enqueued, MOST_WAITING, Press, REMEMBERED_MS, State, Tried, Why};

use super::{Leased, SubmissionQueue};

/// Makes a test of each rule; the expression is a future of a fresh queue and a guard.
#[macro_export]
macro_rules! queue_contract_tests {
    ($fresh:expr) => {
        $crate::queue_contract_tests!(@each $fresh;
            what_is_queued_is_leased_as_it_was_given,
            the_same_press_again_is_one_entry_and_none_once_it_is_done,
            one_account_s_presses_go_in_order_and_another_s_beside_them,
            a_lease_that_is_over_is_given_to_another_and_the_old_one_settles_nothing,
            an_outage_leaves_it_waiting_with_a_pause,
            what_can_never_succeed_stops_its_own_record_and_no_other,
            what_was_discarded_is_never_leased,
            a_save_by_the_browser_ends_the_entry,
            what_became_of_it_is_told_until_it_was_seen_and_for_thirty_days,
            of_a_forgotten_account_nothing_is_left_and_the_next_of_that_name_begins_anew,
            more_than_can_wait_is_refused_and_nothing_is_dropped,
            of_many_workers_each_entry_is_one_s_and_each_record_s_order_is_kept,
        );
    };
    (@each $fresh:expr; $($rule:ident,)+) => {
        mod contract {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let (queue, _guard) = $fresh.await;
                    $crate::queue::contract::$rule(queue).await;
                }
            )+
        }
    };
}

pub const LEASE: Duration = Duration::from_secs(60);
const LEASE_MS: u64 = 60_000;
const ANN: &str = "ann";

/// A press on its own draft.
pub fn press(id: &str, form_key: &str) -> Press {
    Press {
        id: id.to_owned(),
        form_key: form_key.to_owned(),
        revision: at(id, 1),
        pressed_at_ms: 1_000,
        reason: Some("database".to_owned()),
    }
}

fn at(writer: &str, seq: u64) -> Revision {
    Revision {
        seq,
        writer: writer.to_owned(),
    }
}

async fn put(queue: &impl SubmissionQueue, account: &str, id: &str, form_key: &str) -> Enqueued {
    let text = format!("text of {id}");
    queue
        .enqueue(account, &press(id, form_key), text.as_bytes())
        .await
        .unwrap()
}

async fn next(queue: &impl SubmissionQueue, now_ms: u64) -> Option<Leased> {
    queue.lease(now_ms, LEASE).await.unwrap()
}

/// What is offered only after a look at everything is found here, too.
async fn next_swept(queue: &impl SubmissionQueue, now_ms: u64) -> Option<Leased> {
    queue.sweep(now_ms).await.unwrap();
    next(queue, now_ms).await
}

async fn settle(queue: &impl SubmissionQueue, leased: &Leased, tried: Tried, now_ms: u64) {
    assert!(queue.settle(leased, tried, now_ms).await.unwrap());
}

async fn state(queue: &impl SubmissionQueue, id: &str) -> Option<State> {
    let listed = queue.list(ANN).await.unwrap();
    assert!(listed.complete);
    listed
        .entries
        .iter()
        .find(|entry| entry.id == id)
        .map(|entry| entry.state)
}

pub async fn what_is_queued_is_leased_as_it_was_given(queue: impl SubmissionQueue) {
    assert_eq!(next(&queue, 0).await, None);
    let press = Press {
        form_key: "a table/ünï:{1}".to_owned(),
        revision: at("tab", 7),
        ..press("1", "")
    };
    let text = "two\nlines, ünïcode 🖋".as_bytes();
    assert_eq!(
        queue.enqueue("ann@{x}:y", &press, text).await.unwrap(),
        Enqueued::Waiting
    );
    let leased = next(&queue, 5).await.unwrap();
    assert_eq!(
        (leased.account.as_str(), leased.text.as_deref()),
        ("ann@{x}:y", Some(text))
    );
    assert_eq!((&leased.entry.id, &leased.entry.form_key), (&press.id, &press.form_key));
    assert_eq!(
        (&leased.entry.revision, &leased.entry.reason),
        (&press.revision, &press.reason)
    );
    assert_eq!(next_swept(&queue, 5).await, None, "somebody is at it");
    assert_eq!(queue.list("ann").await.unwrap().entries, [], "nobody sees another's");
}

pub async fn the_same_press_again_is_one_entry_and_none_once_it_is_done(queue: impl SubmissionQueue) {
    for _ in 0..3 {
        assert_eq!(put(&queue, ANN, "1", "site/1").await, Enqueued::Waiting);
    }
    assert_eq!(queue.list(ANN).await.unwrap().entries.len(), 1);
    let leased = next(&queue, 5).await.unwrap();
    settle(&queue, &leased, Tried::Saved, 6).await;
    assert_eq!(put(&queue, ANN, "1", "site/1").await, Enqueued::Settled);
    assert_eq!(next_swept(&queue, 7).await, None);
    assert_eq!(state(&queue, "1").await, Some(State::Done { at_ms: 6 }));
}

pub async fn one_account_s_presses_go_in_order_and_another_s_beside_them(queue: impl SubmissionQueue) {
    for (account, id) in [(ANN, "1"), (ANN, "2"), ("bob", "b1"), (ANN, "3")] {
        put(&queue, account, id, "site/1").await;
    }
    let (one, other) = (next(&queue, 5).await.unwrap(), next_swept(&queue, 5).await.unwrap());
    assert_ne!(one.account, other.account);
    assert_eq!(next_swept(&queue, 5).await, None, "both accounts are being worked at");
    let (of_ann, of_bob) = if one.account == ANN { (one, other) } else { (other, one) };
    assert_eq!((of_ann.entry.id.as_str(), of_bob.entry.id.as_str()), ("1", "b1"));
    settle(&queue, &of_bob, Tried::Saved, 6).await;
    settle(&queue, &of_ann, Tried::Saved, 6).await;
    for id in ["2", "3"] {
        let leased = next(&queue, 7).await.unwrap();
        assert_eq!(leased.entry.id, id);
        settle(&queue, &leased, Tried::Saved, 8).await;
    }
    assert_eq!(next_swept(&queue, 9).await, None);
}

pub async fn a_lease_that_is_over_is_given_to_another_and_the_old_one_settles_nothing(queue: impl SubmissionQueue) {
    put(&queue, ANN, "1", "site/1").await;
    let late = next(&queue, 5).await.unwrap();
    assert_eq!(next_swept(&queue, 4 + LEASE_MS).await, None);
    let other = next_swept(&queue, 5 + LEASE_MS).await.unwrap();
    assert!(other.token > late.token && other.entry.id == late.entry.id);
    assert_eq!(other.text.as_deref(), Some(&b"text of 1"[..]));
    let gone = Tried::Refused(Why::AccountOff);
    assert!(!queue.settle(&late, gone, 6 + LEASE_MS).await.unwrap());
    assert_eq!(state(&queue, "1").await, Some(State::Waiting));
    settle(&queue, &other, Tried::Saved, 7 + LEASE_MS).await;
    assert!(!queue.settle(&other, gone, 8 + LEASE_MS).await.unwrap(), "once");
    assert_eq!(state(&queue, "1").await, Some(State::Done { at_ms: 7 + LEASE_MS }));
}

pub async fn an_outage_leaves_it_waiting_with_a_pause(queue: impl SubmissionQueue) {
    put(&queue, ANN, "1", "site/1").await;
    let leased = next(&queue, 5).await.unwrap();
    settle(&queue, &leased, Tried::Away, 6).await;
    assert_eq!(next_swept(&queue, 7).await, None);
    let again = next_swept(&queue, 2_000).await.unwrap();
    assert_eq!((again.entry.attempts, again.text), (1, leased.text));
}

pub async fn what_can_never_succeed_stops_its_own_record_and_no_other(queue: impl SubmissionQueue) {
    for (id, form_key) in [("1", "a/1"), ("2", "b/1"), ("3", "a/1")] {
        put(&queue, ANN, id, form_key).await;
    }
    let leased = next(&queue, 5).await.unwrap();
    let why = Why::Answered(Outcome::Conflict);
    settle(&queue, &leased, Tried::Refused(why), 6).await;
    let other = next(&queue, 7).await.unwrap();
    assert_eq!(other.entry.id, "2");
    settle(&queue, &other, Tried::Saved, 8).await;
    assert_eq!(next_swept(&queue, 9).await, None);
    assert_eq!(state(&queue, "1").await, Some(State::NeedsAttention { at_ms: 6, why }));
    let why = Why::EarlierOfThisRecord;
    assert_eq!(state(&queue, "3").await, Some(State::NeedsAttention { at_ms: 6, why }));
}

pub async fn what_was_discarded_is_never_leased(queue: impl SubmissionQueue) {
    put(&queue, ANN, "1", "a/1").await;
    put(&queue, ANN, "2", "a/1").await;
    assert_eq!(
        queue.cancel(ANN, "a/1", &at("1", 0)).await.unwrap(),
        0,
        "later typing stays"
    );
    assert_eq!(queue.cancel(ANN, "a/2", &at("1", 9)).await.unwrap(), 0);
    assert_eq!(queue.cancel("bob", "a/1", &at("1", 9)).await.unwrap(), 0);
    assert_eq!(queue.cancel(ANN, "a/1", &at("1", 2)).await.unwrap(), 1);
    let leased = next(&queue, 5).await.unwrap();
    assert_eq!(leased.entry.id, "2");
    // Somebody is at it: what they did, they did, and it is nothing that waits.
    assert_eq!(queue.cancel(ANN, "a/1", &at("2", 1)).await.unwrap(), 1);
    settle(&queue, &leased, Tried::Saved, 6).await;
    assert_eq!(queue.list(ANN).await.unwrap().entries, []);
    assert_eq!(next_swept(&queue, 7).await, None);
}

fn answered<'a>(id: &'a str, revision: &'a Revision) -> Answered<'a> {
    Answered {
        id,
        form_key: "a/1",
        revision,
        is_told: true,
    }
}

pub async fn a_save_by_the_browser_ends_the_entry(queue: impl SubmissionQueue) {
    put(&queue, ANN, "1", "a/1").await;
    put(&queue, ANN, "2", "a/1").await;
    queue.saved(ANN, answered("other", &at("x", 9)), 4).await.unwrap();
    assert_eq!(queue.list(ANN).await.unwrap().entries.len(), 2);
    queue.saved(ANN, answered("1", &at("1", 1)), 5).await.unwrap();
    assert_eq!(state(&queue, "1").await, Some(State::Done { at_ms: 5 }));
    assert_eq!(next(&queue, 6).await.unwrap().entry.id, "2");
    assert_eq!(queue.sweep(7).await.unwrap().unseen_done, 0, "its person was there");
}

pub async fn what_became_of_it_is_told_until_it_was_seen_and_for_thirty_days(queue: impl SubmissionQueue) {
    put(&queue, ANN, "1", "a/1").await;
    put(&queue, ANN, "2", "a/2").await;
    put(&queue, "bob", "3", "a/1").await;
    let numbers = queue.sweep(2).await.unwrap();
    assert_eq!((numbers.waiting, numbers.oldest_pressed_at_ms), (3, Some(1_000)));
    for _ in 0..3 {
        let leased = next_swept(&queue, 5).await.unwrap();
        let tried = match leased.entry.id.as_str() {
            "1" => Tried::Refused(Why::Answered(Outcome::Gone)),
            _ => Tried::Saved,
        };
        settle(&queue, &leased, tried, 6).await;
    }
    let numbers = queue.sweep(7).await.unwrap();
    assert_eq!((numbers.waiting, numbers.needs_attention), (0, 1));
    assert_eq!((numbers.unseen_done, numbers.unseen_failed), (2, 1));
    let failed = queue.failed(5).await.unwrap();
    let [(account, entry)] = &failed[..] else {
        panic!("{failed:?}")
    };
    assert_eq!((account.as_str(), entry.id.as_str()), (ANN, "1"));
    assert_eq!(queue.failed(0).await.unwrap(), []);
    queue.seen(ANN, &["1".to_owned(), "3".to_owned()]).await.unwrap();
    let numbers = queue.sweep(8).await.unwrap();
    assert_eq!(
        (numbers.unseen_done, numbers.unseen_failed),
        (2, 0),
        "what was not shown, and another's, is to be told"
    );
    queue.sweep(5 + REMEMBERED_MS).await.unwrap();
    assert_eq!(queue.list(ANN).await.unwrap().entries.len(), 2);
    queue.sweep(6 + REMEMBERED_MS).await.unwrap();
    assert_eq!(queue.list(ANN).await.unwrap().entries, []);
}

pub async fn of_a_forgotten_account_nothing_is_left_and_the_next_of_that_name_begins_anew(queue: impl SubmissionQueue) {
    for (id, form_key) in [("1", "a/1"), ("2", "a/2"), ("3", "a/3")] {
        put(&queue, ANN, id, form_key).await;
    }
    put(&queue, "bob", "b1", "a/1").await;
    let mut held = Vec::new();
    while let Some(leased) = next_swept(&queue, 5).await {
        held.push(leased);
    }
    queue.forget_account(ANN).await.unwrap();
    assert_eq!(queue.list(ANN).await.unwrap().entries, []);
    assert_eq!(put(&queue, ANN, "4", "a/4").await, Enqueued::Waiting);
    let of_ann = held.iter().find(|leased| leased.account == ANN).unwrap();
    assert!(!queue.settle(of_ann, Tried::Saved, 6).await.unwrap());
    let of_bob = held.iter().find(|leased| leased.account == "bob").unwrap();
    settle(&queue, of_bob, Tried::Saved, 6).await;
    let anew = next_swept(&queue, 7).await.unwrap();
    assert_eq!((anew.account.as_str(), anew.entry.id.as_str()), (ANN, "4"));
    settle(&queue, &anew, Tried::Saved, 8).await;
    assert_eq!(next_swept(&queue, 9).await, None);
}

pub async fn more_than_can_wait_is_refused_and_nothing_is_dropped(queue: impl SubmissionQueue) {
    for id in 0..MOST_WAITING {
        assert_eq!(
            put(&queue, ANN, &format!("{id}"), &format!("a/{id}")).await,
            Enqueued::Waiting
        );
    }
    assert_eq!(put(&queue, ANN, "more", "a/x").await, Enqueued::Full);
    assert_eq!(put(&queue, ANN, "7", "a/7").await, Enqueued::Waiting);
    assert_eq!(queue.list(ANN).await.unwrap().entries.len(), MOST_WAITING);
    assert_eq!(
        put(&queue, "bob", "1", "a/x").await,
        Enqueued::Waiting,
        "nobody takes another's place"
    );
}

pub async fn of_many_workers_each_entry_is_one_s_and_each_record_s_order_is_kept(
    queue: impl SubmissionQueue + 'static,
) {
    let queue = Arc::new(queue);
    work_off(vec![Arc::clone(&queue), Arc::clone(&queue), queue]).await;
}

/// Several doors to the same queue, a worker at each.
pub async fn work_off<Q: SubmissionQueue + 'static>(doors: Vec<Arc<Q>>) {
    let accounts = 6;
    for at in 0..60 {
        let account = format!("account{}", at % accounts);
        put(&*doors[0], &account, &format!("{at:03}"), &format!("a/{}", at % 4)).await;
    }
    let done: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
    let workers = doors.iter().map(|door| {
        let (queue, done) = (Arc::clone(door), Arc::clone(&done));
        tokio::spawn(async move {
            loop {
                let Some(leased) = next_swept(&*queue, 10).await else {
                    if queue.sweep(10).await.unwrap().waiting == 0 {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    continue;
                };
                let line = (leased.account.clone(), leased.entry.id.clone());
                done.lock().unwrap().entry(line.0).or_default().push(line.1);
                settle(&*queue, &leased, Tried::Saved, 11).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let done = done.lock().unwrap();
    assert_eq!((done.len(), done.values().map(Vec::len).sum::<usize>()), (accounts, 60));
    for (account, ids) in done.iter() {
        assert!(ids.windows(2).all(|two| two[0] < two[1]), "{account}: {ids:?}");
    }
}
