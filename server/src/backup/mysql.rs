//! MySQL and MariaDB: their own dump, within one snapshot of InnoDB.

use std::path::Path;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::counting::RowCounter;
use super::handed::Handed;
use super::program::Program;
use super::replay::Replay;
use super::{
    BackedUp, BackupError, Beside, Copied, Places, Rows, Switched, Why, beside, certificate_file, percent_decoded,
    rights,
};
use crate::sql::{Dialect, MySql};

const TABLES: &str = "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";
/// Of what these were, only what they are now is copied.
const VERSIONED: &str = "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED'";
/// Of these engines nothing is frozen while the dump reads.
const NOT_FROZEN: &str = "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'";
/// Their dump writes six digits of these.
const SHORTENED: &str = "SELECT CAST(CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS CHAR) FROM information_schema.COLUMNS
    JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME)
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND DATA_TYPE = 'float'";
const EVENTS: &str = "SELECT CAST(EVENT_NAME AS CHAR) FROM information_schema.EVENTS
    WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1";
/// However they got past what switches them off on the way.
const RUNNING_EVENTS: &str = "SELECT CAST(CONCAT('ALTER EVENT `', REPLACE(EVENT_NAME, '`', '``'), '` DISABLE') AS CHAR)
    FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED'";
const UNUSED: &str = "SELECT CAST(SCHEMA_NAME AS CHAR) FROM information_schema.SCHEMATA WHERE NOT EXISTS (
    SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = SCHEMA_NAME)";
/// Without it nothing can be saved; meanwhile it has the other name.
const SAVES: &str = "inkfast_submission";
const SAVES_MEANWHILE: &str = "inkfast_submission_restoring";
const ANYTHING: &str = "SELECT (SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE())
    + (SELECT count(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE())
    + (SELECT count(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE())";
/// What undoes a restore that came to no end, in a database that was empty before.
const MAKE_EMPTY: &str = "SELECT CAST(CONCAT('DROP ', IF(TABLE_TYPE = 'VIEW', 'VIEW', 'TABLE'), ' `',
        REPLACE(TABLE_NAME, '`', '``'), '`') AS CHAR) FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'SEQUENCE'
    UNION ALL SELECT CAST(CONCAT('DROP SEQUENCE `', REPLACE(TABLE_NAME, '`', '``'), '`') AS CHAR)
        FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SEQUENCE'
    UNION ALL SELECT CAST(CONCAT('DROP ', ROUTINE_TYPE, ' `', REPLACE(ROUTINE_NAME, '`', '``'), '`') AS CHAR)
        FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
    UNION ALL SELECT CAST(CONCAT('DROP EVENT `', REPLACE(EVENT_NAME, '`', '``'), '`') AS CHAR)
        FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()";

impl BackedUp for MySql {
    const KIND: &'static str = "mysql";
    const NOW_MS: &'static str = "CAST(unix_timestamp(now(3)) * 1000 AS signed)";

    fn name_of(options: &MySqlConnectOptions) -> String {
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        format!("{} at {host}:{}", database_of(options), options.get_port())
    }

    fn database_of(options: &MySqlConnectOptions) -> String {
        database_of(options).to_owned()
    }

    fn read_address(url: &str) -> Option<MySqlConnectOptions> {
        let is_ours = ["mysql:", "mariadb:"].iter().any(|scheme| url.starts_with(scheme));
        let read: MySqlConnectOptions = is_ours.then(|| url.parse().ok()).flatten()?;
        (!database_of(&read).is_empty()).then_some(read)
    }

    async fn copy(options: &MySqlConnectOptions, places: &Places, file: &Path) -> Result<Copied, BackupError> {
        let mut connection = options.connect().await?;
        let server_version = server_version(&mut connection).await?;
        let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await?;
        let not_frozen: Vec<String> = sqlx::query_scalar(NOT_FROZEN).fetch_all(&mut connection).await?;
        let versioned: Vec<String> = sqlx::query_scalar(VERSIONED).fetch_all(&mut connection).await?;
        let shortened: Vec<String> = sqlx::query_scalar(SHORTENED).fetch_all(&mut connection).await?;
        let grants: Vec<String> = sqlx::query_scalar("SHOW GRANTS").fetch_all(&mut connection).await?;
        connection.close().await?;
        let dump = dump_program(places, &server_version).await?;
        let login = Handed::write(&login_text(options, dump.is_of_mariadb())?)?;
        let mut command = dump.command();
        // Before anything else, or the files of the machine are read as well.
        command.arg(defaults(&login));
        command.args([
            "--single-transaction",
            "--quick",
            "--routines",
            "--triggers",
            "--events",
            "--hex-blob",
            "--no-tablespaces",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
        ]);
        if !dump.is_of_mariadb() {
            // Else it could be restored only where nothing was ever written.
            command.arg("--set-gtid-purged=OFF");
        }
        command.arg("--").arg(database_of(options));
        let mut counter = RowCounter::default();
        dump.run_into(command, file, |bytes| counter.see(bytes)).await?;
        drop(login);
        if !counter.is_whole() {
            return Err(BackupError::new(Why::Damaged, "The copy has no end: it was cut short."));
        }
        let mut rows = counter.rows();
        for name in names {
            rows.entry(name).or_default();
        }
        Ok(Copied {
            server_version,
            rows,
            cautions: [
                rights::unseen(&grants, database_of(options)),
                cautions(&not_frozen, &shortened, &versioned),
            ]
            .concat(),
        })
    }

    async fn is_empty(options: &MySqlConnectOptions) -> Result<bool, BackupError> {
        let mut connection = options.connect().await?;
        let things: i64 = sqlx::query_scalar(ANYTHING).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(things == 0)
    }

    /// Tables are made outside of transactions there: what was begun is thrown away if it came to no end.
    async fn fill(options: &MySqlConnectOptions, places: &Places, file: &Path, _: bool) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        let version = server_version(&mut connection).await?;
        connection.close().await?;
        let client = client_program(places, &version).await?;
        let login = Handed::write(&login_text(options, client.is_of_mariadb())?)?;
        let mut command = client.command();
        command.arg(defaults(&login));
        command.args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--batch"]);
        command.arg(format!("--database={}", database_of(options)));
        let replay = Replay::new(SAVES.to_owned(), SAVES_MEANWHILE.to_owned());
        let filled = async {
            client.run(command, Some((file, replay))).await?;
            switch_off(options).await
        };
        let filled = filled.await;
        if let Err(error) = filled {
            return match make_empty(options).await {
                Ok(()) => Err(error),
                Err(left) => Err(BackupError::new(
                    error.why,
                    format!("{error} What was begun is still there and could not be thrown away: {left}"),
                )),
            };
        }
        Ok(())
    }

    async fn release(options: &MySqlConnectOptions, _: &Places, _: &Path, _: bool) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await?;
        if names.iter().any(|name| name == SAVES_MEANWHILE) {
            let order = format!("RENAME TABLE {SAVES_MEANWHILE} TO {SAVES}");
            sqlx::raw_sql(AssertSqlSafe(order)).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }

    async fn switched_off(options: &MySqlConnectOptions) -> Result<Vec<String>, BackupError> {
        let mut connection = options.connect().await?;
        let events = sqlx::query_scalar(EVENTS).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(events)
    }

    /// What was restored beside the old one stays: it is what was asked for.
    const LEFT_BESIDE: &'static [&'static str] = &[beside::VERIFYING];

    async fn unused_beside(options: &MySqlConnectOptions) -> Result<Vec<String>, BackupError> {
        let mut connection = options.connect().await?;
        let names = sqlx::query_scalar(UNUSED).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(names)
    }

    async fn make_beside(options: &MySqlConnectOptions, purpose: &str) -> Result<Beside<Self>, BackupError> {
        let make = async |name: &str| {
            let mut connection = options.connect().await?;
            let like: String =
                sqlx::query_scalar("SELECT CONCAT(@@character_set_database, ' COLLATE ', @@collation_database)")
                    .fetch_one(&mut connection)
                    .await?;
            let sql = format!("CREATE DATABASE {} CHARACTER SET {like}", Self::quote(name));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            connection.close().await?;
            Ok(options.clone().database(name))
        };
        beside::made(database_of(options), purpose, make, may_not).await
    }

    async fn remove_beside(options: &MySqlConnectOptions, made: &Beside<Self>) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        let sql = format!("DROP DATABASE IF EXISTS {}", Self::quote(&made.name));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// There is no such step: databases have no other name, and tables with triggers stay where they are.
    async fn switch(_: &MySqlConnectOptions, made: &Beside<Self>) -> Result<Switched, BackupError> {
        let name = made.name.clone();
        Ok(Switched::Beside { name })
    }

    async fn run(options: &MySqlConnectOptions, orders: &[String]) -> Result<(), BackupError> {
        let mut connection = options.connect().await?;
        for order in orders {
            sqlx::raw_sql(AssertSqlSafe(order.clone()))
                .execute(&mut connection)
                .await?;
        }
        Ok(connection.close().await?)
    }

    async fn rows(options: &MySqlConnectOptions, of: &(dyn Fn(&str) -> bool + Sync)) -> Result<Rows, BackupError> {
        let mut connection = options.connect().await?;
        let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await?;
        let mut rows = Rows::new();
        for name in names.into_iter().filter(|name| of(name)) {
            let sql = format!("SELECT count(*) FROM {}", Self::quote(&name));
            let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await?;
            rows.insert(name, counted.unsigned_abs());
        }
        connection.close().await?;
        Ok(rows)
    }
}

/// 1044 and 1227: this account may not do it. (Their state, 42000, is that of whatever is wrong with a statement.)
fn may_not(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    error.is_some_and(|error| matches!(error.number(), 1044 | 1227))
}

async fn switch_off(options: &MySqlConnectOptions) -> Result<(), BackupError> {
    let mut connection = options.connect().await?;
    let orders: Vec<String> = sqlx::query_scalar(RUNNING_EVENTS).fetch_all(&mut connection).await?;
    for order in orders {
        sqlx::raw_sql(AssertSqlSafe(order)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

async fn server_version(connection: &mut MySqlConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)")
        .fetch_one(connection)
        .await
}

async fn make_empty(options: &MySqlConnectOptions) -> Result<(), BackupError> {
    let mut connection = options.connect().await?;
    let orders: Vec<String> = sqlx::query_scalar(MAKE_EMPTY).fetch_all(&mut connection).await?;
    sqlx::raw_sql("SET foreign_key_checks = 0")
        .execute(&mut connection)
        .await?;
    for order in orders {
        sqlx::raw_sql(AssertSqlSafe(order)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

fn cautions(not_frozen: &[String], shortened: &[String], versioned: &[String]) -> Vec<String> {
    let all = [
        (
            "These tables are not InnoDB's, and may have changed while they were copied",
            not_frozen,
        ),
        (
            "The database's own dump keeps six digits of FLOAT, so of these columns",
            shortened,
        ),
        (
            "Of these tables what they are now is copied, and not what they were",
            versioned,
        ),
    ];
    let said = all.into_iter().filter(|(_, names)| !names.is_empty());
    said.map(|(words, names)| format!("{words}: {}.", names.join(", ")))
        .collect()
}

/// The one that belongs to the server, else the other: each knows most of the other's.
async fn dump_program(places: &Places, server_version: &str) -> Result<Program, BackupError> {
    program(places, ["mariadb-dump", "mysqldump"], server_version).await
}

async fn client_program(places: &Places, server_version: &str) -> Result<Program, BackupError> {
    program(places, ["mariadb", "mysql"], server_version).await
}

async fn program(places: &Places, names: [&str; 2], server_version: &str) -> Result<Program, BackupError> {
    let of_mariadb = server_version.contains("MariaDB");
    let found = places.find(&names).await;
    let own = found.iter().find(|program| program.is_of_mariadb() == of_mariadb);
    own.or(found.first()).cloned().ok_or_else(|| {
        let (name, package) = match of_mariadb {
            true => (names[0], "mariadb-client"),
            false => (names[1], "mysql-client"),
        };
        BackupError::new(
            Why::Tool,
            format!(
                "There is no {name} {}: install it (on Debian `apt-get install {package}`), or name its directory in \
                 INKFAST_BACKUP_TOOLS_DIR.",
                places.described()
            ),
        )
    })
}

fn database_of(options: &MySqlConnectOptions) -> &str {
    options.get_database().unwrap_or_default()
}

/// Server, account and TLS in a file that only this user can read.
fn defaults(login: &Handed) -> String {
    format!("--defaults-file={}", login.path.display())
}

fn login_text(options: &MySqlConnectOptions, of_mariadb: bool) -> Result<String, BackupError> {
    let mut lines = vec!["[client]".to_owned()];
    let mut say = |key: &str, value: &str| lines.push(format!("{key}={}", quoted(value)));
    match options.get_socket() {
        Some(socket) => say("socket", &socket.display().to_string()),
        None => {
            say("host", options.get_host());
            say("port", &options.get_port().to_string());
            say("protocol", "tcp");
        }
    }
    say("user", options.get_username());
    // What has no other way out of the options; a plain name keeps the address readable.
    let url = options.clone().username("x").host("x").to_url_lossy();
    say("password", &url.password().map(percent_decoded).unwrap_or_default());
    for (key, value) in url.query_pairs() {
        if matches!(&*key, "ssl-ca" | "ssl-cert" | "ssl-key") {
            say(&key, &certificate_file(&key, &value)?);
        }
    }
    lines.push(tls_line(options.get_ssl_mode(), of_mariadb).to_owned());
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// MariaDB's programs look at the name in a certificate whenever they look at the certificate.
fn tls_line(mode: MySqlSslMode, of_mariadb: bool) -> &'static str {
    match (mode, of_mariadb) {
        (MySqlSslMode::Disabled, true) => "skip-ssl",
        (MySqlSslMode::Preferred, true) => "disable-ssl-verify-server-cert",
        (MySqlSslMode::Required, true) => "ssl\ndisable-ssl-verify-server-cert",
        (MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity, true) => "ssl\nssl-verify-server-cert",
        (MySqlSslMode::Disabled, false) => "ssl-mode=DISABLED",
        (MySqlSslMode::Preferred, false) => "ssl-mode=PREFERRED",
        (MySqlSslMode::Required, false) => "ssl-mode=REQUIRED",
        (MySqlSslMode::VerifyCa, false) => "ssl-mode=VERIFY_CA",
        (MySqlSslMode::VerifyIdentity, false) => "ssl-mode=VERIFY_IDENTITY",
    }
}

fn quoted(value: &str) -> String {
    let escaped = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_in_the_file_and_the_tls_as_it_was_set() {
        let url = "mysql://me:p%40ss%22%5C%23x@db.example:3307/shop?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem";
        let options: MySqlConnectOptions = url.parse().unwrap();
        let text = login_text(&options, true).unwrap();
        for line in [
            "password=\"p@ss\\\"\\\\#x\"",
            "host=\"db.example\"",
            "port=\"3307\"",
            "ssl-ca=\"/etc/ca.pem\"",
            "ssl-verify-server-cert",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
        assert!(login_text(&options, false).unwrap().contains("ssl-mode=VERIFY_CA"));
        assert!(!MySql::name_of(&options).contains("p@ss"));
    }
}
