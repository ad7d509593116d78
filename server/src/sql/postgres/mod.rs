//! PostgreSQL.

use app::records::model::{Column, ColumnKind, Table, TableName, Text};
use futures::{TryStreamExt, future};
use resilient_db::Connection;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::{Dialect, Limits};

mod introspect;
mod queries;
mod types;

pub struct Postgres;

impl Dialect for Postgres {
    type Database = sqlx::Postgres;

    const LOCK_ROW: &'static str = " FOR UPDATE";
    const COUNTED_UP_TO: u64 = 10_000;

    fn own(table: &str) -> String {
        format!("\"inkfast\".{}", Self::quote(table))
    }

    fn text(expression: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("encode({expression}, 'hex')"),
            ColumnKind::Boolean
            | ColumnKind::Integer
            | ColumnKind::Decimal
            | ColumnKind::Float
            | ColumnKind::Text
            | ColumnKind::LongText
            | ColumnKind::Choice(_)
            | ColumnKind::Date
            | ColumnKind::Time
            | ColumnKind::Timestamp
            | ColumnKind::TimestampWithZone
            | ColumnKind::Uuid
            | ColumnKind::Json => format!("CAST({expression} AS text)"),
            // By the type's own output: the cast of an `inet` adds a `/32` that nobody typed. A row value
            // with a NULL in it is neither NULL nor NOT NULL.
            _ => format!("CASE WHEN {expression} IS DISTINCT FROM NULL THEN format('%s', {expression}) END"),
        }
    }

    /// By an explicit cast, so that comparisons use indexes. `sql_type` carries no length: a cast
    /// to `varchar(3)` would cut silently what an assignment refuses.
    fn value_of(column: &Column, n: usize) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("decode(${n}::text, 'hex')"),
            _ => format!("CAST(${n}::text AS {})", column.sql_type),
        }
    }

    fn rows_of(table: &Table) -> String {
        match table.inherited {
            true => format!("ONLY {}", Self::table(&table.name)),
            false => Self::table(&table.name),
        }
    }

    fn placeholder(n: usize) -> String {
        format!("${n}::text")
    }

    fn like(expression: &str, n: usize) -> String {
        format!("{expression} ILIKE ${n}::text ESCAPE '\\'")
    }

    fn cut(expression: &str, characters: u32) -> String {
        format!("left({expression}, {characters})")
    }

    fn limits(column: &Column) -> Limits {
        let integers = match column.sql_type.as_str() {
            "smallint" => i128::from(i16::MIN)..=i128::from(i16::MAX),
            "integer" => i128::from(i32::MIN)..=i128::from(i32::MAX),
            "oid" => 0..=i128::from(u32::MAX),
            _ => i128::from(i64::MIN)..=i128::from(i64::MAX),
        };
        Limits {
            integers,
            bytes: (column.sql_type == "name").then_some(63),
            significant_digits: None,
            specials: true,
        }
    }

    async fn fetch(
        connection: &mut Connection<sqlx::Postgres>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<Vec<Vec<Text>>, sqlx::Error> {
        let query = bound(sql, parameters);
        connection
            .fetch(query)
            .and_then(|row| future::ready((0..row.len()).map(|n| row.try_get(n)).collect()))
            .try_collect()
            .await
    }

    async fn execute(
        connection: &mut Connection<sqlx::Postgres>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<u64, sqlx::Error> {
        Ok(connection.execute(bound(sql, parameters)).await?.rows_affected())
    }

    async fn introspect(connection: &mut Connection<sqlx::Postgres>) -> Result<Vec<Table>, sqlx::Error> {
        introspect::tables(connection).await
    }

    async fn estimates(connection: &mut Connection<sqlx::Postgres>) -> Result<Vec<(TableName, u64)>, sqlx::Error> {
        let rows = Self::fetch(connection, queries::ESTIMATES.to_owned(), Vec::new()).await?;
        Ok(rows.into_iter().filter_map(estimate).collect())
    }
}

/// `persistent(false)`: a kept statement fails for good once its table changes.
fn bound(
    sql: String,
    parameters: Vec<Text>,
) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    parameters.into_iter().fold(query, |query, text| query.bind(text))
}

fn estimate(row: Vec<Text>) -> Option<(TableName, u64)> {
    let [schema, name, rows] = row.try_into().ok()?;
    Some((TableName { schema, name: name? }, rows?.parse().ok()?))
}
