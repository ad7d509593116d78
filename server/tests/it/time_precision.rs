//! Databases count in microseconds, browsers in milliseconds: neither invents a change, and none is missed.

use axum::http::StatusCode;
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::Outage;

const RECORD: &str = "/records/activity/7";

/// A table with a time to the microsecond, which the server knows.
async fn with_times(database: PrivateDatabase, kind: &str) -> Outage {
    let outage = Outage::over(database).await;
    outage
        .database
        .query(&format!("ALTER TABLE activity ADD COLUMN seen_at {kind}"));
    // A change that no list outlives: the table is read anew.
    outage
        .database
        .query("ALTER TABLE activity RENAME COLUMN hours TO duration");
    assert_eq!(outage.app.get("/records/activity").await.status, StatusCode::OK);
    outage
}

fn set(outage: &Outage, time: &str) {
    let sql = format!("UPDATE activity SET seen_at = '{time}' WHERE id = 7");
    outage.database.query(&sql);
}

/// Whether the record has this time, as text.
fn has(outage: &Outage, time: &str) -> bool {
    let sql = format!("SELECT count(*) FROM activity WHERE id = 7 AND seen_at = '{time}'");
    outage.count(&sql) == 1
}

async fn form(outage: &Outage) -> DrawnForm {
    outage.app.form(RECORD).await
}

async fn a_microsecond_is_neither_lost_nor_overlooked(outage: &Outage) {
    let app = &outage.app;
    set(outage, "2026-01-31 14:30:00.123456");
    let drawn = form(outage).await;
    let shown = drawn.value("v.seen_at").expect("a control").to_owned();
    assert!(shown.contains("00.123456"), "to the microsecond: {shown}");
    let (_, answer) = app.save(&drawn.with("v.title", "Mine")).await;
    assert_eq!((answer.outcome, answer.merged.len()), (Outcome::Saved, 0), "{answer:?}");
    assert!(has(outage, "2026-01-31 14:30:00.123456"), "it was not touched");

    // Somebody else's change of one microsecond is one: kept beside mine …
    let drawn = form(outage).await;
    set(outage, "2026-01-31 14:30:00.123457");
    let (_, answer) = app.save(&drawn.with("v.title", "Mine again")).await;
    assert_eq!(
        (answer.outcome, answer.merged),
        (Outcome::Saved, vec!["seen_at".to_owned()])
    );
    assert!(has(outage, "2026-01-31 14:30:00.123457"), "it was not undone");

    // … and a conflict where I changed the same time, by less than a millisecond.
    let drawn = form(outage).await;
    let mine = drawn.value("v.seen_at").expect("a control").replace("123457", "123999");
    set(outage, "2026-01-31 14:30:00.123458");
    let (status, answer) = app.save(&drawn.with("v.seen_at", &mine)).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::CONFLICT, Outcome::Conflict),
        "{answer:?}"
    );
    assert!(has(outage, "2026-01-31 14:30:00.123458"));

    // A whole minute comes back from a browser's own control without seconds: that is no change of mine.
    set(outage, "2026-01-31 14:30:00");
    let drawn = form(outage).await.with("v.title", "By the minute");
    set(outage, "2026-01-31 14:30:00.000001");
    let (_, answer) = app.save(&drawn).await;
    assert_eq!(
        (answer.outcome, answer.merged),
        (Outcome::Saved, vec!["seen_at".to_owned()])
    );
    assert!(has(outage, "2026-01-31 14:30:00.000001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_s_microseconds_make_no_conflict_and_hide_none() {
    for kind in ["timestamp", "timestamptz"] {
        let outage = with_times(PrivateDatabase::postgres(), kind).await;
        // What the witness writes and reads is in the time zone of the server under test.
        outage.database.query("ALTER DATABASE maintenance SET timezone = 'UTC'");
        a_microsecond_is_neither_lost_nor_overlooked(&outage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_s_microseconds_make_no_conflict_and_hide_none() {
    let outage = with_times(PrivateDatabase::mariadb(), "datetime(6)").await;
    a_microsecond_is_neither_lost_nor_overlooked(&outage).await;
}
