//! `GET`, `POST` and `DELETE /api/drafts/{table}/{key}`: the drafts of whoever is signed in.

use std::sync::Arc;

use app::auth::model::Account;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use resilient_core::path_text::{read_key, read_part};
use resilient_core::submission::{is_submission_id, is_writer};
use resilient_drafts::{End, StoreError, StoredDraft, Written};
use serde::{Deserialize, Serialize};

use super::DraftService;
use super::failures::{api_error, cannot_be_reached};
use crate::http::answers;

/// Bytes of a request. A draft that is stored may have half of that.
const LIMIT: usize = 2 * 1024 * 1024;
/// What JSON numbers hold exactly in a browser.
const HIGHEST_SEQ: u64 = 1 << 53;

/// What is kept, and where: `redis` or `server`.
#[derive(Serialize)]
struct Kept {
    #[serde(flatten)]
    revision: Revision,
    kept_in: &'static str,
}

impl From<StoredDraft> for Kept {
    fn from(stored: StoredDraft) -> Self {
        Self {
            revision: stored.draft.revision,
            kept_in: stored.kept_in.word(),
        }
    }
}

#[derive(Deserialize)]
struct Place {
    beside: Option<String>,
}

/// The handlers; the router adds the path and the sign-in check.
pub fn routes() -> MethodRouter<Arc<DraftService>> {
    get(read).post(write).delete(discard)
}

/// The form's draft; of several that went separate ways, the one that changed last.
async fn read(
    State(drafts): State<Arc<DraftService>>,
    Extension(account): Extension<Account>,
    Path(parts): Path<(String, String)>,
) -> Response {
    let Some(form_key) = form_key(parts) else {
        return nothing_here();
    };
    match drafts.stored(&account.name, &form_key).await {
        Ok(seen) => match seen.drafts.into_iter().next() {
            Some(latest) => answers::json_success(StatusCode::OK, drafts.shown(&account, &form_key, latest.draft)),
            // It may be where nobody can look now.
            None if !seen.complete => answers::api_error(&cannot_be_reached()),
            None => nothing_here(),
        },
        Err(error) => failed(&error),
    }
}

/// Writes a draft: 200 with its revision and where it is kept, or 409 with the draft that is stored instead (`null` where
/// none is). The error is `discarded` where the person threw this very text away. With `?beside=1` it is
/// stored beside what it would not replace: the page knows of it, or is going away.
async fn write(
    State(drafts): State<Arc<DraftService>>,
    Extension(account): Extension<Account>,
    Path(parts): Path<(String, String)>,
    Query(place): Query<Place>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(form_key) = form_key(parts) else {
        return nothing_here();
    };
    let body = match body {
        Ok(body) if body.len() <= LIMIT => body,
        Ok(_) => return too_large(),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => return too_large(),
        Err(_) => return malformed("The draft did not arrive whole."),
    };
    let Some(draft) = read_draft(&body) else {
        return malformed("This is not a draft.");
    };
    if let Err(wait_ms) = drafts.may_write(&account.name, &form_key) {
        return too_often(wait_ms);
    }
    let mode = match place.beside {
        Some(_) => Mode::Beside,
        None => Mode::Chained,
    };
    let shown = |kept: StoredDraft| drafts.shown(&account, &form_key, kept.draft);
    match drafts.write(&account.name, &form_key, &draft, &mode).await {
        Ok(Written::Stored(kept) | Written::SameAgain(kept)) => answers::json_success(StatusCode::OK, Kept::from(kept)),
        Ok(Written::Stale(kept)) => refused("conflict", "A later draft is kept.", Some(shown(kept))),
        Ok(Written::Diverged(kept)) => refused("conflict", "This does not build on what is kept.", kept.map(shown)),
        Ok(Written::Ended(End::Discarded)) => refused("discarded", "This draft was discarded.", None),
        Ok(Written::Ended(End::Saved)) => refused("conflict", "This draft was saved.", None),
        Err(error) => failed(&error),
    }
}

/// `?seq=&writer=`: 200 once that draft and what it was built on is gone, 409 with a later one that
/// stays, 404 where there was none. In each case the named one does not come back.
async fn discard(
    State(drafts): State<Arc<DraftService>>,
    Extension(account): Extension<Account>,
    Path(parts): Path<(String, String)>,
    revision: Result<Query<Revision>, QueryRejection>,
) -> Response {
    let Some(form_key) = form_key(parts) else {
        return nothing_here();
    };
    let Some(revision) = revision.ok().map(|Query(revision)| revision).filter(is_revision) else {
        return malformed("Which draft to discard was not said.");
    };
    match drafts.end_discarded(&account.name, &form_key, &revision).await {
        Ok(ended) if ended.removed > 0 => answers::json_success(StatusCode::OK, None::<Draft>),
        Ok(ended) => match ended.later {
            Some(later) => {
                let later = drafts.shown(&account, &form_key, later.draft);
                refused("conflict", "A later draft is kept.", Some(later))
            }
            None => nothing_here(),
        },
        Err(error) => failed(&error),
    }
}

/// `{table}/{key}` or `{table}/new-{uuid}`, where both are written as addresses are.
fn form_key((table, key): (String, String)) -> Option<String> {
    let is_table =
        (1..=2).contains(&table.split('.').count()) && table.split('.').all(|part| read_part(part).is_some());
    let is_key = read_key(&key).is_some() || key.strip_prefix("new-").is_some_and(is_submission_id);
    (is_table && is_key).then(|| format!("{table}/{key}"))
}

fn read_draft(body: &[u8]) -> Option<Draft> {
    let draft: Draft = serde_json::from_slice(body).ok()?;
    let columns_are_written = draft
        .values
        .keys()
        .chain(draft.base.keys())
        .all(|column| read_part(column).is_some());
    let names_revisions = is_revision(&draft.revision) && draft.revision.seq > 0 && draft.on.iter().all(is_revision);
    (columns_are_written && names_revisions && !draft.version.is_empty()).then_some(draft)
}

fn is_revision(revision: &Revision) -> bool {
    is_writer(&revision.writer) && revision.seq <= HIGHEST_SEQ
}

fn refused(code: &str, message: &str, stored: Option<Draft>) -> Response {
    answers::json_failure_with(StatusCode::CONFLICT, code, message, stored)
}

fn nothing_here() -> Response {
    answers::json_failure(StatusCode::NOT_FOUND, "not_found", "There is no such draft.")
}

fn malformed(message: &str) -> Response {
    answers::json_failure(StatusCode::BAD_REQUEST, "malformed", message)
}

fn too_large() -> Response {
    failed(&StoreError::TooLarge { bytes: LIMIT })
}

/// No page of ours writes so often.
fn too_often(wait_ms: u64) -> Response {
    let words = "This form is written too often. What you type stays on this device.";
    let mut response = answers::json_failure(StatusCode::TOO_MANY_REQUESTS, "rate_limited", words);
    answers::set_retry_after(response.headers_mut(), Some(wait_ms));
    response
}

fn failed(error: &StoreError) -> Response {
    answers::api_error(&api_error(error))
}

#[cfg(test)]
mod tests;
