//! Degraded mode by hand, and what else staff can do from the monitoring page.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Router};
use serde::Deserialize;

use super::visitor::Visitor;
use super::{answers, bodies, health};
use crate::monitoring::degradation::LONGEST_BY_HAND;
use crate::services::Services;

/// Characters of a reason.
const LONGEST_REASON: usize = 200;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/api/degradation/enter", post(enter))
        .route("/api/degradation/reset", post(reset))
        .with_state(services.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    reason: String,
    seconds: u64,
}

impl Wanted {
    fn makes_sense(&self) -> bool {
        let reason = self.reason.trim();
        (1..=LONGEST_REASON).contains(&reason.chars().count())
            && !reason.chars().any(char::is_control)
            && (1..=LONGEST_BY_HAND).contains(&self.seconds)
    }
}

/// `POST /api/degradation/enter` with `{"reason": …, "seconds": …}`.
async fn enter(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let wanted: Option<Wanted> = serde_json::from_slice(&body).ok();
    let Some(wanted) = wanted.filter(Wanted::makes_sense) else {
        let message = "It takes {\"reason\": 1 to 200 characters, \"seconds\": 1 to 86400}.";
        return answers::json_failure(StatusCode::BAD_REQUEST, "malformed", message);
    };
    enter_as(&services, &visitor, &wanted);
    answers::json_success(StatusCode::OK, services.observations.degradation.report())
}

fn enter_as(services: &Services, visitor: &Visitor, wanted: &Wanted) {
    let (degradation, lasting) = (&services.observations.degradation, Duration::from_secs(wanted.seconds));
    degradation.enter(visitor.name(), wanted.reason.trim(), lasting);
}

/// `POST /api/degradation/reset`: everything is answered again, whoever brought it about.
async fn reset(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    services.observations.degradation.reset(visitor.name());
    answers::json_success(StatusCode::OK, services.observations.degradation.report())
}

/// `POST /monitoring/steer`, with what to `do`: back to the page, which says what came of it.
pub async fn steer(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let field = |name: &str| {
        let found = pairs.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let recording = &services.observations.recording;
    let done = match field("do") {
        "reconnect" => {
            tracing::info!(by = visitor.name(), "all connections are left, from the page");
            told(&services.monitor.reconnect().await)
        }
        "retry" => {
            let condition = services.monitor.condition_now().await;
            services.drafts.waiting().ring();
            told(&condition)
        }
        to @ ("watch" | "do-not-watch") => {
            let enabled = recording.switch(Some(to == "watch"), visitor.name());
            tracing::warn!(by = visitor.name(), enabled, "monitoring is switched");
            to
        }
        "reset" => {
            services.observations.degradation.reset(visitor.name());
            "reset"
        }
        "degrade" => {
            let minutes = field("minutes").parse::<u64>().unwrap_or_default();
            let wanted = Wanted {
                reason: field("reason").to_owned(),
                seconds: minutes.saturating_mul(60),
            };
            match wanted.makes_sense() {
                true => {
                    enter_as(&services, &visitor, &wanted);
                    "degraded"
                }
                false => "not-understood",
            }
        }
        _ => "not-understood",
    };
    Redirect::to(&format!("/monitoring?done={done}")).into_response()
}

fn told(condition: &app::monitoring::port::Condition) -> &'static str {
    match health::database_status(condition) {
        "unhealthy" => "no-answer",
        _ => "answered",
    }
}
