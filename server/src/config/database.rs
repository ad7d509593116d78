//! Which database is served.

use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::Lookup;

#[derive(Clone)]
pub enum DatabaseSettings {
    /// Without `DATABASE_URL`: `inkfast.db` in the data directory, made with demo records.
    Embedded,
    /// `sqlite:path`: an existing file.
    Sqlite(Box<SqliteConnectOptions>),
    /// `mysql://…` or `mariadb://…`, with the name of a database.
    MySql(Box<MySqlConnectOptions>),
    /// `postgres://…`; `PG*` variables complete it as libpq reads them.
    Postgres(Box<PgConnectOptions>),
}

impl DatabaseSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let Some(url) = lookup("DATABASE_URL") else {
            return Ok(Self::Embedded);
        };
        let scheme = url.split(':').next().unwrap_or_default();
        let read = match scheme {
            "postgres" | "postgresql" => {
                PgConnectOptions::from_str(&url).map(|options| Self::Postgres(Box::new(options)))
            }
            "mysql" | "mariadb" => match MySqlConnectOptions::from_str(&url) {
                Ok(options) if options.get_database().is_none_or(str::is_empty) => {
                    return Err(vec![
                        "DATABASE_URL names no database: mysql://user@host/database.".to_owned(),
                    ]);
                }
                read => read.map(|options| Self::MySql(Box::new(options))),
            },
            "sqlite" => SqliteConnectOptions::from_str(&url).map(|options| Self::Sqlite(Box::new(options))),
            _ => return Err(vec![Self::unknown_scheme(scheme)]),
        };
        // The driver's text may repeat the address, and the address may hold a password.
        read.map_err(|_| vec![format!("DATABASE_URL cannot be read as a {scheme} address.")])
    }

    fn unknown_scheme(scheme: &str) -> String {
        format!("DATABASE_URL begins with `{scheme}:`; it takes postgres://…, mysql://…, mariadb://… or sqlite:path.")
    }

    /// For people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Embedded | Self::Sqlite(_) => "SQLite",
            Self::MySql(_) => "MySQL/MariaDB",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind())
    }
}
