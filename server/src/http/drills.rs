//! Beginning, following and ending a drill, on the page and for programs. Without `--drills` there is nothing at these
//! addresses, for anybody.

use std::time::Duration;

use app::api_error::{ApiError, ErrorKind};
use app::monitoring::model::{DRILL_SECONDS, DrillCheck, DrillKind, DrillReport};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::visitor::Visitor;
use super::{answers, bodies, pages};
use crate::monitoring::drills::DrillState;
use crate::services::Services;

const PAGE: &str = "/monitoring/drills";

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/api/drills", post(begin))
        .route("/api/drills/{id}", get(follow))
        .route("/api/drills/{id}/stop", post(end))
        .with_state(services.clone())
}

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: String,
    seconds: u64,
    /// Whoever began it asks for it again and again, and it ends when nobody does.
    #[serde(default)]
    followed: bool,
}

/// `POST /api/drills` with `{"kind": …, "seconds": …}`, and `"followed": true` from whoever goes on asking: 202, with the number by which it is followed.
async fn begin(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let Some(drills) = &services.drills else {
        return drills_are_off();
    };
    let wanted: Option<Wanted> = serde_json::from_slice(&body).ok();
    let kind = wanted.as_ref().and_then(|wanted| DrillKind::from_word(&wanted.kind));
    let is_followed = wanted.as_ref().is_some_and(|wanted| wanted.followed);
    let seconds = wanted
        .map(|wanted| wanted.seconds)
        .filter(|seconds| DRILL_SECONDS.contains(seconds));
    let (Some(kind), Some(seconds)) = (kind, seconds) else {
        let kinds = DrillKind::ALL.map(DrillKind::word).join(", ");
        let message = format!("It takes {{\"kind\": one of {kinds}, \"seconds\": 1 to 120}}.");
        return answers::json_failure(StatusCode::BAD_REQUEST, "malformed", &message);
    };
    let (lasting, name) = (Duration::from_secs(seconds), visitor.name());
    let number = match is_followed {
        true => drills.start_followed(kind, lasting, name),
        false => drills.start(kind, lasting, name),
    };
    answers::json_success(StatusCode::ACCEPTED, json!({ "id": number, "state": "running" }))
}

/// `GET /api/drills/{id}`: how far it is, and what it came to.
async fn follow(State(services): State<Services>, Path(number): Path<u64>) -> Response {
    let Some(drills) = &services.drills else {
        return drills_are_off();
    };
    match drills.find(number) {
        None => no_such_drill(),
        Some(DrillState::Running(drill)) => {
            let told = json!({
                "id": number,
                "state": "running",
                "kind": drill.kind.word(),
                "by": drill.by,
                "remaining_ms": drill.remaining_ms,
            });
            answers::json_success(StatusCode::OK, told)
        }
        Some(DrillState::Over(report)) => answers::json_success(StatusCode::OK, told(&report)),
    }
}

/// `POST /api/drills/{id}/stop`
async fn end(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<u64>,
) -> Response {
    match &services.drills {
        None => drills_are_off(),
        Some(drills) if drills.stop_this(number, visitor.name()) => {
            answers::json_success(StatusCode::OK, json!({ "id": number }))
        }
        Some(_) => no_such_drill(),
    }
}

fn drills_are_off() -> Response {
    let message = "Drills are off: the server has to be started with --drills or INKFAST_DRILLS=1.";
    answers::json_failure(StatusCode::NOT_FOUND, "not_found", message)
}

fn no_such_drill() -> Response {
    let message = "There was no such drill, or it is forgotten.";
    answers::json_failure(StatusCode::NOT_FOUND, "not_found", message)
}

fn told(report: &DrillReport) -> Value {
    let is_over = !matches!(report.check, DrillCheck::UnderWay);
    let by_status = (1..)
        .zip(report.by_status)
        .map(|(class, count)| (format!("{class}xx"), count.into()));
    let saves = report
        .saves
        .iter()
        .map(|(outcome, count)| ((*outcome).to_owned(), (*count).into()));
    json!({
        "id": report.number,
        "state": if is_over { "done" } else { "checking" },
        "verdict": report.verdict().word(),
        "kind": report.kind.word(),
        "by": report.by,
        "started_unix_ms": report.started_at_ms,
        "lasted_ms": report.lasted_ms,
        "struck": { "attempts": report.struck, "commits": report.commits_cut },
        "requests": {
            "answered": report.answered,
            "by_status": by_status.collect::<Map<_, _>>(),
            "late": report.late,
            "slowest_ms": report.slowest_ms,
        },
        "saves": {
            "by_outcome": saves.collect::<Map<_, _>>(),
            "slowest_kept_ms": report.slowest_kept_ms,
            "waiting_now": report.still_waiting,
        },
        "own_saves": {
            "done": report.own.done,
            "refused": report.own.refused,
            "unknown": report.own.unknown,
            "slowest_refusal_ms": report.own.slowest_refusal_ms,
        },
        "took_changes_after_ms": report.took_changes_after_ms,
        "check": checked(&report.check),
    })
}

fn checked(check: &DrillCheck) -> Value {
    match check {
        DrillCheck::UnderWay => Value::Null,
        DrillCheck::NotDone(why) => json!({ "not_done": why }),
        DrillCheck::Done(found) => json!({
            "saves": found.saves,
            "own": found.own,
            "missing": found.missing,
            "twice": found.twice,
            "refused_and_there": found.refused_and_there,
            "kept": found.kept,
            "kept_and_done": found.kept_and_done,
            "without_text": found.without_text,
            "not_looked_for": found.beyond,
        }),
    }
}
