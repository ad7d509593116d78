//! Input that cannot be saved, said at its field in human words.

use std::collections::BTreeMap;

use app::records::model::{Column, Table};
use resilient_db::{Connection, Constraint, ConstraintKind, DbError};

use super::changes::Changes;
use super::intent::Intent;
use crate::database::Access;
use crate::records::check::{refusal, refused_by_database};
use crate::sql::catalog::Catalog;
use crate::sql::{Dialect, readable};

/// Where the database keeps an account from changing a row that it may read.
pub const NOT_PERMITTED: &str = "The database does not permit this: its rules for single records, or the rights of the \
    account that Inkfast uses, are against it. Nothing was saved; what you typed is still here.";

/// The same of a press of Delete.
pub const DELETE_NOT_PERMITTED: &str = "The database does not permit this: its rules for single records, or the rights \
    of the account that Inkfast uses, are against it. Nothing was deleted.";

/// Messages by column name; the empty name stands for the whole record.
pub type Messages = BTreeMap<String, String>;

/// What can be told without asking the database.
pub fn of_changes<D: Dialect>(table: &Table, changes: &Changes) -> Messages {
    let mut messages = changes.errors.clone();
    for (name, text) in changes.values.iter().chain(changes.unseen()) {
        let Some(column) = table.column(name) else { continue };
        let message = match text {
            Some(text) => refusal::<D>(column, text),
            None if !column.nullable => Some(needed(column)),
            None => None,
        };
        if let Some(message) = message {
            messages.entry(name.clone()).or_insert(message);
        }
    }
    messages
}

/// What a constraint that refused the change says, in the form's terms; `None` where the failure
/// was no constraint.
pub async fn messages<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    intent: &Intent,
    error: &DbError,
) -> Option<Messages> {
    let constraint = error.constraint.as_ref()?;
    if matches!(constraint.kind, ConstraintKind::BadValue | ConstraintKind::TooLong) && constraint.columns.is_empty() {
        let refused = refused_by_database::<D>(db, &intent.table, &intent.changes.all()).await;
        if let Ok(refused) = refused
            && !refused.is_empty()
        {
            return Some(refused);
        }
    }
    let columns = if constraint.kind == ConstraintKind::ForeignKey {
        match missing_targets::<D>(db, catalog, intent).await {
            missing if missing.is_empty() => composite_key(&intent.table, constraint),
            missing => missing,
        }
    } else {
        columns_of(&intent.table, constraint)
    };
    let several = columns.len() > 1;
    let mut messages = Messages::new();
    let known: Vec<&Column> = columns.iter().filter_map(|name| intent.table.column(name)).collect();
    // Where the form has a control for it; the key of a record that exists has none.
    for column in known.iter().filter(|column| intent.writable.contains(&column.name)) {
        let words = words(constraint, Some(column), several, &intent.table);
        messages.insert(column.name.clone(), words);
    }
    if messages.is_empty() {
        let named = known.iter().map(|column| column.label.as_str()).collect::<Vec<_>>();
        let words = words(constraint, known.first().copied(), several, &intent.table);
        let words = match named.is_empty() || constraint.kind == ConstraintKind::NotNull {
            true => words,
            false => format!("{}: {words}", named.join(", ")),
        };
        messages.insert(String::new(), words);
    }
    Some(messages)
}

/// The columns of a constraint: as the database says, else as the catalog knows it by its name.
fn columns_of(table: &Table, constraint: &Constraint) -> Vec<String> {
    if !constraint.columns.is_empty() {
        return constraint.columns.clone();
    }
    let Some(name) = constraint.name.as_deref() else {
        return Vec::new();
    };
    let unique = table
        .unique
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, columns)| columns.clone());
    let check = || {
        table
            .checks
            .iter()
            .find(|(known, _, _)| known == name)
            .map(|(_, _, columns)| columns.clone())
    };
    let key = || (constraint.kind == ConstraintKind::Unique).then(|| table.key.clone());
    unique.or_else(check).or_else(key).unwrap_or_default()
}

/// The columns of a foreign key of several, where it is this table's own: the one that refers to this
/// table has the same kind of error, but another table's name.
fn composite_key(table: &Table, constraint: &Constraint) -> Vec<String> {
    let is_own = constraint.table.as_ref().is_none_or(|named| *named == table.name.name);
    let known = table
        .foreign
        .iter()
        .find(|(name, _)| is_own && Some(name) == constraint.name.as_ref());
    known.map(|(_, columns)| columns.clone()).unwrap_or_default()
}

/// Databases name a foreign key at best by its constraint, SQLite not at all: the changed references
/// are looked up one by one.
async fn missing_targets<D: Dialect>(db: &Access<'_, D::Database>, catalog: &Catalog, intent: &Intent) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, text) in &intent.changes.values {
        let reference = intent
            .table
            .column(name)
            .and_then(|column| Some((column, column.reference.as_ref()?)));
        let (Some((column, reference)), Some(text)) = (reference, text) else {
            continue;
        };
        let sql = format!(
            "SELECT '1' FROM {} WHERE {} = {}",
            // A foreign key sees the table's own rows only, not those of tables that inherit from it.
            catalog
                .table(&reference.table)
                .map_or_else(|| D::table(&reference.table), |target| D::rows_of(target)),
            D::quote(&reference.column),
            D::value_of(column, 1)
        );
        let found = db
            .read("look up a reference", |mut conn: Connection<D::Database>| {
                let (sql, text) = (sql.clone(), text.clone());
                async move { D::fetch(&mut conn, sql, vec![Some(text)]).await }
            })
            .await;
        if found.is_ok_and(|rows| rows.is_empty()) {
            missing.push(name.clone());
        }
    }
    missing
}

fn words(constraint: &Constraint, column: Option<&Column>, several: bool, table: &Table) -> String {
    match constraint.kind {
        ConstraintKind::Unique if several => "This combination is already in use.".to_owned(),
        ConstraintKind::Unique => "This value is already in use.".to_owned(),
        ConstraintKind::Exclusion => "Another entry already takes this up, in whole or in part.".to_owned(),
        ConstraintKind::ForeignKey if several => "There is no entry with this combination.".to_owned(),
        ConstraintKind::ForeignKey if column.is_some() => "The selected entry no longer exists.".to_owned(),
        ConstraintKind::ForeignKey => {
            "This entry is still used elsewhere, or refers to one that no longer exists.".to_owned()
        }
        ConstraintKind::NotNull => column.map_or_else(|| "A needed value is missing.".to_owned(), needed),
        ConstraintKind::Check => match rule(table, constraint) {
            Some(rule) => format!("The database allows this only where {}.", readable(rule)),
            None => "The database does not allow this value.".to_owned(),
        },
        ConstraintKind::BadValue => "This value does not fit here.".to_owned(),
        ConstraintKind::TooLong => "This is too long.".to_owned(),
        ConstraintKind::NotPermitted => NOT_PERMITTED.to_owned(),
        ConstraintKind::Raised => raised(constraint),
    }
}

/// What a trigger says for itself.
fn raised(constraint: &Constraint) -> String {
    let said = constraint.said.as_deref().map(str::trim);
    match said.filter(|said| !said.is_empty()) {
        Some(said) => format!("The database refused this change: {said}"),
        None => "The database refused this change by a rule of its own.".to_owned(),
    }
}

/// Why a record stays although Delete was pressed; `None` where the failure is no answer to that.
pub fn kept_from_deleting(constraint: &Constraint) -> Option<String> {
    match constraint.kind {
        ConstraintKind::Raised => Some(raised(constraint)),
        ConstraintKind::NotPermitted => Some(DELETE_NOT_PERMITTED.to_owned()),
        // What the records that refer to it, and go or change with it, are not allowed.
        ConstraintKind::ForeignKey
        | ConstraintKind::NotNull
        | ConstraintKind::Check
        | ConstraintKind::Unique
        | ConstraintKind::Exclusion => Some("This entry is still used elsewhere and cannot be removed.".to_owned()),
        ConstraintKind::BadValue | ConstraintKind::TooLong => None,
    }
}

fn rule<'a>(table: &'a Table, constraint: &Constraint) -> Option<&'a str> {
    let name = constraint.name.as_deref()?;
    table
        .checks
        .iter()
        .find(|(known, _, _)| known == name)
        .map(|(_, expression, _)| expression.as_str())
}

fn needed(column: &Column) -> String {
    format!("{} is needed.", column.label)
}
