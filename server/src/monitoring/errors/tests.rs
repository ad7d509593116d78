use super::stored::Row;
use super::*;

#[test]
fn the_same_again_is_one_entry_and_the_oldest_make_room() {
    let history = ErrorHistory::default();
    for second in 0..200 {
        let id = Some(format!("r{second}"));
        history
            .noted()
            .add("unreachable", "high", "list", id, 1_000_000 + second * 100);
    }
    let recent = history.recent(usize::MAX);
    assert_eq!((recent.len(), recent[0].times), (1, 200));
    assert_eq!(recent[0].request_id.as_deref(), Some("r199"));
    assert_eq!(recent[0].last_at_ms - recent[0].first_at_ms, 19_900);

    for minute in 1..=3_000u64 {
        history
            .noted()
            .add("timed_out", "medium", "save", None, 1_100_000 + minute * 60_000);
    }
    let recent = history.recent(usize::MAX);
    assert_eq!(recent.len(), 1_000);
    assert!(recent.iter().all(|entry| entry.kind == "timed_out" && entry.times == 1));
    assert!(recent[0].last_at_ms > recent[999].last_at_ms);
    assert_eq!(history.recent(7), recent[..7], "the latest of them");
}

#[test]
fn a_day_is_counted_by_kind_severity_and_hour_and_what_is_older_is_not() {
    let mut noted = Noted::default();
    let start = 500_000 * HOUR_MS;
    for hour in 0..48 {
        // The same within seconds: one entry, and counted all the same.
        for _ in 0..=hour {
            noted.add("unreachable", "high", "list", None, start + hour * HOUR_MS);
        }
    }
    let now = start + 47 * HOUR_MS + HOUR_MS / 2;
    noted.add("busy", "medium", "save", None, now);
    let statistics = noted.statistics(now);
    // Hours 24 to 47 had one more error each than their number.
    let expected: u64 = (25..=48).sum();
    assert_eq!(statistics.by_kind["unreachable"], expected);
    assert_eq!(
        statistics.by_severity,
        [("high".to_owned(), expected), ("medium".to_owned(), 1)].into()
    );
    assert_eq!(statistics.total, expected + 1);
    assert_eq!(statistics.by_hour.len(), 24);
    assert_eq!(statistics.by_hour[0], (start + 24 * HOUR_MS, 25));
    assert_eq!(statistics.by_hour[23], (start + 47 * HOUR_MS, 49));
    let later = noted.statistics(now + 23 * HOUR_MS);
    assert_eq!(
        (later.total, later.by_hour[0].1),
        (49, 49),
        "hours go by without errors too"
    );
    assert_eq!(noted.statistics(now + 24 * HOUR_MS).total, 0);
}

#[test]
fn while_it_is_switched_off_nothing_is_noted() {
    let recording = Arc::new(Recording::default());
    let history = ErrorHistory::new(Arc::clone(&recording));
    recording.switch(Some(false), "mira");
    history.note("busy", Severity::Degraded, "list");
    assert_eq!((history.recent(9).len(), history.statistics().total), (0, 0));
    recording.switch(Some(true), "mira");
    history.note("busy", Severity::Degraded, "list");
    assert_eq!((history.recent(9).len(), history.statistics().total), (1, 1));
}

#[test]
fn what_others_have_written_is_shown_and_counted_with_our_own() {
    let history = ErrorHistory::default();
    let now = now_ms();
    history.note("busy", Severity::Degraded, "list");
    let other = |ago_hours: u64, times| NotedError {
        kind: "unreachable".into(),
        severity: "high".into(),
        what: "save".to_owned(),
        times,
        first_at_ms: now - ago_hours * HOUR_MS,
        last_at_ms: now - ago_hours * HOUR_MS,
        request_id: None,
        elsewhere: true,
    };
    assert_eq!(history.kept_in().word(), "memory");
    history.noted().kept_in = KeptIn::Database;
    history.noted().elsewhere = vec![other(2, 7), other(30, 9)];
    let recent = history.recent(usize::MAX);
    let whose: Vec<bool> = recent.iter().map(|error| error.elsewhere).collect();
    assert_eq!(whose, [false, true, true]);
    let statistics = history.statistics();
    assert_eq!(
        (statistics.total, statistics.by_kind["unreachable"]),
        (8, 7),
        "of a day"
    );
    assert_eq!(
        statistics.by_severity,
        [("high".to_owned(), 7), ("medium".to_owned(), 1)].into()
    );
}

#[test]
fn what_made_room_before_it_was_written_is_counted() {
    let history = ErrorHistory::default();
    for second in 0..AT_MOST as u64 + 5 {
        history
            .noted()
            .add("busy", "medium", &second.to_string(), None, 1_000_000 + second);
    }
    assert_eq!(history.not_written(), 5);
    history.noted().kept_in = KeptIn::Memory;
    history.noted().add("busy", "medium", "more", None, 2_000_000);
    assert_eq!(history.not_written(), 5, "there is nowhere to write it");
}

/// The failures of writing errors down are not written down: they would never end.
#[test]
fn an_error_of_the_history_itself_is_none() {
    for severity in [Severity::Degraded, Severity::Outage, Severity::Critical] {
        assert!(!is_worth_noting("error history write", severity));
        assert!(is_worth_noting("list", severity));
    }
    assert!(!is_worth_noting("save", Severity::Input), "a person's mistake");
}

#[test]
fn what_is_written_down_has_a_bound() {
    let long = "x".repeat(10_000);
    let history = ErrorHistory::default();
    history.note("busy", Severity::Degraded, &long);
    let error = &history.recent(1)[0];
    assert!(Row::of(1, error).what().len() <= 200);
}
