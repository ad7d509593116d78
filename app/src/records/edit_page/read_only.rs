//! A record this person may look at but not change: no form.

use std::sync::Arc;

use leptos::prelude::*;

use super::form::shown_field;
use crate::records::address;
use crate::records::form_view::ShownField;
use crate::records::model::{Column, RecordKey, Table};
use crate::records::port::RecordForm;
use crate::ui::notice::{Tone, notice};

pub fn read_only(table: &Table, record: &RecordForm, targets: &[Arc<Table>]) -> AnyView {
    let fields = table
        .columns
        .iter()
        .map(|column| shown_field(&shown(column, record, targets)));
    let why = if table.is_view {
        "This is a view: its records are changed where they come from."
    } else if !table.writable {
        "The database account that Inkfast uses may not change this table."
    } else {
        "You may look at this record, but not change it."
    };
    view! {
        <div class="record-form">
            {notice(Tone::Waiting, why, ())}
            <div class="fields">{fields.collect_view()}</div>
        </div>
    }
    .into_any()
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
