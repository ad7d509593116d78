//! Whether this server runs, and whether it can save. All from cached probes: asking costs nothing
//! and touches nothing.

use app::monitoring::model::DegradedBy;
use app::monitoring::port::{Condition, DependencyState, DraftsState};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::visitor::Visitor;
use super::{answers, metrics, waiting};
use crate::replay::WaitingSaves;
use crate::services::Services;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/health/simple", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .route("/health-check", get(health))
        .route("/health/detailed", get(detailed))
        .route("/metrics", get(metrics::show))
        .with_state(services.clone())
}

/// 200 when a save would be tried, else 503 with what is missing.
async fn ready(State(services): State<Services>) -> Response {
    let condition = services.monitor.condition();
    if let Some(message) = why_not_ready(&condition) {
        let mut report = report(&condition);
        // Open pages ask this for want of a stream, and are told the same by both.
        report["database"] = word(condition.database_for_saving()).into();
        let mut response =
            answers::json_failure_with(StatusCode::SERVICE_UNAVAILABLE, "database", message, Some(report));
        answers::set_retry_after(response.headers_mut(), condition.retry_after_ms);
        return response;
    }
    answers::json_success(StatusCode::OK, report(&condition))
}

fn why_not_ready(condition: &Condition) -> Option<&'static str> {
    match (condition.database, condition.can_save) {
        (DependencyState::Down, _) => Some("The database cannot be reached."),
        (_, false) => Some("The database takes no changes."),
        (_, true) => None,
    }
}

async fn health(State(services): State<Services>) -> Json<Value> {
    Json(whole_report(&services))
}

/// Where Inkfast's own tables are missing, records can be read and nothing can be saved.
pub(super) fn whole_report(services: &Services) -> Value {
    let mut report = report(&services.monitor.condition());
    if services.observations.own_tables.are_missing() && report["status"] == "healthy" {
        report["status"] = "degraded".into();
    }
    let degraded = services.observations.degradation.current();
    let is_by_hand = degraded.is_some_and(|degraded| matches!(degraded.by, DegradedBy::Hand { .. }));
    if is_by_hand && report["status"] == "healthy" {
        report["status"] = "degraded".into();
    }
    report
}

/// With numbers: pools, breakers, response times, own tables, process, machine and disk. For people signed in and
/// programs with the token.
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
    let mut report = whole_report(&services);
    report["details"] = services.monitor.details();
    report["replay"] = replay(services.drafts.waiting());
    report["degradation"] = services.observations.degradation.report();
    answers::json_success(StatusCode::OK, report)
}

/// `GET /admin/connection-status`: how things are for this person, and what of theirs is waiting.
pub async fn connection_status(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    let condition = services.monitor.condition();
    status_for(&services, &visitor, &condition).await
}

/// `POST /admin/retry-operations`: asks the database now, unless it was asked just before, and answers
/// as above. What the server itself sends again is looked through now; the rest is sent by whoever holds it, once the
/// answer says that it can be.
pub async fn retry_operations(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    if visitor.account().is_none() {
        return sign_in_first();
    }
    let condition = services.monitor.condition_now().await;
    services.drafts.waiting().ring();
    status_for(&services, &visitor, &condition).await
}

async fn status_for(services: &Services, visitor: &Visitor, condition: &Condition) -> Response {
    let Some(account) = visitor.account() else {
        return sign_in_first();
    };
    let mut status = report(condition);
    status["breaker"] = breaker(&services.monitor.details());
    let own = waiting::of(services, account, condition).await;
    (status["waiting"], status["needs_attention"]) = (own.waiting, own.needs_attention);
    status["waiting_complete"] = own.complete.into();
    answers::json_success(StatusCode::OK, status)
}

/// The one that lets nothing through, if one does not.
fn breaker(details: &Value) -> Value {
    let breakers = ["read", "write"].map(|role| &details[role]["breaker"]);
    let not_closed = breakers.into_iter().find(|breaker| **breaker != "closed");
    not_closed.unwrap_or(breakers[0]).clone()
}

/// Of everybody, as of the last look: what the server sends again by itself. No number before the first look, and none
/// while nobody can look.
fn replay(waiting: &WaitingSaves) -> Value {
    let looked = waiting.looked();
    let numbers = looked.numbers.filter(|_| looked.out_of_sight_since_ms.is_none());
    json!({
        "works": waiting.works(),
        "waiting": numbers.map(|numbers| numbers.waiting),
        "oldest_pressed_unix_ms": numbers.and_then(|numbers| numbers.oldest_pressed_at_ms),
        "needs_attention": numbers.map(|numbers| numbers.needs_attention),
        "dead": numbers.map(|numbers| numbers.dead),
        "out_of_sight_since_unix_ms": looked.out_of_sight_since_ms,
    })
}

fn sign_in_first() -> Response {
    answers::json_failure(StatusCode::UNAUTHORIZED, "unauthenticated", "Please sign in.")
}

fn report(condition: &Condition) -> Value {
    let status = match condition.drafts_state {
        DraftsState::Redis | DraftsState::Embedded => database_status(condition),
        _ if condition.database == DependencyState::Down => "unhealthy",
        _ => "degraded",
    };
    json!({
        "status": status,
        "database": word(condition.database),
        "can_save": condition.can_save,
        "database_kind": condition.database_kind,
        "drafts": word(condition.drafts),
        "drafts_kept_in": condition.drafts_state.word(),
        "retry_after_ms": condition.retry_after_ms,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// Of the database alone, drafts apart.
pub(super) fn database_status(condition: &Condition) -> &'static str {
    match condition.database {
        DependencyState::Down => "unhealthy",
        DependencyState::Up if condition.can_save => "healthy",
        _ => "degraded",
    }
}

pub(super) fn word(state: DependencyState) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_who_can_save() {
        let condition = |database, can_save| Condition {
            database,
            can_save,
            database_kind: "PostgreSQL",
            drafts: DependencyState::Up,
            drafts_state: DraftsState::Embedded,
            retry_after_ms: None,
        };
        for (database, can_save, is_ready, status) in [
            (DependencyState::Up, true, true, "healthy"),
            (DependencyState::Slow, true, true, "degraded"),
            (DependencyState::Slow, false, false, "degraded"),
            (DependencyState::Down, false, false, "unhealthy"),
        ] {
            let condition = condition(database, can_save);
            assert_eq!(why_not_ready(&condition).is_none(), is_ready, "{condition:?}");
            assert_eq!(report(&condition)["status"], status, "{condition:?}");
            let is_down = condition.database_for_saving() == DependencyState::Down;
            assert_eq!(is_down, !can_save, "{condition:?}");
        }
    }
}
