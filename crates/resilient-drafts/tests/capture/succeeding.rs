//! What succeeds is answered as if the layer was not there, and its draft ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::support::{Kept, answered, app, pair, posted, text_of};

/// Fails until it is told to work.
fn switched(works: &Arc<AtomicBool>, kept: &Kept) -> Router {
    let works = Arc::clone(works);
    let handler = move || {
        let answer: Response = match works.load(Ordering::Acquire) {
            true => Redirect::to("/notes").into_response(),
            false => StatusCode::BAD_GATEWAY.into_response(),
        };
        async { answer }
    };
    app(post(handler), kept.capture())
}

#[tokio::test]
async fn the_handler_gets_the_very_bytes_and_its_answer_is_not_touched() {
    let kept = Kept::in_a_file().await;
    let echo = async |body: Bytes| ([("x-own", "yes")], body);
    let app = app(post(echo), kept.capture());
    let body = "a=1&a=%2&b=+&password=x";
    let answer = answered(&app, posted(body)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut names: Vec<&str> = answer.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "x-own"]);
    assert_eq!(text_of(answer).await, body);
    assert!(kept.forms().await.is_empty());
}

#[tokio::test]
async fn sent_again_with_success_its_draft_is_no_more() {
    let kept = Kept::in_a_file().await;
    let works = Arc::default();
    let app = switched(&works, &kept);
    answered(&app, posted("title=Pump+2")).await;
    answered(&app, posted("title=Pump+2")).await;
    assert_eq!(kept.forms().await.len(), 1, "the same text is one draft");
    works.store(true, Ordering::Release);
    assert_eq!(
        answered(&app, posted("title=Pump+2")).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(kept.forms().await.is_empty());
}

#[tokio::test]
async fn a_page_drawn_from_a_draft_goes_on_with_it_and_ends_it() {
    let kept = Kept::in_a_file().await;
    let works = Arc::default();
    let app = switched(&works, &kept);
    let drawn_from = |form: &resilient_drafts::capture::CapturedForm, title: &str| {
        let [(seq, number), (writer, name)] = form.controls();
        posted(&format!("{seq}={number}&{writer}={name}&title={title}"))
    };
    answered(&app, posted("title=one")).await;
    let first = kept.form().await;
    answered(&app, drawn_from(&first, "two")).await;
    let forms = kept.forms().await;
    assert_eq!(
        forms.len(),
        1,
        "the later text has taken the place of the one it was drawn from"
    );
    assert_eq!(forms[0].text("title").as_deref(), Some("two"));
    works.store(true, Ordering::Release);
    answered(&app, drawn_from(&forms[0], "three")).await;
    assert!(kept.forms().await.is_empty());
}

#[tokio::test]
async fn what_another_tab_has_typed_stays() {
    let kept = Kept::in_a_file().await;
    let works = Arc::default();
    let app = switched(&works, &kept);
    answered(&app, posted("title=one")).await;
    answered(&app, posted("title=two")).await;
    works.store(true, Ordering::Release);
    answered(&app, posted("title=two")).await;
    let left = kept.forms().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].text("title").as_deref(), Some("one"));
}

#[tokio::test]
async fn the_form_drawn_again_with_errors_ends_nothing() {
    let kept = Kept::in_a_file().await;
    kept.drafts
        .save("ann", super::support::FORM, [pair("title", "one")])
        .await
        .unwrap();
    for status in [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::FORBIDDEN] {
        let app = app(post(async move || status), kept.capture());
        assert_eq!(answered(&app, posted("title=one")).await.status(), status);
        assert_eq!(kept.forms().await.len(), 1, "{status}");
    }
    let app = app(
        post(async || "saved"),
        kept.capture().succeeds(|answer| answer.status().is_success()),
    );
    answered(&app, posted("title=one")).await;
    assert!(
        kept.forms().await.is_empty(),
        "an application can say what its success is"
    );
}

#[tokio::test]
async fn a_handler_keeps_loads_and_clears_by_itself() {
    let kept = Kept::in_a_file().await;
    let form = "contact";
    let typed = [
        pair("title", "one"),
        pair("password", "hunter2"),
        pair("tag", "a"),
        pair("tag", "b"),
    ];
    let told = kept.drafts.save("ann", form, typed.clone()).await.unwrap();
    assert_eq!(told.left_out, ["password"]);
    let loaded = kept.drafts.load("ann", form).await.unwrap();
    assert!(loaded.complete);
    assert_eq!(
        loaded.forms[0].fields(),
        [pair("tag", "a"), pair("tag", "b"), pair("title", "one")]
    );
    assert!(kept.drafts.load("bob", form).await.unwrap().forms.is_empty());
    kept.drafts.clear("ann", form, typed).await.unwrap();
    assert!(kept.drafts.load("ann", form).await.unwrap().forms.is_empty());
}

#[tokio::test]
async fn a_secret_that_was_typed_only_once_keeps_no_draft_of_saved_text() {
    let kept = Kept::in_a_file().await;
    let works = Arc::default();
    let app = switched(&works, &kept);
    answered(&app, posted("title=Pump+2&pin=1234")).await;
    works.store(true, Ordering::Release);
    answered(&app, posted("title=Pump+2&pin=")).await;
    assert!(kept.forms().await.is_empty());
}
