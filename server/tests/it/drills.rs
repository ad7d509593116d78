//! Outages on purpose: not there unless asked for, and then survived like real ones.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;

use crate::support::test_app::TestApp;

const PAGE: &str = "/monitoring/drills";
const STOP: &str = "/monitoring/drills/stop";
const RECORD: &str = "/records/activities/1";

fn drill(kind: &str, seconds: &str) -> Vec<(String, String)> {
    [("kind", kind), ("seconds", seconds)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn start(app: &TestApp, kind: &str, seconds: &str) -> StatusCode {
    let form = drill(kind, seconds);
    app.request(Method::POST, PAGE, Some(&form), &[]).await.status
}

async fn until_ready(app: &TestApp) {
    let begun = Instant::now();
    while app.get("/readyz").await.status != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(60), "not ready again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Histories are left out while the database is in trouble, and shortly after.
async fn history(app: &TestApp) -> usize {
    let begun = Instant::now();
    loop {
        let page = app.get("/records/activities/1/history").await;
        if page.status == StatusCode::OK {
            return page.body.matches("history-entry").count();
        }
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", page.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_there_are_no_drills_for_anybody() {
    let app = TestApp::embedded().await;
    assert_eq!(app.get(PAGE).await.status, StatusCode::NOT_FOUND);
    assert_eq!(start(&app, "refuse", "5").await, StatusCode::NOT_FOUND);
    assert_eq!(
        app.request(Method::POST, STOP, None, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let begun = app.post_json("/api/drills", r#"{"kind":"refuse","seconds":5}"#).await;
    assert_eq!(begun.status, StatusCode::NOT_FOUND, "{}", begun.body);
    for page in ["/", RECORD, "/monitoring", "/login"] {
        assert!(!app.get(page).await.body.contains("drills-banner"), "{page}");
    }
    assert_eq!(
        app.get("/readyz").await.status,
        StatusCode::OK,
        "nothing was made to fail"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_during_a_drill_is_kept_and_done_once_when_it_is_over() {
    // It is about the page's own second try, which the server's might be ahead of.
    let app = TestApp::with(&[("INKFAST_DRILLS", "1"), ("INKFAST_REPLAY_PER_SECOND", "0")]).await;
    for page in ["/", RECORD, "/monitoring", "/login", "/records/no_such_table"] {
        let drawn = app.get(page).await;
        assert!(drawn.body.contains(r#"data-drills="on""#), "{page}: {}", drawn.body);
    }
    for kind in ["refuse", "hang", "deadlock", "readonly", "full"] {
        let title = format!("Typed in the drill {kind}");
        let form = app.form(RECORD).await.with("v.title", &title);
        assert_eq!(start(&app, kind, "60").await, StatusCode::SEE_OTHER);
        let (status, answer) = app.save(&form).await;
        assert_eq!(
            (status, answer.outcome, answer.kept_in.as_deref()),
            (StatusCode::SERVICE_UNAVAILABLE, Outcome::Kept, Some("server")),
            "{kind}"
        );
        let during = app.get(PAGE).await;
        assert_eq!(during.status, StatusCode::OK, "the way to stop it is there");
        assert!(during.body.contains(&format!(r#"data-drills="{kind}""#)));

        let stopped = app.request(Method::POST, STOP, None, &[]).await;
        assert_eq!(stopped.status, StatusCode::SEE_OTHER);
        until_ready(&app).await;
        let report = app.get(PAGE).await.body;
        assert!(report.contains("The last drill"), "{report}");
        assert!(
            report.contains("Answers that a save is kept</dt><dd>1</dd>"),
            "{report}"
        );
        assert!(report.contains("Forms still waiting now</dt><dd>1</dd>"), "{report}");
        let before = history(&app).await;
        let (_, saved) = app.save(&form).await;
        assert_eq!((saved.outcome, saved.replayed), (Outcome::Saved, false), "{kind}");
        let (_, again) = app.save(&form).await;
        assert_eq!((again.outcome, again.replayed), (Outcome::Saved, true), "{kind}");
        assert_eq!(app.form(RECORD).await.value("v.title"), Some(title.as_str()));
        let after = history(&app).await;
        assert_eq!(after, before + 1, "{kind}: changed once");
        let report = app.get(PAGE).await.body;
        assert!(report.contains("Forms still waiting now</dt><dd>0</dd>"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_ends_by_itself_and_lasts_no_longer_than_two_minutes() {
    let app = TestApp::with(&[("INKFAST_DRILLS", "1")]).await;
    for seconds in ["0", "121", "-1", "1e3", ""] {
        assert_eq!(
            start(&app, "refuse", seconds).await,
            StatusCode::BAD_REQUEST,
            "{seconds}"
        );
    }
    assert_eq!(start(&app, "explode", "5").await, StatusCode::BAD_REQUEST);
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK, "none of these began");

    // Longer than the next page takes on a busy machine.
    assert_eq!(start(&app, "refuse", "10").await, StatusCode::SEE_OTHER);
    let meanwhile = app.get(RECORD).await.status;
    assert_eq!(meanwhile, StatusCode::SERVICE_UNAVAILABLE, "it is refused meanwhile");
    until_ready(&app).await;
    assert_eq!(app.get(RECORD).await.status, StatusCode::OK);
    let begun = Instant::now();
    while !app.get(PAGE).await.body.contains("The last drill") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no report");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drills_are_for_staff_and_for_our_own_pages() {
    let app = TestApp::with(&[("INKFAST_DRILLS", "1")]).await;
    let form = drill("refuse", "60");
    for (name, role) in [("eva", Role::Editor), ("vic", Role::Viewer)] {
        let cookie = app.signed_in_as(name, role).await;
        for path in [PAGE, STOP] {
            let refused = app.request_as(&cookie, Method::POST, path, Some(&form), &[]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name} {path}");
        }
    }
    let elsewhere = [("sec-fetch-site", "cross-site")];
    let refused = app.request(Method::POST, PAGE, Some(&form), &elsewhere).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    assert!(
        app.get("/").await.body.contains(r#"data-drills="on""#),
        "no drill began"
    );
}
