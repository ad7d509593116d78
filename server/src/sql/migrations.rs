//! Inkfast's own tables, brought up to date under a lock.

use std::future::Future;

use resilient_db::{Db, DbError, Options, Supported};
use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr};

use super::{Dialect, MySql, Postgres, Sqlite};
use crate::demo;

/// A step, as each kind of database has it. One that has landed is never edited.
struct Step {
    number: i64,
    name: &'static str,
    postgres: &'static str,
    /// Its tables change outside of transactions: a step that was begun is run again, and has to bear it.
    mysql: &'static str,
    sqlite: &'static str,
}

const MIGRATIONS: [Step; 1] = [Step {
    number: 1,
    name: "create own tables",
    postgres: include_str!("../../../migrations/postgres/0001_create_own_tables.sql"),
    mysql: include_str!("../../../migrations/mysql/0001_create_own_tables.sql"),
    sqlite: include_str!("../../../migrations/sqlite/0001_create_own_tables.sql"),
}];

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
        let mut migrator = migrator(|step| step.postgres);
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

impl OwnTables for MySql {
    fn sql_for_own_tables(options: &Options<sqlx::MySql>) -> String {
        let database = Self::quote(options.get_database().unwrap_or_default());
        let user = options.get_username().replace('\'', "''");
        format!(
            "GRANT CREATE, ALTER, INDEX, SELECT, INSERT, UPDATE, DELETE ON {database}.* TO '{user}'@'%';\n\
             -- or, instead of %, the host that this account comes from; or have the tables made once by somebody else\n\
             -- who runs `inkfast account add`, and grant SELECT, INSERT, UPDATE, DELETE on each of them"
        )
    }

    /// This account may not use the database or the table in this way.
    fn is_forbidden(error: &MigrateError) -> bool {
        let number = database_error(error)
            .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
            .map(MySqlDatabaseError::number);
        matches!(number, Some(1044 | 1142))
    }

    async fn migrate(options: &Options<sqlx::MySql>) -> Result<(), MigrateError> {
        let mut migrator = migrator(|step| step.mysql);
        migrator.dangerous_set_table_name(MYSQL_HISTORY);
        // Taken below, before what another one may just be running is looked at.
        migrator.set_locking(false);
        let mut connection = options.connect().await?;
        // The lock goes with the connection, whatever happens.
        connection.lock().await?;
        connection.ensure_migrations_table(MYSQL_HISTORY).await?;
        while let Some(begun) = connection.dirty_version(MYSQL_HISTORY).await? {
            tracing::warn!(
                step = begun,
                "a step of the migration was begun and not ended; it is run again"
            );
            let forget = format!("DELETE FROM {MYSQL_HISTORY} WHERE version = ? AND NOT success");
            sqlx::query(AssertSqlSafe(forget))
                .bind(begun)
                .execute(&mut connection)
                .await?;
        }
        migrator.run_direct(None, &mut connection, false).await?;
        connection.unlock().await?;
        connection.close().await?;
        Ok(())
    }

    async fn fill_with_demo(_db: &Db<sqlx::MySql>) -> Result<(), DbError> {
        Ok(())
    }
}

const MYSQL_HISTORY: &str = "inkfast_schema_history";

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
        let mut migrator = migrator(|step| step.sqlite);
        migrator.dangerous_set_table_name("inkfast_schema_history");
        run::<sqlx::Sqlite>(&migrator, options).await
    }

    async fn fill_with_demo(db: &Db<sqlx::Sqlite>) -> Result<(), DbError> {
        demo::create(db).await.map(drop)
    }
}

fn migrator(sql_of: fn(&Step) -> &'static str) -> Migrator {
    let steps = MIGRATIONS.iter().map(|step| {
        let sql = sql_of(step).into_sql_str();
        Migration::new(step.number, step.name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(steps.collect())
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
    database_error(error)?.code().map(|code| code.into_owned())
}

fn database_error(error: &MigrateError) -> Option<&dyn DatabaseError> {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.as_database_error(),
        _ => None,
    }
}
