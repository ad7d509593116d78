//! Which database is served.

use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::Lookup;
use super::servers::{Address, Servers};

#[derive(Clone)]
pub enum DatabaseSettings {
    /// Without `DATABASE_URL`: `inkfast.db` in the data directory, made with demo records.
    Embedded,
    /// `sqlite:path`: an existing file.
    Sqlite(Box<SqliteConnectOptions>),
    /// `mysql://…` or `mariadb://…`, with the name of a database.
    MySql(Box<Servers<MySqlConnectOptions>>),
    /// `postgres://…`; `PG*` variables complete it as libpq reads them.
    Postgres(Box<Servers<PgConnectOptions>>),
}

impl DatabaseSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        match lookup("DATABASE_URL") {
            Some(url) => Self::from_url("DATABASE_URL", &url),
            None => Ok(Self::Embedded),
        }
    }

    /// One server, as `setting` names it.
    pub(super) fn from_url(setting: &str, url: &str) -> Result<Self, Vec<String>> {
        let scheme = url.split(':').next().unwrap_or_default();
        let read = match scheme {
            "postgres" | "postgresql" => {
                PgConnectOptions::from_str(url).map(|options| Self::Postgres(Box::new(Servers::only(options))))
            }
            "mysql" | "mariadb" => match MySqlConnectOptions::from_str(url) {
                Ok(options) if options.get_database().is_none_or(str::is_empty) => {
                    return Err(vec![format!(
                        "{setting} names no database: mysql://user@host/database."
                    )]);
                }
                read => read.map(|options| Self::MySql(Box::new(Servers::only(options)))),
            },
            "sqlite" => SqliteConnectOptions::from_str(url).map(|options| Self::Sqlite(Box::new(options))),
            // Where there is no colon, it is no scheme, and may be anything.
            _ if scheme.len() == url.len() => return Err(vec![format!("{setting} {TAKES}")]),
            _ => return Err(vec![format!("{setting} begins with `{scheme}:`; it {TAKES}")]),
        };
        // The driver's text may repeat the address, and the address may hold a password.
        read.map_err(|_| vec![format!("{setting} cannot be read as a {scheme} address.")])
    }

    /// Host and port of each server; none of a file.
    pub fn places(&self) -> Vec<String> {
        match self {
            Self::Embedded | Self::Sqlite(_) => Vec::new(),
            Self::MySql(servers) => servers.named().map(|(_, options)| options.place()).collect(),
            Self::Postgres(servers) => servers.named().map(|(_, options)| options.place()).collect(),
        }
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

const TAKES: &str = "takes postgres://…, mysql://…, mariadb://… or sqlite:path.";

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind())
    }
}
