//! Who is signed out on one server is so on all, whatever is away.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use inkfast_server::auth::repository::{Adding, Removing};
use inkfast_server::clock::now_ms;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use serde_json::json;

use super::{SECRET, Two, is_signed_in, until};
use crate::support::test_app::{PASSWORD, TestApp};

async fn known_to_both(two: &Two, name: &str) -> String {
    let cookie = two.one.signed_in_as(name, Role::Editor).await;
    two.other.services().auth.refresh().await.expect("the accounts");
    assert!(is_signed_in(&two.one, &cookie).await && is_signed_in(&two.other, &cookie).await);
    cookie
}

async fn signed_out_on(app: &TestApp, cookie: &str) {
    let what = "signed out";
    until(what, async || !is_signed_in(app, cookie).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_is_out_there_without_the_database_and_without_redis() {
    let two = Two::started().await;
    let [first, second] = [known_to_both(&two, "anna").await, known_to_both(&two, "bert").await];

    // By Redis alone.
    two.way_of_other.set(Fault::Cut).await;
    two.one.post_as(&first, "/logout", &[]).await;
    signed_out_on(&two.other, &first).await;
    assert!(is_signed_in(&two.other, &second).await, "nobody else");

    // By the database alone.
    two.way_of_other.set(Fault::Pass).await;
    two.redis.kill();
    two.one.post_as(&second, "/logout", &[]).await;
    signed_out_on(&two.other, &second).await;
    assert!(is_signed_in(&two.other, &two.one.cookie).await, "nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_out_where_there_was_neither_is_out_everywhere_once_the_database_is_back() {
    let two = Two::started().await;
    let cookie = known_to_both(&two, "anna").await;
    two.redis.kill();
    two.way_of_other.set(Fault::Cut).await;
    two.other.post_as(&cookie, "/logout", &[]).await;
    assert!(!is_signed_in(&two.other, &cookie).await);
    assert!(is_signed_in(&two.one, &cookie).await, "nobody could tell it");
    two.way_of_other.set(Fault::Pass).await;
    signed_out_on(&two.one, &cookie).await;
    let table = two.database.own("ended_session");
    assert_eq!(two.database.query(&format!("SELECT count(*) FROM {table}")), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_out_while_redis_was_away_is_out_once_it_is_back_on_a_server_without_a_database() {
    let two = Two::started().await;
    let cookie = known_to_both(&two, "anna").await;
    two.way_of_other.set(Fault::Cut).await;
    two.redis.kill();
    two.one.post_as(&cookie, "/logout", &[]).await;
    assert!(!is_signed_in(&two.one, &cookie).await);
    assert!(is_signed_in(&two.other, &cookie).await, "nobody could tell it");
    two.redis.restart().expect("it starts again");
    signed_out_on(&two.other, &cookie).await;
    assert!(is_signed_in(&two.other, &two.one.cookie).await, "nobody else");
}

/// What is done to an account, and a server that has no database hears it from one that has.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_change_are_told_to_a_server_without_a_database() {
    let two = Two::started().await;
    let accounts = two.one.accounts();
    let hash = two.one.services().auth.passwords().hash(PASSWORD.to_owned()).await;
    for change in ["disable", "password", "role", "everywhere", "remove"] {
        let cookie = known_to_both(&two, change).await;
        two.way_of_other.set(Fault::Cut).await;
        let done = match change {
            "disable" => accounts.disable(change).await,
            "password" => accounts.set_password(change, &hash).await,
            "role" => accounts.set_role(change, Role::Viewer).await,
            "everywhere" => accounts.sign_out_everywhere(change).await,
            _ => accounts
                .remove(change, now_ms())
                .await
                .map(|removing| removing == Removing::Removed),
        };
        assert!(done.expect("the database is there"), "{change}");
        signed_out_on(&two.one, &cookie).await;
        signed_out_on(&two.other, &cookie).await;
        two.way_of_other.set(Fault::Pass).await;
        until("it can save", async || {
            two.other.get("/readyz").await.status == StatusCode::OK
        })
        .await;
    }
    assert!(is_signed_in(&two.other, &two.one.cookie).await, "nobody else");
}

/// A full disk here is no reason that somebody keeps a right there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_its_files_tells_the_others_all_the_same() {
    let two = Two::started().await;
    let cookie = known_to_both(&two, "anna").await;
    two.way_of_other.set(Fault::Cut).await;
    // The file cannot be made where there is a folder of that name.
    let beside = two.one.services().settings.storage.data_dir.join("accounts.new");
    std::fs::create_dir(&beside).expect("a folder");
    assert!(two.one.accounts().disable("anna").await.expect("the database is there"));
    signed_out_on(&two.one, &cookie).await;
    signed_out_on(&two.other, &cookie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_account_leaves_its_histories_and_none_of_its_drafts_and_its_name_lets_nobody_in() {
    let two = Two::started().await;
    let cookie = known_to_both(&two, "anna").await;
    let page = two
        .one
        .request_as(&cookie, Method::GET, "/records/activity/1", None, &[])
        .await;
    let form = crate::support::drawn_form::DrawnForm::read(&page.body).with("v.title", "By anna");
    let json = [("accept", "application/json")];
    let saved = two
        .one
        .request_as(&cookie, Method::POST, &form.action, Some(&form.controls), &json)
        .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let draft = json!({
        "version": form.value("_version"), "base": {}, "values": {"notes": "not saved"},
        "seq": 1, "writer": "page", "on": null,
    });
    let write = axum::http::Request::post("/api/drafts/activity/2")
        .header("cookie", &cookie)
        .header("host", "127.0.0.1:3000")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(draft.to_string()));
    assert_eq!(two.one.raw(write.expect("a request")).await.status, StatusCode::OK);
    let forms = || two.redis.command(&["EVAL", FORMS_WITH_DRAFTS, "0"]).expect("Redis");
    assert_eq!(forms(), "1");

    let removed = two.one.accounts().remove("anna", now_ms()).await;
    assert_eq!(removed.expect("the database is there"), Removing::Removed);
    until("its drafts are gone", async || forms() == "0").await;
    let audit = two.database.own("audit");
    let lines = two
        .database
        .query(&format!("SELECT count(*) FROM {audit} WHERE account = 'anna'"));
    assert_eq!(lines, "1");

    // A server that had not heard of it keeps more. Nobody gets the name as long as there may be some of it.
    let late: Draft = serde_json::from_value(draft).expect("a draft");
    let late = Draft {
        revision: Revision {
            writer: "late".to_owned(),
            ..late.revision
        },
        ..late
    };
    let drafts = &two.other.services().drafts;
    let kept = drafts.write("anna", "activity/2", &late, &Mode::Beside).await;
    kept.expect("Redis is there");
    assert_eq!(forms(), "1");
    let hash = two.one.services().auth.passwords().hash(PASSWORD.to_owned()).await;
    let adding = two.one.accounts().add("anna", &hash, Role::Editor).await;
    let adding = adding.expect("the database is there");
    assert!(matches!(adding, Adding::Rests { .. }), "{adding:?}");
    let (url, redis) = (two.database.url(), two.redis.url());
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", &redis),
        ("INKFAST_SECRET", SECRET),
    ];
    let _third = TestApp::with(&settings).await;
    until("what came later is gone, too", async || forms() == "0").await;
    let removed = two.database.own("removed_account");
    two.database.query(&format!("DELETE FROM {removed}"));

    // Whoever gets the name gets nothing else of it, and whoever had it is not let in by it.
    let again = known_to_both(&two, "anna").await;
    assert!(!is_signed_in(&two.one, &cookie).await && !is_signed_in(&two.other, &cookie).await);
    let drafts = two.one.request_as(&again, Method::GET, "/drafts", None, &[]).await.body;
    assert!(!drafts.contains("/records/activity/2"), "{drafts}");
}

/// How many fields of all forms hold text.
const FORMS_WITH_DRAFTS: &str = "local n = 0 \
    for _, key in ipairs(redis.call('KEYS', '*:form:*')) do \
        for _, field in ipairs(redis.call('HKEYS', key)) do \
            if string.sub(field, 1, 6) == 'draft:' then n = n + 1 end \
        end \
    end \
    return n";
