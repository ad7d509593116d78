//! What goes over the record's values in the form.

use std::collections::BTreeMap;

use resilient_core::draft::{Revision, Text, Values};
use resilient_core::path_text;

use super::{ConflictView, Notice};
use crate::records::model::Table;

/// One column as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedColumn {
    pub text: String,
    /// The NULL checkbox is on.
    pub null: bool,
    /// What it says.
    pub value: Text,
    /// The base that came with it, where one did.
    pub base: Option<Text>,
    /// The person did not change it: it is here because the record cannot be read.
    pub unchanged: bool,
    /// It comes from a draft.
    pub restored: bool,
}

impl TypedColumn {
    pub fn of_draft(value: &Text, base: Option<Text>) -> Self {
        Self {
            text: value.clone().unwrap_or_default(),
            null: value.is_none(),
            value: value.clone(),
            base,
            unchanged: false,
            restored: true,
        }
    }
}

/// Typed columns, in the `~HH` writing, and what the form is besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    pub columns: BTreeMap<String, TypedColumn>,
    /// `_id`, where it is not the form's own or a fresh one.
    pub id: Option<String>,
    /// `_version`, where it is not the record's.
    pub version: Option<String>,
    pub drawn: Option<Revision>,
    pub drawn_on: Option<Revision>,
    /// The draft of another form, all of which stands in this one.
    pub copied: Option<Revision>,
    pub errors: BTreeMap<String, String>,
    pub conflicts: Vec<ConflictView>,
    pub notices: Vec<Notice>,
    pub kept_on_server: bool,
}

impl Typed {
    /// Labels of the secrets that were typed. Their text goes no further.
    pub fn secrets_typed(&self, table: &Table) -> Vec<String> {
        let typed = self
            .columns
            .iter()
            .filter(|(_, typed)| !typed.text.is_empty() || typed.null);
        let columns = typed.filter_map(|(written, _)| table.column_written(written));
        columns
            .filter(|column| column.secret)
            .map(|column| column.label.clone())
            .collect()
    }
}

/// `values` by the database's own names, looked up by the `~HH` writing.
pub fn value_written<'a>(values: &'a Values, written: &str) -> Option<&'a Text> {
    values.get(&path_text::read_part(written)?)
}
