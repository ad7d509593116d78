//! `POST /api/session/draft-key`: with what a browser seals the text it keeps, for the person who is signed in.

use app::auth::model::Account;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use crate::services::Services;

/// `{"keys": [...]}`: 32 bytes each, in hexadecimal digits. The first one seals; all open. Nothing keeps the answer but the
/// page that asked.
pub async fn show(State(services): State<Services>, Extension(account): Extension<Account>) -> Response {
    let keys = services.device_drafts.of_account(&account.name);
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "keys": keys }))).into_response()
}
