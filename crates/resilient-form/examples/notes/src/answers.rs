//! Answers for a script: each says whether it is one of ours, and whether it succeeded.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use resilient_core::submission::answer::{Answer, Envelope, Outcome};
use serde::Serialize;

pub fn told(status: StatusCode, data: impl Serialize) -> Response {
    enveloped(status, None, Some(data))
}

pub fn refused(status: StatusCode, error: &str, data: Option<impl Serialize>) -> Response {
    enveloped(status, Some(error), data)
}

/// What became of a press of Save.
pub fn saving(answer: Answer) -> Response {
    let error = (answer.outcome != Outcome::Saved).then(|| answer.outcome.code());
    enveloped(status(&answer), error, Some(answer))
}

pub fn status(answer: &Answer) -> StatusCode {
    StatusCode::from_u16(answer.outcome.status()).expect("outcomes have valid statuses")
}

fn enveloped(status: StatusCode, error: Option<&str>, data: Option<impl Serialize>) -> Response {
    let envelope = Envelope {
        success: error.is_none(),
        error: error.map(str::to_owned),
        message: None,
        retry_count: None,
        error_id: None,
        last_attempt: None,
        data,
    };
    (status, Json(envelope)).into_response()
}
