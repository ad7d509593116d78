//! What answers at which address.

mod asked_here;

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Form;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_drafts::DraftStore;
use serde::Deserialize;
use serde_json::json;
use tower_http::services::ServeDir;

use crate::answers::{refused, saving, status, told};
use crate::application::{ACCOUNT, Application};
use crate::drafts::{self, form_key};
use crate::pages::{self, Shown};
pub use asked_here::OwnHosts;

/// Bytes of a form, as the page believes it.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
const TRY_AGAIN_AFTER_S: u64 = 2;

pub fn router(application: Arc<Application>, site: &FilePath, own: OwnHosts) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/notes/{id}", get(form).post(save))
        .route("/drafts/notes/{id}", post(drafts::keep).delete(drafts::discard))
        .route("/discard", post(drafts::discard_form))
        .route("/submissions/{id}", get(submission))
        .route("/ready", get(ready))
        .nest_service("/pkg", ServeDir::new(site))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(own), asked_here::only))
        .with_state(application)
}

async fn list(State(application): State<Arc<Application>>) -> Response {
    match application.notes.all().await {
        Ok(notes) => Html(pages::list(&notes)).into_response(),
        Err(error) => unreadable(&error, ""),
    }
}

#[derive(Deserialize)]
struct Saved {
    saved: Option<String>,
}

async fn form(
    State(application): State<Arc<Application>>,
    Path(id): Path<i64>,
    Query(Saved { saved }): Query<Saved>,
) -> Response {
    let note = match application.notes.find(id).await {
        Ok(note) => note,
        Err(error) => return unreadable(&error, &form_key(id)),
    };
    // Without them the note is there all the same, and the device has its own.
    let kept = application.drafts.load(ACCOUNT, &form_key(id)).await;
    let kept = kept.map(|seen| seen.drafts).unwrap_or_default();
    let Some(note) = note else {
        return (StatusCode::NOT_FOUND, Html(pages::not_found(id, &kept))).into_response();
    };
    let mut shown = Shown::of(&note, kept);
    if let Some(saved) = saved
        && let Ok(Some(answer)) = application.notes.answered(&saved).await
    {
        shown.was_saved(saved, answer);
    }
    Html(pages::form(&shown)).into_response()
}

/// The one address of a save: a script asks for JSON, a browser without script gets a page.
async fn save(
    State(application): State<Arc<Application>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let posted = FormBody::from_pairs(pairs);
    let wants_json = headers
        .get(ACCEPT)
        .is_some_and(|accepted| accepted == "application/json");
    // Somebody who closes the page has pressed Save all the same.
    let work = tokio::spawn(async move {
        let answer = save_and_end_draft(&application, id, &posted).await;
        if wants_json {
            saving(answer)
        } else {
            page_after(&application, id, &posted, answer).await
        }
    });
    work.await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn save_and_end_draft(application: &Application, id: i64, posted: &FormBody) -> Answer {
    let answer = application.notes.save(id, posted).await.unwrap_or_else(|error| {
        eprintln!("a note could not be saved: {error}");
        Answer {
            reason: Some("database".to_owned()),
            retry_after_ms: Some(TRY_AGAIN_AFTER_S * 1_000),
            ..Answer::new(Outcome::Kept)
        }
    });
    if let (Outcome::Saved, Some(revision)) = (answer.outcome, &posted.revision) {
        drafts::saved(application, id, revision).await;
    }
    answer
}

async fn page_after(application: &Application, id: i64, posted: &FormBody, answer: Answer) -> Response {
    if answer.outcome == Outcome::Saved {
        let submission = posted.id.as_deref().unwrap_or_default();
        return Redirect::to(&format!("/notes/{id}?saved={submission}")).into_response();
    }
    let kept = drafts::keep_failed(application, id, posted).await;
    let note = application.notes.find(id).await.ok().flatten();
    let page = Html(pages::form(&Shown::after(id, note.as_ref(), posted, &answer, kept)));
    let mut response = (status(&answer), page).into_response();
    if answer.outcome == Outcome::Kept {
        response.headers_mut().insert(RETRY_AFTER, TRY_AGAIN_AFTER_S.into());
    }
    response
}

/// What became of a press of Save whose answer was lost.
async fn submission(State(application): State<Arc<Application>>, Path(id): Path<String>) -> Response {
    match application.notes.answered(&id).await {
        Ok(Some(answer)) => saving(answer),
        Ok(None) => refused(StatusCode::NOT_FOUND, "not_found", None::<Answer>),
        Err(_) => refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None::<Answer>),
    }
}

/// Whether a save would succeed now, in words that the page knows.
async fn ready(State(application): State<Arc<Application>>) -> Response {
    let notes = application.notes.all().await.is_ok();
    let drafts = application.drafts.check().await.is_ok();
    let word = |is_up, up| if is_up { up } else { "down" };
    let data = json!({"database": word(notes, "up"), "drafts_kept_in": word(drafts, "server"), "retry_after_ms": null});
    if notes {
        told(StatusCode::OK, data)
    } else {
        refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(data))
    }
}

/// The page that lists what the device has, and comes back by itself.
fn unreadable(error: &sqlx::Error, form_key: &str) -> Response {
    eprintln!("notes cannot be read: {error}");
    let page = Html(pages::unreadable(form_key));
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(RETRY_AFTER, TRY_AGAIN_AFTER_S.to_string())],
        page,
    )
        .into_response()
}

#[cfg(test)]
mod tests;
