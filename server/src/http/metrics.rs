//! `/metrics`, for whoever has the token: the list of routes keeps everybody else out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::answers;
use crate::monitoring::prometheus;
use crate::services::Services;

pub async fn show(State(services): State<Services>) -> Response {
    let Some(metrics) = &services.metrics else {
        let message = "There are no metrics: they could not be recorded in this process.";
        return answers::json_failure(StatusCode::NOT_FOUND, "not_found", message);
    };
    prometheus::note_servers(&services.monitor.report().servers);
    let text = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (text, metrics.render()).into_response()
}
