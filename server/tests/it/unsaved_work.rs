//! The page of all unsaved work, and its files.

use app::auth::model::Role;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use serde_json::{Value, json};

use crate::support::test_app::{Outage, TestApp};

const SECRET: &str = "canary-5121";

/// What a page of record `key` writes while somebody types.
async fn type_into(app: &TestApp, key: usize, values: Value) {
    let form = app.form(&format!("/records/activity/{key}")).await;
    let version = form.value("_version").expect("a version");
    let draft = json!({"version": version, "values": values, "seq": 1, "writer": format!("page-{key}")});
    let written = app
        .post_json(&format!("/api/drafts/activity/{key}"), &draft.to_string())
        .await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
}

async fn page(app: &TestApp) -> String {
    let page = app.get("/drafts").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.body
}

#[tokio::test(flavor = "multi_thread")]
async fn each_text_is_compared_with_the_record_as_it_is_now() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    type_into(
        app,
        1,
        json!({"title": "Activity one", "notes": "Notes 1", "api_key": SECRET}),
    )
    .await;
    let typed = page(app).await;
    assert!(
        typed.contains(r#"data-draft-state="typed""#) && typed.contains("Not saved yet"),
        "{typed}"
    );
    assert!(
        typed.contains("<mark>1</mark>") && typed.contains("<mark>one</mark>"),
        "{typed}"
    );
    assert!(typed.contains("1 field says the same"), "{typed}");
    assert!(!typed.contains(SECRET), "{typed}");

    outage
        .database
        .query("UPDATE activity SET title = 'Activity by another' WHERE id = 1");
    let changed = page(app).await;
    assert!(
        changed.contains("Needs your decision") && changed.contains("Open and decide"),
        "{changed}"
    );
    assert!(
        changed.contains("another") && changed.contains("changed since"),
        "{changed}"
    );

    outage
        .database
        .query("UPDATE activity SET title = 'Activity one' WHERE id = 1");
    assert!(page(app).await.contains("Saved meanwhile"));

    outage.database.query("DELETE FROM activity WHERE id = 1");
    let gone = page(app).await;
    assert!(
        gone.contains("The record is gone") && gone.contains("Create as new"),
        "{gone}"
    );

    outage.proxy.set(Fault::Cut).await;
    let unreadable = page(app).await;
    assert!(unreadable.contains("cannot be read at the moment"), "{unreadable}");
    assert!(
        unreadable.contains("Activity one"),
        "what was typed is shown all the same: {unreadable}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_forms_are_read_a_page_at_a_time() {
    let outage = Outage::prepared().await;
    for key in 1..=23 {
        type_into(&outage.app, key, json!({"title": format!("Typed {key}")})).await;
    }
    let cards = |body: &str| body.matches(r#"class="unsaved-form""#).count();
    let first = page(&outage.app).await;
    assert_eq!(cards(&first), 20);
    assert!(
        first.contains("1–20 of 23 forms") && first.contains(r#"href="/drafts?page=2""#),
        "{first}"
    );
    assert!(first.contains(r#"data-unsaved="23""#), "the badge counts all of them");
    let second = outage.app.get("/drafts?page=2").await.body;
    assert_eq!(cards(&second), 3);
    assert!(second.contains(r#"data-unsaved="23""#), "the badge counts all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_text_is_had_as_a_file_and_nobody_else_s() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    type_into(app, 1, json!({"title": "First of mine", "api_key": SECRET})).await;
    type_into(app, 2, json!({"title": "Second of mine"})).await;
    let text = app.get("/drafts/export?as=text").await;
    assert_eq!(text.status, StatusCode::OK);
    assert_eq!(text.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    let named = text.headers[CONTENT_DISPOSITION].to_str().expect("plain text");
    assert!(
        named.starts_with("attachment; filename=\"unsaved-work-") && named.ends_with(".txt\""),
        "{named}"
    );
    assert_eq!(text.headers["cache-control"], "no-store");
    assert!(
        text.body.contains("First of mine") && text.body.contains("Second of mine"),
        "{}",
        text.body
    );

    let file = app
        .get("/drafts/export?as=json&form_key=activity/2&seq=1&writer=page-2")
        .await;
    let file: Value = serde_json::from_str(&file.body).expect("JSON");
    assert_eq!(file["drafts"].as_array().map(Vec::len), Some(1));
    assert_eq!(file["drafts"][0]["values"], json!({"title": "Second of mine"}));

    let of_nothing = app.get("/drafts/export?form_key=activity/2&seq=9&writer=page-2").await;
    assert_eq!(of_nothing.status, StatusCode::NOT_FOUND);
    let other = app.signed_in_as("mira", Role::Superuser).await;
    for address in [
        "/drafts/export?as=json",
        "/drafts/export?form_key=activity/1&seq=1&writer=page-1",
        "/drafts",
    ] {
        let theirs = app.request_as(&other, Method::GET, address, None, &[]).await;
        assert!(
            !theirs.body.contains("of mine") && !theirs.body.contains(SECRET),
            "{address}: {}",
            theirs.body
        );
    }
    let nobody = app.request_as("", Method::GET, "/drafts/export", None, &[]).await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
    assert!(!text.body.contains(SECRET));
}
