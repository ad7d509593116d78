//! Unique keys, references and checks, added to the tables they belong to.

use app::records::model::{ColumnKind, Reference, Table, TableName, Text};

use super::create_table::Check;
use crate::sql::check_values::listed_values;
use crate::sql::literal::as_kept;
use crate::sql::tokens::Brackets;

pub fn add_unique(table: &mut Table, row: Vec<Text>) {
    let Ok([Some(index), column]) = <[Text; 2]>::try_from(row) else {
        return;
    };
    match table.unique.last_mut().filter(|(last, _)| *last == index) {
        Some((_, columns)) => columns.extend(column),
        None => table.unique.push((index, Vec::from_iter(column))),
    }
}

pub fn add_reference(table: &mut Table, row: Vec<Text>) {
    let Ok([Some(from), Some(to_table), to_column]) = <[Text; 3]>::try_from(row) else {
        return;
    };
    let reference = Reference {
        table: TableName {
            schema: None,
            name: to_table,
        },
        column: to_column.unwrap_or_default(),
    };
    if let Some(column) = table
        .columns
        .iter_mut()
        .find(|column| column.name.eq_ignore_ascii_case(&from))
    {
        column.reference = Some(reference);
    }
}

/// Names in references match in any case, and the key may be meant without being named.
pub fn resolve_references(tables: &mut [Table]) {
    let targets: Vec<(TableName, Vec<String>, Vec<String>)> = tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| column.name.clone()).collect();
            (table.name.clone(), table.key.clone(), columns)
        })
        .collect();
    for column in tables.iter_mut().flat_map(|table| &mut table.columns) {
        let Some(meant) = column.reference.take() else { continue };
        column.reference = targets
            .iter()
            .find(|(name, ..)| name.name.eq_ignore_ascii_case(&meant.table.name))
            .and_then(|(name, key, columns)| {
                let to = match key.as_slice() {
                    [only] if meant.column.is_empty() => Some(only),
                    _ => columns.iter().find(|column| column.eq_ignore_ascii_case(&meant.column)),
                };
                Some(Reference {
                    table: name.clone(),
                    column: to?.clone(),
                })
            });
    }
}

pub fn add_check(table: &mut Table, check: Check) {
    let columns: Vec<String> = table
        .columns
        .iter()
        .filter(|column| check.names.iter().any(|name| name.eq_ignore_ascii_case(&column.name)))
        .map(|column| column.name.clone())
        .collect();
    if let Some(listed) = listed_values(&check.expression, Brackets::QuoteNames)
        && let Some(column) = table
            .columns
            .iter_mut()
            .find(|column| column.name.eq_ignore_ascii_case(&listed.column))
    {
        column.kind = kind_of_listed(&column.kind, listed.values);
        column.default = column.default.take().map(|text| as_kept(text, &column.kind));
    }
    table.checks.push((check.name, check.expression, columns));
}

/// `CHECK (active IN (0, 1))` is how SQLite says boolean.
fn kind_of_listed(kind: &ColumnKind, mut values: Vec<String>) -> ColumnKind {
    match kind {
        ColumnKind::Integer => {
            let listed = values.clone();
            values.sort();
            if values == ["0", "1"] {
                ColumnKind::Boolean
            } else {
                ColumnKind::Choice(listed)
            }
        }
        ColumnKind::Text | ColumnKind::LongText => ColumnKind::Choice(values),
        other => other.clone(),
    }
}
