//! Inkfast's own tables, brought up to date under a lock.

use std::future::Future;

use resilient_db::{Db, DbError, Options, Supported};
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

use super::{Dialect, Postgres, Sqlite};
use crate::demo;

/// (number, what it does, PostgreSQL, SQLite). A step that has landed is never edited.
const MIGRATIONS: [(i64, &str, &str, &str); 1] = [(
    1,
    "create own tables",
    include_str!("../../../migrations/postgres/0001_create_own_tables.sql"),
    include_str!("../../../migrations/sqlite/0001_create_own_tables.sql"),
)];

/// Brings the own tables of one kind of database up to date.
pub trait OwnTables: Dialect {
    /// What somebody with the right to has to run once, so that this account can make its own tables.
    fn sql_for_own_tables(options: &Options<Self::Database>) -> String;

    /// Whether a migration failed because this database account may not make tables.
    fn is_forbidden(error: &MigrateError) -> bool;

    /// # Errors
    /// Those of the database; [`is_forbidden`] tells a missing right from the rest.
    fn migrate(options: &Options<Self::Database>) -> impl Future<Output = Result<(), MigrateError>> + Send;

    /// Makes the demo records in a database without tables, where this kind has any.
    ///
    /// # Errors
    /// Those of the database; then nothing was made.
    fn fill_with_demo(db: &Db<Self::Database>) -> impl Future<Output = Result<(), DbError>> + Send;
}

impl OwnTables for Postgres {
    fn sql_for_own_tables(options: &Options<sqlx::Postgres>) -> String {
        format!(
            "CREATE SCHEMA inkfast AUTHORIZATION {};",
            Self::quote(options.get_username())
        )
    }

    fn is_forbidden(error: &MigrateError) -> bool {
        code(error).is_some_and(|code| code == "42501")
    }

    async fn migrate(options: &Options<sqlx::Postgres>) -> Result<(), MigrateError> {
        let mut migrator = migrator(MIGRATIONS.map(|(number, name, sql, _)| (number, name, sql)));
        // Making a schema needs a right of its own, even where the schema is there already.
        if !has_own_schema(options).await? {
            migrator.create_schema("inkfast");
        }
        migrator.dangerous_set_table_name("inkfast.schema_history");
        run::<sqlx::Postgres>(&migrator, options).await
    }

    async fn fill_with_demo(_db: &Db<sqlx::Postgres>) -> Result<(), DbError> {
        Ok(())
    }
}

impl OwnTables for Sqlite {
    fn sql_for_own_tables(_options: &Options<sqlx::Sqlite>) -> String {
        "(the file and its folder have to be writable)".to_owned()
    }

    /// 8: read-only, whatever the reason.
    fn is_forbidden(error: &MigrateError) -> bool {
        code(error)
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| code & 0xff == 8)
    }

    async fn migrate(options: &Options<sqlx::Sqlite>) -> Result<(), MigrateError> {
        let mut migrator = migrator(MIGRATIONS.map(|(number, name, _, sql)| (number, name, sql)));
        migrator.dangerous_set_table_name("inkfast_schema_history");
        run::<sqlx::Sqlite>(&migrator, options).await
    }

    async fn fill_with_demo(db: &Db<sqlx::Sqlite>) -> Result<(), DbError> {
        demo::create(db).await.map(drop)
    }
}

fn migrator(steps: [(i64, &'static str, &'static str); MIGRATIONS.len()]) -> Migrator {
    let steps = steps.map(|(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into())
}

/// Over a connection of its own, closed afterwards: the lock goes with it, whatever happens.
async fn run<S: Supported>(migrator: &Migrator, options: &Options<S>) -> Result<(), MigrateError>
where
    S::Connection: Migrate,
{
    let mut connection = options.connect().await?;
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(())
}

async fn has_own_schema(options: &Options<sqlx::Postgres>) -> Result<bool, sqlx::Error> {
    let mut connection = options.connect().await?;
    let found = sqlx::query_scalar("SELECT to_regnamespace('inkfast') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(found)
}

/// The database's code for what went wrong.
fn code(error: &MigrateError) -> Option<String> {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return None;
    };
    error
        .as_database_error()
        .and_then(|error| error.code())
        .map(|code| code.into_owned())
}
