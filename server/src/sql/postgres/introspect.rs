//! PostgreSQL's schema, read from `pg_catalog` in six questions.

use std::collections::HashMap;

use app::records::model::{Column, ColumnGrants, ColumnKind, Reference, Table, TableGrants, TableName, Text};
use resilient_db::Connection;

use super::types::{PgType, kind_of};
use super::{Postgres, queries};
use crate::sql::answer::Answer;
use crate::sql::check_values::{choice_of, listed_values};
use crate::sql::tokens::Brackets;
use crate::sql::{Dialect, literal, naming};

async fn ask(connection: &mut Connection<sqlx::Postgres>, sql: String) -> Result<Vec<Answer>, sqlx::Error> {
    let rows = Postgres::fetch(connection, sql, Vec::new()).await?;
    Ok(rows.into_iter().map(Answer::new).collect())
}

pub async fn tables(connection: &mut Connection<sqlx::Postgres>) -> Result<Vec<Table>, sqlx::Error> {
    let mut tables = Vec::new();
    let mut places = HashMap::new();
    for mut relation in ask(connection, queries::relations()).await? {
        places.insert(relation.name(), tables.len());
        let mut table = table(relation);
        table.writable = table.grants.any();
        tables.push(table);
    }
    // Each further answer begins with the oid of its table; one made in between has no place yet.
    let place_of = |answer: &mut Answer| places.get(&answer.name()).copied();
    for mut answer in ask(connection, queries::columns()).await? {
        if let Some(place) = place_of(&mut answer) {
            tables[place].columns.push(column(answer));
        }
    }
    for mut answer in ask(connection, queries::unique_indexes()).await? {
        if let Some(place) = place_of(&mut answer) {
            add_unique(&mut tables[place], answer);
        }
    }
    for mut answer in ask(connection, queries::checks()).await? {
        if let Some(place) = place_of(&mut answer) {
            add_check(&mut tables[place], answer);
        }
    }
    for mut answer in ask(connection, queries::composite_references()).await? {
        if let Some(place) = place_of(&mut answer) {
            tables[place].foreign.push((answer.name(), answer.names()));
        }
    }
    for mut answer in ask(connection, queries::references()).await? {
        if let Some(place) = place_of(&mut answer) {
            add_reference(&mut tables[place], answer);
        }
    }
    Ok(tables)
}

fn table(mut answer: Answer) -> Table {
    let name = TableName {
        schema: answer.text(),
        name: answer.name(),
    };
    Table {
        label: naming::label(&name.name),
        is_view: answer.truth(),
        comment: answer.text(),
        grants: TableGrants {
            insert: answer.truth(),
            update: answer.truth(),
            delete: answer.truth(),
        },
        inherited: answer.truth(),
        ..Table::new(name, Vec::new())
    }
}

fn column(mut answer: Answer) -> Column {
    let name = answer.name();
    let comment = answer.text();
    let of = pg_type(&mut answer);
    let part = Some(pg_type(&mut answer)).filter(|part| !part.name.is_empty());
    let sql_type = answer.name();
    let max_length = answer.text().and_then(|length| length.parse().ok());
    let not_null = answer.truth();
    let expression = answer.text();
    let identity = answer.text();
    let is_computed = answer.text().is_some();
    let grants = ColumnGrants {
        read: answer.truth(),
        insert: answer.truth(),
        update: answer.truth(),
    };
    let kind = kind_of(&name, &of, part.as_ref());
    Column {
        label: naming::label(&name),
        secret: naming::is_secret(&name),
        generated: is_computed || identity.as_deref() == Some("a"),
        has_default: expression.is_some() || identity.is_some(),
        default: expression
            .filter(|_| !is_computed)
            .and_then(|expression| default_text(&expression, &kind)),
        nullable: !not_null,
        reference: None,
        name,
        comment,
        kind,
        sql_type,
        max_length,
        grants,
    }
}

fn pg_type(answer: &mut Answer) -> PgType {
    PgType {
        name: answer.name(),
        class: answer.name(),
        enum_labels: answer.names(),
    }
}

/// Bytes are plain hex with us.
fn default_text(expression: &str, kind: &ColumnKind) -> Text {
    let text = literal::literal_text(expression)?;
    match kind {
        ColumnKind::Bytes => text.strip_prefix("\\x").map(str::to_owned),
        _ => Some(text),
    }
}

fn add_unique(table: &mut Table, mut answer: Answer) {
    let is_primary = answer.truth();
    let name = answer.name();
    let columns = answer.names();
    if is_primary {
        table.key = columns;
    } else {
        table.unique.push((name, columns));
    }
}

fn add_check(table: &mut Table, mut answer: Answer) {
    let (name, expression, columns) = (answer.name(), answer.name(), answer.names());
    if let [only] = columns.as_slice()
        && let Some(listed) = listed_values(&expression, Brackets::HoldElements)
        && let Some(column) = table.columns.iter_mut().find(|column| column.name == *only)
        && let Some(choice) = choice(column, listed.values)
    {
        column.kind = choice;
    }
    table.checks.push((name, expression, columns));
}

fn choice(column: &Column, mut values: Vec<String>) -> Option<ColumnKind> {
    if matches!(column.sql_type.as_str(), "bpchar" | "character") {
        // What fills it up is no part of the value.
        for value in &mut values {
            value.truncate(value.trim_end_matches(' ').len());
        }
    }
    // `citext` also takes a listed value in other letters.
    choice_of(&column.kind, values).filter(|_| column.sql_type != "citext")
}

fn add_reference(table: &mut Table, mut answer: Answer) {
    let name = answer.name();
    let to = Reference {
        table: TableName {
            schema: answer.text(),
            name: answer.name(),
        },
        column: answer.name(),
    };
    if let Some(column) = table
        .columns
        .iter_mut()
        .find(|column| column.name == name && column.reference.is_none())
    {
        column.reference = Some(to);
    }
}
