//! One statement on SQLite, on a connection of its own to a file that is opened for reading.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, SqlSafeStr, SqliteConnection, Statement};

use super::rows::{LONGEST_VALUE, Rows, bounded};
use super::{ENDING, STATEMENT_LIMIT};

/// Instructions of SQLite's machine between two looks at the clock.
const STEPS: i32 = 1_000;

/// `statement` is what [`super::check`] has written.
pub async fn run(options: &SqliteConnectOptions, statement: &str) -> Result<Rows, sqlx::Error> {
    let limited = options
        .clone()
        .read_only(true)
        .create_if_missing(false)
        .pragma("query_only", "on")
        .pragma("trusted_schema", "off")
        .pragma("temp_store", "memory");
    let mut connection = limited.connect().await?;
    let until = Instant::now() + STATEMENT_LIMIT;
    connection
        .lock_handle()
        .await?
        .set_progress_handler(STEPS, move || Instant::now() < until);
    let rows = within_transaction(&mut connection, statement).await;
    let ended = async {
        connection.lock_handle().await?.remove_progress_handler();
        connection.execute("ROLLBACK").await?;
        connection.close().await
    };
    let _ = tokio::time::timeout(ENDING, ended).await;
    rows
}

async fn within_transaction(connection: &mut SqliteConnection, statement: &str) -> Result<Rows, sqlx::Error> {
    connection.execute("BEGIN").await?;
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let columns: Vec<_> = prepared
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    // Bytes as hex digits: as text they may be none.
    let text = |_, name: &str| {
        format!(
            "substr(CASE typeof({name}) WHEN 'blob' THEN hex({name}) ELSE CAST({name} AS TEXT) END, 1, {LONGEST_VALUE})"
        )
    };
    let sql = bounded(statement, columns.len(), text);
    let mut rows = Rows::of(columns);
    let mut found = connection.fetch(sqlx::query(AssertSqlSafe(sql)).persistent(false));
    while let Some(row) = found.try_next().await? {
        let values: Result<Vec<_>, _> = (0..row.len()).map(|at| row.try_get(at)).collect();
        if rows.take(values?).is_break() {
            break;
        }
    }
    Ok(rows)
}
