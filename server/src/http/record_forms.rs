//! The form's own URL: saving, deleting, and asking what became of a save.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::Account;
use app::drafts::sent_notice::TOLD;
use app::records::address::Target;
use app::records::model::{RecordKey, Table};
use app::records::port::{Manner, SubmissionState};
use app::ui::page_request::{Posted, SignIn};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use resilient_core::path_text;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::{self, FormBody};
use resilient_core::submission::is_submission_id;

use super::answers;
use super::bodies::{self, TooMany};
use super::pages::{self, Around};
use super::visitor::Visitor;
use crate::panel::Panel;
use crate::services::Services;

/// Names, in a form carried through the sign-in, a secret that was not carried with it.
const RETYPE: &str = "_retype.";

/// `GET …/new`: an address of its own for each new record, so that a reload finds its draft and a
/// second press of Save is the same submission.
pub async fn new_form(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Path(table): Path<String>,
    request: Request,
) -> Response {
    let Some(account) = visitor.account() else {
        return pages::show(State(services), request).await;
    };
    let Some(form) = form_of(request.uri()).filter(|form| is_submission_id(form)) else {
        let form = uuid::Uuid::new_v4();
        return see_other(&format!("/records/{table}/new?form={form}"));
    };
    // Once it was saved, the record it made is what this address stands for. Where that cannot be
    // asked, saving again under the same id is still safe.
    let form_key = format!("{table}/new-{form}");
    if let Ok(Some(key)) = services.records.made_from(account, &form_key).await {
        if let Some(told) = in_query(request.uri(), TOLD) {
            services.drafts.waiting().seen(&account.name, &[told]).await;
        }
        return see_other(&format!("/records/{table}/{}", key.written()));
    }
    pages::show(State(services), request).await
}

/// `POST` of a form on its own URL.
pub async fn save(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let wants_json = answers::wants_json(&headers);
    match bodies::pairs(&body) {
        Ok(pairs) => save_at(&services, &visitor, &address_of(&uri), pairs, wants_json).await,
        Err(TooMany) if wants_json => answers::saved_or_not(&Answer::new(Outcome::TooLarge)),
        Err(TooMany) => too_many(),
    }
}

fn too_many() -> Response {
    answers::plain_page(
        StatusCode::PAYLOAD_TOO_LARGE,
        "This form has more fields than can be sent at once.",
    )
}

/// Saves a form posted to `address`, which a person still has to be signed in for.
pub async fn save_at(
    services: &Services,
    visitor: &Visitor,
    address: &str,
    pairs: Vec<(String, String)>,
    wants_json: bool,
) -> Response {
    let Some(account) = visitor.account() else {
        return sign_in_first(services, address, pairs, wants_json).await;
    };
    let body = FormBody::from_pairs(pairs.iter().map(|(name, value)| (name, value.as_str())));
    if body.account.as_ref().is_some_and(|owner| *owner != account.name) {
        // Drawn for somebody else, who was signed in here before: it is theirs to save.
        return sign_in_first(services, address, pairs, wants_json).await;
    }
    let retyped = retype(&pairs);
    let form = match find_form(services, account, address, &body) {
        Ok(form) => form,
        Err(error) if wants_json => return answers::no_such_form(&error),
        Err(error) => return pages::draw_failure(services, visitor, address, error).await,
    };
    let (table, form_key, key) = (&form.table, &form.key_of_draft, form.key());
    if !retyped.is_empty() {
        let answer = Answer {
            errors: retyped,
            ..Answer::new(Outcome::Invalid)
        };
        let changed = services.records.changed_by(table, key, &body);
        return not_saved(services, visitor, address, Posted { body, answer, changed }).await;
    }
    let manner = if wants_json { Manner::Scripted } else { Manner::Plain };
    let answer = services
        .records
        .save(account, table, key, form_key, body.clone(), manner)
        .await;
    if wants_json {
        let mut response = answers::saved_or_not(&answer);
        if answer.outcome == Outcome::Saved && key.is_none() {
            *response.status_mut() = StatusCode::CREATED;
        }
        return response;
    }
    match (&answer.outcome, &answer.key) {
        (Outcome::Saved, Some(key)) => {
            let id = body.id.unwrap_or_default();
            see_other(&format!("/records/{}/{key}?saved={id}", table.name.written()))
        }
        _ => {
            let changed = services.records.changed_by(table, key, &body);
            not_saved(services, visitor, address, Posted { body, answer, changed }).await
        }
    }
}

/// The form that is posted to an address.
pub(super) struct PostedForm {
    pub table: Arc<Table>,
    target: Target,
    pub key_of_draft: String,
}

impl PostedForm {
    /// Of the record it edits; `None` for a new one.
    pub fn key(&self) -> Option<&RecordKey> {
        match &self.target {
            Target::Existing(key) => Some(key),
            Target::New(_) => None,
        }
    }
}

pub(super) fn find_form(
    services: &Services,
    account: &Account,
    address: &str,
    body: &FormBody,
) -> Result<PostedForm, ApiError> {
    let (table, target) = match find_target(services, account, address)? {
        // Without a form id in its address, a new record goes by its first submission's.
        (table, Target::New(form)) if form.is_empty() => (table, Target::New(body.id.clone().unwrap_or_default())),
        found => found,
    };
    let key_of_draft = target.form_key(&table.name);
    Ok(PostedForm {
        table,
        target,
        key_of_draft,
    })
}

/// The record a form's address names, or the new one it makes.
fn find_target(services: &Services, account: &Account, address: &str) -> Result<(Arc<Table>, Target), ApiError> {
    let unknown = || ApiError::not_found("There is no such record.");
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let (table, key) = path
        .strip_prefix("/records/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(unknown)?;
    let table = services.records.table(account, table)?;
    if key == "new" {
        return Ok((
            table,
            Target::New(form_in(query).filter(|form| is_submission_id(form)).unwrap_or_default()),
        ));
    }
    let key = RecordKey::read(key)
        .filter(|key| key.0.len() == table.key.len())
        .ok_or_else(unknown)?;
    Ok((table, Target::Existing(key)))
}

async fn sign_in_first(services: &Services, address: &str, pairs: Vec<(String, String)>, wants_json: bool) -> Response {
    if wants_json {
        return answers::saved_or_not(&Answer::new(Outcome::Unauthenticated));
    }
    let owner = pairs
        .iter()
        .find(|(name, _)| name == form_body::ACCOUNT)
        .map(|(_, owner)| owner.clone());
    let sign_in = SignIn {
        message: Some(Answer::new(Outcome::Unauthenticated).message().to_owned()),
        username: owner.unwrap_or_default(),
        next: address.to_owned(),
        carried: without_secrets(&services.panel, address, pairs),
    };
    let around = Around {
        sign_in: Some(sign_in),
        status: Some(StatusCode::UNAUTHORIZED),
        ..Around::default()
    };
    pages::draw(services, &Visitor::default(), "/login", around).await
}

/// The table that a form's address names, in the `~HH` writing.
fn table_in(address: &str) -> &str {
    let rest = address.strip_prefix("/records/");
    rest.and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// A typed secret is never drawn back, not even into a hidden control: it is asked for again.
fn without_secrets(panel: &Panel, address: &str, pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let table = table_in(address);
    let is_secret = |column: &str| panel.is_secret(table, column);
    let blank = |(name, value): (String, String)| {
        let column = name.strip_prefix(form_body::VALUE).and_then(path_text::read_part);
        match column {
            Some(column) if is_secret(&column) && !value.is_empty() => (format!("{RETYPE}{column}"), String::new()),
            _ => (name, value),
        }
    };
    pairs.into_iter().map(blank).collect()
}

/// The same page again, with the message, the status and what was typed.
async fn not_saved(services: &Services, visitor: &Visitor, address: &str, mut posted: Posted) -> Response {
    // What the page knows of no column it shows as text to copy, and it cannot tell a secret by that.
    let (panel, table) = (&services.panel, table_in(address));
    let whole = panel.whole();
    let known = whole.written(table);
    posted.body.columns.retain(|written, _| {
        let is_known = known.is_some_and(|table| table.column_written(written).is_some());
        is_known || path_text::read_part(written).is_some_and(|column| !panel.is_secret(table, &column))
    });
    let around = Around {
        status: Some(answers::status_of(posted.answer.outcome)),
        retry_after_ms: posted.answer.retry_after_ms,
        posted: Some(posted),
        ..Around::default()
    };
    pages::draw(services, visitor, address, around).await
}

/// `POST …/delete`, from the page that shows what the delete would take with it.
pub async fn delete(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Path((table, key)): Path<(String, String)>,
    uri: Uri,
    body: Bytes,
) -> Response {
    let address = address_of(&uri);
    let Some(account) = visitor.account() else {
        return Redirect::to(&pages::sign_in_address(&address)).into_response();
    };
    let body = FormBody::from_pairs(bodies::pairs(&body).unwrap_or_default());
    let deleted = async {
        let table = services.records.table(account, &table)?;
        let key = RecordKey::read(&key).ok_or_else(|| ApiError::not_found("There is no such record."))?;
        let malformed = || ApiError::new(ErrorKind::BadRequest, Answer::new(Outcome::Malformed).message());
        let id = body.id.filter(|id| is_submission_id(id)).ok_or_else(malformed)?;
        let version = body.version.ok_or_else(malformed)?;
        services.records.delete(account, &table, &key, &id, &version).await
    };
    match deleted.await {
        Ok(()) => see_other(&format!("/records/{table}")),
        Err(error) => pages::draw_failure(&services, &visitor, &address, error).await,
    }
}

/// `GET /api/submissions/{id}`
pub async fn submission(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let Some(account) = visitor.account() else {
        return answers::saved_or_not(&Answer::new(Outcome::Unauthenticated));
    };
    if !is_submission_id(&id) {
        return answers::saved_or_not(&Answer::new(Outcome::Malformed));
    }
    match services.records.submission(account, &id).await {
        Ok(Some(SubmissionState::Saved(saved))) => {
            // The page that asks tells its person.
            services.drafts.waiting().seen(&account.name, &[id]).await;
            answers::json_success(StatusCode::OK, saved.answer)
        }
        Ok(Some(SubmissionState::InProgress)) => {
            let answer = Answer {
                retry_after_ms: Some(1_000),
                ..Answer::new(Outcome::InProgress)
            };
            answers::saved_or_not(&answer)
        }
        Ok(None) => answers::api_error(&ApiError::not_found("Nothing was saved under this id.")),
        Err(error) => answers::api_error(&error),
    }
}

/// The secrets that a form lost on its way through the sign-in, with what to do about each.
fn retype(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    let lost = pairs.iter().filter_map(|(name, _)| name.strip_prefix(RETYPE));
    lost.map(|column| {
        (
            path_text::write_part(column),
            "Please type this again: it is never kept.".to_owned(),
        )
    })
    .collect()
}

pub(super) fn see_other(address: &str) -> Response {
    Redirect::to(address).into_response()
}

pub(super) fn address_of(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or_else(|| "/".to_owned(), |address| address.as_str().to_owned())
}

fn form_of(uri: &Uri) -> Option<String> {
    in_query(uri, "form")
}

fn in_query(uri: &Uri, wanted: &str) -> Option<String> {
    query_part(uri.query()?, wanted)
}

fn form_in(query: &str) -> Option<String> {
    query_part(query, "form")
}

fn query_part(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}
