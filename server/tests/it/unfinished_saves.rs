//! Whatever stops a save on its way, what was typed is a draft.

use std::time::{Duration, Instant};

use app::auth::model::{Account, Role};
use app::records::port::SubmissionState;
use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, post};
use inkfast_server::http::{form_capture, visitor};
use resilient_core::submission::answer::Outcome;
use tokio::time::timeout;
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
        self.post_to(RECORD, controls, headers).await
    }

    async fn post_to(&self, url: &str, controls: &[(String, String)], headers: &[(&str, &str)]) -> Answered {
        let request = self.app.built(Method::POST, url, Some(controls), headers);
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

impl TestApp {
    /// Nothing is unsaved by now, or soon.
    async fn until_nothing_is_unsaved(&self) {
        let begun = Instant::now();
        loop {
            let page = self.get("/drafts").await.body;
            if page.contains("Nothing is waiting") {
                return;
            }
            assert!(begun.elapsed() < LONG, "{page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// As it came in, for the whole way once more.
fn anew(request: Request) -> Request {
    let (mut parts, body) = request.into_parts();
    parts.extensions.clear();
    Request::from_parts(parts, body)
}

/// Does the save with all that is around it, and never says so.
fn saves_and_panics(app: &TestApp) -> MethodRouter {
    let router = app.router();
    post(async move |request: Request| -> StatusCode {
        let answer = router.oneshot(anew(request)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        panic!("after it was saved")
    })
}

/// What is stored is not what was posted: nobody can tell by the record that it was saved.
async fn trims_titles(database: &mut sqlx::SqliteConnection) {
    let trims = "CREATE TRIGGER trims AFTER UPDATE OF title ON activities BEGIN
                     UPDATE activities SET title = trim(NEW.title) WHERE id = NEW.id; END";
    sqlx::query(trims).execute(database).await.expect("the trigger");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_just_before_it_was_kept_is_no_unsaved_work() {
    let app = TestApp::embedded().await;
    trims_titles(&mut app.witness().await).await;
    let form = app.form(RECORD).await.with("v.title", "  Saved in the last moment");
    let broken = Broken::over(&app, saves_and_panics(&app), LONG);
    let answer = broken.post(&form.controls, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["draft-kept"], "server");
    app.until_nothing_is_unsaved().await;
    let again = app.form(RECORD).await;
    assert_eq!(
        (again.state.as_str(), again.value("v.title")),
        ("clean", Some("Saved in the last moment"))
    );
    // Another text under the same id was not saved.
    let other = form.with("v.title", "Never saved");
    let panicking = Broken::over(&app, post(panics), LONG);
    let answer = panicking.post(&other.controls, &[]).await;
    assert_eq!(answer.headers["draft-kept"], "server");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let page = app.get("/drafts").await.body;
    assert!(!page.contains("Nothing is waiting"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_just_after_it_was_kept_is_no_unsaved_work() {
    let app = TestApp::embedded().await;
    let mut other = app.witness().await;
    trims_titles(&mut other).await;
    let form = app.form(RECORD).await.with("v.title", "  Saved late");
    let id = form.value("_id").expect("an id").to_owned();
    let account = Account {
        name: "admin".to_owned(),
        role: Role::Superuser,
    };
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("the lock");
    let (router, services) = (app.router(), app.services().clone());
    let given_up = post(async move |request: Request| -> StatusCode {
        let working = async {
            // Whether it is worked on is told at once; whether it was saved only when the lock is gone.
            let asked = || timeout(Duration::from_millis(50), services.records.submission(&account, &id));
            while !matches!(asked().await, Ok(Ok(Some(SubmissionState::InProgress)))) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            answer = router.oneshot(anew(request)) => answer.expect("an answer").status(),
            () = working => panic!("while it is worked on"),
        }
    });
    let answer = Broken::over(&app, given_up, LONG).post(&form.controls, &[]).await;
    assert_eq!(answer.headers["draft-kept"], "server");
    assert!(!app.get("/drafts").await.body.contains("Nothing is waiting"));
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("it is let go");
    app.until_nothing_is_unsaved().await;
    assert_eq!(app.form(RECORD).await.value("v.title"), Some("Saved late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_not_kept_are_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("records.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = sqlx::ConnectOptions::connect(&options.create_if_missing(true))
        .await
        .expect("the file");
    let made = "CREATE TABLE locks (id INTEGER PRIMARY KEY, place TEXT, pin TEXT);
                INSERT INTO locks (place) VALUES ('gate')";
    sqlx::raw_sql(made).execute(&mut connection).await.expect("the table");
    let url = format!("sqlite:{}", path.display());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    let form = app.form("/records/locks/1").await;
    let form = form.with("v.place", "shed").with("v.pin", "canary-4711");
    let broken = Broken::over(&app, post(panics), LONG);
    let answer = broken.post_to("/records/locks/1", &form.controls, &[]).await;
    assert_eq!(answer.headers["draft-kept"], "server");
    assert!(
        answer.body.contains("but for Pin: that is never kept") && !answer.body.contains("canary"),
        "{}",
        answer.body
    );
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
