//! What is typed and not saved, kept on the server: `resilient-drafts` behind two addresses.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Form;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision, Values};
use resilient_core::submission::form_body::FormBody;
use resilient_drafts::{DraftStore, End, StoreError, StoredDraft, Written};
use serde::Deserialize;

use crate::answers::{refused, told};
use crate::application::{ACCOUNT, Application};

/// Beside what it would not replace: the page knows of it, or is going away.
#[derive(Deserialize)]
pub struct Place {
    beside: Option<String>,
}

pub fn form_key(id: i64) -> String {
    format!("notes/{id}")
}

pub async fn keep(
    State(application): State<Arc<Application>>,
    Path(id): Path<i64>,
    Query(place): Query<Place>,
    body: Bytes,
) -> Response {
    let Ok(draft) = serde_json::from_slice::<Draft>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "malformed", None::<Draft>);
    };
    let mode = match place.beside {
        Some(_) => Mode::Beside,
        None => Mode::Chained,
    };
    let stored_instead = |stored: Option<StoredDraft>| {
        let draft = stored.map(|stored| stored.draft);
        refused(StatusCode::CONFLICT, "conflict", draft)
    };
    match application
        .drafts
        .write(ACCOUNT, &form_key(id), &draft, &mode, now_ms())
        .await
    {
        Ok(Written::Stored(stored) | Written::SameAgain(stored)) => told(StatusCode::OK, stored.draft.revision),
        Ok(Written::Stale(stored)) => stored_instead(Some(stored)),
        Ok(Written::Diverged(stored)) => stored_instead(stored),
        Ok(Written::Ended(End::Saved)) => stored_instead(None),
        Ok(Written::Ended(End::Discarded)) => refused(StatusCode::CONFLICT, "discarded", None::<Draft>),
        Err(error) => not_kept(&error),
    }
}

pub async fn discard(
    State(application): State<Arc<Application>>,
    Path(id): Path<i64>,
    Query(revision): Query<Revision>,
) -> Response {
    match end(&application, &form_key(id), &revision, End::Discarded).await {
        Ok(()) => told(StatusCode::OK, revision),
        Err(error) => not_kept(&error),
    }
}

/// What the page's own form for it posts, with or without script.
#[derive(Deserialize)]
pub struct Discarded {
    form_key: String,
    #[serde(flatten)]
    revision: RevisionText,
}

/// A form posts text.
#[derive(Deserialize)]
struct RevisionText {
    seq: String,
    writer: String,
}

pub async fn discard_form(State(application): State<Arc<Application>>, Form(named): Form<Discarded>) -> Response {
    let RevisionText { seq, writer } = named.revision;
    let Ok(seq) = seq.parse() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match end(&application, &named.form_key, &Revision { seq, writer }, End::Discarded).await {
        Ok(()) => Redirect::to(&format!("/{}", named.form_key)).into_response(),
        Err(error) => not_kept(&error),
    }
}

/// What was saved is unsaved no more.
pub async fn saved(application: &Application, id: i64, revision: &Revision) {
    // 0: the note itself was drawn.
    if revision.seq == 0 {
        return;
    }
    if let Err(error) = end(application, &form_key(id), revision, End::Saved).await {
        // It is shown once too often, beside the record that has its text.
        eprintln!("the draft of a saved note could not be ended: {error}");
    }
}

/// Keeps what a post without script brought, and failed. Under which name.
pub async fn keep_failed(application: &Application, id: i64, posted: &FormBody) -> Option<Revision> {
    let (version, revision) = (posted.version.clone()?, posted.revision.clone()?);
    let texts = posted
        .columns
        .iter()
        .map(|(column, posted)| (column.clone(), Some(posted.text.clone())));
    let changed = texts.filter(|(column, text)| !crate::version::is_base(&version, column, text));
    let values: Values = changed.collect();
    // Pressed without a change: there is nothing to keep, and nothing to say was restored.
    if values.is_empty() {
        return None;
    }
    let draft = Draft {
        values,
        base: Default::default(),
        version,
        revision,
        on: None,
    };
    let fresh = Revision {
        seq: 1,
        writer: uuid::Uuid::new_v4().simple().to_string(),
    };
    let mode = Mode::FailedPostWithoutScript { fresh };
    match application
        .drafts
        .write(ACCOUNT, &form_key(id), &draft, &mode, now_ms())
        .await
    {
        Ok(Written::Stored(kept) | Written::SameAgain(kept) | Written::Stale(kept)) => Some(kept.draft.revision),
        _ => None,
    }
}

async fn end(application: &Application, form_key: &str, revision: &Revision, end: End) -> Result<(), StoreError> {
    application
        .drafts
        .end(ACCOUNT, form_key, revision, end, now_ms())
        .await?;
    Ok(())
}

fn not_kept(error: &StoreError) -> Response {
    match error {
        StoreError::TooLarge { .. } | StoreError::TooMany | StoreError::TooMuch => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", None::<Draft>)
        }
        error => {
            eprintln!("a draft could not be kept: {error}");
            refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None::<Draft>)
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
