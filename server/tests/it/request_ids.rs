//! One id from the request through the log to what a person sees.

use axum::http::header::ACCEPT;
use axum::http::{Method, StatusCode};
use serde_json::Value;

use crate::support::running_server::RunningServer;
use crate::support::test_app::TestApp;

const ID: &str = "x-request-id";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_id_that_was_sent_or_a_new_one() {
    let app = TestApp::embedded().await;
    let sent = "0af7651916cd43dd8448eb211c80319c";
    for path in [
        "/",
        "/records/no_such_table",
        "/pkg/no_such_file.js",
        "/livez",
        "/no/such/page",
        "/api/submissions/x",
    ] {
        let answer = app.request(Method::GET, path, None, &[(ID, sent)]).await;
        assert_eq!(answer.headers[ID], sent, "{path}");
        let fresh = app.get(path).await;
        assert_eq!(fresh.headers[ID].len(), 16, "{path}");
        assert_ne!(fresh.headers[ID], app.get(path).await.headers[ID]);
    }
    for insane in ["<script>", "two words", &"x".repeat(300)] {
        let answer = app.request(Method::GET, "/", None, &[(ID, insane)]).await;
        assert_ne!(answer.headers[ID], *insane);
        assert!(!answer.body.contains(insane));
    }
    let foreign = [
        (ID, sent),
        ("sec-fetch-site", "cross-site"),
        (ACCEPT.as_str(), "application/json"),
    ];
    let refused = app.request(Method::POST, "/logout", None, &foreign).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.headers[ID], sent);
    let envelope: Value = serde_json::from_str(&refused.body).expect("JSON");
    assert_eq!(envelope["error_id"], sent);
}

const SCHEMA: &str = "CREATE TABLE thing (id INTEGER PRIMARY KEY, title TEXT NOT NULL, pin TEXT, size INTEGER);
                      INSERT INTO thing (title) VALUES ('A first thing');";
const SECRETS: &[(&str, &str)] = &[
    ("INKFAST_LOG", "json"),
    ("RUST_LOG", "debug,hyper=info,sqlx=warn"),
    ("INKFAST_DRILLS", "1"),
    ("INKFAST_API_TOKEN", "canary-token-3f9a51"),
    ("INKFAST_SECRET", "canary-secret-7be2c04d11-0123456789abcdef"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_logged_once_under_the_id_people_see_and_nothing_secret_with_it() {
    let server = RunningServer::with(SCHEMA, SECRETS).await;
    let form = server.form("/records/thing/1").await.expect("a form");
    let pairs = [("kind", "deadlock"), ("seconds", "60")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let started = server.through_proxy(Method::POST, "/monitoring/drills", Some(&pairs), &[]);
    assert_eq!(started.await.expect("an answer").status, StatusCode::SEE_OTHER);
    let typed = form
        .with("v.title", "canary-title-a8\r\n{\"level\":\"ERROR\",\"forged\":true}")
        .with("v.pin", "canary-pin-41c");
    let headers = [
        (ID, "from-the-front-1"),
        (ACCEPT.as_str(), "application/json"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("authorization", "Bearer canary-token-3f9a51"),
    ];
    let kept = server
        .through_proxy(Method::POST, &typed.action, Some(&typed.controls), &headers)
        .await
        .expect("an answer");
    assert_eq!(kept.status, StatusCode::SERVICE_UNAVAILABLE, "{}", kept.body);
    let envelope: Value = serde_json::from_str(&kept.body).expect("JSON");
    assert_eq!(envelope["error_id"], "from-the-front-1");
    // A value that its column does not take is no text for the log either.
    server
        .through_proxy(Method::POST, "/monitoring/drills/stop", Some(&[]), &[])
        .await
        .expect("an answer");
    let wrong = typed.with("v.size", "canary-size-99");
    server
        .through_proxy(Method::POST, &wrong.action, Some(&wrong.controls), &headers)
        .await
        .expect("an answer");

    let log = server.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "WARN" && line["span"]["request_id"] == "from-the-front-1")
        // That there were many of them is another thing, told once for all of them.
        .filter(|line| line["statement"].is_null())
        .collect();
    assert_eq!(told.len(), 1, "the failure, once: {told:?}");
    assert_eq!(told[0]["what"], "save");
    assert_eq!(told[0]["span"]["route"], "/records/{table}/{key}");
    assert_eq!(
        told[0]["span"]["traceparent"],
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert!(
        lines
            .iter()
            .any(|line| line["message"] == "a drill begins" && line["account"] == "admin")
    );
    assert!(
        !log.contains("canary"),
        "{}",
        log.lines().find(|line| line.contains("canary")).unwrap_or_default()
    );
    assert!(!log.contains("correct horse"));
}
