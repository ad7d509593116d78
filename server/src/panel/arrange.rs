//! The tables as the configuration would have them, whoever looks. What it names and the database does not have is
//! told, not fatal: schemas change.

use app::records::display::Display;
use app::records::model::{ColumnGrants, Table, TableGrants, TableName};

use super::nearest::suggestion;
use crate::config::PanelSettings;
use crate::config::file::{Named, TableSettings};
use crate::sql::addressing_key;

/// The arranged tables, and what to warn about.
pub fn arrange(settings: &PanelSettings, found: Vec<Table>) -> (Vec<Table>, Vec<String>) {
    let mut warnings = unknown_tables(settings, &found);
    let mut tables = Vec::new();
    for mut table in found {
        let said = settings.table(&table.name);
        if said.is_some_and(|said| said.hidden) {
            continue;
        }
        if let Some(said) = said {
            let mut notes = Notes::new(settings, &table);
            apply(said, &mut table, &mut notes);
            warnings.extend(notes.warnings);
        }
        table.display.page_size = table.display.page_size.or(settings.page_size);
        table.key = addressing_key(table.key, &table.columns);
        // What is deleted is locked first, to be sure of it, and that takes the right to change it.
        table.grants.delete &= table.grants.update;
        tables.push(table);
    }
    let place = |table: &Table| {
        let named = settings
            .order
            .iter()
            .position(|named| is_named(&table.name, &named.name));
        named.unwrap_or(settings.order.len())
    };
    tables.sort_by_key(place);
    (tables, warnings)
}

/// Whether the configuration's name for a table is this one's.
pub fn is_named(table: &TableName, name: &str) -> bool {
    match &table.schema {
        Some(schema) => {
            name.strip_prefix(schema.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                == Some(&table.name)
        }
        None => table.name == name,
    }
}

impl PanelSettings {
    pub fn table(&self, name: &TableName) -> Option<&TableSettings> {
        let named = self.tables.iter().find(|(written, _)| is_named(name, written));
        named.map(|(_, said)| said)
    }

    /// By a table's writing in addresses, where the table itself is not known.
    pub fn table_written(&self, written: &str) -> Option<&TableSettings> {
        let mut parts = written.split('.').map(resilient_core::path_text::read_part);
        let name = match (parts.next()??, parts.next()) {
            (schema, Some(name)) => TableName {
                schema: Some(schema),
                name: name?,
            },
            (name, None) => TableName { schema: None, name },
        };
        self.table(&name)
    }
}

/// Collects warnings about one table.
struct Notes {
    file: String,
    table: String,
    columns: Vec<String>,
    warnings: Vec<String>,
}

impl Notes {
    fn new(settings: &PanelSettings, table: &Table) -> Self {
        Self {
            file: settings.file.display().to_string(),
            table: readable(&table.name),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            warnings: Vec::new(),
        }
    }

    fn warn(&mut self, line: usize, words: String) {
        self.warnings.push(format!("{}:{line}: {words}", self.file));
    }

    /// Whether the column is there; told where it is not.
    fn has(&mut self, name: &str, line: usize) -> bool {
        let has = self.columns.iter().any(|column| column == name);
        if !has {
            let meant = suggestion(name, self.columns.iter().map(String::as_str));
            self.warn(line, format!("table `{}` has no column `{name}`{meant}", self.table));
        }
        has
    }

    fn known(&mut self, named: &[Named]) -> Vec<String> {
        let known = named.iter().filter(|named| self.has(&named.name, named.line));
        known.map(|named| named.name.clone()).collect()
    }
}

fn apply(said: &TableSettings, table: &mut Table, notes: &mut Notes) {
    if let Some(label) = &said.label {
        table.label.clone_from(label);
    }
    if said.help.is_some() {
        table.comment.clone_from(&said.help);
    }
    if said.read_only {
        table.grants = TableGrants {
            insert: false,
            update: false,
            delete: false,
        };
    }
    let order = notes.known(&said.order);
    table.columns.sort_by_key(|column| {
        order
            .iter()
            .position(|name| *name == column.name)
            .unwrap_or(order.len())
    });
    table.display = Display {
        list: said.list.as_deref().map(|list| notes.known(list)),
        search: said.search.as_deref().map(|search| notes.known(search)),
        filters: said.filters.as_deref().map(|filters| notes.known(filters)),
        sort: said
            .sort
            .iter()
            .filter(|(named, _)| notes.has(&named.name, named.line))
            .map(|(named, descending)| (named.name.clone(), *descending))
            .collect(),
        page_size: said.page_size,
        label_column: said
            .label_column
            .as_ref()
            .filter(|named| notes.has(&named.name, named.line))
            .map(|named| named.name.clone()),
        widgets: Default::default(),
    };
    apply_to_columns(said, table, notes);
    forget_columns_that_are_gone(table);
}

fn apply_to_columns(said: &TableSettings, table: &mut Table, notes: &mut Notes) {
    for (name, said) in &said.columns {
        if !notes.has(name, said.line) {
            continue;
        }
        let is_key = table.is_key(name);
        if said.hidden && is_key {
            let words = format!(
                "column `{name}` is part of the key of `{}`: it cannot be hidden",
                notes.table
            );
            notes.warn(said.line, words);
        } else if said.hidden {
            table.columns.retain(|column| column.name != *name);
            continue;
        }
        let Some(column) = table.columns.iter_mut().find(|column| column.name == *name) else {
            continue;
        };
        if let Some(label) = &said.label {
            column.label.clone_from(label);
        }
        if said.help.is_some() {
            column.comment.clone_from(&said.help);
        }
        column.secret = said.secret.unwrap_or(column.secret);
        if said.read_only {
            column.grants = ColumnGrants {
                insert: false,
                update: false,
                ..column.grants
            };
        }
        match said.widget {
            Some(widget) if widget.suits(&column.kind, column.reference.is_some()) => {
                table.display.widgets.insert(name.clone(), widget);
            }
            Some(widget) => {
                let words = format!(
                    "`{}` cannot hold column `{name}` of `{}`, which is {}: it keeps its usual control",
                    widget.name(),
                    notes.table,
                    column.sql_type
                );
                notes.warn(said.line, words);
            }
            None => {}
        }
    }
}

/// Nothing names a column that the table does not have any more.
pub fn forget_columns_that_are_gone(table: &mut Table) {
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let is_there = |name: &str| names.iter().any(|there| there == name);
    table.display.retain(is_there);
    table
        .unique
        .retain(|(_, columns)| columns.iter().all(|name| is_there(name)));
    table
        .checks
        .retain(|(_, _, columns)| columns.iter().all(|name| is_there(name)));
}

fn unknown_tables(settings: &PanelSettings, found: &[Table]) -> Vec<String> {
    let names: Vec<String> = found.iter().map(|table| readable(&table.name)).collect();
    let ordered = settings.order.iter().map(|named| (named.name.as_str(), named.line));
    let described = settings.tables.iter().map(|(name, said)| (name.as_str(), said.line));
    let unknown = ordered
        .chain(described)
        .filter(|(name, _)| !names.iter().any(|there| there == name));
    let warning = |(name, line): (&str, usize)| {
        let meant = suggestion(name, names.iter().map(String::as_str));
        format!("{}:{line}: there is no table `{name}`{meant}", settings.file.display())
    };
    unknown.map(warning).collect()
}

fn readable(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    }
}
