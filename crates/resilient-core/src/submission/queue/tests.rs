use proptest::prelude::*;

use super::*;
use crate::draft::{KEPT_FOR, ends_soon_at_ms};
use crate::submission::answer::Answer;

const LEASE_MS: u64 = 60_000;

fn at(writer: &str, seq: u64) -> Revision {
    Revision {
        seq,
        writer: writer.to_owned(),
    }
}

fn press(id: &str, form_key: &str) -> Press {
    Press {
        id: id.to_owned(),
        form_key: form_key.to_owned(),
        revision: at(id, 1),
        pressed_at_ms: 1_000,
        reason: Some("database".to_owned()),
    }
}

fn line(presses: &[(&str, &str)]) -> Line {
    let put = |line: Line, (id, form_key): &(&str, &str)| line.enqueue(&press(id, form_key)).1;
    presses.iter().fold(Line::default(), put)
}

fn answered<'a>(id: &'a str, form_key: &'a str, revision: &'a Revision) -> Answered<'a> {
    Answered {
        id,
        form_key,
        revision,
        is_told: true,
    }
}

fn leased(line: &Line, now_ms: u64) -> (Lease, Line) {
    let (leased, line) = line.lease(now_ms, LEASE_MS);
    (leased.expect("something is due").0, line)
}

/// Leases what is next and settles it.
fn tried(line: &Line, tried: Tried, now_ms: u64) -> (String, Line) {
    let (lease, line) = leased(line, now_ms);
    let (taken, line) = line.settle(lease.token, &lease.id, tried, now_ms);
    assert!(taken);
    (lease.id, line)
}

fn state(line: &Line, id: &str) -> Option<State> {
    line.entry(id).map(|entry| entry.state)
}

#[test]
fn a_press_is_queued_once_however_often_it_fails_and_never_again_once_it_is_done() {
    let line = line(&[("1", "site/1"), ("2", "site/2"), ("1", "site/1")]);
    let ids: Vec<_> = line
        .entries
        .iter()
        .map(|entry| (entry.id.as_str(), entry.order))
        .collect();
    assert_eq!(ids, [("1", 1), ("2", 2)]);
    let (id, line) = tried(&line, Tried::Saved, 5);
    let (told, after) = line.enqueue(&press(&id, "site/1"));
    assert_eq!((told, &after), (Enqueued::Settled, &line));
}

#[test]
fn they_are_done_in_the_order_pressed_and_one_at_a_time() {
    let line = line(&[("1", "a/1"), ("2", "b/1"), ("3", "a/1")]);
    let (lease, busy) = leased(&line, 10);
    assert_eq!(busy.lease(10 + LEASE_MS - 1, LEASE_MS).0, None, "one lease at a time");
    assert_eq!(busy.due_at_ms(11), Some(10 + LEASE_MS));
    let (_, line) = busy.settle(lease.token, &lease.id, Tried::Saved, 11);
    let (second, line) = tried(&line, Tried::Saved, 12);
    let (third, line) = tried(&line, Tried::Saved, 13);
    assert_eq!((lease.id.as_str(), second.as_str(), third.as_str()), ("1", "2", "3"));
    assert_eq!((line.due_at_ms(14), line.numbers().unseen_done), (None, 3));
}

#[test]
fn who_was_overtaken_settles_nothing() {
    let (first, line) = leased(&line(&[("1", "a/1")]), 0);
    let (second, line) = leased(&line, LEASE_MS);
    assert!(second.token > first.token);
    let (taken, same) = line.settle(first.token, &first.id, Tried::Refused(Why::AccountOff), LEASE_MS);
    assert_eq!((taken, &same), (false, &line));
    assert!(
        !line.settle(second.token, "2", Tried::Saved, LEASE_MS).0,
        "that is of another entry"
    );
    assert!(line.settle(second.token, &second.id, Tried::Saved, LEASE_MS).0);
}

#[test]
fn a_lease_of_a_clock_that_was_set_back_does_not_hold() {
    let (_, line) = leased(&line(&[("1", "a/1")]), 1_000 * LEASE_MS);
    assert!(line.lease(5, LEASE_MS).0.is_some());
}

#[test]
fn what_can_never_succeed_stops_its_own_record_and_no_other() {
    let line = line(&[("1", "a/1"), ("2", "b/1"), ("3", "a/1")]);
    let why = Why::Answered(Outcome::Conflict);
    let (_, line) = tried(&line, Tried::Refused(why), 7);
    assert_eq!(state(&line, "1"), Some(State::NeedsAttention { at_ms: 7, why }));
    let why = Why::EarlierOfThisRecord;
    assert_eq!(state(&line, "3"), Some(State::NeedsAttention { at_ms: 7, why }));
    let (other, line) = tried(&line, Tried::Saved, 8);
    assert_eq!((other.as_str(), line.due_at_ms(9)), ("2", None));
    assert_eq!((line.numbers().unseen_failed, line.numbers().unseen_done), (2, 1));
    let numbers = line.seen(&["1".to_owned()]).numbers();
    assert_eq!(
        (numbers.unseen_failed, numbers.unseen_done),
        (1, 1),
        "the others were not shown"
    );
}

#[test]
fn an_outage_counts_nothing_and_ten_failures_end_it() {
    let mut line = line(&[("1", "a/1"), ("2", "a/1")]);
    let mut now_ms = 0;
    for _ in 0..50 {
        now_ms = line.due_at_ms(now_ms).unwrap();
        line = tried(&line, Tried::Away, now_ms).1;
    }
    for _ in 0..MOST_ATTEMPTS {
        assert!(state(&line, "1") == Some(State::Waiting), "{line:?}");
        now_ms = line.due_at_ms(now_ms).unwrap();
        line = tried(&line, Tried::Failed, now_ms).1;
    }
    assert_eq!(state(&line, "1"), Some(State::Dead { at_ms: now_ms }));
    assert_eq!(
        line.numbers().needs_attention,
        1,
        "what was pressed after it waits for the person"
    );
    let (told, line) = line.enqueue(&press("1", "a/1"));
    assert_eq!(told, Enqueued::Waiting, "a press makes a dead one live");
    assert_eq!(line.entry("1").unwrap().attempts, 0);
}

#[test]
fn an_entry_that_ends_its_process_ends_too() {
    let mut line = line(&[("1", "a/1"), ("2", "b/1")]);
    let mut now_ms = 0;
    for _ in 0..MOST_ATTEMPTS {
        line = leased(&line, now_ms).1;
        now_ms += LEASE_MS;
    }
    let (next, line) = leased(&line, now_ms);
    assert_eq!(next.id, "2");
    assert_eq!(state(&line, "1"), Some(State::Dead { at_ms: now_ms }));
}

#[test]
fn a_line_takes_no_more_text_than_it_may_and_takes_it_again_once_some_is_done() {
    let half = MOST_BYTES_WAITING / 2;
    let put = |line: &Line, id: &str, bytes| line.enqueue_text(&press(id, &format!("site/{id}")), bytes);
    let (_, line) = put(&Line::default(), "1", half);
    let (told, line) = put(&line, "2", half);
    assert_eq!(told, Enqueued::Waiting);
    assert_eq!(put(&line, "3", 1), (Enqueued::Full, line.clone()));
    assert_eq!(
        put(&line, "2", half),
        (Enqueued::Waiting, line.clone()),
        "the same again"
    );
    assert_eq!(
        put(&line, "2", half + 1),
        (Enqueued::Waiting, line.clone()),
        "sealed anew it may be longer"
    );
    let (_, line) = tried(&line, Tried::Saved, 5);
    assert_eq!(put(&line, "3", half).0, Enqueued::Waiting);
    assert_eq!(put(&line, "1", MOST_BYTES_WAITING).0, Enqueued::Settled);
}

#[test]
fn the_largest_text_that_a_form_may_send_has_a_place_in_an_empty_line() {
    // What the server's `FORM_LIMIT` is.
    const LARGEST_FORM: u64 = 32 << 20;
    let (told, _) = Line::default().enqueue_text(&press("1", "site/1"), LARGEST_FORM);
    assert_eq!(told, Enqueued::Waiting);
}

#[test]
fn what_was_discarded_is_gone_also_from_under_who_is_at_it() {
    let (lease, line) = leased(&line(&[("1", "a/1"), ("2", "a/1"), ("3", "a/2")]), 0);
    let (gone, line) = line.cancel("a/1", &at("1", 4));
    assert_eq!(
        (gone, state(&line, "1"), state(&line, "2")),
        (1, None, Some(State::Waiting))
    );
    assert_eq!(line.cancel("a/2", &at("3", 0)).0, 0, "what was typed later stays");
    let (taken, line) = line.settle(lease.token, &lease.id, Tried::Saved, 1);
    assert!(taken && line.entry("1").is_none());
    assert_eq!(leased(&line, 1).0.id, "2");
}

#[test]
fn what_still_waits_cannot_have_been_seen_and_who_was_answered_need_not_be_told() {
    let line = line(&[("1", "a/1")]);
    assert_eq!(line.seen(&["1".to_owned()]), line);
    let (_, line) = tried(&line, Tried::Saved, 7);
    assert_eq!(line.numbers().unseen_done, 1, "its browser may be gone");
    let told = line.saved(answered("1", "a/1", &at("1", 1)), 9);
    assert_eq!((told.numbers().unseen_done, state(&told, "1")), (0, state(&line, "1")));
}

#[test]
fn a_server_that_stood_still_while_another_one_did_its_work_tells_nobody() {
    let (_, line) = leased(&line(&[("1", "a/1")]), 0);
    let (_, line) = tried(&line, Tried::Saved, LEASE_MS);
    let revision = at("1", 1);
    let by_a_server = Answered {
        is_told: false,
        ..answered("1", "a/1", &revision)
    };
    assert_eq!(line.saved(by_a_server, LEASE_MS + 1), line, "its person is told yet");
}

#[test]
fn an_open_page_that_is_told_of_a_save_before_the_line_is_told_once() {
    let (lease, line) = leased(&line(&[("1", "a/1")]), 5);
    let line = line.seen(&["1".to_owned()]);
    let settled = |tried| line.settle(lease.token, "1", tried, 6).1;
    assert_eq!(settled(Tried::Saved).numbers().unseen_done, 0);
    let refused = Tried::Refused(Why::Answered(Outcome::Conflict));
    assert_eq!(settled(refused).numbers().unseen_failed, 1, "nobody was told of that");
    assert!(!settled(Tried::Away).entry("1").unwrap().seen, "it waits on");
}

#[test]
fn a_save_by_the_browser_ends_its_entry_and_what_went_into_it() {
    let mut line = line(&[("1", "a/1"), ("2", "a/2")]);
    line.entries[1].revision = at("2", 3);
    let line = line.saved(answered("1", "a/1", &at("1", 1)), 9);
    assert_eq!(state(&line, "1"), Some(State::Done { at_ms: 9 }));
    assert!(line.entry("1").unwrap().seen, "its person was there");
    assert_eq!(
        line.saved(answered("9", "a/2", &at("2", 2)), 9),
        line,
        "what was typed later waits"
    );
    assert_eq!(state(&line.saved(answered("9", "a/2", &at("2", 4)), 9), "2"), None);
    let (lease, line) = leased(&line, 10);
    assert_eq!(
        line.saved(answered(&lease.id, "a/2", &at("2", 3)), 11),
        line,
        "who holds it says what became of it"
    );
}

#[test]
fn a_save_that_the_server_is_at_ends_the_failed_one_that_went_into_it() {
    let refused = Tried::Refused(Why::Answered(Outcome::Conflict));
    let (_, line) = tried(&line(&[("1", "a/1")]), refused, 5);
    let (_, line) = line.enqueue(&press("2", "a/1"));
    let (lease, line) = leased(&line, 6);
    // It was made of what the first one was made of.
    let line = line.saved(answered(&lease.id, "a/1", &at("1", 1)), 7);
    assert_eq!((state(&line, "1"), state(&line, "2")), (None, Some(State::Waiting)));
}

#[test]
fn what_the_person_has_seen_to_needs_no_attention_and_the_new_press_waits() {
    let (_, line) = tried(
        &line(&[("1", "a/1")]),
        Tried::Refused(Why::Answered(Outcome::Conflict)),
        5,
    );
    let anew = Press {
        revision: at("1", 2),
        ..press("2", "a/1")
    };
    let (told, line) = line.enqueue(&anew);
    assert_eq!((told, state(&line, "1")), (Enqueued::Waiting, None));
    let later = Press {
        revision: at("1", 3),
        ..press("3", "a/1")
    };
    let line = line.enqueue(&later).1;
    assert_eq!(state(&line, "2"), Some(State::Waiting), "a press that waits is its own");
}

#[test]
fn what_waits_ends_a_week_before_its_draft_does_and_what_ended_is_forgotten_after_thirty_days() {
    let line = line(&[("1", "a/1"), ("2", "b/1"), ("3", "b/1")]);
    let (_, line) = tried(&line, Tried::Saved, 500);
    let (now_ms, why) = (1_000 + LONGEST_WAIT_MS, Why::TooOld);
    assert_eq!(line.sweep(now_ms - 1), line);
    let line = line.sweep(now_ms);
    assert_eq!(state(&line, "2"), Some(State::NeedsAttention { at_ms: now_ms, why }));
    assert!(line.entry("3").unwrap().has_failed());
    assert_eq!(line.sweep(499 + REMEMBERED_MS), line);
    assert_eq!(state(&line.sweep(500 + REMEMBERED_MS), "1"), None);
    assert_eq!(line.sweep(now_ms + REMEMBERED_MS).entries, []);
}

#[test]
fn who_is_told_that_a_draft_ends_soon_has_nothing_waiting_any_more() {
    let changed_at_ms = 5_000;
    let told = |after_ms| ends_soon_at_ms(changed_at_ms, changed_at_ms + after_ms);
    assert_eq!(told(LONGEST_WAIT_MS - 1), None);
    let ends_at_ms = changed_at_ms + REMEMBERED_MS;
    assert_eq!(told(LONGEST_WAIT_MS), Some(ends_at_ms));
    assert_eq!(told(REMEMBERED_MS), Some(ends_at_ms));
    assert_eq!(ends_soon_at_ms(changed_at_ms, 0), None, "a clock that was set back");
    assert_eq!(u128::from(REMEMBERED_MS), KEPT_FOR.as_millis());
}

#[test]
fn what_failed_says_why_and_nothing_else_does() {
    let why = |line: &Line, id: &str| line.entry(id).expect("an entry").why_code();
    let two = line(&[("1", "a/1"), ("2", "a/1")]);
    assert_eq!(why(&two, "1"), "");
    assert_eq!(why(&tried(&two, Tried::Saved, 5).1, "1"), "");
    let refused = |why| tried(&two, Tried::Refused(why), 5).1;
    let (conflict, off) = (refused(Why::Answered(Outcome::Conflict)), refused(Why::AccountOff));
    assert_eq!(why(&conflict, "1"), Outcome::Conflict.code());
    let mut dead = off.clone();
    dead.entries[0].state = State::Dead { at_ms: 5 };
    let said = [&conflict, &off, &dead].map(|line| why(line, "1"));
    let said = said.into_iter().chain([why(&off, "2"), ""]);
    let different: std::collections::BTreeSet<_> = said.collect();
    assert_eq!(different.len(), 5, "{different:?}");
}

#[test]
fn the_numbers_of_two_lines_are_those_of_both_together() {
    let one = line(&[("1", "a/1"), ("2", "a/2"), ("3", "a/3"), ("4", "a/4"), ("5", "a/5")]);
    let (_, one) = tried(&one, Tried::Saved, 5);
    let (_, mut one) = tried(&one, Tried::Refused(Why::AccountOff), 5);
    one.entries[2].state = State::Dead { at_ms: 5 };
    let mut other = one.clone();
    other.entries[4].pressed_at_ms = 500;
    let entries = [one.entries.clone(), other.entries.clone()].concat();
    let both = Line {
        entries,
        ..Line::default()
    };
    assert_eq!(one.numbers().and(other.numbers()), both.numbers());
    assert_eq!(both.numbers().and(Line::default().numbers()), both.numbers());
}

#[test]
fn there_is_an_end_to_what_waits_and_to_what_is_remembered() {
    let mut line = Line::default();
    for id in 0..MOST_WAITING {
        line = line.enqueue(&press(&id.to_string(), &format!("a/{id}"))).1;
    }
    assert_eq!(line.enqueue(&press("more", "a/x")).0, Enqueued::Full);
    assert_eq!(
        line.enqueue(&press("3", "a/3")).0,
        Enqueued::Waiting,
        "what is there is there"
    );
    line = tried(&line, Tried::Saved, 1).1;
    for at in 0..=MOST_REMEMBERED {
        line = line.enqueue(&press(&format!("n{at}"), "b/1")).1;
        line = tried(&line, Tried::Saved, 1).1;
    }
    let remembered = line.entries.iter().filter(|entry| !entry.is_waiting()).count();
    assert_eq!(
        (remembered, line.numbers().waiting),
        (MOST_REMEMBERED, MOST_WAITING as u64 - 1)
    );
}

#[test]
fn what_pauses_holds_its_own_record_and_no_other() {
    let line = line(&[("1", "a/1"), ("2", "a/1"), ("3", "b/1")]);
    for how in [Tried::Failed, Tried::Interrupted, Tried::Sealed] {
        let (first, line) = tried(&line, how, 10);
        assert_eq!(line.due_at_ms(11), Some(0), "another record is due");
        let (other, line) = tried(&line, Tried::Saved, 11);
        assert_eq!((first.as_str(), other.as_str()), ("1", "3"));
        assert_eq!(
            line.lease(12, LEASE_MS).0,
            None,
            "of its own record nothing goes before it"
        );
        let due_at_ms = line.due_at_ms(12).expect("it waits");
        assert_eq!(tried(&line, Tried::Saved, due_at_ms).0, "1");
    }
    let (_, line) = tried(&line, Tried::Away, 10);
    assert_eq!(line.lease(11, LEASE_MS).0, None, "what is away is away for all of them");
    assert_eq!(tried(&line, Tried::Saved, line.due_at_ms(11).unwrap()).0, "1");
}

#[test]
fn what_fails_is_tried_ever_more_rarely_and_at_least_every_ten_minutes() {
    let (mut line, mut now_ms) = (line(&[("1", "a/1")]), 1_000_000);
    let mut pauses = Vec::new();
    while line.entry("1").is_some_and(Entry::is_waiting) {
        line = tried(&line, Tried::Interrupted, now_ms).1;
        let due_at_ms = line.due_at_ms(now_ms).unwrap_or(now_ms);
        pauses.push(due_at_ms - now_ms);
        now_ms = due_at_ms;
    }
    assert_eq!(pauses[..6], [3_000, 9_000, 27_000, 81_000, 243_000, LONGEST_PAUSE_MS]);
    let (last, rest) = pauses[6..].split_last().expect("many tries");
    assert!(rest.iter().all(|pause| *pause == LONGEST_PAUSE_MS), "{rest:?}");
    assert_eq!((*last, pauses.len()), (0, MOST_INTERRUPTED as usize));
}

#[test]
fn what_was_away_is_tried_again_after_a_second_and_what_cannot_be_opened_here_after_five() {
    let pause_after = |how| tried(&line(&[("1", "a/1")]), how, 1_000_000).1.due_at_ms(1_000_000);
    assert_eq!(pause_after(Tried::Away), Some(1_001_000));
    assert_eq!(pause_after(Tried::Sealed), Some(1_005_000));
}

#[test]
fn a_line_has_something_fresh_while_the_first_of_some_record_was_not_tried_in_vain() {
    assert!(!Line::default().has_fresh());
    let pressed = line(&[("1", "a/1"), ("2", "a/1")]);
    assert!(pressed.has_fresh());
    let (_, paused) = tried(&pressed, Tried::Failed, 10);
    assert!(!paused.has_fresh(), "the second waits for the first");
    let (_, with_another) = paused.enqueue(&press("3", "b/1"));
    assert!(with_another.has_fresh());
}

#[test]
fn what_the_database_never_survives_ends_too() {
    let (mut line, mut now_ms) = (line(&[("1", "a/1")]), 0);
    for _ in 0..MOST_INTERRUPTED {
        assert!(state(&line, "1") == Some(State::Waiting), "{line:?}");
        now_ms = line.due_at_ms(now_ms).unwrap();
        line = tried(&line, Tried::Interrupted, now_ms).1;
    }
    assert_eq!(state(&line, "1"), Some(State::Dead { at_ms: now_ms }));
}

#[test]
fn only_while_the_database_is_away_does_a_kept_save_say_nothing_about_the_entry() {
    let kept = |reason: &str| Answer {
        reason: Some(reason.to_owned()),
        ..Answer::new(Outcome::Kept)
    };
    for reason in ["overload", "unknown", "database"] {
        assert_eq!(Tried::of(&kept(reason), true), Tried::Failed);
        assert_eq!(Tried::of(&kept(reason), false), Tried::Interrupted);
    }
    assert_eq!(Tried::of(&kept("timeout"), false), Tried::Failed);
    assert_eq!(Tried::of(&Answer::new(Outcome::InProgress), true), Tried::Away);
}

#[test]
fn after_a_clock_was_set_back_nothing_stands_still() {
    let (_, busy) = leased(&line(&[("1", "a/1")]), 1_000 * LEASE_MS);
    assert_eq!(busy.due_at_ms(5), Some(0), "its lease holds no more");
    let (_, paused) = tried(&line(&[("1", "a/1")]), Tried::Failed, 10 * LONGEST_PAUSE_MS);
    assert_eq!(paused.due_at_ms(5), Some(0));
    assert!(paused.lease(5, LEASE_MS).0.is_some());
}

#[test]
fn a_lease_holds_for_a_server_whose_clock_is_behind() {
    let (_, line) = leased(&line(&[("1", "a/1")]), 10 * LEASE_MS);
    assert_eq!(line.lease(10 * LEASE_MS - 30_000, LEASE_MS).0, None);
}

#[test]
fn a_lease_that_an_earlier_version_gave_was_given_for_a_minute() {
    let (_, line) = leased(&line(&[("1", "a/1")]), 10 * LEASE_MS);
    let mut head = serde_json::json!(line.head);
    let written = head["lease"].as_object_mut().expect("a lease");
    written.remove("lasts_ms").expect("how long it lasts");
    let head = serde_json::from_value(head).expect("what an earlier version wrote");
    assert_eq!(Line { head, ..line.clone() }, line);
}

#[test]
fn when_an_entry_ended_is_known_however_it_ended_and_not_while_it_waits() {
    let ended_at_ms = |line: &Line| line.entry("1").expect("an entry").ended_at_ms();
    let pressed = line(&[("1", "a/1")]);
    assert_eq!(ended_at_ms(&pressed), None);
    for how in [Tried::Saved, Tried::Refused(Why::AccountOff)] {
        assert_eq!(ended_at_ms(&tried(&pressed, how, 7).1), Some(7));
    }
    let mut last_try = pressed;
    last_try.entries[0].attempts = MOST_ATTEMPTS - 1;
    assert_eq!(ended_at_ms(&tried(&last_try, Tried::Failed, 9).1), Some(9), "dead");
}

#[test]
fn a_press_that_was_promised_elsewhere_waits_here_even_where_it_had_failed() {
    let promised = line(&[("1", "a/1")]).entries.remove(0);
    let (_, mut dead) = tried(&line(&[("1", "a/1")]), Tried::Refused(Why::AccountOff), 5);
    assert_eq!(state(&dead.adopt(&promised), "1"), Some(State::Waiting));
    dead.entries[0].state = State::Dead { at_ms: 5 };
    let revived = dead.adopt(&promised);
    assert_eq!((revived.entries.len(), revived.entry("1").unwrap().attempts), (1, 0));
    let (_, done) = tried(&line(&[("1", "a/1")]), Tried::Saved, 5);
    assert_eq!(done.adopt(&promised), done, "once");
}

#[derive(Clone, Debug)]
enum Happens {
    Pressed(u8, u8),
    Leased,
    Settled(u8),
    Later,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (0..12_u8, 0..3_u8).prop_map(|(id, record)| Happens::Pressed(id, record)),
        Just(Happens::Leased),
        (0..5_u8).prop_map(Happens::Settled),
        Just(Happens::Later),
    ]
}

proptest! {
    /// Whatever comes: tokens grow, nothing that is done is leased again, and of each record nothing is done before
    /// what was pressed earlier and still waits.
    #[test]
    fn no_order_of_events_does_anything_twice_or_too_early(events in proptest::collection::vec(happens(), 0..80)) {
        let (mut line, mut now_ms, mut token) = (Line::default(), 0, 0);
        let mut held: Vec<Lease> = Vec::new();
        for event in events {
            match event {
                Happens::Pressed(id, record) => line = line.enqueue(&press(&id.to_string(), &format!("a/{record}"))).1,
                Happens::Leased => {
                    let (leased, after) = line.lease(now_ms, LEASE_MS);
                    if let Some((lease, entry)) = leased {
                        prop_assert!(lease.token > token);
                        prop_assert!(entry.is_waiting());
                        let earlier = after.entries.iter().filter(|other| other.order < entry.order);
                        let of_this_record = earlier.filter(|other| other.form_key == entry.form_key);
                        prop_assert!(of_this_record.clone().all(|other| !other.is_waiting()), "{after:?}");
                        token = lease.token;
                        held.push(lease);
                    }
                    line = after;
                }
                Happens::Settled(how) => {
                    let how = [Tried::Saved, Tried::Away, Tried::Failed, Tried::Interrupted, Tried::Refused(Why::AccountOff)][how as usize];
                    let Some(lease) = held.pop() else { continue };
                    let (taken, after) = line.settle(lease.token, &lease.id, how, now_ms);
                    prop_assert_eq!(taken, lease.token == token && line.head.lease.is_some());
                    line = after;
                }
                Happens::Later => now_ms += LEASE_MS,
            }
            let ordered = line.entries.windows(2).all(|two| two[0].order < two[1].order);
            prop_assert!(ordered, "{:?}", line);
            let not_past = |due_at_ms: Option<u64>| due_at_ms.map(|at_ms| at_ms.max(now_ms));
            prop_assert_eq!(not_past(line.due_as_noted_ms()), not_past(line.due_at_ms(now_ms)), "who knows the time or not");
        }
    }
}
