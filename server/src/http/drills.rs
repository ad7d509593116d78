//! Beginning and ending a drill. Without `--drills` there is nothing at these addresses, for anybody.

use std::time::Duration;

use app::api_error::{ApiError, ErrorKind};
use app::monitoring::model::{DRILL_SECONDS, DrillKind};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::visitor::Visitor;
use super::{bodies, pages};
use crate::services::Services;

const PAGE: &str = "/monitoring/drills";

/// `POST /monitoring/drills` with `kind` and `seconds`.
pub async fn start(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let (Some(drills), Some(account)) = (&services.drills, visitor.account()) else {
        return nothing_here(&services, &visitor).await;
    };
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let field = |name: &str| {
        let found = pairs.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.trim())
    };
    let kind = field("kind").and_then(DrillKind::from_word);
    let seconds = field("seconds")
        .and_then(|seconds| seconds.parse().ok())
        .filter(|seconds| DRILL_SECONDS.contains(seconds));
    let (Some(kind), Some(seconds)) = (kind, seconds) else {
        let message = "A drill lasts between 1 and 120 seconds, and is one of those on the page.";
        let error = ApiError::new(ErrorKind::BadRequest, message);
        return pages::draw_failure(&services, &visitor, PAGE, error).await;
    };
    drills.start(kind, Duration::from_secs(seconds), &account.name);
    Redirect::to(PAGE).into_response()
}

/// `POST /monitoring/drills/stop`
pub async fn stop(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    let (Some(drills), Some(account)) = (&services.drills, visitor.account()) else {
        return nothing_here(&services, &visitor).await;
    };
    drills.stop(&account.name);
    Redirect::to(PAGE).into_response()
}

async fn nothing_here(services: &Services, visitor: &Visitor) -> Response {
    let error = ApiError::not_found("There is no page at this address.");
    pages::draw_failure(services, visitor, PAGE, error).await
}
