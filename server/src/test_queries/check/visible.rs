//! Which tables and columns a person may ask about: those that the panel shows them.

use std::collections::BTreeSet;

use app::records::model::{Table, TableName};

use super::Grammar;
use crate::sql::catalog::Catalog;

/// A table as this person sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: TableName,
    /// In their order; nothing else of the table can be reached.
    pub columns: Vec<String>,
    /// Columns that are there and kept from this person: secrets, hidden ones, those of other roles. In small letters.
    pub kept: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Visible {
    tables: Vec<Shown>,
}

impl Visible {
    /// `found` is what the database has, `seen` what this person is shown of it.
    pub fn new(found: &Catalog, seen: &Catalog) -> Self {
        let tables = seen.tables().iter().filter_map(|table| {
            // One that was not found is not known well enough.
            let whole = found.table(&table.name)?;
            Some(Shown::new(table, whole)).filter(|shown| !shown.columns.is_empty())
        });
        Self {
            tables: tables.collect(),
        }
    }

    /// The table that the database finds by this name, where this person may ask about it.
    pub(super) fn find(&self, grammar: Grammar, default_schema: &str, name: &[String]) -> Option<&Shown> {
        let (schema, name) = match name {
            [name] => (default_schema, name),
            [schema, name] => (schema.as_str(), name),
            _ => return None,
        };
        let mut found = self.tables.iter().filter(|shown| {
            let own = shown.name.schema.as_deref().unwrap_or(default_schema);
            grammar.same(own, schema) && grammar.same(&shown.name.name, name)
        });
        // On MySQL two may differ in nothing but capital letters.
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Whether any table is called so, wherever it is.
    pub(super) fn has_one_called(&self, name: &str) -> bool {
        let is_called = |shown: &Shown| shown.name.name.eq_ignore_ascii_case(name);
        self.tables.iter().any(is_called)
    }
}

impl Shown {
    fn new(seen: &Table, whole: &Table) -> Self {
        let columns = seen.columns.iter().filter(|column| column.is_seen());
        let columns: Vec<_> = columns.map(|column| column.name.clone()).collect();
        let kept = whole.columns.iter().filter(|column| !columns.contains(&column.name));
        Self {
            name: seen.name.clone(),
            kept: kept.map(|column| column.name.to_lowercase()).collect(),
            columns,
        }
    }
}
