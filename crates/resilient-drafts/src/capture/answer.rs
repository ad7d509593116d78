//! What is answered where a form's post failed.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::BoxError;

use super::service::seconds;
use super::{Failed, Failure, Kept, NotKept};
use crate::Place;

/// 503 with `Retry-After`, and a page that says what was kept where.
pub fn plain_page(_: &Parts, failed: Failed) -> Response {
    let (heading, mut words) = match &failed.kept {
        Ok(kept) => (
            "This could not be finished. What you typed is kept.",
            vec![where_kept(kept.place).to_owned()],
        ),
        Err(error) => (
            "This could not be finished, and what you typed could not be kept.",
            vec![what_to_do(error).to_owned()],
        ),
    };
    words.push(
        match failed.why {
            Failure::Refused(_) => "Too much was going on: it was not done. Please send it again in a moment.",
            _ => "It is not known whether it was done. Please look before you send it again.",
        }
        .to_owned(),
    );
    words.extend(failed.kept.as_ref().ok().and_then(left_out));
    let paragraphs: String = words.iter().map(|words| format!("<p>{words}</p>")).collect();
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Not finished</title><h1>{heading}</h1>{paragraphs}</html>"
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (RETRY_AFTER, HeaderValue::from(seconds(failed.retry_after))),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, page).into_response()
}

/// The handler's own answer where there is one, else [`plain_page`]. What was kept stands in the header.
pub fn as_it_is(parts: &Parts, failed: Failed) -> Response {
    match failed.why {
        Failure::Answered(response) => response,
        why => plain_page(parts, Failed { why, ..failed }),
    }
}

/// To what is not looked after.
pub(super) fn refused(error: &BoxError) -> Response {
    tracing::warn!(?error, "a request was refused");
    let retry_after = [(RETRY_AFTER, HeaderValue::from_static("1"))];
    (
        StatusCode::SERVICE_UNAVAILABLE,
        retry_after,
        "Please try again in a moment.",
    )
        .into_response()
}

fn where_kept(place: Place) -> &'static str {
    match place {
        Place::Redis => "It is kept as a draft in your account, and is there on any of your devices.",
        Place::Server => "It is kept as a draft in your account on this server.",
    }
}

fn what_to_do(error: &NotKept) -> &'static str {
    match error {
        NotKept::NothingToKeep => "There was nothing in it that is ever kept. Please type it again.",
        NotKept::Slow => "It may have been kept all the same. Go back to the page before: your text is still there.",
        _ => "Go back to the page before: your text is still there. Copy it before you close that page.",
    }
}

fn left_out(kept: &Kept) -> Option<String> {
    let names: Vec<String> = kept.left_out.iter().map(|name| escaped(name)).collect();
    (!names.is_empty()).then(|| format!("Never kept, and to be typed again: {}.", names.join(", ")))
}

/// For a page: names of fields come from outside.
pub fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
