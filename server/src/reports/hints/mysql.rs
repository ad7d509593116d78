//! MySQL and MariaDB look at values when they make a plan: what stands for them must be comparable with anything.

use sqlx::{AssertSqlSafe, Either, Executor, MySqlConnection, Row, SqlSafeStr, Statement};

use super::plan::{self, Plan};

/// In place of each parameter's value; the second for those who find that the first is no date. NULL would match
/// nothing, and the plan would read nothing.
const VALUES: [&str; 2] = ["1", "2000-01-01 00:00:00"];

pub(super) async fn explain(connection: &mut MySqlConnection, sql: &str) -> Result<Plan, sqlx::Error> {
    let explain = format!("EXPLAIN FORMAT=JSON {sql}");
    let prepared = connection
        .prepare(AssertSqlSafe(explain.clone()).into_sql_str())
        .await?;
    let parameters = match prepared.parameters() {
        Some(Either::Right(count)) => count,
        Some(Either::Left(types)) => types.len(),
        None => 0,
    };
    let mut last = explained_with(connection, &explain, parameters, VALUES[0]).await;
    if matches!(last, Err(sqlx::Error::Database(_))) {
        last = explained_with(connection, &explain, parameters, VALUES[1]).await;
    }
    let read = serde_json::from_str(&last?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(plan::mysql(&read))
}

async fn explained_with(
    connection: &mut MySqlConnection,
    explain: &str,
    parameters: usize,
    value: &str,
) -> Result<String, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(explain.to_owned())).persistent(false);
    let query = (0..parameters).fold(query, |query, _| query.bind(value.to_owned()));
    query.fetch_one(connection).await?.try_get_unchecked(0)
}
