//! SQLite's schema, table by table.

use app::records::model::{Column, ColumnGrants, ColumnKind, Table, TableName, Text};
use resilient_db::Connection;

use super::constraints::{add_check, add_reference, add_unique, resolve_references};
use super::{Sqlite, create_table, declared, queries};
use crate::sql::{Dialect, literal, naming};

/// Rows looked at to learn how dates are kept in a column.
const SAMPLE: u32 = 100;

type Own = Connection<sqlx::Sqlite>;

pub async fn tables(connection: &mut Own) -> Result<Vec<Table>, sqlx::Error> {
    let mut tables = Vec::new();
    for row in Sqlite::fetch(connection, queries::RELATIONS.to_owned(), Vec::new()).await? {
        let Ok([Some(name), Some(kind), without_rowid, create]) = <[Text; 4]>::try_from(row) else {
            continue;
        };
        let relation = Relation {
            is_view: kind == "view",
            without_rowid: without_rowid.as_deref() == Some("1"),
            create: create.unwrap_or_default(),
            name,
        };
        match table(connection, &relation).await {
            Ok(table) => tables.push(table),
            // A view of something that is gone cannot be described, nor read.
            Err(sqlx::Error::Database(_)) if relation.is_view => {}
            Err(error) => return Err(error),
        }
    }
    resolve_references(&mut tables);
    Ok(tables)
}

struct Relation {
    name: String,
    is_view: bool,
    without_rowid: bool,
    create: String,
}

async fn table(connection: &mut Own, relation: &Relation) -> Result<Table, sqlx::Error> {
    let of_this = || vec![Some(relation.name.clone())];
    let described = Sqlite::fetch(connection, queries::COLUMNS.to_owned(), of_this()).await?;
    let described: Vec<Described> = described.into_iter().filter_map(Described::read).collect();
    let columns: Vec<Column> = described.iter().map(Described::column).collect();
    let mut table = Table {
        label: naming::label(&relation.name),
        key: key_of(&described),
        is_view: relation.is_view,
        ..Table::new(TableName::plain(&relation.name), columns)
    };
    mark_row_id(&mut table, relation.without_rowid);
    for index in Sqlite::fetch(connection, queries::UNIQUE_INDEXES.to_owned(), of_this()).await? {
        add_unique(&mut table, index);
    }
    for reference in Sqlite::fetch(connection, queries::REFERENCES.to_owned(), of_this()).await? {
        add_reference(&mut table, reference);
    }
    if !relation.is_view {
        create_table::checks(&relation.create)
            .into_iter()
            .for_each(|check| add_check(&mut table, check));
        look_at_dates(connection, &mut table).await?;
    }
    Ok(table)
}

/// A column as `pragma_table_xinfo` describes it.
struct Described {
    name: String,
    declared: String,
    not_null: bool,
    default: Text,
    key_place: u32,
    generated: bool,
}

impl Described {
    fn read(row: Vec<Text>) -> Option<Self> {
        let [name, declared, not_null, default, key_place, hidden] = row.try_into().ok()?;
        if hidden.as_deref() == Some("1") {
            return None;
        }
        Some(Self {
            name: name?,
            declared: declared.unwrap_or_default(),
            not_null: not_null.as_deref() == Some("1"),
            default,
            key_place: key_place?.parse().ok()?,
            generated: hidden.as_deref() != Some("0"),
        })
    }

    fn column(&self) -> Column {
        // SQLite notes generated columns with their `GENERATED ALWAYS` in the type.
        let upper = self.declared.to_ascii_uppercase();
        let declared = upper
            .find("GENERATED ALWAYS")
            .map_or(&self.declared[..], |end| self.declared[..end].trim_end());
        let kind = declared::kind_of(&self.name, declared);
        Column {
            label: naming::label(&self.name),
            comment: None,
            sql_type: declared.to_owned(),
            nullable: !self.not_null && self.key_place == 0,
            generated: self.generated,
            has_default: self.default.is_some(),
            default: self
                .default
                .as_deref()
                .and_then(|expression| default_text(expression, &kind)),
            max_length: declared::length(declared),
            reference: None,
            secret: naming::is_secret(&self.name),
            grants: ColumnGrants::ALL,
            name: self.name.clone(),
            kind,
        }
    }
}

fn default_text(expression: &str, kind: &ColumnKind) -> Text {
    let text = literal::literal_text(expression).filter(|_| *kind != ColumnKind::Bytes)?;
    Some(literal::as_kept(text, kind))
}

fn key_of(described: &[Described]) -> Vec<String> {
    let mut key: Vec<&Described> = described.iter().filter(|column| column.key_place > 0).collect();
    key.sort_by_key(|column| column.key_place);
    key.into_iter().map(|column| column.name.clone()).collect()
}

/// A single `INTEGER` key is the row's id, which SQLite fills in.
fn mark_row_id(table: &mut Table, without_rowid: bool) {
    if let [key] = table.key.as_slice()
        && !without_rowid
        && let Some(column) = table.columns.iter_mut().find(|column| column.name == *key)
        && column.sql_type.eq_ignore_ascii_case("INTEGER")
    {
        column.has_default = true;
    }
}

/// SQLite has no dates: some applications keep seconds or days in columns declared to hold them.
/// Those are edited as the numbers they are.
async fn look_at_dates(connection: &mut Own, table: &mut Table) -> Result<(), sqlx::Error> {
    let name = Sqlite::table(&table.name);
    for column in &mut table.columns {
        let holds_time = matches!(
            column.kind,
            ColumnKind::Date | ColumnKind::Time | ColumnKind::Timestamp | ColumnKind::TimestampWithZone
        );
        if !holds_time {
            continue;
        }
        let column_name = Sqlite::quote(&column.name);
        let sql = format!(
            "SELECT typeof({column_name}) FROM (SELECT {column_name} FROM {name} LIMIT {SAMPLE})
             WHERE {column_name} IS NOT NULL LIMIT 1"
        );
        let found = Sqlite::fetch(connection, sql, Vec::new()).await?;
        match found.first().and_then(|row| row.first()?.as_deref()) {
            Some("integer") => column.kind = ColumnKind::Integer,
            Some("real") => column.kind = ColumnKind::Float,
            _ => {}
        }
    }
    Ok(())
}
