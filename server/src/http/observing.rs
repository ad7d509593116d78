//! What was seen since the start, as JSON for staff: errors, breakers, requests by route; and the switch that says
//! whether more is gathered.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers;
use super::visitor::Visitor;
use crate::services::Services;

/// Errors told without a `limit`.
const USUAL_LIMIT: usize = 100;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/api/errors/statistics", get(error_statistics))
        .route("/api/errors/recent", get(recent_errors))
        .route("/api/circuit-breakers", get(breakers))
        .route("/api/endpoint-metrics", get(endpoints))
        .route("/api/toggle-monitoring", post(toggle))
        .with_state(services.clone())
}

/// `GET /api/errors/statistics`: of the last 24 hours.
async fn error_statistics(State(services): State<Services>) -> Response {
    let statistics = services.observations.errors.statistics();
    let by_hour = statistics.by_hour.iter();
    let by_hour: Vec<_> = by_hour
        .map(|(begins, count)| json!({ "begins_unix_ms": begins, "count": count }))
        .collect();
    let told = json!({
        "hours": by_hour.len(),
        "total": statistics.total,
        "by_kind": statistics.by_kind,
        "by_severity": statistics.by_severity,
        "by_hour": by_hour,
    });
    answers::json_success(StatusCode::OK, with_switch(&services, with_place(&services, told)))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<usize>,
}

/// `GET /api/errors/recent?limit=`: the latest first; what came again within seconds is one entry.
async fn recent_errors(State(services): State<Services>, limit: Result<Query<Limit>, QueryRejection>) -> Response {
    let Ok(Query(Limit { limit })) = limit else {
        let message = "The limit is a number.";
        return answers::json_failure(StatusCode::BAD_REQUEST, "malformed", message);
    };
    let errors = services.observations.errors.recent(limit.unwrap_or(USUAL_LIMIT));
    let listed = errors.iter().map(|error| {
        json!({
            "kind": error.kind,
            "severity": error.severity,
            "what": error.what,
            "times": error.times,
            "first_unix_ms": error.first_at_ms,
            "last_unix_ms": error.last_at_ms,
            "error_id": error.request_id,
            "elsewhere": error.elsewhere,
        })
    });
    let listed: Vec<_> = listed.collect();
    let told = with_place(&services, json!({ "errors": listed }));
    answers::json_success(StatusCode::OK, with_switch(&services, told))
}

/// `GET /api/circuit-breakers`: how each stands, and when they opened and closed.
async fn breakers(State(services): State<Services>) -> Response {
    let condition = services.monitor.condition();
    let details = services.monitor.details();
    let breakers = ["read", "write"].map(|role| {
        let state = &details[role]["breaker"];
        json!({
            "database": "main",
            "role": role,
            "state": state,
            "retry_after_ms": (state != "closed").then_some(condition.retry_after_ms).flatten(),
        })
    });
    let told = json!({ "breakers": breakers, "changes": services.observations.breakers.report() });
    answers::json_success(StatusCode::OK, told)
}

/// `GET /api/endpoint-metrics`: requests by route since the start, the most asked for first.
async fn endpoints(State(services): State<Services>) -> Response {
    let routes = services.observations.traffic.routes();
    let listed = routes.iter().map(|route| {
        json!({
            "route": route.route,
            "method": route.method,
            "count": route.count,
            "failed": route.failed,
            "error_rate": route.failed as f64 / route.count.max(1) as f64,
            "p50_ms": route.p50_ms,
            "p95_ms": route.p95_ms,
            "p99_ms": route.p99_ms,
        })
    });
    let listed: Vec<_> = listed.collect();
    answers::json_success(StatusCode::OK, with_switch(&services, json!({ "endpoints": listed })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Absent: to what it is not.
    enabled: Option<bool>,
}

#[derive(Serialize)]
struct Switched {
    enabled: bool,
}

/// `POST /api/toggle-monitoring`, with `{"enabled": true|false}` or nothing: whether requests and errors are counted.
async fn toggle(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let asked = match body.as_ref() {
        b"" => Ok(Switch { enabled: None }),
        body => serde_json::from_slice(body),
    };
    let Ok(Switch { enabled }) = asked else {
        let message = "It takes {\"enabled\": true}, {\"enabled\": false}, or nothing.";
        return answers::json_failure(StatusCode::BAD_REQUEST, "malformed", message);
    };
    let by = visitor.name();
    let enabled = services.observations.recording.switch(enabled, by);
    tracing::warn!(by, enabled, "monitoring is switched");
    answers::json_success(StatusCode::OK, Switched { enabled })
}

/// Where errors are kept, and how many were too many for it.
fn with_place(services: &Services, mut told: Value) -> Value {
    let errors = &services.observations.errors;
    told["kept_in"] = errors.kept_in().word().into();
    told["not_written"] = errors.not_written().into();
    told
}

/// Numbers that stand still are said to.
fn with_switch(services: &Services, mut told: Value) -> Value {
    let paused = services.observations.recording.paused();
    told["enabled"] = paused.is_none().into();
    if let Some(paused) = paused {
        told["disabled_by"] = paused.by.into();
        told["disabled_since_unix_ms"] = paused.since_ms.into();
    }
    told
}
