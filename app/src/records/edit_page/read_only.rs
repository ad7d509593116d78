//! A record this person may look at but not change: no form.

use std::sync::Arc;

use leptos::prelude::*;

use super::conflict::text;
use super::form::shown_field;
use crate::drafts::port::KeptDraft;
use crate::records::address;
use crate::records::form_view::ShownField;
use crate::records::model::{Column, RecordKey, Table, Values};
use crate::records::port::RecordForm;
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;

pub fn read_only(table: &Table, record: &RecordForm, targets: &[Arc<Table>], above: AnyView) -> AnyView {
    let fields = table
        .columns
        .iter()
        .map(|column| shown_field(&shown(column, record, targets)));
    let delete = record.key.as_ref().filter(|_| table.may_delete()).map(|key| {
        let url = format!("{}/delete", address::record_url(&table.name, key));
        view! { <p class="actions"><a class="button-plain delete-link" href=url>"Delete…"</a></p> }
    });
    view! {
        <div class="record-form">
            {notice(Tone::Waiting, why(table, record), ())}
            {above}
            <div class="fields">{fields.collect_view()}</div>
            {delete}
        </div>
    }
    .into_any()
}

/// Why there is no form, and what can be done without one.
fn why(table: &Table, record: &RecordForm) -> &'static str {
    if record.key.is_none() {
        "You may not make records here."
    } else if table.is_view {
        "This is a view: its records are changed where they come from."
    } else if !table.writable {
        "The database account that Inkfast uses may not change this table."
    } else if table.may_update() && table.is_only_key() {
        match (table.may_delete(), table.may_insert()) {
            (true, true) => "All of this record is its key, which does not change: delete it and make another one.",
            (true, false) => "All of this record is its key, which does not change. You may delete it.",
            (false, _) => "All of this record is its key, which does not change.",
        }
    } else if table.may_delete() {
        "You may look at this record and delete it, but not change it."
    } else {
        "You may look at this record, but not change it."
    }
}

/// Said where a save has led to a page without a form.
pub fn saved_here() -> AnyView {
    notice(Tone::Good, "Saved.", ())
}

/// What this person typed while they still might: to copy, since it cannot be saved.
pub fn unsaved(visit: &Visit, table: &Table, drafts: &[KeptDraft]) -> AnyView {
    let posted = visit.posted.as_ref().map(|posted| {
        let changed = |column: &&String| posted.changed.as_ref().is_none_or(|changed| changed.contains(*column));
        let texts = posted.body.columns.iter().filter(|(column, _)| changed(column));
        texts
            .map(|(column, posted)| (column.clone(), Some(posted.text.clone())))
            .collect::<Values>()
    });
    let failed = visit
        .posted
        .as_ref()
        .map(|posted| notice(Tone::Failure, posted.answer.message(), ()));
    let texts: Vec<Values> = match posted {
        Some(posted) => vec![posted],
        None => drafts.iter().map(|kept| kept.draft.values.clone()).collect(),
    };
    let texts = texts.into_iter().map(|values| {
        let rows = values
            .into_iter()
            .filter(|(written, _)| !table.column_written(written).is_some_and(|column| column.secret));
        let rows = rows.map(|(written, value)| {
            let label = table
                .column_written(&written)
                .map_or(written.clone(), |column| column.label.clone());
            view! { <div class="conflict"><h2>{label}</h2>{text(&value)}</div> }
        });
        notice(
            Tone::Attention,
            "You typed this here, and it is not saved. You can copy it.",
            rows.collect_view(),
        )
    });
    view! { {failed} {texts.collect_view()} }.into_any()
}

fn shown(column: &Column, record: &RecordForm, targets: &[Arc<Table>]) -> ShownField {
    let text = record.values.get(&column.name).cloned().flatten();
    let link = column
        .reference
        .as_ref()
        .zip(text.clone())
        .and_then(|(reference, value)| {
            let is_target =
                |table: &&Arc<Table>| table.name == reference.table && table.key == [reference.column.as_str()];
            let target = targets.iter().find(is_target)?;
            let label = record
                .references
                .get(&column.name)
                .and_then(|references| references.current_label.clone());
            Some((
                label.unwrap_or_else(|| value.clone()),
                address::record_url(&target.name, &RecordKey(vec![value])),
            ))
        });
    ShownField {
        label: column.label.clone(),
        text,
        link,
        masked: column.secret && record.secrets_set.contains(&column.name),
        hint: column.comment.clone(),
    }
}
