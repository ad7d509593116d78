//! One statement on MySQL or MariaDB, on a connection of its own that may only read.

use futures::TryStreamExt;
use resilient_db::{MySqlServer, Policy, Purpose, Role, Supported};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, MySql, MySqlConnection, Row, SqlSafeStr, Statement, TypeInfo};

use super::rows::{LONGEST_VALUE, Rows, bounded};
use super::{ENDING, STATEMENT_LIMIT, connected};

/// What a statement may take of the server beside time; on its disk MariaDB alone can be told.
const SPACE: &str = "SET SESSION tmp_table_size = 16777216, max_heap_table_size = 16777216, \
                     group_concat_max_len = 65536 /*M!100200 , tmp_disk_table_size = 67108864 */";

/// `statement` is what [`super::check`] has written.
pub async fn run(servers: &[MySqlConnectOptions], statement: &str) -> Result<Rows, sqlx::Error> {
    let policy = Policy {
        read_statement_timeout: STATEMENT_LIMIT,
        ..Policy::default()
    };
    let limited: Vec<_> = servers
        .iter()
        .map(|options| MySql::options(options, Role::Read, &policy))
        .collect();
    let mut connection: MySqlConnection = connected(&limited).await?;
    let rows = within_transaction(&mut connection, &policy, statement).await;
    let ended = async {
        connection.execute("ROLLBACK").await?;
        connection.close().await
    };
    let _ = tokio::time::timeout(ENDING, ended).await;
    rows
}

async fn within_transaction(
    connection: &mut MySqlConnection,
    policy: &Policy,
    statement: &str,
) -> Result<Rows, sqlx::Error> {
    let purpose = Purpose::Work(Role::Read);
    MySql::settle_in(connection, purpose, policy, &MySqlServer::default()).await?;
    connection.execute(SPACE).await?;
    connection.execute("START TRANSACTION READ ONLY").await?;
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let (columns, types): (Vec<_>, Vec<_>) = prepared
        .columns()
        .iter()
        .map(|column| (column.name().to_owned(), column.type_info().name().to_owned()))
        .unzip();
    let text = |at: usize, name: &str| format!("LEFT({}, {LONGEST_VALUE})", as_text(&types[at], name));
    let sql = bounded(statement, columns.len(), text);
    let mut rows = Rows::of(columns);
    // What is prepared is one statement, or the server refuses it.
    let mut found = connection.fetch(sqlx::query(AssertSqlSafe(sql)).persistent(false));
    while let Some(row) = found.try_next().await? {
        let values: Result<Vec<_>, _> = (0..row.len()).map(|at| row.try_get(at)).collect();
        if rows.take(values?).is_break() {
            break;
        }
    }
    Ok(rows)
}

/// Bytes as hex digits: as text they may be none.
fn as_text(of_type: &str, name: &str) -> String {
    match of_type {
        "BIT" => format!("BIN({name} + 0)"),
        "GEOMETRY" => format!("HEX({name})"),
        bytes if bytes.ends_with("BLOB") || bytes.ends_with("BINARY") => format!("HEX({name})"),
        _ => format!("CAST({name} AS CHAR)"),
    }
}
