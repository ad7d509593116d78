//! While the database is in trouble, what can wait is left out and saving goes on: by itself, and by hand.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use inkfast_server::http::routes::{Need, ROUTES};
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use crate::support::test_app::{Outage, TestApp};

const HISTORY: &str = "/records/activity/1/history";
const ENTER: &str = "/api/degradation/enter";
const RESET: &str = "/api/degradation/reset";
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(what: &str, is_it: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_it().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn degradation(app: &TestApp) -> Value {
    let answer = app.get("/api/database/status").await;
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"]["degradation"].take()
}

/// What is essential is answered, whatever it says; `503` with the words of degraded mode is not an answer.
async fn essential_pages_go_on(app: &TestApp) {
    for path in [
        "/",
        "/records/activity",
        "/records/activity/1",
        "/drafts",
        "/login",
        "/monitoring",
        "/health",
    ] {
        let page = app.get(path).await;
        assert!(!page.body.contains("left out for the moment"), "{path}: {}", page.body);
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_changes_is_read_but_not_for_what_can_wait() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    assert_eq!(degradation(app).await, json!({ "active": false }));
    assert_eq!(app.get(HISTORY).await.status, StatusCode::OK);
    outage.database.take_changes(false);
    until("it is entered", async || degradation(app).await["active"] == true).await;
    assert_eq!(degradation(app).await["cause"], "no_changes_taken");
    let left_out = app.get(HISTORY).await;
    assert_eq!(left_out.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(left_out.retry_after().is_some());
    assert!(left_out.body.contains("left out for the moment"), "{}", left_out.body);
    essential_pages_go_on(app).await;
    let form = app.form("/records/activity/1").await.with("v.title", "Typed meanwhile");
    assert_eq!(
        app.save(&form).await.1.outcome,
        Outcome::Kept,
        "a save is taken and kept"
    );
    let page = app.get("/monitoring").await;
    assert!(page.body.contains("the database takes no changes"), "{}", page.body);
    let detailed: Value = serde_json::from_str(&app.get("/health/detailed").await.body).expect("JSON");
    assert_eq!(detailed["data"]["degradation"]["by"], "itself");

    outage.database.take_changes(true);
    until("it is left", async || degradation(app).await["active"] == false).await;
    assert_eq!(app.get(HISTORY).await.status, StatusCode::OK);
    until("the save is done", async || {
        app.save(&form).await.1.outcome == Outcome::Saved
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_degrades_by_itself_and_staff_can_end_it() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    outage.proxy.set(Fault::Cut).await;
    until("it is entered", async || degradation(app).await["active"] == true).await;
    assert_eq!(app.get(HISTORY).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let reset = app.request(Method::POST, RESET, None, &[]).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        degradation(app).await["active"],
        false,
        "not again for the same trouble"
    );
    let page = app.get(HISTORY).await;
    assert!(
        !page.body.contains("left out for the moment"),
        "the database itself is asked: {}",
        page.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_enter_it_for_a_while_with_a_reason_and_others_do_not() {
    let app = TestApp::with(&[("INKFAST_API_TOKEN", "a token of sixteen and more")]).await;
    let history = "/records/activities/1/history";
    let wrong = [
        r#"{"reason":"","seconds":60}"#,
        r#"{"reason":"moving"}"#,
        r#"{"reason":"moving","seconds":0}"#,
        r#"{"reason":"moving","seconds":86401}"#,
        "",
    ];
    for body in wrong {
        assert_eq!(
            app.post_json(ENTER, body).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    let (viewer, staff) = (
        app.signed_in_as("vic", Role::Viewer).await,
        app.signed_in_as("sam", Role::Staff).await,
    );
    for path in [ENTER, RESET, "/monitoring/steer"] {
        let refused = app.request_as(&viewer, Method::POST, path, None, &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(degradation(&app).await["active"], false);

    let entered = app
        .post_json(ENTER, r#"{"reason":"The <disk> is changed","seconds":60}"#)
        .await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    let now = degradation(&app).await;
    assert_eq!(
        (&now["by"], &now["reason"]),
        (&"admin".into(), &"The <disk> is changed".into())
    );
    assert_eq!(app.get(history).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        app.request_as("", Method::GET, history, None, &[]).await.status,
        StatusCode::SEE_OTHER
    );
    let health: Value = serde_json::from_str(&app.get("/health").await.body).expect("JSON");
    assert_eq!(health["status"], "degraded");
    let page = app.request_as(&staff, Method::GET, "/monitoring", None, &[]).await;
    assert!(page.body.contains("by admin"), "{}", page.body);
    assert!(page.body.contains("The &lt;disk&gt; is changed"), "{}", page.body);
    let token = [("authorization", "Bearer a token of sixteen and more")];
    let metrics = app.request_as("", Method::GET, "/metrics", None, &token).await;
    assert!(metrics.body.contains("inkfast_degraded"), "{}", metrics.body);
    let form = app
        .form("/records/activities/1")
        .await
        .with("v.title", "Saved all the same");
    let incoming = "/records/activities/1/incoming";
    let looked_at = app.request(Method::POST, incoming, Some(&form.controls), &[]).await;
    assert_eq!(looked_at.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        looked_at.headers.get("x-inkfast-part").is_none(),
        "it is not put into the form"
    );
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);

    let steer = |order: &str| vec![("do".to_owned(), order.to_owned())];
    for (order, told) in [
        ("reset", "Degraded mode is ended"),
        ("do-not-watch", "are not gathered any more"),
        ("watch", "gathered again"),
        ("reconnect", "was asked, and answered"),
        ("retry", "was asked, and answered"),
        ("explode", "was not understood"),
    ] {
        let done = app.post_as(&staff, "/monitoring/steer", &steer(order)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{order}");
        let page = app.request_as(&staff, Method::GET, done.location(), None, &[]).await;
        assert!(page.body.contains(told), "{order}: {}", page.body);
    }
    assert_eq!(app.get(history).await.status, StatusCode::OK);
    let wanted = [("do", "degrade"), ("reason", "by the page"), ("minutes", "5")];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    app.post_as(&staff, "/monitoring/steer", &wanted).await;
    assert_eq!(degradation(&app).await["by"], "sam");
    let reset = app.request_as("", Method::POST, RESET, None, &token).await;
    assert_eq!(reset.status, StatusCode::OK, "programs may as well");
    assert_eq!(degradation(&app).await["active"], false);

    let brief = app.post_json(ENTER, r#"{"reason":"a moment","seconds":1}"#).await;
    assert_eq!(brief.status, StatusCode::OK);
    until("it ends by itself", async || degradation(&app).await["active"] == false).await;
}

#[test]
fn what_people_need_to_work_is_never_left_out() {
    let left_out: Vec<_> = ROUTES.iter().filter(|route| route.need == Need::Inessential).collect();
    assert!(!left_out.is_empty());
    for route in left_out {
        let is_needed = [
            "/login",
            "/logout",
            "/api/drafts",
            "/api/records",
            "/events",
            "/health",
            "/readyz",
            "/livez",
        ]
        .iter()
        .any(|needed| route.path.starts_with(needed));
        let is_form_or_list = matches!(
            route.path,
            "/" | "/records/{table}" | "/records/{table}/new" | "/records/{table}/{key}" | "/monitoring"
        );
        assert!(!is_needed && !is_form_or_list, "{} {}", route.method, route.path);
    }
}
