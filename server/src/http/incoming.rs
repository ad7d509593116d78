//! `POST /records/{table}/{key}/incoming`: what a save of the posted form would meet. Reads, and changes nothing.

use app::records::edit_page::incoming;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;

use super::visitor::Visitor;
use super::{answers, bodies};
use crate::services::Services;

/// Says that the answer is ours: a proxy's own page is never put into a form.
const PART: &str = "x-inkfast-part";

pub async fn show(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Path((table, key)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(account) = visitor.account() else {
        return answers::saved_or_not(&Answer::new(Outcome::Unauthenticated));
    };
    let Ok(pairs) = bodies::pairs(&body) else {
        return answers::saved_or_not(&Answer::new(Outcome::TooLarge));
    };
    let body = FormBody::from_pairs(pairs);
    if body.account.as_ref().is_some_and(|owner| *owner != account.name) {
        return answers::saved_or_not(&Answer::new(Outcome::Unauthenticated));
    }
    match incoming(&*services.records, account, &table, &key, &body).await {
        Ok(part) => {
            let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::OK, kind, [(PART, "incoming")], part).into_response()
        }
        Err(error) => answers::api_error(&error),
    }
}
