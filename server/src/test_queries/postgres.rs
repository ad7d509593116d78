//! One statement on PostgreSQL, on a connection of its own that may only read.

use futures::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement};

use super::rows::{LONGEST_VALUE, Rows, bounded};
use super::{ENDING, STATEMENT_LIMIT, connected};

/// Where tables are whose names stand alone: of the account that serves the records, since the catalog is its.
pub async fn default_schema(serving: &[PgConnectOptions]) -> Result<String, sqlx::Error> {
    let mut connection: PgConnection = connected(serving).await?;
    let schema: Option<String> = sqlx::query_scalar("SELECT current_schema()::text")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(schema.unwrap_or_default())
}

/// `statement` is what [`super::check`] has written.
pub async fn run(servers: &[PgConnectOptions], statement: &str) -> Result<Rows, sqlx::Error> {
    let limited: Vec<_> = servers.iter().map(limited).collect();
    let mut connection: PgConnection = connected(&limited).await?;
    let rows = within_transaction(&mut connection, statement).await;
    // Whatever it was, nothing is kept of it; where even this is not answered, the end of the connection does it.
    let ended = async {
        connection.execute("ROLLBACK").await?;
        connection.close().await
    };
    let _ = tokio::time::timeout(ENDING, ended).await;
    rows
}

fn limited(options: &PgConnectOptions) -> PgConnectOptions {
    let limit = STATEMENT_LIMIT.as_millis().to_string();
    options.clone().application_name("inkfast-test-query").options([
        ("default_transaction_read_only", "on"),
        ("statement_timeout", limit.as_str()),
        ("lock_timeout", "200"),
        ("idle_in_transaction_session_timeout", "5000"),
        ("work_mem", "16MB"),
        // Names without a schema are PostgreSQL's own functions, types and operators, and nobody else's.
        ("search_path", "pg_catalog"),
        ("standard_conforming_strings", "on"),
        ("DateStyle", "ISO"),
        ("IntervalStyle", "postgres"),
        ("bytea_output", "hex"),
    ])
}

async fn within_transaction(connection: &mut PgConnection, statement: &str) -> Result<Rows, sqlx::Error> {
    // Only a superuser may set it, and needs it most.
    let files =
        "SELECT set_config('temp_file_limit', '65536', false) FROM pg_roles WHERE rolname = current_user AND rolsuper";
    connection.execute(files).await?;
    connection.execute("BEGIN TRANSACTION READ ONLY").await?;
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let columns: Vec<_> = prepared
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let text = |_, name: &str| format!("left({name}::text, {LONGEST_VALUE})");
    let sql = bounded(statement, columns.len(), text);
    let mut rows = Rows::of(columns);
    // Not `raw_sql`: what is prepared is one statement, or PostgreSQL refuses it.
    let mut found = connection.fetch(sqlx::query(AssertSqlSafe(sql)).persistent(false));
    while let Some(row) = found.try_next().await? {
        let values: Result<Vec<_>, _> = (0..row.len()).map(|at| row.try_get(at)).collect();
        if rows.take(values?).is_break() {
            break;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::time::{Duration, Instant};

    use private_servers::PrivatePostgres;

    use super::*;

    /// What would come through here if the check let it: even a superuser changes nothing, and keeps nothing busy.
    #[tokio::test]
    async fn what_was_not_checked_leaves_no_trace_either() {
        let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
        let schema = "CREATE TABLE site (id serial PRIMARY KEY, name text); INSERT INTO site (name) VALUES ('North');
            CREATE FUNCTION escaping() RETURNS int LANGUAGE sql AS 'DELETE FROM public.site RETURNING 1'";
        postgres.query("postgres", schema).expect("the schema");
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable",
            postgres.port()
        );
        let options: PgConnectOptions = url.parse().expect("an address");
        assert_eq!(default_schema(from_ref(&options)).await.expect("it answers"), "public");
        let traces = "SELECT concat_ws('|', (SELECT string_agg(s::text, ',') FROM site s),
            (SELECT last_value FROM site_id_seq), (SELECT count(*) FROM pg_largeobject_metadata),
            (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
            (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'inkfast-test-query'))";
        let before = postgres.query("postgres", traces).expect("the witness");
        for statement in [
            "DELETE FROM public.site",
            "SELECT 1) SELECT 1; DELETE FROM public.site; --",
            "DELETE FROM public.site RETURNING id",
            "SELECT public.escaping()",
            "SELECT nextval('public.site_id_seq')",
            "SELECT setval('public.site_id_seq', 99)",
            "SELECT lo_create(4711)",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "SELECT pg_advisory_lock(4711)",
            "COMMIT",
            "SELECT 1; COMMIT",
            "CREATE TABLE public.escaped ()",
            "SELECT id FROM public.site FOR UPDATE",
            "SELECT name FROM site",
            "SELECT pg_sleep(20)",
        ] {
            let begun = Instant::now();
            let ran = run(from_ref(&options), statement).await;
            assert!(
                begun.elapsed() < Duration::from_secs(6),
                "{statement}: {:?}",
                begun.elapsed()
            );
            // Given to the connection and taken back with it.
            let may_answer = ["lo_create", "set_config", "advisory"]
                .iter()
                .any(|name| statement.contains(name));
            assert!(ran.is_err() || may_answer, "{statement}: {ran:?}");
            let ended = Instant::now();
            while postgres.query("postgres", traces).expect("the witness") != before {
                assert!(ended.elapsed() < Duration::from_secs(5), "{statement}: {before}");
            }
        }
        let honest = run(from_ref(&options), "SELECT name FROM public.site")
            .await
            .expect("it may be asked");
        assert_eq!(honest.rows, [[Some("North".to_owned())]]);
    }
}
