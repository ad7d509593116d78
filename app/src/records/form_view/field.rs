//! One column of the form.

use std::sync::Arc;

use resilient_core::draft::Text;
use resilient_core::path_text;

use super::typed::{Typed, TypedColumn};
use super::{Field, FormSources};
use crate::records::address::{self, Target};
use crate::records::fields::{self, Control};
use crate::records::model::{Column, ColumnKind, RecordKey, Table};

/// A column drawn as a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldView {
    /// In the `~HH` writing.
    pub column: String,
    pub label: String,
    pub control: Control,
    /// The drawn text; of NULL, the empty one.
    pub text: String,
    /// Where it has a checkbox for NULL, whether that is on.
    pub null: Option<bool>,
    /// The record's value, exactly where the drawn one is another.
    pub base: Option<Text>,
    pub error: Option<String>,
    pub hint: Option<String>,
    pub required: bool,
    pub nullable: bool,
    /// Part of the key of a record that does not exist yet.
    pub key_column: bool,
    /// Drawn from a draft.
    pub restored: bool,
    /// The record that a foreign key's present value leads to.
    pub link: Option<(String, String)>,
}

/// A column drawn as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownField {
    pub label: String,
    pub text: Text,
    /// The label of a foreign key's target, and its address.
    pub link: Option<(String, String)>,
    /// Instead of the text of a secret.
    pub masked: bool,
    pub hint: Option<String>,
}

/// In the table's order.
pub fn all(sources: &FormSources, typed: &Typed) -> Vec<Field> {
    sources
        .table
        .columns
        .iter()
        .filter_map(|column| one(sources, typed, column))
        .collect()
}

fn one(sources: &FormSources, typed: &Typed, column: &Column) -> Option<Field> {
    let written = column.written();
    let typed_here = typed.columns.get(&written);
    let Some(record) = sources.record else {
        // Nothing but what was typed is known of the record: a column without it stays as it is.
        return typed_here
            .map(|typed_here| control(sources, typed, column, Some(typed_here), None))
            .map(Field::Control);
    };
    let now = record.values.get(&column.name);
    if record.editable.contains(&column.name) {
        let field = control(sources, typed, column, typed_here, now);
        if field.control != Control::Shown {
            return Some(Field::Control(field));
        }
    }
    let is_new = matches!(sources.target, Target::New(_));
    (!is_new).then(|| Field::Shown(shown(sources, column, now)))
}

fn control(
    sources: &FormSources,
    typed: &Typed,
    column: &Column,
    typed_here: Option<&TypedColumn>,
    now: Option<&Text>,
) -> FieldView {
    let written = column.written();
    let none = None;
    let now_text = now.unwrap_or(&none);
    let drawn = match typed_here {
        _ if column.secret => &none,
        Some(typed_here) => &typed_here.value,
        None => now_text,
    };
    let base = if column.secret { None } else { base(typed_here, now) };
    let references = sources.record.and_then(|record| record.references.get(&column.name));
    let mut text = drawn.clone().unwrap_or_default();
    let mut null = drawn.is_none() && column.is_seen();
    if let Some(typed_here) = typed_here.filter(|_| !column.secret) {
        // NULL ticked beside another text is refused; both are drawn again for the person to decide.
        text.clone_from(&typed_here.text);
        null = typed_here.null;
    }
    let held: Vec<&Text> = [Some(drawn), base.as_ref()].into_iter().flatten().collect();
    let widget = sources.table.display.widgets.get(&column.name).copied();
    let control = fields::control_as(widget, column, &held, references);
    FieldView {
        label: column.label.clone(),
        text,
        null: fields::has_null_checkbox(column).then_some(null),
        base,
        error: typed.errors.get(&written).cloned(),
        hint: hint(sources, column, &control),
        required: is_required(column, &control),
        key_column: sources.table.is_key(&column.name),
        restored: typed_here.is_some_and(|typed_here| typed_here.restored) && !column.secret,
        link: link(sources, column, now_text),
        control,
        nullable: column.nullable,
        column: written,
    }
}

/// Worth a mark only where it can be left empty.
fn is_required(column: &Column, control: &Control) -> bool {
    let always_chosen =
        matches!(control, Control::Select(options) if options.iter().all(|option| !option.value.is_empty()));
    !column.nullable && !column.has_default && !column.is_text() && column.is_seen() && !always_chosen
}

/// `b.` stands exactly where the drawn value is not the record's.
fn base(typed_here: Option<&TypedColumn>, now: Option<&Text>) -> Option<Text> {
    let typed_here = typed_here?;
    match now {
        Some(now) => {
            (typed_here.value != *now || typed_here.text != now.clone().unwrap_or_default()).then(|| now.clone())
        }
        None if typed_here.unchanged => None,
        None => Some(typed_here.base.clone().unwrap_or_else(|| unknown_base(typed_here))),
    }
}

/// The record cannot be read and the form did not say what it was: any base that differs keeps the
/// page from taking what was typed for the record's own value. The server does not look at it.
fn unknown_base(typed_here: &TypedColumn) -> Text {
    typed_here.text.is_empty().then(|| "…".to_owned())
}

fn hint(sources: &FormSources, column: &Column, control: &Control) -> Option<String> {
    let mut parts: Vec<String> = column.comment.iter().cloned().collect();
    if column.secret {
        let set = sources
            .record
            .is_some_and(|record| record.secrets_set.contains(&column.name));
        parts.push(
            if set {
                "Set. Leave empty to keep it."
            } else {
                "Not set."
            }
            .to_owned(),
        );
    }
    if !column.secret && !column.grants.read {
        parts.push("What is stored here may not be read. Leave empty to keep it.".to_owned());
    }
    if let Some(example) = fields::example(column).filter(|_| is_typed(control)) {
        parts.push(format!("Written as {example}."));
    }
    if let (Some(length), true) = (column.max_length, column.is_text()) {
        parts.push(format!("At most {length} characters."));
    }
    match column.kind {
        ColumnKind::Bytes => parts.push("Bytes as hex digits.".to_owned()),
        ColumnKind::Bits => parts.push(bits(column)),
        ColumnKind::Other if !column.secret && !column.sql_type.is_empty() => {
            parts.push(format!("Of the type {}.", column.sql_type));
        }
        _ => {}
    }
    if column.has_default && matches!(sources.target, Target::New(_)) && column.default.is_none() && !column.nullable {
        parts.push("Filled in by the database when left empty.".to_owned());
    }
    let is_followed = parts.len() > 1;
    if let Some(comment) = parts.first_mut().filter(|_| is_followed)
        && comment.ends_with(|last: char| last.is_alphanumeric() || last == ')')
    {
        comment.push('.');
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A text that is typed as such, rather than chosen or picked.
fn is_typed(control: &Control) -> bool {
    matches!(
        control,
        Control::Area { .. } | Control::Growing | Control::Input { kind: "text", .. }
    )
}

fn bits(column: &Column) -> String {
    match column.max_length {
        Some(length) if column.sql_type.contains("varying") => format!("At most {length} digits 0 or 1."),
        Some(length) => format!("{length} digits 0 or 1."),
        None => "Digits 0 or 1.".to_owned(),
    }
}

fn shown(sources: &FormSources, column: &Column, now: Option<&Text>) -> ShownField {
    let none = None;
    let text = now.unwrap_or(&none);
    let set = sources
        .record
        .is_some_and(|record| record.secrets_set.contains(&column.name));
    ShownField {
        label: column.label.clone(),
        text: text.clone(),
        link: link(sources, column, text),
        masked: column.secret && set,
        hint: column.generated.then(|| "Filled in by the database.".to_owned()),
    }
}

/// The label of the target, and where it is: where that table can be opened by this column.
fn link(sources: &FormSources, column: &Column, value: &Text) -> Option<(String, String)> {
    let (reference, value) = (column.reference.as_ref()?, value.as_ref()?);
    let is_target = |table: &&Arc<Table>| table.name == reference.table && table.key == [reference.column.as_str()];
    let target = sources.targets.iter().find(is_target)?;
    let references = sources.record.and_then(|record| record.references.get(&column.name));
    let label = references.and_then(|references| {
        let found = references.options.iter().find(|option| option.value == *value);
        found
            .map(|option| option.label.clone())
            .or_else(|| references.current_label.clone())
    });
    let url = address::record_url(&target.name, &RecordKey(vec![value.clone()]));
    Some((label.unwrap_or_else(|| value.clone()), url))
}

/// A column's label out of its `~HH` writing; of one that is gone, its name.
pub fn label(table: &Table, written: &str) -> String {
    let known = table.column_written(written).map(|column| column.label.clone());
    known
        .or_else(|| path_text::read_part(written))
        .unwrap_or_else(|| written.to_owned())
}

/// What was typed into columns that have no control here any more: kept readable.
pub fn without_field(sources: &FormSources, typed: &Typed) -> Vec<(String, Text)> {
    let Some(record) = sources.record else {
        return Vec::new();
    };
    let has_control = |column: &Column| record.editable.contains(&column.name);
    let lost = typed
        .columns
        .iter()
        .filter(|(written, _)| !sources.table.column_written(written).is_some_and(has_control));
    let lost = lost.filter(|(written, _)| {
        !sources
            .table
            .column_written(written)
            .is_some_and(|column| column.secret)
    });
    lost.map(|(written, typed)| (label(sources.table, written), typed.value.clone()))
        .collect()
}
