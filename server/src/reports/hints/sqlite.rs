//! SQLite makes its plan when a statement is prepared, and asks for no values.

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::plan::{self, Plan};

pub(super) async fn explain(connection: &mut SqliteConnection, sql: &str) -> Result<Plan, sqlx::Error> {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = sqlx::query(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_all(connection)
        .await?;
    let lines = rows.iter().map(|row| row.try_get("detail"));
    Ok(plan::sqlite(&lines.collect::<Result<Vec<_>, _>>()?))
}
