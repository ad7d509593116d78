//! One's own unsaved work, past its page: discarded without script, and as a file.

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::Account;
use app::drafts::export::Format;
use app::drafts::port::SeenDrafts;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use resilient_core::draft::Revision;
use serde::Deserialize;

use super::bodies;
use super::pages;
use super::record_forms::see_other;
use super::sign_in::safe_next;
use super::visitor::Visitor;
use crate::clock::now_ms;
use crate::services::Services;

/// Which unsaved work, and as what. Without a form's key, all of it.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(rename = "as")]
    format: Option<String>,
    form_key: Option<String>,
    seq: Option<u64>,
    writer: Option<String>,
}

/// `GET /drafts/export`
pub async fn export(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let Some(account) = visitor.account() else {
        return Redirect::to(&pages::sign_in_address("/drafts")).into_response();
    };
    match chosen(&services, account, &wanted).await {
        Ok(seen) => file(&services, account, &seen, Format::read(wanted.format.as_deref())),
        Err(error) => pages::draw_failure(&services, &visitor, "/drafts", error).await,
    }
}

async fn chosen(services: &Services, account: &Account, wanted: &Wanted) -> Result<SeenDrafts, ApiError> {
    let drafts = services.drafts_port();
    let Some(form_key) = &wanted.form_key else {
        return drafts.list(account).await;
    };
    let mut seen = drafts.load(account, form_key).await?;
    if let (Some(seq), Some(writer)) = (wanted.seq, wanted.writer.clone()) {
        let revision = Revision { seq, writer };
        seen.drafts.retain(|kept| kept.draft.revision == revision);
    }
    if seen.drafts.is_empty() && seen.complete {
        return Err(ApiError::not_found(
            "This text is not kept any more: it was saved, discarded, or changed since.",
        ));
    }
    Ok(seen)
}

fn file(services: &Services, account: &Account, seen: &SeenDrafts, format: Format) -> Response {
    let tables = services.records.tables(account).unwrap_or_default();
    let now_ms = now_ms();
    let body = format.write(&account.name, &tables, seen, now_ms);
    let disposition = format!("attachment; filename=\"{}\"", format.file_name(now_ms));
    let headers = [
        (CONTENT_TYPE, format.content_type().to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

/// `POST /drafts/discard` with `form_key`, `seq`, `writer`: the page without script.
pub async fn discard(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Response {
    let Some(account) = visitor.account() else {
        return Redirect::to("/login").into_response();
    };
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let field = |name: &str| {
        pairs
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    };
    let (Some(form_key), Some(seq), Some(writer)) = (
        field("form_key"),
        field("seq").and_then(|seq| seq.parse().ok()),
        field("writer"),
    ) else {
        let error = ApiError::new(ErrorKind::BadRequest, "Which draft to discard was not said.");
        return pages::draw_failure(&services, &visitor, "/drafts", error).await;
    };
    match services
        .drafts_port()
        .discard(account, &form_key, &Revision { seq, writer })
        .await
    {
        Ok(()) => go_on(&field("next").unwrap_or_default()),
        Err(error) => pages::draw_failure(&services, &visitor, "/drafts", error).await,
    }
}

/// `POST /drafts/seen` with each `id` that a page has told of, and the address to go on at.
pub async fn seen(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let Some(account) = visitor.account() else {
        return Redirect::to("/login").into_response();
    };
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let named = |wanted: &'static str| {
        pairs
            .iter()
            .filter(move |(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let ids: Vec<String> = named("id").cloned().collect();
    services.drafts_port().seen(account, &ids).await;
    go_on(named("next").next().map_or("", String::as_str))
}

/// `POST /drafts/retry`: has the database asked now, and what waits sent as soon as it can be.
pub async fn retry(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    if visitor.account().is_none() {
        return Redirect::to("/login").into_response();
    }
    services.monitor.condition_now().await;
    services.drafts.waiting().ring();
    see_other("/drafts")
}

fn go_on(next: &str) -> Response {
    let next = safe_next(next);
    see_other(if next.is_empty() { "/drafts" } else { next })
}
