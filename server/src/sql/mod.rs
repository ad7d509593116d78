//! What differs between databases: quoting, casts to and from text, and reading the schema.
//!
//! Everything passes as text or NULL in both directions, so that one code path edits every column
//! of every type. Identifiers in SQL come from the catalog alone; values are always parameters.
//! Nothing here knows of records, pages or accounts.

use std::future::Future;
use std::ops::RangeInclusive;

use app::records::model::{Column, Table, TableName, Text};
use resilient_db::{Connection, Supported};

pub mod catalog;
mod check_values;
mod literal;
pub mod migrations;
mod naming;
mod postgres;
mod sqlite;
mod tokens;

pub use check_values::readable;
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

    /// The n-th parameter as a value of `column`. The text has passed [`crate::records::check`].
    fn value_of(column: &Column, n: usize) -> String;

    /// The n-th parameter as text.
    fn placeholder(n: usize) -> String;

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

    /// Every table and view this database account may read, but not the system's or Inkfast's own.
    fn introspect(
        connection: &mut Connection<Self::Database>,
    ) -> impl Future<Output = Result<Vec<Table>, sqlx::Error>> + Send;

    /// Rows per table by the database's own statistics, where it keeps any.
    fn estimates(
        connection: &mut Connection<Self::Database>,
    ) -> impl Future<Output = Result<Vec<(TableName, u64)>, sqlx::Error>> + Send;
}

/// The values a column of some kind can hold on some database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub integers: RangeInclusive<i128>,
    /// Bytes of a text, where the type cuts what is longer.
    pub bytes: Option<usize>,
    /// Digits of a decimal, where the database keeps no more.
    pub significant_digits: Option<usize>,
    /// `NaN`, `Infinity`, dates before the year 1 and `infinity` are values too.
    pub specials: bool,
}

/// The columns that address a record; none where one of them cannot be read or is a secret, which
/// must not stand in addresses, logs and histories. Such a table is only listed.
pub fn addressing_key(key: Vec<String>, columns: &[Column]) -> Vec<String> {
    let may_be_shown = |name: &String| columns.iter().any(|column| column.name == *name && column.is_seen());
    if key.iter().all(may_be_shown) { key } else { Vec::new() }
}
