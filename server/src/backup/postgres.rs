//! PostgreSQL: `pg_dump` reads the snapshot that a connection of ours has exported and counts in.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::process::Command;

use super::handed::Handed;
use super::program::Program;
use super::{
    BackedUp, BackupError, Beside, Copied, Places, Rows, Switched, Why, beside, certificate_file, percent_decoded,
};
use crate::clock::now_ms;
use crate::sql::{Dialect, Postgres};

/// Tables with rows of their own, but for the system's and for what an extension brings along.
const TABLES: &str = "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
        AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// Everything that would be met: also views, sequences, types and functions of somebody's own.
const ANYTHING: &str = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
    OR EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
        AND nspname NOT IN ('information_schema', 'public'))";

const UNUSED: &str = "SELECT datname FROM pg_database d
    WHERE NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)";

/// As the old one, of which everything is copied; extensions come with the copy.
const LIKE_THE_OLD: &str = "SELECT format('TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
        pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
    || CASE WHEN to_jsonb(d) ->> 'datlocprovider' = 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
        coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'))
        WHEN to_jsonb(d) ->> 'datlocprovider' = 'b' THEN
            format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', to_jsonb(d) ->> 'datlocale')
        ELSE '' END
    FROM pg_database d WHERE d.datname = current_database()";

impl BackedUp for Postgres {
    const KIND: &'static str = "postgresql";
    const NOW_MS: &'static str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    fn name_of(options: &PgConnectOptions) -> String {
        format!(
            "{} at {}:{}",
            database_of(options),
            host_of(options),
            options.get_port()
        )
    }

    fn database_of(options: &PgConnectOptions) -> String {
        database_of(options)
    }

    fn read_address(url: &str) -> Option<PgConnectOptions> {
        let is_ours = ["postgres:", "postgresql:"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        is_ours.then(|| url.parse().ok()).flatten()
    }

    async fn copy(options: &PgConnectOptions, places: &Places, file: &Path) -> Result<Copied, BackupError> {
        let mut connection = patient(options).await?;
        let (major, server_version) = server_version(&mut connection).await?;
        let dump = program(places, "pg_dump", major).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut connection)
            .await?;
        let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut connection)
            .await?;
        let mut command = dump.command();
        connect_by_environment(&mut command, options)?;
        command.args(["--format=custom", "--no-password", "--lock-wait-timeout=60s"]);
        command.arg(format!("--snapshot={snapshot}"));
        let dumped = dump.run_into(command, file, |_| {});
        let (_, rows) = tokio::try_join!(dumped, async { Ok(count(&mut connection, &|_| true).await?) })?;
        connection.close().await?;
        readable(places, major, file).await?;
        Ok(Copied {
            server_version,
            rows,
            cautions: Vec::new(),
        })
    }

    async fn is_empty(options: &PgConnectOptions) -> Result<bool, BackupError> {
        let mut connection = options.connect().await?;
        let anything: bool = sqlx::query_scalar(ANYTHING).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(!anything)
    }

    /// In one transaction.
    async fn fill(options: &PgConnectOptions, places: &Places, file: &Path, plain: bool) -> Result<(), BackupError> {
        restore_those(options, places, file, plain, |entry| !is_of_saves(entry)).await
    }

    async fn release(options: &PgConnectOptions, places: &Places, file: &Path, plain: bool) -> Result<(), BackupError> {
        restore_those(options, places, file, plain, is_of_saves).await
    }

    const LEFT_BESIDE: &'static [&'static str] = &[beside::VERIFYING, beside::RESTORING];

    async fn unused_beside(options: &PgConnectOptions) -> Result<Vec<String>, BackupError> {
        let mut connection = options.connect().await?;
        let names = sqlx::query_scalar(UNUSED).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(names)
    }

    async fn make_beside(options: &PgConnectOptions, purpose: &str) -> Result<Beside<Self>, BackupError> {
        let make = async |name: &str| {
            let mut connection = options.connect().await?;
            let like: String = sqlx::query_scalar(LIKE_THE_OLD).fetch_one(&mut connection).await?;
            let sql = format!("CREATE DATABASE {} {like}", Self::quote(name));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            connection.close().await?;
            Ok(options.clone().database(name))
        };
        beside::made(&database_of(options), purpose, make, may_not).await
    }

    async fn remove_beside(options: &PgConnectOptions, made: &Beside<Self>) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", Self::quote(&made.name));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    async fn switch(options: &PgConnectOptions, made: &Beside<Self>) -> Result<Switched, BackupError> {
        let current = database_of(options);
        let short: String = current.chars().take(30).collect();
        let old = format!("{short}_before_{}", now_ms());
        let mut connection = elsewhere(options).await?;
        let (current, new, before) = (Self::quote(&current), Self::quote(&made.name), Self::quote(&old));
        let sql = format!(
            "BEGIN; ALTER DATABASE {current} RENAME TO {before}; ALTER DATABASE {new} RENAME TO {current}; COMMIT"
        );
        let switched = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        if let Err(error) = &switched
            && error.as_database_error().and_then(|error| error.code()).as_deref() == Some("55006")
        {
            let words = format!("The database {current} is in use: end all that is connected to it first.");
            return Err(BackupError::new(Why::Refused, words));
        }
        switched?;
        connection.close().await?;
        Ok(Switched::InPlace { old })
    }

    async fn run(options: &PgConnectOptions, orders: &[String]) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        for order in orders {
            sqlx::raw_sql(AssertSqlSafe(order.clone()))
                .execute(&mut connection)
                .await?;
        }
        Ok(connection.close().await?)
    }

    async fn rows(options: &PgConnectOptions, of: &(dyn Fn(&str) -> bool + Sync)) -> Result<Rows, BackupError> {
        let mut connection = patient(options).await?;
        let rows = count(&mut connection, of).await?;
        connection.close().await?;
        Ok(rows)
    }
}

fn may_not(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("42501")
}

/// Of the copy's table of contents, a line about the table without which nothing can be saved.
fn is_of_saves(entry: &str) -> bool {
    [" inkfast submission", " inkfast TABLE submission"]
        .iter()
        .any(|words| entry.contains(words))
}

/// In one transaction.
async fn restore_those(
    options: &PgConnectOptions,
    places: &Places,
    file: &Path,
    plain: bool,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), BackupError> {
    let mut connection = options.connect().await?;
    let (major, _) = server_version(&mut connection).await?;
    connection.close().await?;
    let restore = program(places, "pg_restore", major).await?;
    let mut listing = restore.command();
    listing.arg("--list");
    let all = restore.output(with_file(listing, file)).await?;
    let those: Vec<&str> = all
        .lines()
        .filter(|entry| !entry.starts_with(';') && wanted(entry))
        .collect();
    if those.is_empty() {
        return Ok(());
    }
    let list = Handed::write(&(those.join("\n") + "\n"))?;
    let mut command = restore.command();
    connect_by_environment(&mut command, options)?;
    command.args(["--single-transaction", "--exit-on-error", "--no-password"]);
    command.arg(format!("--use-list={}", list.path.display()));
    if plain {
        command.args(["--no-owner", "--no-privileges"]);
    }
    // It has to be named there, or the dump is only printed.
    command.arg(format!("--dbname={}", connection_string(&database_of(options))));
    restore.run(with_file(command, file), None).await
}

/// A count may take longer than a page's question, and the copy longer than a transaction may rest.
async fn patient(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    let limits = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(limits).execute(&mut connection).await?;
    Ok(connection)
}

async fn server_version(connection: &mut PgConnection) -> Result<(u32, String), sqlx::Error> {
    let number: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(&mut *connection)
        .await?;
    let text: String = sqlx::query_scalar("SHOW server_version").fetch_one(connection).await?;
    Ok((number.parse::<u32>().unwrap_or_default() / 10_000, text))
}

async fn count(connection: &mut PgConnection, of: &(dyn Fn(&str) -> bool + Sync)) -> Result<Rows, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *connection).await?;
    let mut rows = Rows::new();
    for name in names.into_iter().filter(|name| of(name)) {
        let sql = format!("SELECT count(*) FROM ONLY {name}");
        let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await?;
        rows.insert(name, counted.unsigned_abs());
    }
    Ok(rows)
}

/// One that is not older than the server: an older one does not know all of what it would have to copy.
async fn program(places: &Places, name: &str, major: u32) -> Result<Program, BackupError> {
    let found = places.find(&[name]).await;
    let newest = found.iter().filter_map(Program::postgres_major).max();
    let fits = |program: &&Program| program.postgres_major().is_some_and(|own| own >= major);
    if let Some(program) = found.iter().find(fits) {
        return Ok(program.clone());
    }
    let there = match newest {
        None => format!("There is no {name} {}", places.described()),
        Some(older) => format!("The {name} {} is of version {older}", places.described()),
    };
    Err(BackupError::new(
        Why::Tool,
        format!(
            "{there}, and this server needs {major} or later: install it (on Debian `apt-get install \
             postgresql-client-{major}`), or name its directory in INKFAST_BACKUP_TOOLS_DIR."
        ),
    ))
}

/// Whether the copy's table of contents can be read, and has an end.
async fn readable(places: &Places, major: u32, file: &Path) -> Result<(), BackupError> {
    let restore = program(places, "pg_restore", major).await?;
    let mut command = restore.command();
    command.arg("--list");
    let listed = restore.run(with_file(command, file), None).await;
    listed.map_err(|error| BackupError::new(Why::Damaged, format!("The copy cannot be read: {error}")))
}

fn with_file(mut command: Command, file: &Path) -> Command {
    command.arg("--").arg(file);
    command
}

/// A name with `=` in it, or one that begins as an address does, would be taken for more than a name.
fn connection_string(database: &str) -> String {
    let escaped = database.replace('\\', "\\\\").replace('\'', "\\'");
    format!("dbname='{escaped}'")
}

fn database_of(options: &PgConnectOptions) -> String {
    options.get_database().unwrap_or(options.get_username()).to_owned()
}

fn host_of(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(directory) => directory.display().to_string(),
        None => options.get_host().to_owned(),
    }
}

/// A database cannot be renamed by who is in it.
async fn elsewhere(options: &PgConnectOptions) -> Result<PgConnection, BackupError> {
    match options.clone().database("postgres").connect().await {
        Ok(connection) => Ok(connection),
        Err(_) => Ok(options.clone().database("template1").connect().await?),
    }
}

/// The same server, account and TLS, as libpq is told; only this user can see a process's environment.
fn connect_by_environment(command: &mut Command, options: &PgConnectOptions) -> Result<(), BackupError> {
    let mode = match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    };
    command
        .env("PGHOST", host_of(options))
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", options.get_username())
        .env("PGDATABASE", database_of(options))
        .env("PGSSLMODE", mode)
        .env("PGGSSENCMODE", "disable")
        .env("PGCONNECT_TIMEOUT", "15")
        .env("PGAPPNAME", "inkfast backup");
    // What has no other way out of the options; a plain name keeps the address readable.
    let url = options.clone().username("x").host("x").to_url_lossy();
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", percent_decoded(password));
    }
    for (key, value) in url.query_pairs() {
        let variable = match &*key {
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        command.env(variable, certificate_file(&key, &value)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pg_dump_is_told_has_the_password_in_its_environment_alone() {
        let url = "postgres://me:p%40ss%2Fw%2Bo%20rd@db.example:5433/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem";
        let options: PgConnectOptions = url.parse().unwrap();
        let mut command = Command::new("pg_dump");
        connect_by_environment(&mut command, &options).unwrap();
        let told = |name: &str| {
            let mut all = command.as_std().get_envs();
            let found = all.find(|(key, _)| *key == name).and_then(|(_, value)| value);
            found.map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(told("PGPASSWORD").as_deref(), Some("p@ss/w+o rd"));
        assert_eq!(told("PGSSLMODE").as_deref(), Some("verify-full"));
        assert_eq!(told("PGSSLROOTCERT").as_deref(), Some("/etc/ca.pem"));
        assert_eq!(told("PGHOST").as_deref(), Some("db.example"));
        assert_eq!(command.as_std().get_args().count(), 0);
        assert!(!Postgres::name_of(&options).contains("p@ss"));
    }

    #[test]
    fn a_name_of_a_database_is_no_more_than_a_name() {
        assert_eq!(connection_string("a'b\\c host=evil"), "dbname='a\\'b\\\\c host=evil'");
    }
}
