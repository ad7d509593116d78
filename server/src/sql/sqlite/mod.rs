//! SQLite: a value's storage class is its own, whatever its column was declared to hold.

use app::records::model::{Column, ColumnKind, Table, TableName, Text};
use resilient_db::Connection;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::{Dialect, Limits};

mod constraints;
mod create_table;
mod declared;
mod introspect;
mod queries;

pub struct Sqlite;

impl Dialect for Sqlite {
    type Database = sqlx::Sqlite;

    /// A writing transaction has the whole database from its start.
    const LOCK_ROW: &'static str = "";
    const COUNTED_UP_TO: u64 = 1_000_000;

    /// In backticks: a name in double quotes that no column has is taken for a text by SQLite, so
    /// that a dropped column would read as its own name in every row.
    fn quote(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn own(table: &str) -> String {
        Self::quote(&format!("inkfast_{table}"))
    }

    /// Read by storage class: a blob where text was declared comes as the literal `x'…'`, which is
    /// no valid text of any other kind.
    fn text(expression: &str, column: &Column) -> String {
        let hex = format!("lower(hex({expression}))");
        let blob = match column.kind {
            ColumnKind::Bytes => hex,
            _ => format!("'x''' || {hex} || ''''"),
        };
        let integer = match column.kind {
            ColumnKind::Boolean => {
                format!("CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE CAST({expression} AS TEXT) END")
            }
            _ => fixed_places(expression, column, format!("CAST({expression} AS TEXT)")),
        };
        let real = fixed_places(expression, column, shortest(expression));
        format!(
            "CASE typeof({expression}) WHEN 'text' THEN {expression} WHEN 'integer' THEN {integer} \
             WHEN 'real' THEN {real} WHEN 'blob' THEN {blob} END"
        )
    }

    /// The column's affinity converts numbers, and only where nothing is lost by it.
    fn value_of(column: &Column, n: usize) -> String {
        match column.kind {
            ColumnKind::Boolean => format!("CASE ?{n} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE ?{n} END"),
            ColumnKind::Bytes => format!("unhex(?{n})"),
            // Without an affinity nothing is converted: a text that reads like an integer is one.
            _ if !declared::converts(&column.sql_type) => {
                format!("CASE CAST(CAST(?{n} AS INTEGER) AS TEXT) WHEN ?{n} THEN CAST(?{n} AS INTEGER) ELSE ?{n} END")
            }
            _ => format!("?{n}"),
        }
    }

    fn placeholder(n: usize) -> String {
        format!("?{n}")
    }

    fn like(expression: &str, n: usize) -> String {
        format!("{expression} LIKE ?{n} ESCAPE '\\'")
    }

    fn cut(expression: &str, characters: u32) -> String {
        format!("substr({expression}, 1, {characters})")
    }

    fn limits(column: &Column) -> Limits {
        Limits {
            integers: i128::from(i64::MIN)..=i128::from(i64::MAX),
            bytes: None,
            // A decimal that is no integer is kept as a double.
            significant_digits: (column.kind == ColumnKind::Decimal).then_some(15),
            specials: false,
        }
    }

    async fn fetch(
        connection: &mut Connection<sqlx::Sqlite>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<Vec<Vec<Text>>, sqlx::Error> {
        let rows = connection.fetch_all(bound(sql, parameters)).await?;
        rows.iter()
            .map(|row| (0..row.len()).map(|n| text_at(row, n)).collect())
            .collect()
    }

    async fn execute(
        connection: &mut Connection<sqlx::Sqlite>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<u64, sqlx::Error> {
        Ok(connection.execute(bound(sql, parameters)).await?.rows_affected())
    }

    async fn introspect(connection: &mut Connection<sqlx::Sqlite>) -> Result<Vec<Table>, sqlx::Error> {
        introspect::tables(connection).await
    }

    /// SQLite keeps none.
    async fn estimates(_: &mut Connection<sqlx::Sqlite>) -> Result<Vec<(TableName, u64)>, sqlx::Error> {
        Ok(Vec::new())
    }
}

/// A number in a column declared with decimal places: with all of them where that is exact.
fn fixed_places(expression: &str, column: &Column, otherwise: String) -> String {
    let declared = declared::precision(&column.sql_type).filter(|_| column.kind == ColumnKind::Decimal);
    let Some((_, places)) = declared else { return otherwise };
    let drawn = format!("printf('%.{places}f', {expression})");
    format!("CASE CAST({drawn} AS REAL) WHEN {expression} THEN {drawn} ELSE {otherwise} END")
}

/// The shorter of 15 and 17 digits that reads back as the same number.
fn shortest(expression: &str) -> String {
    format!(
        "CASE CAST(CAST({expression} AS TEXT) AS REAL) WHEN {expression} THEN CAST({expression} AS TEXT) \
         ELSE printf('%!.17g', {expression}) END"
    )
}

fn bound(sql: String, parameters: Vec<Text>) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    parameters.into_iter().fold(query, |query, text| query.bind(text))
}

/// SQLite does not check that a text is UTF-8. What is not is shown with replacement characters,
/// and stays as it is as long as nobody changes it.
fn text_at(row: &SqliteRow, n: usize) -> Result<Text, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get_unchecked(n)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}
