//! The form of a record, of a new one, and of one that cannot be read at the moment.

mod conflict;
mod form;
mod incoming;
mod kept_draft;
mod notices;
mod read_only;
mod waiting;

use std::sync::Arc;

use leptos::prelude::*;
use resilient_core::draft::Revision;
use resilient_core::submission::answer::Outcome;
use resilient_core::submission::is_submission_id;

pub use self::incoming::incoming;
use super::address::{self, Target};
use super::changed_table::table_has_changed;
use super::form_view::{FormSources, FormView, Restore};
use super::model::{RecordKey, Table};
use super::port::RecordForm;
use crate::api_error::{ApiError, ErrorKind};
use crate::drafts::port::KeptDraft;
use crate::ui::error_page::error_page_with;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::page_request::SavedMark;
use crate::ui::visit::Visit;
use crate::ui::visited::{address_part, visited};

/// `/records/{table}/{key}`
#[component]
pub fn EditPage() -> impl IntoView {
    let (table, key) = (address_part("table"), address_part("key"));
    visited(|visit| async move { existing(&visit, &table, &key).await })
}

/// `/records/{table}/new?form={uuid}`
#[component]
pub fn NewPage() -> impl IntoView {
    let table = address_part("table");
    visited(|visit| async move { new(&visit, &table).await })
}

/// What was found for one form.
struct Found {
    table: Arc<Table>,
    /// It is another one than it was a moment ago.
    table_has_changed: bool,
    target: Target,
    record: Option<RecordForm>,
    drafts: Vec<KeptDraft>,
    saved: Option<SavedMark>,
    /// Not all drafts of the server could be read.
    without_drafts: bool,
    created_before: bool,
    recreates: bool,
}

async fn existing(visit: &Visit, table: &str, key: &str) -> Result<AnyView, ApiError> {
    let table = visit.records.table(&visit.account, table)?;
    let key = RecordKey::read(key).ok_or_else(|| ApiError::not_found("There is no record at this address."))?;
    let target = Target::Existing(key.clone());
    let (drafts, without_drafts) = drafts(visit, &target.form_key(&table.name)).await;
    let saved = match visit.query("saved") {
        Some(id) => visit.records.saved(&visit.account, id).await.ok().flatten(),
        None => None,
    };
    let found = |record: Option<RecordForm>| Found {
        table: read_from(&table, record.as_ref()),
        table_has_changed: *read_from(&table, record.as_ref()) != *table,
        target,
        record,
        drafts,
        saved,
        without_drafts,
        created_before: false,
        recreates: false,
    };
    match visit.records.form(&visit.account, &table, Some(&key)).await {
        Ok(record) => Ok(page(visit, found(Some(record)), None).await),
        Err(error) if draws_without_record(visit, &error) => Ok(unreadable(visit, found(None), &error).await),
        Err(error) if error.kind == ErrorKind::NotFound => recreated(visit, found(None), error).await,
        Err(error) => Err(error),
    }
}

async fn new(visit: &Visit, table: &str) -> Result<AnyView, ApiError> {
    let table = visit.records.table(&visit.account, table)?;
    let form = visit
        .query("form")
        .filter(|form| is_submission_id(form))
        .unwrap_or(&visit.request.submission_id);
    let mut target = Target::New(form.to_owned());
    let (drafts, without_drafts) = drafts(visit, &target.form_key(&table.name)).await;
    let made = made_before(visit);
    if let Some(key) = made.clone() {
        target = Target::Existing(key);
    } else if matches!(posted_outcome(visit), Some(Outcome::Mismatch | Outcome::Gone)) {
        // This form has made its record, or stands for another one.
        target = Target::New(visit.request.submission_id.clone());
    }
    let created_before = made.is_some();
    let found = |record: Option<RecordForm>| Found {
        table: read_from(&table, record.as_ref()),
        table_has_changed: *read_from(&table, record.as_ref()) != *table,
        target,
        record,
        drafts,
        saved: None,
        without_drafts,
        created_before,
        recreates: false,
    };
    match visit.records.form(&visit.account, &table, made.as_ref()).await {
        Ok(record) => Ok(page(visit, found(Some(record)), None).await),
        Err(error) if draws_without_record(visit, &error) => Ok(unreadable(visit, found(None), &error).await),
        Err(error) => Err(error),
    }
}

/// The table as it was when the record was read.
fn read_from(table: &Arc<Table>, record: Option<&RecordForm>) -> Arc<Table> {
    Arc::clone(record.map_or(table, |record| &record.table))
}

/// The database is away; or whatever else is wrong, a form was posted, and its text comes before the failure.
fn draws_without_record(visit: &Visit, error: &ApiError) -> bool {
    error.kind == ErrorKind::Unavailable || (visit.posted.is_some() && error.kind != ErrorKind::NotFound)
}

/// The record that an earlier press of Save on this form made.
fn made_before(visit: &Visit) -> Option<RecordKey> {
    let answer = &visit
        .posted
        .as_ref()
        .filter(|posted| posted.answer.outcome == Outcome::Mismatch)?
        .answer;
    RecordKey::read(answer.key.as_ref()?)
}

fn posted_outcome(visit: &Visit) -> Option<Outcome> {
    visit.posted.as_ref().map(|posted| posted.answer.outcome)
}

async fn drafts(visit: &Visit, form_key: &str) -> (Vec<KeptDraft>, bool) {
    match visit.drafts.load(&visit.account, form_key).await {
        Ok(seen) => (seen.drafts, !seen.complete),
        Err(_) => (Vec::new(), true),
    }
}

/// The record is there, or a new one is begun.
async fn page(visit: &Visit, found: Found, below: Option<AnyView>) -> AnyView {
    let writable = found.record.as_ref().is_some_and(|record| record.may_write);
    let content = match (&found.record, writable) {
        (Some(record), false) => {
            if record.key.is_none() {
                visit.answer_with(&ApiError::new(ErrorKind::Forbidden, "You may not make records here."));
            }
            let saved = found.saved.as_ref().map(|_| read_only::saved_here());
            let unsaved = read_only::unsaved(visit, &found.table, &found.drafts);
            let above = view! { {saved} {unsaved} };
            read_only::read_only(&found.table, record, &visit.tables(), above.into_any())
        }
        _ => match view_of(visit, &found) {
            Some(view) => form::page_content(visit, &found, &view),
            None => waiting::waiting(visit, &found),
        },
    };
    let kind = PageKind::Editing;
    let frame = Frame {
        title: format!("{} – {}", title(&found), found.table.label),
        active: Some(found.table.name.clone()),
        unsaved: visit.unsaved().await,
        kind,
    };
    let head = head(&found);
    let has_changed = found
        .table_has_changed
        .then(|| view! { <div class="notices">{table_has_changed()}</div> });
    framed(
        visit,
        frame,
        view! { {head} {has_changed} {content} {below} }.into_any(),
    )
}

/// Without the record: drawn from what is known to be typed, else from this device.
async fn unreadable(visit: &Visit, found: Found, error: &ApiError) -> AnyView {
    if visit.posted.is_none() {
        visit.answer_with(error);
    }
    page(visit, found, None).await
}

/// The record is gone. What the server has of what was typed goes into the form of a new one; this device may have newer
/// text, which no form of the record will ask for any more.
async fn recreated(visit: &Visit, found: Found, error: ApiError) -> Result<AnyView, ApiError> {
    if found.drafts.is_empty() && visit.posted.is_none() {
        return Ok(error_page_with(visit, &error, waiting::gone(visit, &found)).await);
    }
    if visit.posted.is_none() {
        visit.answer_with(&error);
    }
    let record = visit.records.form(&visit.account, &found.table, None).await?;
    let on_this_device = waiting::gone(visit, &found);
    let target = Target::New(visit.request.submission_id.clone());
    Ok(page(
        visit,
        Found {
            target,
            record: Some(record),
            recreates: true,
            ..found
        },
        Some(on_this_device),
    )
    .await)
}

fn view_of(visit: &Visit, found: &Found) -> Option<FormView> {
    FormView::new(&FormSources {
        table: &found.table,
        target: found.target.clone(),
        record: found.record.as_ref(),
        drafts: &found.drafts,
        changed_since: &|version| visit.records.changed_since(&found.record.as_ref()?.values, version),
        posted: visit.posted.as_ref(),
        saved: found.saved.as_ref(),
        restore: restore(visit),
        page_writer: &visit.request.writer,
        submission_id: &visit.request.submission_id,
        created_before: found.created_before,
        recreates: found.recreates,
        targets: &visit.tables(),
    })
}

/// `?restore={seq}-{writer}&columns=a,b`
fn restore(visit: &Visit) -> Option<Restore> {
    let (seq, writer) = visit.query("restore")?.split_once('-')?;
    let columns = visit
        .query("columns")
        .map(|columns| columns.split(',').map(str::to_owned).collect());
    Some(Restore {
        revision: Revision {
            seq: seq.parse().ok()?,
            writer: writer.to_owned(),
        },
        columns,
    })
}

/// What the record is called.
fn title(found: &Found) -> String {
    let Target::Existing(key) = &found.target else {
        return "New record".to_owned();
    };
    let label = found.record.as_ref().and_then(|record| {
        let column = found.table.label_column()?;
        record
            .values
            .get(&column.name)?
            .clone()
            .filter(|label| !label.trim().is_empty())
    });
    let label = label.map(|label| label.lines().next().unwrap_or_default().chars().take(80).collect());
    label.unwrap_or_else(|| format!("{} {}", found.table.label, address::readable_key(&found.table, key)))
}

fn head(found: &Found) -> AnyView {
    let table_url = address::table_url(&found.table.name);
    let steps = [
        ("Tables".to_owned(), "/".to_owned()),
        (found.table.label.clone(), table_url),
    ];
    let (history, once_made) = match &found.target {
        Target::Existing(key) => (format!("{}/history", address::record_url(&found.table.name, key)), None),
        Target::New(_) => (String::new(), Some("/history")),
    };
    // Whoever has the same record open is named here, and a save of it is told below.
    let shown = found
        .record
        .is_some()
        .then_some(&found.target)
        .and_then(|target| match target {
            Target::Existing(_) => Some(target.form_key(&found.table.name)),
            Target::New(_) => None,
        });
    view! {
        {crumbs(&steps)}
        <div class="page-head">
            <h1>{title(found)}</h1>
            {shown.map(|form_key| view! { <p class="presence" role="status" data-presence=form_key hidden=""></p> })}
            <a class="button" href=history hidden=once_made.is_some() data-after-create=once_made>"History"</a>
        </div>
        <div class="record-news" role="status" data-record-news=""></div>
    }
    .into_any()
}
