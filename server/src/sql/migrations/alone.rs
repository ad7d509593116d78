//! Nobody else changes the own tables meanwhile.

use resilient_db::Options;
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::{ConnectOptions, Connection, Database};

/// A connection that no other one like it is open beside: the lock goes with it, whatever happens.
pub struct Alone<DB: Database>(Option<DB::Connection>);

impl<DB: Database> Alone<DB> {
    /// Where a file is locked by whoever changes it.
    pub(super) fn without() -> Self {
        Self(None)
    }

    pub(super) fn connection(&mut self) -> Result<&mut DB::Connection, MigrateError> {
        self.0
            .as_mut()
            .ok_or_else(|| MigrateError::Source("nothing is locked here".into()))
    }

    /// Others may go on. (Dropped, it takes a moment until the database notices.)
    pub async fn end(self) {
        if let Some(connection) = self.0
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the connection that was held alone is gone already");
        }
    }
}

/// It may rest as long as a restore takes.
pub(super) async fn on_postgres(options: &Options<sqlx::Postgres>) -> Result<Alone<sqlx::Postgres>, MigrateError> {
    let mut connection = options.connect().await?;
    let patient = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";
    sqlx::raw_sql(patient).execute(&mut connection).await?;
    connection.lock().await?;
    Ok(Alone(Some(connection)))
}

/// (The migrator's own lock waits for ever, which MariaDB takes for no time at all, and does not look at the answer.)
pub(super) async fn on_mysql(options: &Options<sqlx::MySql>) -> Result<Alone<sqlx::MySql>, MigrateError> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql("SET SESSION wait_timeout = 86400")
        .execute(&mut connection)
        .await?;
    let lock = "SELECT GET_LOCK(CONCAT('inkfast ', MD5(DATABASE())), 600)";
    let locked: Option<i64> = sqlx::query_scalar(lock).fetch_one(&mut connection).await?;
    match locked {
        Some(1) => Ok(Alone(Some(connection))),
        _ => Err(MigrateError::Source(
            "another Inkfast is changing its tables, and has not come to an end within ten minutes".into(),
        )),
    }
}
