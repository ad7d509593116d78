//! What somebody else has saved while a form is open, and what of it a save would bring in or leave to choose.
//! A part of the form's page, which the page's script asks for; nothing is saved or loaded by looking.

use leptos::prelude::*;
use resilient_core::draft::{Text, Values};
use resilient_core::path_text::write_part;
use resilient_core::submission::form_body::{FormBody, same_text};

use super::conflict::compared;
use crate::api_error::ApiError;
use crate::auth::model::Account;
use crate::records::address::Target;
use crate::records::form_view::{FormSources, FormView, said};
use crate::records::model::{RecordKey, Table};
use crate::records::port::{RecordForm, Records};

/// One column that is no longer what the form was drawn with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    /// In the `~HH` writing.
    column: String,
    label: String,
    /// What the form says; `None` where it has no control for the column.
    here: Option<Text>,
    now: Text,
    meets: Meets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meets {
    /// Not changed in the form: it comes in with the next save.
    Nothing,
    /// Changed in the form to the same.
    TheSame,
    /// Changed in the form to something else: that will be chosen.
    AnotherText,
}

/// The page's part, as HTML, for a form with this body.
///
/// # Errors
/// As for the record's page.
pub async fn incoming(
    records: &dyn Records,
    who: &Account,
    table: &str,
    key: &str,
    body: &FormBody,
) -> Result<String, ApiError> {
    let table = records.table(who, table)?;
    let key = RecordKey::read(key).ok_or_else(|| ApiError::not_found("There is no record at this address."))?;
    let record = records.form(who, &table, Some(&key)).await?;
    let version = body.version.as_deref().unwrap_or_default();
    let theirs = records.changed_since(&record.values, version);
    let mine = records.texts_changed_by(&record.table, Some(&key), body);
    let changes = theirs
        .zip(mine)
        .map(|(theirs, mine)| changes(&record, body, &theirs, &mine));
    let view = view_of(&record, Target::Existing(key));
    Ok(Owner::new().with(|| drawn(view.as_ref(), changes.as_deref()).to_html()))
}

/// `theirs` by name; `mine` as Save would take it, in the `~HH` writing.
fn changes(record: &RecordForm, body: &FormBody, theirs: &[String], mine: &Values) -> Vec<Change> {
    let change = |name: &String| {
        let now = record.values.get(name)?.clone();
        let column = write_part(name);
        let (here, meets) = match mine.get(&column) {
            Some(here) if same_text(here, &now) => (Some(here.clone()), Meets::TheSame),
            Some(here) => (Some(here.clone()), Meets::AnotherText),
            None => (said_here(&record.table, &column, body), Meets::Nothing),
        };
        let label = record.table.column(name)?.label.clone();
        Some(Change {
            column,
            label,
            here,
            now,
            meets,
        })
    };
    theirs.iter().filter_map(change).collect()
}

/// Of a column that is not changed here.
fn said_here(table: &Table, column: &str, body: &FormBody) -> Option<Text> {
    let posted = body.columns.get(column)?;
    Some(said(table, column, posted, posted.base.as_ref()))
}

/// Only for the words of options.
fn view_of(record: &RecordForm, target: Target) -> Option<FormView> {
    FormView::new(&FormSources {
        table: &record.table,
        target,
        record: Some(record),
        drafts: &[],
        changed_since: &|_| None,
        posted: None,
        saved: None,
        restore: None,
        page_writer: "",
        submission_id: "",
        created_before: false,
        recreates: false,
        targets: &[],
    })
}

fn drawn(view: Option<&FormView>, changes: Option<&[Change]>) -> AnyView {
    let (Some(view), Some(changes)) = (view, changes) else {
        return view! { <p>"What was changed cannot be told any more. Save shows whatever differs, and overwrites nothing unseen."</p> }
            .into_any();
    };
    if changes.is_empty() {
        return view! { <p>"The record says what this form was drawn with."</p> }.into_any();
    }
    let part = |meets: Meets, heading: &'static str| {
        let of: Vec<_> = changes.iter().filter(|change| change.meets == meets).collect();
        (!of.is_empty()).then(|| {
            let each = of.iter().map(|change| one(view, change)).collect_view();
            view! { <h2 class="incoming-heading">{heading}</h2> {each} }
        })
    };
    view! {
        {part(Meets::AnotherText, "You changed these, too: Save will ask which text stays")}
        {part(Meets::Nothing, "Save brings these in")}
        {part(Meets::TheSame, "You typed the same")}
    }
    .into_any()
}

fn one(view: &FormView, change: &Change) -> AnyView {
    let Change {
        column,
        label,
        here,
        now,
        meets,
    } = change;
    let (here, now) = compared(view, column, here.as_ref().unwrap_or(now), now);
    let here = change.here.is_some().then(|| {
        view! { <div class="conflict-side conflict-mine"><p class="conflict-heading">"In this form"</p>{here}</div> }
    });
    view! {
        <div class="conflict" data-incoming-column=column.clone() data-contested=(*meets == Meets::AnotherText).then_some("")>
            <h3>{label.clone()}</h3>
            <div class="conflict-sides">
                {here}
                <div class="conflict-side conflict-theirs"><p class="conflict-heading">"In the record now"</p>{now}</div>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests;
