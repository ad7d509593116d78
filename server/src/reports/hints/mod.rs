//! What would make our slow statements quicker, by the database's own plans of them. A statement is never run for it:
//! it is explained without the values it had.

mod advice;
mod mysql;
mod plan;
mod postgres;
mod query;
mod sqlite;

use app::monitoring::statements::{Hint, HintKind, Hints};
use resilient_db::StatementNumbers;
use sqlparser::dialect::Dialect as Grammar;

use self::advice::Advice;
pub use self::plan::Plan;
use super::Watched;
use super::connection::Raw;
use crate::sql::{Dialect, MySql, Postgres, Sqlite};

/// Slow shapes that are looked at, those that took most of the time first.
const EXPLAINED: usize = 20;
/// A table with fewer rows is read as a whole in no time.
pub const MANY_ROWS: u64 = 10_000;

/// A kind of database that tells how it would run a statement.
pub trait Explains: Dialect {
    fn grammar() -> Box<dyn Grammar>;

    /// Without running it. `sql` has places for its parameters, and no values.
    fn explain(connection: &mut Raw<Self>, sql: &str) -> impl Future<Output = Result<Plan, sqlx::Error>> + Send;

    /// The number that a query gives.
    fn count(connection: &mut Raw<Self>, sql: String) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;
}

/// What could be done about the slow ones among these.
pub async fn hints<D: Watched>(
    connection: &mut Raw<D>,
    statements: &[StatementNumbers],
    refers: &(impl Fn(&str, &str) -> bool + Sync),
) -> Result<Hints, sqlx::Error> {
    let slow = statements.iter().filter(|statement| statement.slow > 0);
    let explained = slow.filter_map(|statement| Some((statement, statement.text_to_explain()?)));
    let mut found = Hints::default();
    for (statement, sql) in explained.take(EXPLAINED) {
        let Some(advice) = advice_on::<D>(connection, sql).await? else {
            found.not_explained += 1;
            continue;
        };
        found.explained += 1;
        for advice in advice {
            if has_many_rows::<D>(connection, &advice).await? {
                found.hints.push(hint(&statement.shape, advice, refers));
            }
        }
    }
    Ok(found)
}

/// `None` where the statement or its plan cannot be read.
async fn advice_on<D: Watched>(connection: &mut Raw<D>, sql: &str) -> Result<Option<Vec<Advice>>, sqlx::Error> {
    let Some(asked) = query::asked(sql, &*D::grammar()) else {
        return Ok(None);
    };
    match D::explain(connection, sql).await {
        Ok(plan) => Ok(Some(advice::advice(&asked, &plan))),
        Err(error @ sqlx::Error::Io(_)) => Err(error),
        // It has its reasons; and MariaDB writes plans of some statements that are no JSON (backslashes in patterns).
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code());
            tracing::debug!(code = code.as_deref(), "a statement is not explained");
            Ok(None)
        }
    }
}

/// The database's own tables, which nobody can give an index.
const SYSTEM: [&str; 4] = ["information_schema.", "pg_catalog.", "performance_schema.", "sqlite_"];

/// Counted up to there and no further.
async fn has_many_rows<D: Watched>(connection: &mut Raw<D>, advice: &Advice) -> Result<bool, sqlx::Error> {
    let name = advice.table.name.to_ascii_lowercase();
    if SYSTEM.iter().any(|system| name.starts_with(system)) {
        return Ok(false);
    }
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {MANY_ROWS}) AS counted",
        advice.table.written
    );
    match D::count(connection, sql).await {
        Ok(rows) => Ok(rows >= MANY_ROWS as i64),
        // A name of a common table, which is none outside of its statement.
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn hint(shape: &str, advice: Advice, refers: impl Fn(&str, &str) -> bool) -> Hint {
    let Advice { kind, table, columns } = advice;
    let kind = match (kind, columns.as_slice()) {
        (HintKind::FilterWithoutIndex, [column]) if refers(&table.name, column) => HintKind::ReferenceWithoutIndex,
        _ => kind,
    };
    Hint {
        shape: shape.to_owned(),
        kind,
        table: table.name,
        columns,
        rows_at_least: MANY_ROWS,
    }
}

macro_rules! explains {
    ($database:ty, $module:ident, $grammar:expr) => {
        impl Explains for $database {
            fn grammar() -> Box<dyn Grammar> {
                Box::new($grammar)
            }

            async fn explain(connection: &mut Raw<Self>, sql: &str) -> Result<Plan, sqlx::Error> {
                $module::explain(connection, sql).await
            }

            async fn count(connection: &mut Raw<Self>, sql: String) -> Result<i64, sqlx::Error> {
                let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false);
                query.fetch_one(connection).await
            }
        }
    };
}

explains!(Postgres, postgres, sqlparser::dialect::PostgreSqlDialect {});
explains!(MySql, mysql, sqlparser::dialect::MySqlDialect {});
explains!(Sqlite, sqlite, sqlparser::dialect::SQLiteDialect {});
