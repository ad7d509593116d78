//! Saves that could not be done, and whose browser has gone: the server sends them again by itself.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::queue::{State, Why};

use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::{Answered, Outage};

const ACTIVITY: &str = "/records/activity/1";
const PATIENCE: Duration = Duration::from_secs(60);

/// Presses Save as the page's script of whoever has this cookie; the database is away.
async fn kept(outage: &Outage, cookie: &str, form: &DrawnForm) -> Answer {
    let json = [("accept", "application/json")];
    let answered: Answered = outage
        .app
        .request_as(cookie, Method::POST, &form.action, Some(&form.controls), &json)
        .await;
    let answer = answered.answer();
    assert_eq!(answer.outcome, Outcome::Kept, "{answer:?}");
    assert!(answer.server_retries, "{answer:?}");
    answer
}

async fn states(outage: &Outage, account: &str) -> Vec<State> {
    let waiting = outage.app.services().drafts.waiting();
    let listed = waiting.list(account).await.expect("the queue is there");
    listed.entries.into_iter().map(|entry| entry.state).collect()
}

/// Waits until nothing of this account waits; what became of it, in the order pressed.
async fn settled(outage: &Outage, account: &str) -> Vec<State> {
    let began = Instant::now();
    loop {
        let states = states(outage, account).await;
        if !states.contains(&State::Waiting) {
            return states;
        }
        assert!(began.elapsed() < PATIENCE, "{states:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn titled(outage: &Outage, title: &str) -> i64 {
    outage.count(&format!("SELECT count(*) FROM activity WHERE title = '{title}'"))
}

fn audited(outage: &Outage) -> i64 {
    outage.count(&format!("SELECT count(*) FROM {}", outage.database.own("audit")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_save_is_done_once_by_the_server_without_any_browser() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app.form(ACTIVITY).await.with("v.title", "Done by the server");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &app.cookie, &form).await;
    kept(&outage, &app.cookie, &form).await;
    assert_eq!(states(&outage, "admin").await, [State::Waiting]);
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "admin").await;
    assert!(matches!(states[..], [State::Done { .. }]), "{states:?}");
    assert_eq!((titled(&outage, "Done by the server"), audited(&outage)), (1, 1));
    assert!(
        !app.get("/drafts").await.body.contains("data-draft-state"),
        "its draft is done with"
    );
    // The browser comes back with the same press.
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome, answer.replayed),
        (StatusCode::OK, Outcome::Saved, true)
    );
    assert_eq!(audited(&outage), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_waits_for_its_person_with_the_draft_and_other_records_go_on() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let stuck = app.form(ACTIVITY).await.with("v.title", "Mine");
    let other = app
        .form("/records/activity/2")
        .await
        .with("v.title", "Of another record");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &app.cookie, &stuck).await;
    kept(&outage, &app.cookie, &other).await;
    outage
        .database
        .query("UPDATE activity SET title = 'Theirs' WHERE id = 1");
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "admin").await;
    let conflict = Why::Answered(Outcome::Conflict);
    assert!(
        matches!(states[..], [State::NeedsAttention { why, .. }, State::Done { .. }] if why == conflict),
        "{states:?}"
    );
    let counts = ["Mine", "Theirs", "Of another record"].map(|title| titled(&outage, title));
    assert_eq!(counts, [0, 1, 1]);
    assert!(
        app.get("/drafts").await.body.contains("activity/1"),
        "what was typed is there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_discarded_meanwhile_is_never_saved() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app.form(ACTIVITY).await.with("v.title", "Thrown away");
    outage.proxy.set(Fault::Cut).await;
    let answer = kept(&outage, &app.cookie, &form).await;
    let discard = [
        ("form_key".to_owned(), "activity/1".to_owned()),
        ("seq".to_owned(), answer.seq.to_string()),
        ("writer".to_owned(), answer.writer.clone()),
    ];
    let discarded = app.request(Method::POST, "/drafts/discard", Some(&discard), &[]).await;
    assert_eq!(discarded.status, StatusCode::SEE_OTHER, "{}", discarded.body);
    assert_eq!(states(&outage, "admin").await, []);
    // One that was pressed after it, of which it can be told when the server has begun.
    outage.proxy.set(Fault::Pass).await;
    while app.get("/readyz").await.status != StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let later = app.form("/records/activity/2").await.with("v.title", "Pressed later");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &app.cookie, &later).await;
    outage.proxy.set(Fault::Pass).await;
    settled(&outage, "admin").await;
    assert_eq!(
        (titled(&outage, "Thrown away"), titled(&outage, "Pressed later")),
        (0, 1)
    );
    assert_eq!(audited(&outage), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_switched_off_meanwhile_saves_nothing_and_the_text_stays() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let cookie = app.signed_in_as("eda", Role::Editor).await;
    let page = app.request_as(&cookie, Method::GET, ACTIVITY, None, &[]).await;
    let form = DrawnForm::read(&page.body).with("v.title", "Of somebody who left");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &cookie, &form).await;
    let accounts = outage.database.own("account");
    let off = format!("UPDATE {accounts} SET disabled = true WHERE name = 'eda'");
    outage.database.query(&off);
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "eda").await;
    assert!(
        matches!(
            states[..],
            [State::NeedsAttention {
                why: Why::AccountOff,
                ..
            }]
        ),
        "{states:?}"
    );
    assert_eq!((titled(&outage, "Of somebody who left"), audited(&outage)), (0, 0));
}
