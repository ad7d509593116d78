//! `POST /api/session/draft-key`: with what a browser seals the text it keeps, for the person who is signed in.

use app::auth::model::Account;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use crate::services::Services;

/// `{"mark": …, "keys": [...]}`: 32 bytes each, in hexadecimal digits. The first one seals; all open. Pages have the mark of
/// the one that seals, so that one with another key knows that it is no longer that.
pub async fn show(State(services): State<Services>, Extension(account): Extension<Account>) -> Response {
    let mark = services.device_drafts.mark_of_account(&account.name);
    let keys = services.device_drafts.of_account(&account.name);
    (
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "mark": mark, "keys": keys })),
    )
        .into_response()
}
