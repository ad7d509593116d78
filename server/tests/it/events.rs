//! What open pages are told, and who is told nothing.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use fault_proxy::Fault;
use inkfast_server::auth::session::{IDLE_MS, Session};
use inkfast_server::clock::now_ms;
use private_servers::Lateness;
use resilient_core::submission::answer::Outcome;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::event_stream::EventStream;
use crate::support::running_server::RunningServer;
use crate::support::test_app::{Outage, TestApp};

const ACTIVITY: &str = "/records/activities/1";

async fn opens(app: &TestApp, cookie: &str, stream: &EventStream, form_keys: &[&str]) -> StatusCode {
    let mut pairs = vec![("stream".to_owned(), stream.token.clone())];
    pairs.extend(
        form_keys
            .iter()
            .map(|form_key| ("open".to_owned(), (*form_key).to_owned())),
    );
    app.post_as(cookie, "/api/presence", &pairs).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_who_it_is_what_the_condition_is_and_ticks() {
    let app = TestApp::embedded().await;
    let mut stream = EventStream::open(&app, &app.cookie).await;
    let header = |name: &str| stream.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(
        stream.until("status").await,
        json!({ "database": "up", "drafts": "server", "breaker": "closed", "retry_after_ms": null })
    );
    // The pause begins with the first tick, however late that is seen here.
    let started = Instant::now();
    stream.until("tick").await;
    stream.until("tick").await;
    assert!(
        started.elapsed() > Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signed_in_and_nobody_else_hears_anything() {
    let app = TestApp::embedded().await;
    for (cookie, query) in [
        ("", ""),
        ("inkfast=rubbish", ""),
        (app.cookie.as_str(), "?account=mira"),
    ] {
        let refused = EventStream::try_open(&app, cookie, query).await.err();
        assert_eq!(refused, Some(StatusCode::UNAUTHORIZED), "{cookie} {query}");
    }
    assert!(EventStream::try_open(&app, &app.cookie, "?account=admin").await.is_ok());

    let mira = app.signed_in_as("mira", Role::Superuser).await;
    let stream = EventStream::open(&app, &app.cookie).await;
    let as_another = opens(&app, &mira, &stream, &["activities/1"]).await;
    assert_eq!(as_another, StatusCode::NOT_FOUND, "a stream of somebody else");
    assert_eq!(opens(&app, "", &stream, &[]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_told_to_whoever_has_the_record_open() {
    let app = TestApp::embedded().await;
    let mira = app.signed_in_as("mira", Role::Viewer).await;
    let mut hers = EventStream::open(&app, &mira).await;
    let mut mine = EventStream::open(&app, &app.cookie).await;
    let mut elsewhere = EventStream::open(&app, &mira).await;
    assert_eq!(opens(&app, &mira, &hers, &["activities/1"]).await, StatusCode::OK);
    assert_eq!(opens(&app, &app.cookie, &mine, &["activities/1"]).await, StatusCode::OK);
    assert_eq!(opens(&app, &mira, &elsewhere, &["activities/2"]).await, StatusCode::OK);
    elsewhere.said_in_a_second().await;

    let form = app.form(ACTIVITY).await.with("v.title", "Saved beside others");
    let id = form.value("_id").expect("an id").to_owned();
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    let told = json!({ "table": "activities", "key": "1", "by": "admin" });
    assert_eq!(hers.until("record").await, told);
    let own = json!({ "table": "activities", "key": "1", "by": "admin", "id": id });
    assert_eq!(mine.until("record").await, own, "her own pages know which");
    let said = elsewhere.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");

    // The same answer again, and a save that changes nothing, are no news.
    hers.said_in_a_second().await;
    assert!(app.save(&form).await.1.replayed);
    assert_eq!(app.save(&app.form(ACTIVITY).await).await.1.outcome, Outcome::Saved);
    let said = hers.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");
}

/// The database does what it is told and its answer is lost: whenever that comes out, others hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_is_found_done_is_told_as_any_other() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let mira = app.signed_in_as("mira", Role::Viewer).await;
    let mut hers = EventStream::open(app, &mira).await;
    assert_eq!(opens(app, &mira, &hers, &["activity/1"]).await, StatusCode::OK);
    let cut = Fault::CutAfterForwarding {
        pattern: b"COMMIT".to_vec(),
        times: 1,
    };

    // Found out by the server itself, within the same press of Save.
    let form = app.form("/records/activity/1").await.with("v.title", "Found at once");
    outage.proxy.set(cut.clone()).await;
    let (_, answer) = app.save(&form).await;
    assert_eq!((answer.outcome, answer.replayed), (Outcome::Saved, false));
    assert!(outage.proxy.counters().cut > 0, "the answer was lost");
    let told = json!({ "table": "activity", "key": "1", "by": "admin" });
    assert_eq!(hers.until("record").await, told);

    // Found out by the next press, as the database stays away until nobody waits any more.
    outage.proxy.set(Fault::Pass).await;
    let form = app.form("/records/activity/1").await.with("v.title", "Found later");
    let before = outage.proxy.counters().cut;
    outage.proxy.set(cut).await;
    let away = async {
        while outage.proxy.counters().cut == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        outage.proxy.set(Fault::Cut).await;
    };
    let ((_, answer), ()) = tokio::join!(app.save(&form), away);
    assert_eq!(
        (answer.outcome, answer.reason.as_deref()),
        (Outcome::Kept, Some("unknown"))
    );
    outage.proxy.set(Fault::Pass).await;
    let begun = Instant::now();
    loop {
        let (_, answer) = app.save(&form).await;
        if answer.outcome == Outcome::Saved {
            assert!(answer.replayed, "it was done the first time");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(hers.until("record").await, told);
    // And never again.
    hers.said_in_a_second().await;
    assert!(app.save(&form).await.1.replayed);
    let said = hers.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_a_submission_is_told_to_its_own_account() {
    let app = TestApp::embedded().await;
    let mira = app.signed_in_as("mira", Role::Superuser).await;
    let mut mine = EventStream::open(&app, &app.cookie).await;
    let mut hers = EventStream::open(&app, &mira).await;
    hers.said_in_a_second().await;
    let form = app.form(ACTIVITY).await.with("v.title", "");
    let id = form.value("_id").expect("an id").to_owned();
    let (_, answer) = app.save(&form).await;
    assert_eq!(
        mine.until("submission").await,
        json!({ "id": id, "outcome": answer.outcome.code() })
    );
    let form = app.form(ACTIVITY).await.with("v.title", "Mine");
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(mine.until("submission").await["outcome"], "saved");
    let said = hers.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_comes_with_the_record_and_goes_with_the_stream() {
    let app = TestApp::embedded().await;
    let mira = app.signed_in_as("mira", Role::Superuser).await;
    let mut mine = EventStream::open(&app, &app.cookie).await;
    let hers = EventStream::open(&app, &mira).await;
    opens(&app, &app.cookie, &mine, &["activities/1"]).await;
    assert_eq!(mine.until("presence").await["who"], json!(["admin"]));
    // What is no table, no key or no record is nothing that anybody has open.
    opens(
        &app,
        &mira,
        &hers,
        &["nothing/1", "activities/new-1", "activities", "activities/1"],
    )
    .await;
    assert_eq!(
        mine.until("presence").await,
        json!({ "table": "activities", "key": "1", "who": ["admin", "mira"] })
    );
    opens(&app, &mira, &hers, &[]).await;
    assert_eq!(mine.until("presence").await["who"], json!(["admin"]));
    opens(&app, &mira, &hers, &["activities/1"]).await;
    assert_eq!(mine.until("presence").await["who"], json!(["admin", "mira"]));
    drop(hers);
    assert_eq!(mine.until("presence").await["who"], json!(["admin"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_session_and_with_the_account() {
    let app = TestApp::embedded().await;
    let mut stream = EventStream::open(&app, &app.cookie).await;
    stream.until("tick").await;
    app.post_as(&app.cookie, "/logout", &[]).await;
    // Whether it still counts is asked at each tick; one may have been on its way.
    let ticks = stream.ends().await;
    assert!(ticks <= 2, "{ticks} ticks after signing out");

    let mira = app.signed_in_as("mira", Role::Superuser).await;
    let mut stream = EventStream::open(&app, &mira).await;
    stream.until("tick").await;
    assert!(app.accounts().disable("mira").await.expect("the database is there"));
    app.services().auth.refresh().await.expect("the accounts");
    let ticks = stream.ends().await;
    assert!(ticks <= 2, "{ticks} ticks after it was known");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_does_not_keep_its_session_alive() {
    let app = TestApp::embedded().await;
    let auth = &app.services().auth;
    let value = app.cookie.strip_prefix("inkfast=").expect("the session's cookie");
    let session = auth.open_session(value).expect("a session");
    let seen = |ago_ms: u64| Session {
        seen_at_ms: now_ms() - ago_ms,
        ..session.clone()
    };
    let cookie = |session: &Session| format!("inkfast={}", auth.seal_session(session));

    let idle = cookie(&seen(10 * 60 * 1_000));
    let stream = EventStream::open(&app, &idle).await;
    assert!(!stream.headers.contains_key(SET_COOKIE));
    let presence = app
        .post_as(&idle, "/api/presence", &[("stream".to_owned(), stream.token.clone())])
        .await;
    assert_eq!(presence.status, StatusCode::OK);
    assert!(!presence.headers.contains_key(SET_COOKIE));

    // Long enough to be opened on a busy machine.
    let mut stream = EventStream::open(&app, &cookie(&seen(IDLE_MS - 8_000))).await;
    let ticks = stream.ends().await;
    assert!(ticks <= 12, "{ticks} ticks in the eight seconds it had left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_database_is_told_as_soon_as_the_server_knows() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let mut stream = EventStream::open(app, &app.cookie).await;
    assert_eq!(stream.until("status").await["database"], "up");
    for (fault, word, breaker) in [(Fault::Cut, "down", "open"), (Fault::Pass, "up", "closed")] {
        let broken = Instant::now();
        outage.proxy.set(fault).await;
        let known = async {
            let down = word == "down";
            while app.get("/readyz").await.status.is_success() == down {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Instant::now()
        };
        let told = async {
            let status = stream.until_one("status", |status| status["database"] == word).await;
            (Instant::now(), status)
        };
        // Ticks as long as the pause between two looks at the condition.
        let both = Lateness::during(async { tokio::join!(known, told) });
        let ((known, (told, status)), late) = both.await;
        assert_eq!(status["breaker"], breaker);
        assert_eq!(status["retry_after_ms"].is_null(), word == "up");
        println!(
            "{word}: known {:?} after, told {:?} after, the machine was late by {late:?}",
            known - broken,
            told - broken
        );
        let after = told.saturating_duration_since(known);
        assert!(after < Duration::from_millis(250) + late, "{after:?}, late {late:?}");
        assert!(told - broken < Duration::from_secs(3) + late, "late {late:?}");
    }
}

/// The program itself, told to stop while a page listens.
#[tokio::test(flavor = "multi_thread")]
async fn open_streams_do_not_hold_up_the_end() {
    let server = RunningServer::over_sqlite("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)").await;
    let mut heard = BufReader::new(server.begin("/events").await).lines();
    while heard.next_line().await.expect("a way").expect("a stream") != "event: tick" {}

    let (told, lateness) = (Instant::now(), Lateness::watch());
    let ended = tokio::task::block_in_place(|| server.terminate());
    let (took, late) = (told.elapsed(), lateness.together());
    assert!(ended.success(), "{ended}");
    assert!(took < Duration::from_secs(5) + late, "{took:?}, late {late:?}");
    while let Ok(Some(_)) = heard.next_line().await {}
}
