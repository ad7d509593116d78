//! The database as programs and operators ask after it: from cached probes and counters, but for `reconnect`,
//! `activity` and the hints among `statements`.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::visitor::Visitor;
use super::{answers, bodies, health};
use crate::monitoring::statements::{activity_json, statements_json};
use crate::services::Services;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/api/database/health", get(how_it_is))
        .route("/api/database/info", get(what_it_is))
        .route("/api/database/status", get(what_it_does))
        .route("/api/database/statements", get(what_it_costs))
        .route("/api/database/activity", get(who_is_at_it))
        .route("/api/database/reconnect", post(reconnect))
        .route("/api/database/trust", post(trust))
        .with_state(services.clone())
}

/// `GET /api/database/health`: whether it answers, how quickly, and what it would take.
async fn how_it_is(State(services): State<Services>) -> Response {
    answers::json_success(StatusCode::OK, state(&services))
}

fn state(services: &Services) -> Value {
    let condition = services.monitor.condition();
    let mut details = services.monitor.details();
    json!({
        "status": health::database_status(&condition),
        "database": health::word(condition.database),
        "can_save": condition.can_save,
        "retry_after_ms": condition.retry_after_ms,
        "breakers": { "read": details["read"]["breaker"], "write": details["write"]["breaker"] },
        "cause": details["cause"].take(),
        "last_probe": details["last_probe"].take(),
        "probes": details["probes"].take(),
        "servers": details["servers"].take(),
    })
}

/// `GET /api/database/info`: what is served, and within which limits.
async fn what_it_is(State(services): State<Services>) -> Response {
    let condition = services.monitor.condition();
    let mut details = services.monitor.details();
    let info = json!({
        "kind": condition.database_kind,
        "tables": services.panel.whole().tables().len(),
        "own_tables": details["own_tables"].take(),
        "servers": names(&details),
        "connections_max": {
            "read": details["read"]["pool"]["max"],
            "write": details["write"]["pool"]["max"],
        },
        "drills": services.drills.is_some(),
    });
    answers::json_success(StatusCode::OK, info)
}

/// `GET /api/database/status`: connections and calls at this moment, and what became of saves.
async fn what_it_does(State(services): State<Services>) -> Response {
    let condition = services.monitor.condition();
    let mut details = services.monitor.details();
    let saves = &services.observations.saves;
    let by_outcome: serde_json::Map<_, _> = saves
        .by_outcome()
        .into_iter()
        .map(|(outcome, count)| (outcome.to_owned(), count.into()))
        .collect();
    let status = json!({
        "database": health::word(condition.database),
        "degradation": services.observations.degradation.report(),
        "read": details["read"].take(),
        "write": details["write"].take(),
        "servers": details["servers"].take(),
        "saves": by_outcome,
        "waiting": saves.waiting_since(0),
        "uptime_ms": details["uptime_ms"].take(),
    });
    answers::json_success(StatusCode::OK, status)
}

fn names(details: &Value) -> Vec<Value> {
    let servers = details["servers"].as_array().into_iter().flatten();
    servers.map(|server| server["name"].clone()).collect()
}

/// `POST /api/database/trust` with `server`: of several that could be written to, what this one holds is what counts.
/// Only somebody who has looked can say that, and it is noted who did.
async fn trust(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let server = pairs.iter().find(|(name, _)| name == "server");
    let server = server.map_or("", |(_, server)| server.trim());
    if server.is_empty() {
        return answers::refused(
            &headers,
            StatusCode::BAD_REQUEST,
            "It takes server=NAME; the monitoring page lists them.",
        );
    }
    if !services.monitor.trust(server) {
        let message = "There is no database server of that name that takes changes and gets none; the monitoring page lists them.";
        return answers::refused(&headers, StatusCode::NOT_FOUND, message);
    }
    tracing::warn!(
        by = visitor.name(),
        server,
        "somebody says that what this database server holds is what counts"
    );
    match answers::wants_json(&headers) {
        true => answers::json_success(StatusCode::OK, state(&services)),
        false => Redirect::to("/monitoring").into_response(),
    }
}

/// `GET /api/database/statements`: statements by shape, and what would make slow ones quicker.
async fn what_it_costs(State(services): State<Services>) -> Response {
    let Some(view) = services.monitor.statements() else {
        let message = "Statements are not measured: INKFAST_STATEMENTS is off.";
        return answers::json_failure(StatusCode::NOT_FOUND, "not_found", message);
    };
    let hints = services.monitor.hints().await;
    answers::json_success(
        StatusCode::OK,
        statements_json(&view, hints.as_ref().map_err(|words| *words)),
    )
}

/// `GET /api/database/activity`: what goes on in the database now, and who waits for whom.
async fn who_is_at_it(State(services): State<Services>) -> Response {
    match services.monitor.activity().await {
        Ok(activity) => answers::json_success(StatusCode::OK, activity_json(&activity)),
        Err(words) => {
            let mut response = answers::json_failure(StatusCode::SERVICE_UNAVAILABLE, "database", words);
            let wait = services.monitor.condition().retry_after_ms.unwrap_or(1_000);
            answers::set_retry_after(response.headers_mut(), Some(wait));
            response
        }
    }
}

/// `POST /api/database/reconnect`: every connection that is open is left (what is under way comes to its end), and the
/// database is asked over a new one. An answer lets calls through again.
async fn reconnect(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    tracing::info!(
        by = visitor.name(),
        "all connections are left and the database is asked, because somebody wants it so"
    );
    let condition = services.monitor.reconnect().await;
    let state = state(&services);
    if health::database_status(&condition) != "unhealthy" {
        return answers::json_success(StatusCode::OK, state);
    }
    let message = "The database cannot be reached; it is asked again by itself.";
    let mut response = answers::json_failure_with(StatusCode::SERVICE_UNAVAILABLE, "database", message, Some(state));
    answers::set_retry_after(response.headers_mut(), condition.retry_after_ms);
    response
}
