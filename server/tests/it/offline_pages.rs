//! What a browser is given to show pages without the server.

use std::path::Path;

use app::auth::model::Role;
use axum::http::StatusCode;

use crate::support::test_app::{Answered, TestApp};

fn header<'a>(answer: &'a Answered, name: &str) -> &'a str {
    answer
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A site with these files, as a build leaves it.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(site.path().join("pkg")).expect("a folder");
    let mut places = serde_json::Map::new();
    for (name, content) in files {
        std::fs::write(site.path().join("pkg").join(name), content).expect("a file");
        places.insert((*name).to_owned(), format!("/pkg/{name}").into());
    }
    let list = serde_json::to_vec(&places).expect("JSON");
    std::fs::write(site.path().join("assets.json"), list).expect("a file");
    site
}

async fn served(site: &Path) -> TestApp {
    TestApp::with(&[("INKFAST_SITE_DIR", site.to_str().expect("a path"))]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_is_asked_for_each_time_and_may_ask_this_server_alone() {
    let mut app = TestApp::embedded().await;
    app.cookie.clear();
    let worker = app.get("/sw.js").await;
    assert_eq!(worker.status, StatusCode::OK, "signed in or not");
    assert_eq!(header(&worker, "cache-control"), "no-cache");
    assert!(header(&worker, "content-type").starts_with("text/javascript"));
    let policy = header(&worker, "content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert_eq!(header(&worker, "set-cookie"), "", "it is no activity of anybody's");

    let tag = header(&worker, "etag").to_owned();
    let again = app
        .request(axum::http::Method::GET, "/sw.js", None, &[("if-none-match", &tag)])
        .await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_knows_the_files_of_the_build_and_another_build_is_another_worker() {
    let (one, other) = (
        site(&[("inkfast.css", "body {}"), ("inkfast_bg.0123456789abcdef.wasm", "code")]),
        site(&[
            ("inkfast.css", "body { margin: 0 }"),
            ("inkfast_bg.0123456789abcdef.wasm", "code"),
        ]),
    );
    let worker = served(one.path()).await.get("/sw.js").await.body;
    assert!(
        worker.contains("\"session_ms\":43200000"),
        "how long a session can last at the longest"
    );
    for place in ["/pkg/inkfast.css", "/pkg/inkfast_bg.0123456789abcdef.wasm"] {
        assert!(
            worker.lines().next().is_some_and(|known| known.contains(place)),
            "{place}"
        );
    }
    assert_eq!(
        worker,
        served(one.path()).await.get("/sw.js").await.body,
        "the same after a restart"
    );
    assert_ne!(worker, served(other.path()).await.get("/sw.js").await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_whose_it_is_and_by_which_build() {
    let mut app = TestApp::embedded().await;
    for (path, status) in [
        ("/records/activities/1", 200),
        ("/records/activities", 200),
        ("/records/nothing", 404),
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status.as_u16(), status);
        assert_eq!(header(&page, "inkfast-account"), "admin", "{path}");
        assert!(
            page.body
                .contains(&format!("data-build=\"{}\"", header(&page, "inkfast-page"))),
            "{path}"
        );
    }
    app.cookie = app.signed_in_as("J\u{f6}rg A", Role::Viewer).await;
    assert_eq!(header(&app.get("/").await, "inkfast-account"), "J%C3%B6rg%20A");
    app.cookie.clear();
    let sign_in = app.get("/login").await;
    assert!(sign_in.headers.contains_key("inkfast-page") && !sign_in.headers.contains_key("inkfast-account"));
    let answer = app.get("/livez").await;
    assert!(!answer.headers.contains_key("inkfast-page"), "no page");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_stands_in_for_others_is_the_workers_to_ask_for() {
    let mut app = TestApp::embedded().await;
    let by_worker = [("sec-fetch-mode", "cors")];
    let ask = async |app: &TestApp| app.request(axum::http::Method::GET, "/offline", None, &by_worker).await;
    let page = ask(&app).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("data-device-drafts") && page.body.contains("data-account=\"admin\""));
    assert_eq!(
        app.get("/offline").await.status,
        StatusCode::NOT_FOUND,
        "a person has the server"
    );
    app.cookie.clear();
    let page = ask(&app).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("data-offline-page") && !page.body.contains("data-device-drafts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_the_worker_only_removes_itself() {
    let app = TestApp::with(&[("INKFAST_OFFLINE_PAGES", "off")]).await;
    let worker = app.get("/sw.js").await.body;
    assert!(worker.contains("registration.unregister()") && !worker.contains("addEventListener(\"fetch\""));
    let on = TestApp::embedded().await;
    assert!(on.get("/").await.body.contains("data-keeps-pages=\"on\""));
    assert!(app.get("/").await.body.contains("data-keeps-pages=\"off\""));
}
