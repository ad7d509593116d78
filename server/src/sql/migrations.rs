//! Inkfast's own tables, brought up to date under a lock, and back.

mod alone;
mod steps;

use std::future::Future;

use resilient_db::{Connection as Lent, Db, DbError, Options};
use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr};

use super::{Dialect, MySql, Postgres, Sqlite};
use crate::database::Access;
use crate::demo;
pub use alone::Alone;
use steps::{MIGRATIONS, Step, step};
pub use steps::{last_step, what_is_off};

/// What somebody with the right to has to run so that this account can use what these steps make.
pub fn sql_of_steps<D: OwnTables>(steps: &[i64], options: &Options<D::Database>) -> String {
    let wanted = MIGRATIONS.iter().filter(|step| steps.contains(&step.number));
    let parts = wanted.map(|step| {
        let grants = step.tables.iter().map(|table| D::sql_for_using(table, options));
        let grants: Vec<String> = grants.collect();
        format!("{}\n{}", D::sql_of_step(step.number), grants.join("\n"))
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// A step, and whether a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepState {
    pub number: i64,
    pub name: &'static str,
    pub applied: bool,
}

/// Brings the own tables of one kind of database up to date, and back.
pub trait OwnTables: Dialect {
    /// What has been done is noted in this table, as it stands in SQL.
    const HISTORY: &'static str;

    /// Gives a row where there is this one of the own tables.
    fn is_there(table: &str) -> String;

    /// What a step runs.
    fn sql_of_step(number: i64) -> &'static str;

    /// What the owner of the own tables runs so that this account can use one of them.
    fn sql_for_using(table: &str, options: &Options<Self::Database>) -> String;

    /// What somebody with the right to has to run once, so that this account can make its own tables.
    fn sql_for_own_tables(options: &Options<Self::Database>) -> String;

    /// Whether a migration failed because this database account may not make tables.
    fn is_forbidden(error: &MigrateError) -> bool;

    /// Waits until nobody else changes the own tables, and then keeps others from it.
    ///
    /// # Errors
    /// Those of the database; where another one comes to no end.
    fn alone(
        options: &Options<Self::Database>,
    ) -> impl Future<Output = Result<Alone<Self::Database>, MigrateError>> + Send;

    /// Runs what is missing.
    ///
    /// # Errors
    /// Those of the database; [`is_forbidden`](Self::is_forbidden) tells a missing right from the rest.
    fn migrate_alone(
        alone: &mut Alone<Self::Database>,
        options: &Options<Self::Database>,
    ) -> impl Future<Output = Result<(), MigrateError>> + Send;

    /// The same for who is not alone yet.
    ///
    /// # Errors
    /// Those of both.
    fn migrate(options: &Options<Self::Database>) -> impl Future<Output = Result<(), MigrateError>> + Send {
        async move {
            let mut alone = Self::alone(options).await?;
            Self::migrate_alone(&mut alone, options).await?;
            alone.end().await;
            Ok(())
        }
    }

    /// Undoes all steps after `to`, the last one first, with everything that is in their tables.
    ///
    /// # Errors
    /// Those of the database; the steps before the one that failed are undone.
    fn revert(options: &Options<Self::Database>, to: i64) -> impl Future<Output = Result<(), MigrateError>> + Send;

    /// All steps there are. Changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    fn steps(db: &Access<'_, Self::Database>) -> impl Future<Output = Result<Vec<StepState>, DbError>> + Send {
        async move {
            let applied = db.read("applied migrations", |mut conn: Lent<Self::Database>| async move {
                let there = Self::fetch(&mut conn, Self::is_there("schema_history"), Vec::new()).await?;
                if there.is_empty() {
                    return Ok(Vec::new());
                }
                // One that was begun is not applied.
                let sql = format!(
                    "SELECT {} FROM {} WHERE success",
                    Self::as_text("version"),
                    Self::HISTORY
                );
                Self::fetch(&mut conn, sql, Vec::new()).await
            });
            let applied = applied.await?;
            let is_applied = |step: &Step| {
                applied
                    .iter()
                    .flatten()
                    .any(|version| *version == Some(step.number.to_string()))
            };
            let state = |step: &Step| StepState {
                number: step.number,
                name: step.name,
                applied: is_applied(step),
            };
            Ok(MIGRATIONS.iter().map(state).collect())
        }
    }

    /// Makes the demo records in a database without tables, where this kind has any.
    ///
    /// # Errors
    /// Those of the database; then nothing was made.
    fn fill_with_demo(db: &Db<Self::Database>) -> impl Future<Output = Result<(), DbError>> + Send;
}

impl OwnTables for Postgres {
    const HISTORY: &'static str = "inkfast.schema_history";

    fn is_there(table: &str) -> String {
        format!("SELECT '1' WHERE to_regclass('inkfast.{table}') IS NOT NULL")
    }

    fn sql_of_step(number: i64) -> &'static str {
        step(number).map_or("", |step| step.postgres.0)
    }

    fn sql_for_using(table: &str, options: &Options<sqlx::Postgres>) -> String {
        let account = Self::quote(options.get_username());
        format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {account};",
            Self::own(table)
        )
    }

    fn sql_for_own_tables(options: &Options<sqlx::Postgres>) -> String {
        format!(
            "CREATE SCHEMA inkfast AUTHORIZATION {};",
            Self::quote(options.get_username())
        )
    }

    fn is_forbidden(error: &MigrateError) -> bool {
        code(error).is_some_and(|code| code == "42501")
    }

    async fn alone(options: &Options<sqlx::Postgres>) -> Result<Alone<sqlx::Postgres>, MigrateError> {
        alone::on_postgres(options).await
    }

    async fn migrate_alone(
        alone: &mut Alone<sqlx::Postgres>,
        options: &Options<sqlx::Postgres>,
    ) -> Result<(), MigrateError> {
        let mut migrator = migrator::<Self>(|step| step.postgres);
        // Making a schema needs a right of its own, even where the schema is there already.
        if !has_own_schema(options).await? {
            migrator.create_schema("inkfast");
        }
        migrator.run_direct(None, alone.connection()?, false).await
    }

    async fn revert(options: &Options<sqlx::Postgres>, to: i64) -> Result<(), MigrateError> {
        down::<Self>(&migrator::<Self>(|step| step.postgres), options, to).await
    }

    async fn fill_with_demo(_db: &Db<sqlx::Postgres>) -> Result<(), DbError> {
        Ok(())
    }
}

impl OwnTables for MySql {
    const HISTORY: &'static str = "inkfast_schema_history";

    fn is_there(table: &str) -> String {
        format!(
            "SELECT '1' FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'inkfast_{table}'"
        )
    }

    fn sql_of_step(number: i64) -> &'static str {
        step(number).map_or("", |step| step.mysql.0)
    }

    fn sql_for_using(table: &str, options: &Options<sqlx::MySql>) -> String {
        let database = Self::quote(options.get_database().unwrap_or_default());
        let user = options.get_username().replace('\'', "''");
        let table = Self::own(table);
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.{table} TO '{user}'@'%';")
    }

    fn sql_for_own_tables(options: &Options<sqlx::MySql>) -> String {
        // In a GRANT, both stand for other letters.
        let database = options.get_database().unwrap_or_default();
        let database = Self::quote(&database.replace('_', "\\_").replace('%', "\\%"));
        let user = options.get_username().replace('\'', "''");
        format!(
            "GRANT CREATE, ALTER, INDEX, SELECT, INSERT, UPDATE, DELETE ON {database}.* TO '{user}'@'%';\n\
             -- or, instead of %, the host that this account comes from; `inkfast migrate down` needs DROP as well"
        )
    }

    /// This account may not use the database or the table in this way.
    fn is_forbidden(error: &MigrateError) -> bool {
        let number = database_error(error)
            .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
            .map(MySqlDatabaseError::number);
        matches!(number, Some(1044 | 1142))
    }

    async fn alone(options: &Options<sqlx::MySql>) -> Result<Alone<sqlx::MySql>, MigrateError> {
        alone::on_mysql(options).await
    }

    async fn migrate_alone(
        alone: &mut Alone<sqlx::MySql>,
        _options: &Options<sqlx::MySql>,
    ) -> Result<(), MigrateError> {
        let mut migrator = migrator::<Self>(|step| step.mysql);
        // It is held already, since before it is looked at what another one may just be running.
        migrator.set_locking(false);
        let connection = alone.connection()?;
        connection.ensure_migrations_table(Self::HISTORY).await?;
        run_again(connection, "DELETE FROM inkfast_schema_history WHERE version = ?").await?;
        migrator.run_direct(None, connection, false).await
    }

    async fn revert(options: &Options<sqlx::MySql>, to: i64) -> Result<(), MigrateError> {
        let migrator = migrator::<Self>(|step| step.mysql);
        let mut alone = Self::alone(options).await?;
        let connection = alone.connection()?;
        connection.ensure_migrations_table(Self::HISTORY).await?;
        let done = "UPDATE inkfast_schema_history SET success = TRUE WHERE version = ?";
        run_again(connection, done).await?;
        undo::<Self>(&migrator, connection, to).await?;
        alone.end().await;
        Ok(())
    }

    async fn fill_with_demo(_db: &Db<sqlx::MySql>) -> Result<(), DbError> {
        Ok(())
    }
}

impl OwnTables for Sqlite {
    const HISTORY: &'static str = "inkfast_schema_history";

    fn is_there(table: &str) -> String {
        format!("SELECT '1' FROM sqlite_schema WHERE name = 'inkfast_{table}'")
    }

    fn sql_of_step(number: i64) -> &'static str {
        step(number).map_or("", |step| step.sqlite.0)
    }

    /// Whoever may write to the file may do everything.
    fn sql_for_using(_table: &str, _options: &Options<sqlx::Sqlite>) -> String {
        String::new()
    }

    fn sql_for_own_tables(_options: &Options<sqlx::Sqlite>) -> String {
        "(the file and its folder have to be writable)".to_owned()
    }

    /// 8: read-only, whatever the reason.
    fn is_forbidden(error: &MigrateError) -> bool {
        code(error)
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| code & 0xff == 8)
    }

    async fn alone(_options: &Options<sqlx::Sqlite>) -> Result<Alone<sqlx::Sqlite>, MigrateError> {
        Ok(Alone::without())
    }

    /// Over a connection of its own, closed afterwards: the lock goes with it, whatever happens.
    async fn migrate_alone(
        _alone: &mut Alone<sqlx::Sqlite>,
        options: &Options<sqlx::Sqlite>,
    ) -> Result<(), MigrateError> {
        let mut connection = options.connect().await?;
        let migrator = migrator::<Self>(|step| step.sqlite);
        migrator.run_direct(None, &mut connection, false).await?;
        connection.close().await?;
        Ok(())
    }

    async fn revert(options: &Options<sqlx::Sqlite>, to: i64) -> Result<(), MigrateError> {
        down::<Self>(&migrator::<Self>(|step| step.sqlite), options, to).await
    }

    async fn fill_with_demo(db: &Db<sqlx::Sqlite>) -> Result<(), DbError> {
        demo::create(db).await.map(drop)
    }
}

fn migrator<D: OwnTables>(sql_of: fn(&Step) -> (&'static str, &'static str)) -> Migrator {
    let both = |step: &Step| {
        let (up, down) = sql_of(step);
        [(MigrationType::ReversibleUp, up), (MigrationType::ReversibleDown, down)]
            .map(|(kind, sql)| Migration::new(step.number, step.name.into(), kind, sql.into_sql_str(), false))
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().flat_map(both).collect());
    migrator.dangerous_set_table_name(D::HISTORY);
    migrator
}

async fn down<D: OwnTables>(migrator: &Migrator, options: &Options<D::Database>, to: i64) -> Result<(), MigrateError>
where
    <D::Database as sqlx::Database>::Connection: Migrate,
{
    let mut connection = options.connect().await?;
    connection.lock().await?;
    undo::<D>(migrator, &mut connection, to).await?;
    connection.close().await?;
    Ok(())
}

/// (The migrator's own is not for connections of any kind.)
async fn undo<D: OwnTables>(
    migrator: &Migrator,
    connection: &mut <D::Database as sqlx::Database>::Connection,
    to: i64,
) -> Result<(), MigrateError>
where
    <D::Database as sqlx::Database>::Connection: Migrate,
{
    connection.ensure_migrations_table(D::HISTORY).await?;
    let applied = connection.list_applied_migrations(D::HISTORY).await?;
    let is_applied = |step: &Migration| applied.iter().any(|applied| applied.version == step.version);
    let steps = migrator.iter().filter(|step| step.migration_type.is_down_migration());
    for step in steps.rev().filter(|step| step.version > to && is_applied(step)) {
        connection.revert(D::HISTORY, step).await?;
    }
    Ok(())
}

/// Steps that were begun and not ended are noted as such; after this they are as if they had not been.
async fn run_again(connection: &mut sqlx::MySqlConnection, forget: &'static str) -> Result<(), MigrateError> {
    while let Some(begun) = connection.dirty_version(MySql::HISTORY).await? {
        tracing::warn!(
            step = begun,
            "a step of the migration was begun and not ended; it is run again"
        );
        sqlx::query(AssertSqlSafe(forget))
            .bind(begun)
            .execute(&mut *connection)
            .await?;
    }
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
