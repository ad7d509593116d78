//! The database of the embedded default: a maintenance department with three years of work.
//!
//! The same on every machine: the seed is fixed, and no clock is asked.

use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit};

use crate::sql::{Dialect, Sqlite};

mod calendar;
mod chance;
mod rows;
mod seed;
mod words;

const SCHEMA: &str = include_str!("schema.sql");

/// Tables that are not Inkfast's own.
const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table'
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'inkfast\\_%' ESCAPE '\\' LIMIT 1";

/// Makes the demo tables and fills them, all or nothing, unless the file has tables already.
/// Returns whether it did.
pub async fn create(db: &Db<sqlx::Sqlite>) -> Result<bool, DbError> {
    // To repeat is safe: a second attempt finds what a first one may have committed.
    db.transaction("demo.create", OnUnknownCommit::Repeat, |mut connection| async move {
        let tables = Sqlite::fetch(&mut connection, TABLES.to_owned(), Vec::new()).await?;
        if !tables.is_empty() {
            return Ok(End::Rollback(false));
        }
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        for rows in seed::everything() {
            insert(&mut connection, rows).await?;
        }
        Ok(End::Commit(true))
    })
    .await
}

/// Several rows per statement: a round trip costs more than a row. Parameters without a number,
/// because SQLite searches through all numbers before for each one.
async fn insert(connection: &mut Connection<sqlx::Sqlite>, rows: rows::Rows) -> Result<(), sqlx::Error> {
    let tuple = format!("({})", vec!["?"; rows.columns.len()].join(", "));
    for chunk in rows.rows.chunks(100) {
        let tuples = vec![tuple.as_str(); chunk.len()].join(", ");
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {tuples}",
            rows.table,
            rows.columns.join(", ")
        );
        Sqlite::execute(connection, sql, chunk.concat()).await?;
    }
    Ok(())
}
