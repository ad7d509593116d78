//! What a draft's form is called.

use std::sync::Arc;

use super::comparing::{label, shown_columns};
use super::port::KeptDraft;
use crate::records::address::{self, Target};
use crate::records::model::Table;

/// A form, by what its key and the catalog tell.
pub struct FormName<'a> {
    /// Where the catalog knows it, and this person may see it.
    pub table: Option<&'a Arc<Table>>,
    /// `None` where the key is none of a form's.
    pub target: Option<Target>,
    /// For people: `Activities 7`.
    pub words: String,
}

impl<'a> FormName<'a> {
    pub fn of(form_key: &str, tables: &'a [Arc<Table>]) -> Self {
        let (written, target) = match address::read_form_key(form_key) {
            Some((written, target)) => (written, Some(target)),
            None => (form_key.to_owned(), None),
        };
        let table = tables.iter().find(|table| table.name.written() == written);
        let label = table.map_or_else(|| address::readable_table(&written), |table| table.label.clone());
        let words = match (&target, table) {
            (Some(Target::New(_)), _) => format!("{label}: new record"),
            (Some(Target::Existing(key)), Some(table)) => format!("{label} {}", address::readable_key(table, key)),
            (Some(Target::Existing(key)), None) => format!("{label} {}", key.0.join(", ")),
            (None, _) => label,
        };
        Self { table, target, words }
    }
}

/// The labels of a draft's columns.
pub fn column_labels(table: Option<&Arc<Table>>, kept: &KeptDraft) -> Vec<String> {
    let columns = shown_columns(table, &kept.draft.values);
    columns.map(|(written, _)| label(table, written)).collect()
}
