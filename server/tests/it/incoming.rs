//! What a save would meet can be looked at first; looking changes nothing.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};

use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::{Answered, TestApp};

const ACTIVITY: &str = "/records/activities/1";

async fn looked_at(app: &TestApp, form: &DrawnForm) -> Answered {
    let path = format!("{ACTIVITY}/incoming");
    app.request(Method::POST, &path, Some(&form.controls), &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_saved_is_told_apart_from_what_both_changed_and_nothing_is_saved() {
    let app = TestApp::embedded().await;
    let mine = app.form(ACTIVITY).await.with("v.title", "Mine");
    let none = looked_at(&app, &mine).await;
    assert_eq!(none.status, StatusCode::OK);
    assert!(none.body.contains("what this form was drawn with"), "{}", none.body);

    let theirs = app
        .form(ACTIVITY)
        .await
        .with("v.title", "Theirs")
        .with("v.notes", "A note <b>");
    assert_eq!(app.save(&theirs).await.0, StatusCode::OK);
    let part = looked_at(&app, &mine).await;
    assert_eq!(part.status, StatusCode::OK);
    let (chosen, brought) = part.body.split_once("Save brings these in").expect("both groups");
    assert!(chosen.contains("Theirs") && chosen.contains("Mine"), "{chosen}");
    // Word by word, so that the differences can be marked.
    assert!(brought.contains("data-incoming-column=\"notes\""), "{brought}");
    assert!(brought.contains("&lt;b&gt;") && !brought.contains("<b>"), "{brought}");

    let (status, answer) = app.save(&mine).await;
    assert_eq!(
        status,
        StatusCode::CONFLICT,
        "nothing was decided by looking: {answer:?}"
    );
    assert_eq!(answer.conflicts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_form_and_a_version_of_nothing_are_told_nothing() {
    let mut app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Mine");
    let rubbish = looked_at(&app, &form.clone().with("_version", "rubbish")).await;
    assert!(rubbish.body.contains("cannot be told any more"), "{}", rubbish.body);
    app.cookie = app.signed_in_as("mira", Role::Superuser).await;
    assert_eq!(looked_at(&app, &form).await.status, StatusCode::UNAUTHORIZED);
    app.cookie = String::new();
    assert_eq!(looked_at(&app, &form).await.status, StatusCode::UNAUTHORIZED);
}
