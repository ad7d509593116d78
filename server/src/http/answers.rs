//! Answers that are no pages: JSON envelopes, and plain words where even a page cannot be drawn.

use std::any::Any;

use app::api_error::{ApiError, ErrorKind};
use app::records::api::NotSaved;
use axum::Json;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use resilient_core::submission::answer::{Answer, Envelope, Outcome};
use serde::Serialize;

use crate::request_id;

/// Whether the caller is a program that wants to know, not a person who wants to see.
pub fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

pub fn json_success<T: Serialize>(status: StatusCode, data: T) -> Response {
    let envelope = Envelope {
        success: true,
        error_id: None,
        error: None,
        message: None,
        retry_count: None,
        last_attempt: None,
        data: Some(data),
    };
    (status, Json(envelope)).into_response()
}

pub fn json_failure(status: StatusCode, code: &str, message: &str) -> Response {
    json_failure_with(status, code, message, None::<()>)
}

pub fn json_failure_with<T: Serialize>(status: StatusCode, code: &str, message: &str, data: Option<T>) -> Response {
    let envelope = Envelope {
        success: false,
        error_id: request_id::current(),
        error: Some(code.to_owned()),
        message: Some(message.to_owned()),
        retry_count: None,
        last_attempt: None,
        data,
    };
    (status, Json(envelope)).into_response()
}

pub fn api_error(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::BAD_REQUEST => "malformed",
        StatusCode::UNAUTHORIZED => "unauthenticated",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "internal",
    };
    let mut response = json_failure(status, code, &error.message);
    set_retry_after(response.headers_mut(), error.retry_after_ms);
    response
}

/// The JSON answer to a press of Save.
pub fn saved_or_not(answer: &Answer) -> Response {
    let status = status_of(answer.outcome);
    let mut response = if answer.outcome == Outcome::Saved {
        json_success(status, answer)
    } else {
        json_failure_with(status, answer.outcome.code(), answer.message(), Some(answer))
    };
    set_retry_after(response.headers_mut(), answer.retry_after_ms);
    response
}

pub fn status_of(outcome: Outcome) -> StatusCode {
    StatusCode::from_u16(outcome.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// `Retry-After` counts whole seconds; a shorter wait is said as one.
pub fn set_retry_after(headers: &mut HeaderMap, retry_after_ms: Option<u64>) {
    if let Some(ms) = retry_after_ms {
        headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000).max(1)));
    }
}

pub fn too_large(headers: &HeaderMap, path: &str, limit: usize) -> Response {
    let answer = Answer::new(Outcome::TooLarge);
    if path == "/api/records/save" {
        let not_saved = NotSaved::Answered(Box::new(answer));
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(not_saved)).into_response();
    }
    if path.starts_with("/records/") && wants_json(headers) {
        return saved_or_not(&answer);
    }
    let message = format!("This is larger than the {} KiB that can be sent at once.", limit / 1024);
    refused_as(headers, path, StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message)
}

/// The JSON answer to a save on an address without a form: said in the terms of a save, so that the page
/// knows whether trying again makes sense.
pub fn no_such_form(error: &ApiError) -> Response {
    if error.kind == ErrorKind::Unavailable {
        let reason = Some("database".to_owned());
        let retry_after_ms = error.retry_after_ms.or(Some(1_000));
        return saved_or_not(&Answer {
            reason,
            retry_after_ms,
            ..Answer::new(Outcome::Kept)
        });
    }
    let mut response = saved_or_not(&Answer::new(Outcome::Gone));
    *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::NOT_FOUND);
    response
}

/// Refused before anybody looked at it.
pub fn refused(headers: &HeaderMap, status: StatusCode, message: &str) -> Response {
    refused_as(headers, "", status, "refused", message)
}

fn refused_as(headers: &HeaderMap, path: &str, status: StatusCode, code: &str, message: &str) -> Response {
    if wants_json(headers) || path.starts_with("/api/") {
        json_failure(status, code, message)
    } else {
        plain_page(status, message)
    }
}

/// The last resort: a page without the application around it.
pub fn plain_page(status: StatusCode, message: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Inkfast</title><h1>{message}</h1>\
         <p>Go back to the page before: what you typed is still there.</p></html>"
    );
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// A handler panicked: logged with an id that the page names.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let error_id = crate::report::error_id();
    tracing::error!(error_id, panic = text, "a request handler panicked");
    plain_page(
        StatusCode::INTERNAL_SERVER_ERROR,
        &format!("Something went wrong on our side. <small>Error {error_id}</small>"),
    )
}
