//! Whether this server runs, and whether it can save. All from cached probes: asking costs nothing
//! and touches nothing.

use app::monitoring::port::{Condition, DependencyState, DraftsState};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::answers;
use super::visitor::Visitor;
use crate::services::Services;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/health/simple", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .route("/health-check", get(health))
        .route("/health/detailed", get(detailed))
        .with_state(services.clone())
}

/// 200 when a save would be tried, else 503 with what is missing.
async fn ready(State(services): State<Services>) -> Response {
    let condition = services.monitor.condition();
    if condition.database == DependencyState::Down {
        let message = "The database cannot be reached.";
        let mut response = answers::json_failure_with(
            StatusCode::SERVICE_UNAVAILABLE,
            "database",
            message,
            Some(report(&condition)),
        );
        answers::set_retry_after(response.headers_mut(), condition.retry_after_ms);
        return response;
    }
    answers::json_success(StatusCode::OK, report(&condition))
}

async fn health(State(services): State<Services>) -> Json<Value> {
    Json(report(&services.monitor.condition()))
}

/// With numbers; for people signed in and programs with the token.
async fn detailed(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    if visitor.account().is_none() && !has_token(request.headers(), services.settings.storage.api_token.as_deref()) {
        return answers::json_failure(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Sign in, or send the token.",
        );
    }
    let mut report = report(&services.monitor.condition());
    report["details"] = services.monitor.details();
    answers::json_success(StatusCode::OK, report)
}

/// `GET /admin/connection-status`
pub async fn connection_status(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    match visitor.account() {
        Some(_) => answers::json_success(StatusCode::OK, report(&services.monitor.condition())),
        None => answers::json_failure(StatusCode::UNAUTHORIZED, "unauthenticated", "Please sign in."),
    }
}

fn report(condition: &Condition) -> Value {
    let worst = match (condition.database, condition.drafts_state) {
        (DependencyState::Down, _) => "unhealthy",
        (DependencyState::Up, DraftsState::Redis | DraftsState::Embedded) => "healthy",
        _ => "degraded",
    };
    json!({
        "status": worst,
        "database": word(condition.database),
        "database_kind": condition.database_kind,
        "drafts": word(condition.drafts),
        "drafts_kept_in": condition.drafts_state.word(),
        "retry_after_ms": condition.retry_after_ms,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn word(state: DependencyState) -> &'static str {
    match state {
        DependencyState::Up => "up",
        DependencyState::Slow => "slow",
        DependencyState::Down => "down",
    }
}

pub fn has_token(headers: &HeaderMap, expected: Option<&str>) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match (given, expected) {
        (Some(given), Some(expected)) => given.as_bytes().ct_eq(expected.as_bytes()).into(),
        _ => false,
    }
}
