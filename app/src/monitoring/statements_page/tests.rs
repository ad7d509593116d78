use super::*;
use crate::monitoring::statements::ContendedRow;

fn row(shape: &str, count: u64, total_ms: f64, p95_ms: f64) -> StatementRow {
    StatementRow {
        shape: shape.to_owned(),
        call: "records.list",
        count,
        total_ms,
        p95_ms,
        ..StatementRow::default()
    }
}

fn drawn(view: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| view().to_html())
}

#[test]
fn shapes_are_sorted_as_asked_and_what_they_met_is_said() {
    let mut slow = row("select a", 2, 1_500.0, 900.0);
    (slow.slow, slow.slowest_ms) = (1, 900.4);
    slow.contended = vec![ContendedRow {
        kind: "deadlock",
        call: "save",
        times: 3,
    }];
    let view = StatementsView {
        slow_after_ms: 500,
        statements: vec![row("select b", 9_000, 20.0, 0.123), slow],
        other: Some(row("(other)", 1, 1.0, 1.0)),
        clusters: Vec::new(),
    };
    let at = |html: &str, words: &str| html.find(words).unwrap_or_else(|| panic!("{words} is missing: {html}"));
    let by_total = drawn(|| by_shape(Some(view.clone()), Order::default()));
    assert!(at(&by_total, "select a") < at(&by_total, "select b"));
    for words in [
        "1 slow, the slowest took 900 ms",
        "3 deadlocks in save",
        "0.12 ms",
        "1,500 ms",
        "9,000",
    ] {
        at(&by_total, words);
    }
    let by_count = drawn(|| by_shape(Some(view), Order::from_word("count").expect("a word")));
    assert!(at(&by_count, "select b") < at(&by_count, "select a"));
    assert!(
        at(&by_count, "select a") < at(&by_count, "(other)"),
        "the others are no shape of their own"
    );
    assert_eq!(Order::from_word("anything"), None);
    assert!(drawn(|| by_shape(None, Order::Total)).contains("not measured"));
}

#[test]
fn who_waits_for_whom_is_said_and_what_may_not_be_seen() {
    let waits = Session {
        id: "7".to_owned(),
        account: "ann".to_owned(),
        state: "active".to_owned(),
        statement_ms: Some(6_000),
        blocked_by: vec!["8".to_owned()],
        shape: Some("update a <?>".to_owned()),
        ..Session::default()
    };
    let holds = Session {
        id: "8".to_owned(),
        state: "idle in transaction".to_owned(),
        transaction_ms: Some(61_000),
        ..Session::default()
    };
    let activity = Activity {
        sessions: vec![waits, holds],
        idle: 3,
        unseen: vec!["Some may not be seen.".to_owned()],
        ..Activity::default()
    };
    let html = drawn(|| now(&Ok(activity)));
    for words in [
        "1 session waits for a lock",
        "waits for 8",
        "others wait for it",
        "6,000 ms",
        "1 min 1 s",
        "for long",
        "update a &lt;?&gt;",
        "3 sessions are idle besides",
        "Some may not be seen.",
    ] {
        assert!(html.contains(words), "{words} is missing: {html}");
    }
    assert!(drawn(|| now(&Err("It is away."))).contains("It is away."));
}

#[test]
fn a_hint_names_table_and_columns() {
    let hint = Hint {
        shape: "select a FROM t WHERE b = ?".to_owned(),
        kind: HintKind::FilterWithoutIndex,
        table: "activity".to_owned(),
        columns: vec!["status".to_owned()],
        rows_at_least: 10_000,
    };
    let hints = Hints {
        hints: vec![hint],
        explained: 1,
        not_explained: 0,
    };
    let html = drawn(|| quicker(&Ok(hints)));
    assert!(
        html.contains("All of activity (10,000 rows or more) is read to find rows by status"),
        "{html}"
    );
    assert!(drawn(|| quicker(&Ok(Hints::default()))).contains("No statement that only reads was slow"));
}

#[test]
fn clusters_are_a_failure_that_is_said_first() {
    let cluster = ClusterRow {
        shape: "update a".to_owned(),
        count: 5,
        within_ms: 300_000,
        last_ago_ms: 2_000,
    };
    let html = drawn(|| clusters(&[cluster]));
    assert!(
        html.contains("5 times within 5 min 0 s, the last one 2 s ago"),
        "{html}"
    );
    assert!(!drawn(|| clusters(&[])).contains("too often"));
}
