//! What differs between databases: quoting, casts to and from text, and reading the schema.
//!
//! Everything passes as text or NULL in both directions, so that one code path edits every column
//! of every type. Identifiers in SQL come from the catalog alone; values are always parameters.
//! Nothing here knows of records, pages or accounts.

use std::future::Future;
use std::ops::RangeInclusive;

use app::records::model::{Column, Table, TableName, Text, Values};
use resilient_db::{Connection, Supported};

mod answer;
pub mod catalog;
mod check_values;
mod literal;
pub mod migrations;
mod mysql;
mod naming;
mod postgres;
mod sqlite;
mod tokens;

pub use check_values::readable;
pub use mysql::{MySql, members};
pub use naming::is_secret;
pub use postgres::Postgres;
pub use sqlite::Sqlite;

/// One kind of database. Parameters are counted from 1.
pub trait Dialect: Send + Sync + 'static {
    type Database: Supported;

    /// Appended to a SELECT that reads a row in order to change it.
    const LOCK_ROW: &'static str;

    /// Up to how many rows counting one table is quick enough for the dashboard.
    const COUNTED_UP_TO: u64;

    fn quote(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The rows of a table that are its own records, for FROM, UPDATE and DELETE.
    fn rows_of(table: &Table) -> String {
        Self::table(&table.name)
    }

    /// A table of the catalog, qualified where it has to be.
    fn table(name: &TableName) -> String {
        match &name.schema {
            Some(schema) => format!("{}.{}", Self::quote(schema), Self::quote(&name.name)),
            None => Self::quote(&name.name),
        }
    }

    /// One of Inkfast's own tables.
    fn own(table: &str) -> String;

    /// `expression`, which yields a value of `column`, as text; nothing of the value is lost.
    fn text(expression: &str, column: &Column) -> String;

    fn text_of(column: &Column) -> String {
        Self::text(&Self::quote(&column.name), column)
    }

    fn text_of_aliased(alias: &str, column: &Column) -> String {
        Self::text(&format!("{alias}.{}", Self::quote(&column.name)), column)
    }

    /// `column` as it is compared with [`value_of`](Self::value_of).
    fn compared(column: &Column) -> String {
        Self::quote(&column.name)
    }

    /// The n-th parameter as a value of `column`. The text has passed [`crate::records::check`].
    fn value_of(column: &Column, n: usize) -> String;

    /// The n-th parameter as text.
    fn placeholder(n: usize) -> String;

    /// A number or truth value, or a value of one of Inkfast's own tables, as text.
    fn as_text(expression: &str) -> String {
        format!("CAST({expression} AS text)")
    }

    /// Whether `text`, an expression as [`text`](Self::text) gives it, is letter by letter the n-th parameter.
    fn same_text(text: &str, n: usize) -> String {
        format!("{text} = {}", Self::placeholder(n))
    }

    /// True where one of both is NULL, too, and false where both are.
    fn differ(left: &str, right: &str) -> String {
        format!("{left} IS DISTINCT FROM {right}")
    }

    /// A term of ORDER BY; NULLs come last in both directions.
    fn ordered(expression: &str, descending: bool, nullable: bool) -> String {
        let direction = if descending { " DESC" } else { "" };
        // Said only where it matters: PostgreSQL walks an index backwards for DESC, but not for DESC
        // NULLS LAST.
        let nulls = if nullable { " NULLS LAST" } else { "" };
        format!("{expression}{direction}{nulls}")
    }

    /// Inserts a row of parameters into one of Inkfast's own tables, and changes nothing where its key, the first `key`
    /// of the columns, is taken. Where another transaction is taking it, this waits for that one.
    fn insert_unless_taken(table: &str, columns: &[&str], key: usize) -> String {
        let values: Vec<_> = (1..=columns.len()).map(Self::placeholder).collect();
        format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING",
            columns.join(", "),
            values.join(", "),
            columns[..key].join(", ")
        )
    }

    /// Deletes at most `most` rows of one of Inkfast's own tables that meet a condition; `key` tells its rows apart.
    fn delete_at_most(table: &str, key: &str, condition: &str, most: u32) -> String {
        format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {most})")
    }

    /// `expression`, a text, contains the n-th parameter: a pattern escaped by `\`, whatever its
    /// case.
    fn like(expression: &str, n: usize) -> String;

    /// The first `characters` of a text.
    fn cut(expression: &str, characters: u32) -> String;

    /// What values of `column` the database can hold, beyond its kind.
    fn limits(column: &Column) -> Limits;

    /// Rows of all-text SELECTs. The SQL is not kept as a prepared statement.
    fn fetch(
        connection: &mut Connection<Self::Database>,
        sql: String,
        parameters: Vec<Text>,
    ) -> impl Future<Output = Result<Vec<Vec<Text>>, sqlx::Error>> + Send;

    /// The number of rows a statement changed.
    fn execute(
        connection: &mut Connection<Self::Database>,
        sql: String,
        parameters: Vec<Text>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Inserts a row and gives the texts of its key; `None` where no row came of it. `key` is a select list of these
    /// texts.
    fn insert(
        connection: &mut Connection<Self::Database>,
        table: &Table,
        values: &Values,
        key: &str,
    ) -> impl Future<Output = Result<Option<Vec<Text>>, sqlx::Error>> + Send {
        let (what, parameters) = insertion::<Self>(table, values, "DEFAULT VALUES");
        let sql = format!("{what} RETURNING {key}");
        let rows = Self::fetch(connection, sql, parameters);
        async move { Ok(rows.await?.into_iter().next()) }
    }

    /// Every table and view this database account may read, but not the system's or Inkfast's own.
    fn introspect(
        connection: &mut Connection<Self::Database>,
    ) -> impl Future<Output = Result<Vec<Table>, sqlx::Error>> + Send;

    /// Rows per table by the database's own statistics, where it keeps any.
    fn estimates(
        connection: &mut Connection<Self::Database>,
    ) -> impl Future<Output = Result<Vec<(TableName, u64)>, sqlx::Error>> + Send;
}

/// `INSERT INTO … VALUES …` and its parameters; `nothing` stands for a row of defaults alone.
fn insertion<D: Dialect + ?Sized>(table: &Table, values: &Values, nothing: &str) -> (String, Vec<Text>) {
    let columns: Vec<_> = values.keys().filter_map(|name| table.column(name)).collect();
    let names: Vec<_> = columns.iter().map(|column| D::quote(&column.name)).collect();
    let places = columns.iter().zip(1..).map(|(column, n)| D::value_of(column, n));
    let places: Vec<_> = places.collect();
    let rows = match columns.as_slice() {
        [] => nothing.to_owned(),
        _ => format!("({}) VALUES ({})", names.join(", "), places.join(", ")),
    };
    let parameters = columns.iter().filter_map(|column| values.get(&column.name).cloned());
    (
        format!("INSERT INTO {} {rows}", D::table(&table.name)),
        parameters.collect(),
    )
}

/// The values a column of some kind can hold on some database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub integers: RangeInclusive<i128>,
    /// Bytes of a text, where the type cuts what is longer.
    pub bytes: Option<usize>,
    /// Digits of a decimal, where the database keeps no more.
    pub significant_digits: Option<usize>,
    /// As PostgreSQL has them: `NaN`, `Infinity`, dates before the year 1 and `infinity`, bits written `b101` or `x1f`.
    pub specials: bool,
}

/// The columns that address a record; none where one of them cannot be read or is a secret, which
/// must not stand in addresses, logs and histories. Such a table is only listed.
pub fn addressing_key(key: Vec<String>, columns: &[Column]) -> Vec<String> {
    let may_be_shown = |name: &String| columns.iter().any(|column| column.name == *name && column.is_seen());
    if key.iter().all(may_be_shown) { key } else { Vec::new() }
}
