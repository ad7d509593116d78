//! Each way to fail.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use resilient_drafts::capture::as_it_is;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer, ServiceBuilder, ServiceExt};

use super::support::{ENOUGH, FORM, Kept, answered, app, header, pair, posted, text_of};

const TYPED: &str = "title=Pump+2&notes=leaks%0D%0Aagain";

fn typed() -> Vec<(String, String)> {
    vec![pair("notes", "leaks\r\nagain"), pair("title", "Pump 2")]
}

async fn never() -> &'static str {
    std::future::pending().await
}

#[tokio::test]
async fn an_answer_of_5xx_leaves_a_draft_and_says_where_it_is() {
    let kept = Kept::in_a_file().await;
    let app = app(
        post(async || (StatusCode::BAD_GATEWAY, "internal words")),
        kept.capture(),
    );
    let answer = answered(&app, posted(TYPED)).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (header(&answer, "draft-kept"), header(&answer, "retry-after")),
        ("server", "5")
    );
    let page = text_of(answer).await;
    assert!(
        page.contains("What you typed is kept") && !page.contains("internal words"),
        "{page}"
    );
    assert_eq!(kept.form().await.fields(), typed());
}

#[tokio::test]
async fn an_application_s_own_answer_goes_out_as_it_is_with_a_header() {
    let kept = Kept::in_a_file().await;
    let own = async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "40")], "own words");
    let app = app(post(own), kept.capture().answers(as_it_is));
    let answer = answered(&app, posted(TYPED)).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (header(&answer, "draft-kept"), header(&answer, "retry-after")),
        ("server", "40")
    );
    assert_eq!(text_of(answer).await, "own words");
    assert_eq!(kept.form().await.fields(), typed());
}

#[tokio::test]
async fn a_panic_leaves_a_draft() {
    async fn panics() -> &'static str {
        panic!("this handler always does")
    }
    let kept = Kept::in_a_file().await;
    let answer = answered(&app(post(panics), kept.capture()), posted(TYPED)).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "draft-kept"), "server");
    assert_eq!(kept.form().await.fields(), typed());
}

#[tokio::test]
async fn no_answer_in_time_leaves_a_draft() {
    let kept = Kept::in_a_file().await;
    let app = app(post(never), kept.capture().within(Duration::from_millis(20)));
    let answer = timeout(ENOUGH, answered(&app, posted(TYPED)))
        .await
        .expect("it is given up");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text_of(answer).await.contains("not known whether it was done"));
    assert_eq!(kept.form().await.fields(), typed());
}

#[tokio::test]
async fn what_is_shed_under_load_leaves_a_draft() {
    let kept = Kept::in_a_file().await;
    let (begun, mut is_begun) = mpsc::channel(1);
    let busy = post(async move || {
        begun.send(()).await.unwrap();
        never().await
    });
    let routes = Router::new().route("/notes/{id}", busy);
    let one_at_a_time = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(1));
    let service = kept.capture().layer(one_at_a_time.service(routes));
    let first = tokio::spawn(service.clone().oneshot(posted("title=first")));
    timeout(ENOUGH, is_begun.recv()).await.expect("the first is worked on");
    let answer = service.oneshot(posted(TYPED)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "draft-kept"), "server");
    assert!(text_of(answer).await.contains("it was not done"));
    assert_eq!(kept.form().await.fields(), typed());
    first.abort();
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_a_draft() {
    let kept = Kept::in_a_file().await;
    let (begun, mut is_begun) = mpsc::channel(1);
    let busy = post(async move || {
        begun.send(()).await.unwrap();
        never().await
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app(busy, kept.capture());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {FORM} HTTP/1.1\r\nhost: here\r\nx-account: ann\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{TYPED}",
        TYPED.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    timeout(ENOUGH, is_begun.recv()).await.expect("the handler is at work");
    assert!(kept.forms().await.is_empty(), "nothing has failed yet");
    drop(client);
    assert_eq!(kept.form().await.fields(), typed());
    serving.abort();
}

#[tokio::test]
async fn a_client_that_hangs_up_on_a_handler_that_goes_on_leaves_nothing() {
    let kept = Kept::in_a_file().await;
    let (begun, mut is_begun) = mpsc::channel(1);
    let busy = post(async move || {
        begun.send(()).await.unwrap();
        never().await
    });
    let leaving = app(busy.clone(), kept.capture().leaves_what_is_hung_up());
    let keeping = app(busy, kept.capture());
    // What hung up later is kept, and what is kept is read in order: the first would be there by now.
    for (app, body) in [(&leaving, TYPED), (&keeping, "title=second")] {
        tokio::select! {
            _ = answered(app, posted(body)) => panic!("the handler is never done"),
            begun = timeout(ENOUGH, is_begun.recv()) => {
                begun.expect("the handler is at work when the client hangs up");
            }
        }
    }
    kept.form().await;
    assert_eq!(kept.forms().await.len(), 1);
    assert_eq!(kept.forms().await[0].fields(), [pair("title", "second")]);
}

#[tokio::test]
async fn what_is_no_form_or_nobody_s_is_let_through() {
    let kept = Kept::in_a_file().await;
    let app = app(
        post(async |body: String| (StatusCode::BAD_GATEWAY, body)),
        kept.capture(),
    );
    let of_nobody = Request::post(FORM)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("a=1"));
    let json = Request::post(FORM)
        .header("x-account", "ann")
        .header("content-type", "application/json")
        .body(Body::from("a=1"));
    for request in [of_nobody, json] {
        let answer = answered(&app, request.unwrap()).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(header(&answer, "draft-kept"), "");
        assert_eq!(text_of(answer).await, "a=1");
    }
    assert!(kept.forms().await.is_empty());
}
