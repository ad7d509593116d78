//! The key that a browser seals unsaved text with: whose it is, who is told it, and what pages say of it.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use serde_json::Value;

use crate::support::test_app::{Answered, TestApp};

const KEY: &str = "/api/session/draft-key";
const OURS: &[(&str, &str)] = &[("origin", "http://127.0.0.1:3000")];

fn keys(answer: &Answered) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let told: Value = serde_json::from_str(&answer.body).expect("JSON");
    serde_json::from_value(told["keys"].clone()).expect("texts")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_has_a_key_of_its_own_and_the_same_each_time() {
    let app = TestApp::embedded().await;
    let own = app.request(Method::POST, KEY, None, OURS).await;
    assert_eq!(own.headers["cache-control"], "no-store");
    let own = keys(&own);
    assert_eq!(own.len(), 1);
    assert!(own[0].len() == 64 && own[0].bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(keys(&app.request(Method::POST, KEY, None, OURS).await), own);

    let mira = app.signed_in_as("mira", Role::Viewer).await;
    let hers = app.request_as(&mira, Method::POST, KEY, None, OURS).await;
    assert_ne!(keys(&hers), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_told_it() {
    let mut app = TestApp::embedded().await;
    let elsewhere: &[(&str, &str)] = &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let refused = app.request(Method::POST, KEY, None, elsewhere).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.body.contains("keys"), "{}", refused.body);

    // A page that was drawn for somebody else.
    let for_another = app
        .request(Method::POST, &format!("{KEY}?account=mira"), None, OURS)
        .await;
    assert_eq!(for_another.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get(KEY).await.status, StatusCode::METHOD_NOT_ALLOWED);

    app.cookie.clear();
    let signed_out = app.request(Method::POST, KEY, None, OURS).await;
    assert_eq!(signed_out.status, StatusCode::UNAUTHORIZED);
    assert!(!signed_out.body.contains("keys"), "{}", signed_out.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_it_and_each_says_what_the_device_keeps() {
    for (mode, marked, seals) in [
        ("plain", "<html lang=\"en\"", false),
        ("sealed", "data-local-drafts=\"sealed\"", true),
        ("off", "data-local-drafts=\"off\"", false),
    ] {
        let app = TestApp::with(&[("INKFAST_LOCAL_DRAFTS", mode)]).await;
        let answer = app.request(Method::POST, KEY, None, OURS).await;
        let key = keys(&answer).remove(0);
        let told: Value = serde_json::from_str(&answer.body).expect("JSON");
        let mark = told["mark"].as_str().expect("a text");
        assert!(mark.len() == 8 && !key.contains(mark));
        for path in ["/", "/records/activities/1", "/drafts"] {
            let page = app.get(path).await.body;
            assert!(page.contains(marked), "{mode} {path}");
            assert_eq!(page.contains("data-sealed="), seals, "{mode} {path}");
            assert_eq!(page.contains("data-local-drafts"), mode != "plain", "{mode} {path}");
            assert_eq!(
                page.contains(&format!("data-draft-key-mark=\"{mark}\"")),
                seals,
                "{mode} {path}"
            );
            assert!(!page.contains(&key), "{mode} {path}");
        }
        let worker = app.get("/sw.js").await.body;
        assert_eq!(worker.contains("\"keeps_records\":true"), mode == "plain", "{mode}");
        assert_eq!(worker.contains("sealed_bg"), seals, "{mode}");
        assert!(!worker.contains(&key), "{mode}");
    }
}
