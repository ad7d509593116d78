//! Saves that could not be done, and whose browser has gone: the server sends them again by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use inkfast_server::auth::repository::Removing;
use inkfast_server::clock::now_ms;
use inkfast_server::keys::{Keys, secret_from_text};
use inkfast_server::replay::Cut;
use private_servers::PrivateRedis;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::queue::{State, Why};
use serde_json::Value;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
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

fn is_refused_as(states: &[State], outcome: Outcome) -> bool {
    matches!(states, [State::NeedsAttention { why, .. }] if *why == Why::Answered(outcome))
}

/// Titles of what is kept of the record.
async fn drafts(outage: &Outage, account: &str) -> Vec<String> {
    let seen = outage.app.services().drafts.stored(account, "activity/1").await;
    let kept = seen.expect("the store is there").drafts.into_iter();
    kept.filter_map(|kept| kept.draft.values["title"].clone()).collect()
}

fn titled(outage: &Outage, title: &str) -> i64 {
    outage.count(&format!("SELECT count(*) FROM activity WHERE title = '{title}'"))
}

fn audited(outage: &Outage) -> i64 {
    outage.count(&format!("SELECT count(*) FROM {}", outage.database.own("audit")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_save_is_done_once_by_the_server_without_any_browser() {
    is_done_once(Outage::prepared().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_save_is_done_once_over_mariadb_too() {
    is_done_once(Outage::over(PrivateDatabase::mariadb()).await).await;
}

async fn is_done_once(outage: Outage) {
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
    assert_eq!(drafts(&outage, "eda").await, ["Of somebody who left"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_by_now_saves_nothing_and_the_text_stays() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let cookie = app.signed_in_as("eda", Role::Editor).await;
    let page = app.request_as(&cookie, Method::GET, ACTIVITY, None, &[]).await;
    let form = DrawnForm::read(&page.body).with("v.title", "Of somebody who may not");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &cookie, &form).await;
    let accounts = outage.database.own("account");
    let lowered = format!("UPDATE {accounts} SET role = 'viewer' WHERE name = 'eda'");
    outage.database.query(&lowered);
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "eda").await;
    assert!(is_refused_as(&states, Outcome::Forbidden), "{states:?}");
    assert_eq!((titled(&outage, "Of somebody who may not"), audited(&outage)), (0, 0));
    assert_eq!(drafts(&outage, "eda").await, ["Of somebody who may not"]);
}

/// Whether it was done before can no longer be told: its id may have been forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_ids_are_kept_is_not_sent_and_the_text_stays() {
    const SECRET: &str = "a secret that the test knows as well";
    let outage = Outage::with(PrivateDatabase::postgres(), &[("INKFAST_SECRET", SECRET)]).await;
    let form = outage.app.form(ACTIVITY).await.with("v.title", "Of long ago");
    let sealer = Keys::from_secret(&secret_from_text(SECRET)).versions;
    let version = form.value("_version").expect("a version");
    let version = sealer.open(b"", version).expect("it was sealed with this secret");
    let mut version: Value = serde_json::from_slice(&version).expect("a version is JSON");
    let days_46_ms = 46 * 24 * 60 * 60 * 1_000;
    version["i"] = (now_ms() - days_46_ms).into();
    let form = form.with("_version", &sealer.seal(b"", version.to_string().as_bytes()));
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &outage.app.cookie, &form).await;
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "admin").await;
    assert!(is_refused_as(&states, Outcome::Expired), "{states:?}");
    assert_eq!((titled(&outage, "Of long ago"), audited(&outage)), (0, 0));
    assert_eq!(drafts(&outage, "admin").await, ["Of long ago"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_account_goes_what_is_queued_of_it() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let cookie = app.signed_in_as("eda", Role::Editor).await;
    let page = app.request_as(&cookie, Method::GET, ACTIVITY, None, &[]).await;
    let form = DrawnForm::read(&page.body).with("v.title", "Of somebody who goes");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &cookie, &form).await;
    outage
        .database
        .query("UPDATE activity SET title = 'Theirs' WHERE id = 1");
    outage.proxy.set(Fault::Pass).await;
    assert!(is_refused_as(&settled(&outage, "eda").await, Outcome::Conflict));
    let removed = app.accounts().remove("eda", now_ms()).await;
    assert_eq!(removed.expect("the database is there"), Removing::Removed);
    let began = Instant::now();
    while !states(&outage, "eda").await.is_empty() {
        assert!(began.elapsed() < PATIENCE, "it is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(drafts(&outage, "eda").await.is_empty());
}

/// Once while it is at an entry, and once between two of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_neither_the_save_nor_those_that_wait_behind_it() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let [first, second] = [ACTIVITY, "/records/activity/2"].map(|path| app.form(path));
    let (first, second) = (first.await.with("v.title", "One"), second.await.with("v.title", "Two"));
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &app.cookie, &first).await;
    kept(&outage, &app.cookie, &second).await;
    let panics = Arc::new([AtomicBool::new(true), AtomicBool::new(true)]);
    let left = Arc::clone(&panics);
    app.services().drafts.waiting().on_cut(move |cut| {
        let at = [Cut::Leased, Cut::Acknowledged]
            .iter()
            .position(|panics| *panics == cut);
        if at.is_some_and(|at| left[at].swap(false, Ordering::SeqCst)) {
            panic!("a defect at {cut:?}");
        }
    });
    outage.proxy.set(Fault::Pass).await;
    let states = settled(&outage, "admin").await;
    assert!(
        matches!(states[..], [State::Done { .. }, State::Done { .. }]),
        "{states:?}"
    );
    assert!(
        panics.iter().all(|left| !left.load(Ordering::SeqCst)),
        "both were reached"
    );
    assert_eq!(
        (titled(&outage, "One"), titled(&outage, "Two"), audited(&outage)),
        (1, 1, 2)
    );
}

/// What waits was sealed with the old secret, in Redis; whoever opens it has another one by now.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_while_the_secret_is_changed_is_done_once() {
    let (database, redis) = (PrivateDatabase::postgres(), PrivateRedis::start().expect("Redis"));
    database.make_schema();
    let (url, redis_url) = (database.url(), redis.url());
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", redis_url.as_str()),
        ("RUST_LOG", "off"),
    ];
    let server = RunningServer::over(&settings).await;
    let form = server.form(ACTIVITY).await.expect("a form");
    let form = form.with("v.title", "Sealed before");
    database.kill();
    let answer = server.save(&form).await.expect("an answer");
    assert!(answer.server_retries, "{answer:?}");
    let rotated = server.command(&["secret", "rotate"]).status();
    assert!(rotated.expect("the program was built").success());
    server.kill();
    database.restart();
    server.start().await;
    database.until("SELECT count(*) FROM activity WHERE title = 'Sealed before'", "1");
    let mut again = server.save(&form).await.expect("an answer");
    while again.outcome == Outcome::InProgress {
        again = server.save(&form).await.expect("an answer");
    }
    assert_eq!((again.outcome, again.replayed), (Outcome::Saved, true), "{again:?}");
    assert_eq!(database.query("SELECT count(*) FROM inkfast.audit"), "1");
}
