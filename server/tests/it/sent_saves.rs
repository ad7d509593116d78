//! What becomes of saves that the server sends by itself, and how their people are told.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use crate::support::drawn_form::DrawnForm;
use crate::support::event_stream::EventStream;
use crate::support::test_app::{Answered, Outage};

const ACTIVITY: &str = "/records/activity/1";
const PATIENCE: Duration = Duration::from_secs(60);
/// Of the notice in the frame of every page.
const NOTICE: &str = "data-sent=";
const ATTENTION: &str = "badge-attention";

/// Presses Save while the database is away; the press's id.
async fn kept(outage: &Outage, cookie: &str, form: &DrawnForm) -> String {
    let json = [("accept", "application/json")];
    let answered = outage
        .app
        .request_as(cookie, Method::POST, &form.action, Some(&form.controls), &json)
        .await;
    let answer = answered.answer();
    assert!(answer.outcome == Outcome::Kept && answer.server_retries, "{answer:?}");
    form.value("_id").expect("an id").to_owned()
}

async fn get(outage: &Outage, cookie: &str, path: &str) -> String {
    let answered = outage.app.request_as(cookie, Method::GET, path, None, &[]).await;
    assert_eq!(answered.status, StatusCode::OK, "{path}: {}", answered.body);
    answered.body
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The database is back, and nothing of this account waits any more.
async fn back_and_settled(outage: &Outage, account: &str) {
    outage.proxy.set(Fault::Pass).await;
    until("all that waits is sent", async || {
        let listed = outage.app.services().drafts.waiting().list(account).await;
        !listed
            .expect("the queue")
            .entries
            .iter()
            .any(|entry| entry.is_waiting())
    })
    .await;
}

async fn status(outage: &Outage) -> Value {
    data(&outage.app.get("/admin/connection-status").await)
}

fn data(answered: &Answered) -> Value {
    let envelope: Value = serde_json::from_str(&answered.body).expect("JSON");
    envelope["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_meanwhile_is_told_on_every_page_until_that_is_closed() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let mira = app.signed_in_as("mira", Role::Editor).await;
    let form = app.form(ACTIVITY).await.with("v.title", "Saved meanwhile");
    outage.proxy.set(Fault::Cut).await;
    let id = kept(&outage, &app.cookie, &form).await;
    let drafts = get(&outage, &app.cookie, "/drafts").await;
    assert!(
        drafts.contains("It will be saved when the database is back; you may close this page."),
        "{drafts}"
    );
    assert!(
        drafts.contains(r#"action="/drafts/retry""#) && !drafts.contains(NOTICE),
        "{drafts}"
    );

    back_and_settled(&outage, "admin").await;
    // Whoever signs in again, with another browser, is told, too.
    let cookie = app
        .sign_in("admin", crate::support::test_app::PASSWORD)
        .await
        .expect("admin");
    for cookie in [&app.cookie, &cookie] {
        let home = get(&outage, cookie, "/").await;
        assert!(
            home.contains("While you were away: 1 change of yours was saved."),
            "{home}"
        );
        assert!(home.contains(&format!("{ACTIVITY}?told={id}")), "{home}");
        assert!(!home.contains(ATTENTION), "nothing is left to do");
    }
    assert!(
        !get(&outage, &mira, "/").await.contains(NOTICE),
        "that is nobody else's"
    );
    let seen = [
        ("id".to_owned(), id),
        ("next".to_owned(), "/records/activity?q=a".to_owned()),
    ];
    app.post_as(&mira, "/drafts/seen", &seen).await;
    assert!(
        get(&outage, &cookie, ACTIVITY).await.contains(NOTICE),
        "nor to be closed by anybody else"
    );
    let closed = app.post_as(&cookie, "/drafts/seen", &seen).await;
    assert_eq!(
        (closed.status, closed.location()),
        (StatusCode::SEE_OTHER, "/records/activity?q=a")
    );
    assert!(!get(&outage, &cookie, "/").await.contains(NOTICE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_met_while_away_is_told_and_stays_among_unsaved_work_until_it_is_seen_to() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app.form(ACTIVITY).await.with("v.title", "Mine");
    outage.proxy.set(Fault::Cut).await;
    let id = kept(&outage, &app.cookie, &form).await;
    outage
        .database
        .query("UPDATE activity SET title = 'Theirs' WHERE id = 1");
    back_and_settled(&outage, "admin").await;

    let home = get(&outage, &app.cookie, "/").await;
    assert!(
        home.contains("While you were away: 1 change of yours was not saved."),
        "{home}"
    );
    assert!(
        home.contains("Somebody else has changed the same field since."),
        "{home}"
    );
    assert!(home.contains(ATTENTION), "{home}");
    let [waiting, attention] = ["waiting", "needs_attention"].map(|name| name.to_owned());
    let told = status(&outage).await;
    assert_eq!(
        (&told[&waiting], &told[&attention][0]["why"]),
        (&json!([]), &json!("conflict"))
    );

    // The link leads to the form, with what was typed beside what is there.
    let page = get(&outage, &app.cookie, &format!("{ACTIVITY}?told={id}")).await;
    assert!(page.contains("Mine") && page.contains("Theirs"), "{page}");
    let drafts = get(&outage, &app.cookie, "/drafts").await;
    assert!(!drafts.contains(NOTICE), "it was seen");
    assert!(
        drafts.contains(r#"data-draft-state="decision""#) && drafts.contains(ATTENTION),
        "{drafts}"
    );

    let discard = ["form_key", "seq", "writer"].map(str::to_owned).into_iter().zip([
        "activity/1".to_owned(),
        form.value("_seq").expect("a revision").to_owned(),
        form.value("_writer").expect("a writer").to_owned(),
    ]);
    let discarded = app
        .post_as(&app.cookie, "/drafts/discard", &discard.collect::<Vec<_>>())
        .await;
    assert_eq!(discarded.status, StatusCode::SEE_OTHER, "{}", discarded.body);
    assert!(!get(&outage, &app.cookie, "/drafts").await.contains(ATTENTION));
    assert_eq!(status(&outage).await[&attention], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_is_told_at_once_asks_once_and_then_no_notice_has_to_say_it() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let mut page = EventStream::open(app, &app.cookie).await;
    let form = app.form(ACTIVITY).await.with("v.title", "Done for an open page");
    outage.proxy.set(Fault::Cut).await;
    let id = kept(&outage, &app.cookie, &form).await;
    let waiting = status(&outage).await["waiting"].take();
    assert_eq!(
        (&waiting[0]["id"], &waiting[0]["server_retries"], &waiting[1]),
        (&json!(id), &json!(true), &Value::Null),
        "{waiting}"
    );
    back_and_settled(&outage, "admin").await;
    let told = page.until_one("submission", |told| told["outcome"] == "saved").await;
    assert_eq!(told["id"], id.as_str());
    assert_eq!(status(&outage).await["waiting"], json!([]));
    let answer = app.get(&format!("/api/submissions/{id}")).await.answer();
    assert_eq!(answer.outcome, Outcome::Saved);
    assert!(!get(&outage, &app.cookie, "/").await.contains(NOTICE));
    let audited = format!("SELECT count(*) FROM {}", outage.database.own("audit"));
    assert_eq!(outage.count(&audited), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_made_meanwhile_is_led_to_by_its_form() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let new = app.get("/records/activity/new").await;
    let address = new.location().to_owned();
    let form = app.form(&address).await.with("v.title", "Made meanwhile");
    outage.proxy.set(Fault::Cut).await;
    let id = kept(&outage, &app.cookie, &form).await;
    back_and_settled(&outage, "admin").await;
    let link = format!("{address}&told={id}");
    let home = get(&outage, &app.cookie, "/").await;
    assert!(home.contains(&link.replace('&', "&amp;")), "{home}");
    let led = app.get(&link).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.body);
    let made = get(&outage, &app.cookie, led.location()).await;
    assert!(made.contains("Made meanwhile") && !made.contains(NOTICE), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_whose_saves_could_not_be_done_and_why_and_nothing_that_was_typed() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let eda = app.signed_in_as("eda", Role::Editor).await;
    let form = DrawnForm::read(&get(&outage, &eda, ACTIVITY).await).with("v.title", "Only Eda's");
    outage.proxy.set(Fault::Cut).await;
    kept(&outage, &eda, &form).await;
    let off = format!(
        "UPDATE {} SET disabled = true WHERE name = 'eda'",
        outage.database.own("account")
    );
    outage.database.query(&off);
    back_and_settled(&outage, "eda").await;
    // Has what waits looked at now, instead of within half a minute.
    app.request(Method::POST, "/admin/retry-operations", None, &[]).await;
    until("those who watch are told", async || {
        get(&outage, &app.cookie, "/monitoring").await.contains("account off")
    })
    .await;
    let page = get(&outage, &app.cookie, "/monitoring").await;
    assert!(page.contains(">eda<") && page.contains("1 needs attention"), "{page}");
    assert!(!page.contains("Only Eda"), "{page}");
    let detailed = data(&app.get("/health/detailed").await)["replay"].take();
    let expected = json!({
        "works": true, "waiting": 0, "oldest_pressed_unix_ms": null, "needs_attention": 1, "dead": 0,
        "out_of_sight_since_unix_ms": null,
    });
    assert_eq!(detailed, expected);
}
