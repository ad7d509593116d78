//! How much is kept, what never is, and for how long anybody waits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use futures::{StreamExt, stream};
use resilient_drafts::capture::{Capture, FormDrafts, Keeper, Kept as KeptForm, NotKept};
use tokio::sync::Notify;

use super::support::{ENOUGH, FORM, Kept, account, answered, app, header, pair, posted, text_of};

async fn fails() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[tokio::test]
async fn a_body_above_the_limit_passes_through_and_the_answer_says_so() {
    let kept = Kept::in_a_file().await;
    let echo = post(async |body: Bytes| (StatusCode::BAD_GATEWAY, body));
    let app = app(echo, kept.capture().longest_body(10));
    let long = "title=longer than that";
    // Once with its length told, once in pieces.
    let pieces = stream::iter(["title=", "longer ", "than that"]).map(Ok::<_, Infallible>);
    let in_pieces = Request::post(FORM)
        .header("x-account", "ann")
        .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
        .body(Body::from_stream(pieces));
    let told = posted(long);
    let (mut parts, body) = told.into_parts();
    parts.headers.insert("content-length", long.len().into());
    for request in [Request::from_parts(parts, body), in_pieces.unwrap()] {
        let answer = answered(&app, request).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(header(&answer, "draft-not-kept"), "too-large");
        assert_eq!(text_of(answer).await, long);
    }
    let answer = answered(&app, posted("title=ten!")).await;
    assert_eq!(header(&answer, "draft-kept"), "server", "ten bytes are not above ten");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_handed_on_as_it_comes_and_the_answer_says_so() {
    let kept = Kept::in_a_file().await;
    // The rest comes only after what is there has been handed on.
    let handed_on = Arc::new(Notify::new());
    let is_handed_on = Arc::clone(&handed_on);
    let echo = post(async move |request: Request<Body>| {
        is_handed_on.notify_one();
        (StatusCode::BAD_GATEWAY, request.into_body())
    });
    let app = app(echo, kept.capture().arrival(Duration::from_millis(20)));
    let late = stream::once(async move {
        handed_on.notified().await;
        Ok::<_, Infallible>("slowly")
    });
    let request = Request::post(FORM)
        .header("x-account", "ann")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from_stream(stream::iter([Ok("title=")]).chain(late)));
    let answer = answered(&app, request.unwrap()).await;
    assert_eq!(header(&answer, "draft-not-kept"), "slow");
    assert_eq!(text_of(answer).await, "title=slowly");
}

#[tokio::test]
async fn a_form_of_too_many_fields_is_not_kept_and_the_answer_says_so() {
    let kept = Kept::in_a_file().await;
    let drafts = kept.drafts.clone().most_fields(2);
    let app = app(post(fails), Capture::new(drafts.clone()).patience(ENOUGH));
    let answer = answered(&app, posted("a=1&b=2&c=3")).await;
    assert_eq!(header(&answer, "draft-not-kept"), "too-many-fields");
    assert!(text_of(answer).await.contains("could not be kept"));
    let three = ["a", "b", "c"].map(|name| pair(name, "1"));
    assert!(matches!(
        drafts.save("ann", FORM, three).await,
        Err(NotKept::TooManyFields(_))
    ));
    assert!(kept.forms().await.is_empty());
    assert_eq!(header(&answered(&app, posted("a=1&b=2")).await, "draft-kept"), "server");
}

#[tokio::test]
async fn secrets_and_what_the_application_leaves_out_are_named_and_never_kept() {
    let kept = Kept::in_a_file().await;
    let drafts = FormDrafts::new(Arc::clone(&kept.store), account).without("diary");
    let app = app(post(fails), Capture::new(drafts).patience(ENOUGH));
    let body = "title=Pump&new_password=hunter2&card%3Cb%3Enumber=4111&diary=dear&_csrf=";
    let page = text_of(answered(&app, posted(body)).await).await;
    assert!(page.contains("new_password, card&lt;b&gt;number, diary"), "{page}");
    assert!(!page.contains("hunter2"), "{page}");
    let form = kept.form().await;
    assert_eq!(form.fields(), [pair("title", "Pump")]);
    assert_eq!(
        form.left_out(),
        ["card<b>number", "diary", "new_password"],
        "whoever draws it again can say what is to be typed again"
    );
    let answer = answered(&app, posted("password=hunter2")).await;
    assert_eq!(header(&answer, "draft-not-kept"), "nothing-to-keep");
}

/// Takes everything and never says so.
#[derive(Clone)]
struct Hangs;

#[async_trait]
impl Keeper for Hangs {
    fn takes(&self, _: &Parts) -> bool {
        true
    }

    async fn keep(&self, _: &Parts, _: &[u8]) -> Result<KeptForm, NotKept> {
        std::future::pending().await
    }

    async fn succeeded(&self, _: &Parts, _: &[u8]) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_store_that_hangs_is_not_waited_for() {
    let capture = Capture::new(Hangs).patience(Duration::from_millis(20));
    let answer = answered(&app(post(fails), capture.clone()), posted("a=1")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "draft-not-kept"), "slow");
    let answer = answered(&app(post(async || StatusCode::CREATED), capture), posted("a=1")).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
}

/// Has a defect of its own.
#[derive(Clone)]
struct Panics;

#[async_trait]
impl Keeper for Panics {
    fn takes(&self, _: &Parts) -> bool {
        true
    }

    async fn keep(&self, _: &Parts, _: &[u8]) -> Result<KeptForm, NotKept> {
        panic!("this keeper always does")
    }

    async fn succeeded(&self, _: &Parts, _: &[u8]) {
        panic!("and here as well")
    }
}

#[tokio::test]
async fn a_keeper_that_panics_is_told_as_that_and_takes_no_answer_away() {
    let capture = Capture::new(Panics).patience(ENOUGH);
    let answer = answered(&app(post(fails), capture.clone()), posted("a=1")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "draft-not-kept"), "panicked");
    assert!(text_of(answer).await.contains("could not be kept"));
    let answer = answered(&app(post(async || StatusCode::CREATED), capture), posted("a=1")).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn what_cannot_be_opened_is_not_passed_over_as_if_it_were_nothing() {
    let kept = Kept::in_a_file().await;
    let app = app(post(fails), kept.capture());
    answered(&app, posted("title=Pump")).await;
    let other = kept.with_another_secret().await;
    let seen = other.load("ann", FORM).await.unwrap();
    assert!(seen.forms.is_empty() && !seen.complete, "{seen:?}");
    assert!(kept.drafts.load("ann", FORM).await.unwrap().complete);
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_the_answer_says_redis_and_without_it_that_nothing_is_kept() {
    use private_servers::PrivateRedis;
    use resilient_drafts::redis::Limits;
    use resilient_drafts::{RedisStore, Sealer};

    let patient = Limits {
        connect: ENOUGH,
        response: ENOUGH,
        call: ENOUGH,
        list: ENOUGH,
    };
    let redis = PrivateRedis::start().unwrap();
    let address = redis.url().parse().unwrap();
    let store = RedisStore::connect(&address, "test", Sealer::new(&[7; 32], "drafts"), patient)
        .await
        .unwrap();
    let drafts = FormDrafts::new(Arc::new(store), account);
    let app = app(post(fails), Capture::new(drafts.clone()).patience(ENOUGH));
    let answer = answered(&app, posted("title=Pump")).await;
    assert_eq!(header(&answer, "draft-kept"), "redis");
    assert_eq!(
        drafts.load("ann", FORM).await.unwrap().forms[0].fields(),
        [pair("title", "Pump")]
    );
    drop(redis);
    let answer = answered(&app, posted("title=Valve")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "draft-not-kept"), "unavailable");
}
