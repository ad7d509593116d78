//! What every request leaves behind: its id in the answer and in each log line, and its numbers.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use resilient_core::failure::Severity;
use tracing::Instrument;

use crate::request_id;
use crate::services::Services;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Around everything else. Path and query stay out of every label, and the query out of the log.
pub async fn observe(State(services): State<Services>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::accepted(text(request.headers(), &X_REQUEST_ID));
    let (method, route) = (method_label(request.method()), route_of(&request));
    let traceparent = text(request.headers(), &TRACEPARENT).filter(|given| is_traceparent(given));
    let span = tracing::info_span!("request", request_id = %id, method, route, traceparent);
    let path = request.uri().path().to_owned();
    let answering = request_id::within(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = answering.await;

    let (status, took) = (response.status().as_u16(), started.elapsed());
    span.in_scope(|| tracing::debug!(path, status, took_ms = took.as_millis() as u64, "answered"));
    services.observations.traffic.answered(&route, method, status, took);
    if status == 500 {
        let noted = request_id::within(id.clone(), async {
            let errors = &services.observations.errors;
            errors.note("answered_500", Severity::Outage, &route)
        });
        noted.await;
    }
    let class = status_class(status);
    let labels = [("route", route), ("method", method.to_owned())];
    metrics::histogram!("inkfast_http_request_duration_seconds", &labels).record(took);
    let [route, method] = labels;
    metrics::counter!(
        "inkfast_http_requests_total",
        &[route, method, ("status", class.to_owned())]
    )
    .increment(1);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The template in the route table; all addresses without one are one.
fn route_of(request: &Request) -> String {
    if request.uri().path().starts_with("/pkg/") {
        return "/pkg/{file}".to_owned();
    }
    match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some(path) => path.to_owned(),
        None => "(none)".to_owned(),
    }
}

/// A method is free text as far as HTTP goes.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// W3C Trace Context, version 00: `00-{32 hex}-{16 hex}-{2 hex}`.
fn is_traceparent(given: &str) -> bool {
    let parts: Vec<_> = given.split('-').collect();
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2]) && parts.iter().all(|part| is_hex(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_trace_context_is_written_down() {
        assert!(is_traceparent(
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ));
        for other in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c8031\n-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(!is_traceparent(other), "{other}");
        }
    }
}
