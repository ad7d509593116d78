//! Numbers for programs and for staff, and what a person is told of their own waiting work.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use resilient_core::submission::answer::Outcome;
use serde_json::Value;

use crate::support::running_server::RunningServer;
use crate::support::test_app::{Outage, TestApp};

const TOKEN: &str = "a token of sixteen and more";
const WITH_TOKEN: [(&str, &str); 1] = [("authorization", "Bearer a token of sixteen and more")];

async fn metrics(app: &TestApp) -> String {
    let answer = app.request_as("", Method::GET, "/metrics", None, &WITH_TOKEN).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(
        answer.headers[CONTENT_TYPE]
            .to_str()
            .is_ok_and(|kind| kind.starts_with("text/plain"))
    );
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_the_token_alone() {
    let app = TestApp::with(&[("INKFAST_API_TOKEN", TOKEN)]).await;
    let text = metrics(&app).await;
    for line in [
        "inkfast_build_info{version=",
        "inkfast_http_requests_total{route=\"/login\",method=\"POST\",status=\"3xx\"}",
        "# TYPE inkfast_http_request_duration_seconds histogram",
        "inkfast_sign_ins_total{result=\"succeeded\"}",
        // Its value is that of whichever server of this process was probed last: it is looked at below.
        "db_breaker_state{database=\"main\",role=\"write\"} ",
        "db_pool_connections_max{database=\"main\",role=\"read\"}",
        "db_pool_limit{database=\"main\",role=\"write\"} ",
        "db_trend_rising{database=\"main\",role=\"read\",trend=\"slowing\"} ",
        "db_calls_total{database=\"main\",call=",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    for headers in [&[][..], &[("authorization", "Bearer another")][..]] {
        let refused = app.request_as("", Method::GET, "/metrics", None, headers).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(refused.body.contains("Send the token."), "{}", refused.body);
    }
    assert_eq!(
        app.get("/metrics").await.status,
        StatusCode::FORBIDDEN,
        "a session is no token"
    );
    let without = TestApp::embedded().await;
    let refused = without.request_as("", Method::GET, "/metrics", None, &WITH_TOKEN).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// All servers of a test's process count into one recorder; this one is alone in its process.
#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_server_that_is_well_are_its_own() {
    let settings = &[("RUST_LOG", "off"), ("INKFAST_API_TOKEN", TOKEN)];
    let server = RunningServer::with("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)", settings).await;
    let answer = server
        .through_proxy(Method::GET, "/metrics", None, &WITH_TOKEN)
        .await
        .expect("nothing is broken");
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for line in [
        "db_breaker_state{database=\"main\",role=\"read\"} 0",
        "db_breaker_state{database=\"main\",role=\"write\"} 0",
        "inkfast_sign_ins_total{result=\"succeeded\"} 1",
    ] {
        assert!(
            answer.body.lines().any(|found| found == line),
            "{line} is missing in\n{}",
            answer.body
        );
    }
}

async fn status_of(app: &TestApp, cookie: &str, method: Method, path: &str) -> Value {
    let answer = app.request_as(cookie, method, path, None, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_of_their_own_waiting_work_and_can_have_it_looked_at_now() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let (status, retry) = ("/admin/connection-status", "/admin/retry-operations");
    let other = app.signed_in_as("noor", Role::Editor).await;
    let form = app.form("/records/activity/1").await.with("v.title", "Waiting");
    let well = status_of(app, &app.cookie, Method::GET, status).await;
    assert_eq!((&well["database"], &well["breaker"]), (&"up".into(), &"closed".into()));
    assert_eq!(well["waiting"], Value::Array(Vec::new()));

    outage.proxy.set(Fault::Cut).await;
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Kept);
    // Twice, as one failed probe is no outage; the second is asked for here.
    let begun = Instant::now();
    let down = loop {
        let now = status_of(app, &app.cookie, Method::POST, retry).await;
        if now["database"] == "down" {
            break now;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{now}");
    };
    assert_ne!(down["breaker"], "closed");
    assert!(down["retry_after_ms"].is_u64(), "{down}");
    let waiting = &down["waiting"][0];
    assert_eq!(
        (&waiting["form_key"], &waiting["kept_in"]),
        (&"activity/1".into(), &"server".into()),
        "{down}"
    );
    assert!(waiting["since_unix_ms"].is_u64());
    let others = status_of(app, &other, Method::GET, status).await;
    assert_eq!(others["waiting"], Value::Array(Vec::new()), "nobody sees another's");
    for (path, method) in [(status, Method::GET), (retry, Method::POST)] {
        let refused = app.request_as("", method, path, None, &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }

    outage.proxy.set(Fault::Pass).await;
    let begun = Instant::now();
    while status_of(app, &app.cookie, Method::POST, retry).await["database"] == "down" {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come back");
    }
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    let well = status_of(app, &app.cookie, Method::GET, status).await;
    assert_eq!(well["waiting"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_staff_is_there_while_the_database_is_not() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let viewer = app.signed_in_as("vic", Role::Viewer).await;
    let staff = app.signed_in_as("sam", Role::Staff).await;
    outage.proxy.set(Fault::Cut).await;
    let begun = Instant::now();
    while app.get("/readyz").await.status == StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let list = app.get("/records/activity").await;
    assert_eq!(list.status, StatusCode::SERVICE_UNAVAILABLE);
    let page = app.request_as(&staff, Method::GET, "/monitoring", None, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "PostgreSQL cannot be reached",
        "open: calls are refused at once",
        "unreachable",
        "GET /records/{table}",
        "Drafts go to this server",
    ] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    assert!(page.body.contains(r#"href="/monitoring""#), "it is in the rail");
    let refused = app.request_as(&viewer, Method::GET, "/monitoring", None, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.body.contains(r#"href="/monitoring""#), "nor is it in the rail");
    let signed_out = app.request_as("", Method::GET, "/monitoring", None, &[]).await;
    assert_eq!(signed_out.location(), "/login?next=%2Fmonitoring");
}
