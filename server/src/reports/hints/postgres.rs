//! PostgreSQL explains a statement with parameters only once it is prepared. (From 16 on there is GENERIC_PLAN; this
//! works before it, too.)

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::plan::{self, Plan};

pub(super) async fn explain(connection: &mut PgConnection, sql: &str) -> Result<Plan, sqlx::Error> {
    // Not by the NULLs that stand for the values: they would match nothing, and the plan would read nothing.
    run(connection, "SET plan_cache_mode = force_generic_plan".to_owned()).await?;
    run(connection, "DEALLOCATE ALL".to_owned()).await?;
    // By the protocol of prepared statements, which takes one statement and no more.
    run(connection, format!("PREPARE explained AS {sql}")).await?;
    let parameters: i32 = sqlx::query_scalar(
        "SELECT coalesce(cardinality(parameter_types), 0) FROM pg_catalog.pg_prepared_statements WHERE name = 'explained'",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await?;
    let values = vec!["NULL"; usize::try_from(parameters).unwrap_or_default()].join(", ");
    let values = if values.is_empty() {
        values
    } else {
        format!("({values})")
    };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE explained{values}");
    let row = sqlx::query(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    let text: String = row.try_get_unchecked(0)?;
    let read = serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(plan::postgres(&read))
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    connection
        .execute(sqlx::query(AssertSqlSafe(sql)).persistent(false))
        .await
        .map(drop)
}
