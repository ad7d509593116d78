//! Whatever stops a save on its way, what was typed is a draft.

use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, post};
use inkfast_server::http::{form_capture, visitor};
use resilient_core::submission::answer::Outcome;
use tower::ServiceExt;

use crate::support::test_app::{Answered, TestApp};

const RECORD: &str = "/records/activities/1";
const JSON: [(&str, &str); 1] = [("accept", "application/json")];

/// The way of a form through what the server puts around it, to a handler that does not do its work.
struct Broken<'a> {
    app: &'a TestApp,
    routes: Router,
}

impl<'a> Broken<'a> {
    fn over(app: &'a TestApp, handler: MethodRouter, limit: Duration) -> Self {
        let services = app.services();
        let routes = Router::new()
            .route("/records/{table}/{key}", handler)
            .layer(
                form_capture::layer(services)
                    .within(limit)
                    .patience(Duration::from_secs(30)),
            )
            .layer(from_fn_with_state(services.clone(), visitor::identify));
        Self { app, routes }
    }

    async fn post(&self, controls: &[(String, String)], headers: &[(&str, &str)]) -> Answered {
        let request = self.app.built(Method::POST, RECORD, Some(controls), headers);
        Answered::read(self.routes.clone().oneshot(request).await.expect("an answer")).await
    }
}

async fn panics() -> StatusCode {
    panic!("nobody has foreseen this")
}

async fn never() -> StatusCode {
    std::future::pending().await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_save_route_leaves_what_was_typed() {
    let app = TestApp::embedded().await;
    let form = app.form(RECORD).await.with("v.title", "Typed before the panic");
    let answer = Broken::over(&app, post(panics), LONG).post(&form.controls, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.retry_after().is_some());
    assert_eq!(answer.headers["draft-kept"], "server");
    assert!(answer.body.contains("kept on the server"), "{}", answer.body);
    let again = app.form(RECORD).await;
    assert_eq!(
        again.value("v.title"),
        Some("Typed before the panic"),
        "its form has it"
    );
    assert_eq!(again.state, "dirty");
    let page = app.get("/drafts").await.body;
    assert!(page.contains("Not saved yet") && page.contains("panic"), "{page}");
    // Only what was changed is in it.
    assert_eq!(page.matches("class=\"difference-mine\"").count(), 1, "{page}");
    let saved = app.post(&again).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert!(
        app.get("/drafts").await.body.contains("Nothing is waiting"),
        "the save has ended it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_s_script_is_told_that_nobody_knows_and_sends_it_again_under_the_same_id() {
    let app = TestApp::embedded().await;
    let form = app.form(RECORD).await.with("v.title", "By script");
    let form = form.with("_seq", "3").with("_writer", "page-1");
    let answer = Broken::over(&app, post(never), Duration::from_millis(20))
        .post(&form.controls, &JSON)
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let told = answer.answer();
    assert_eq!(told.outcome, Outcome::Kept);
    assert_eq!(
        (told.reason.as_deref(), told.kept_in.as_deref()),
        (Some("unknown"), Some("server"))
    );
    assert_eq!(
        (told.seq, told.writer.as_str()),
        (3, "page-1"),
        "it is the page's own draft"
    );
    let (status, saved) = app.save(&form).await;
    assert_eq!((status, saved.outcome), (StatusCode::OK, Outcome::Saved));
    assert!(app.get("/drafts").await.body.contains("Nothing is waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_somebody_else_is_kept_for_nobody() {
    let app = TestApp::embedded().await;
    let form = app
        .form(RECORD)
        .await
        .with("v.title", "Not mine")
        .with("_account", "somebody");
    let answer = Broken::over(&app, post(panics), LONG).post(&form.controls, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["draft-not-kept"], "nothing-to-keep");
    assert!(app.get("/drafts").await.body.contains("Nothing is waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_outlasts_every_limit_leaves_what_was_typed() {
    let app = TestApp::embedded().await;
    let form = app.form(RECORD).await.with("v.title", "Typed while it was locked");
    let mut other = app.witness().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("the lock");
    let answer = app.post(&form).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    let page = app.get("/drafts").await.body;
    assert!(
        page.contains("Waiting to be saved") && page.contains("locked"),
        "{page}"
    );
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("it is let go");
    let again = app.form(RECORD).await;
    assert_eq!(again.value("v.title"), Some("Typed while it was locked"));
    let mut saved = app.post(&again).await;
    for _ in 0..100 {
        if saved.status == StatusCode::SEE_OTHER {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        saved = app.post(&again).await;
    }
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert!(app.get("/drafts").await.body.contains("Nothing is waiting"));
}
