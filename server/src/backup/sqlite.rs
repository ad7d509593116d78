//! SQLite: `VACUUM INTO` copies what one reading transaction sees, while others write.
//!
//! (The backup interface that copies page by page is not offered by the driver, and starts over with each write of
//! another connection.)

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{BackedUp, BackupError, Beside, Copied, Places, Rows, Switched, Why, kept_file};
use crate::clock::now_ms;
use crate::sql::{Dialect, Sqlite};

/// Instructions between two looks at whether the copy is still wanted.
const LOOK_EVERY: i32 = 10_000;

impl BackedUp for Sqlite {
    const KIND: &'static str = "sqlite";
    const NOW_MS: &'static str = "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)";

    fn name_of(options: &SqliteConnectOptions) -> String {
        let file = options.get_filename();
        std::path::absolute(file)
            .unwrap_or_else(|_| file.to_owned())
            .display()
            .to_string()
    }

    fn database_of(options: &SqliteConnectOptions) -> String {
        Self::name_of(options)
    }

    fn read_address(url: &str) -> Option<SqliteConnectOptions> {
        url.starts_with("sqlite:").then(|| url.parse().ok()).flatten()
    }

    async fn copy(options: &SqliteConnectOptions, _: &Places, file: &Path) -> Result<Copied, BackupError> {
        copy_file(options, file).await?;
        let rows = checked_rows(file).await?;
        let mut connection = opened(file).connect().await?;
        let server_version = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(Copied {
            server_version,
            rows,
            cautions: Vec::new(),
        })
    }

    async fn is_empty(options: &SqliteConnectOptions) -> Result<bool, BackupError> {
        let file = options.get_filename();
        Ok(!file.exists()
            || std::fs::metadata(file)
                .map_err(|error| BackupError::of(file, &error))?
                .len()
                == 0)
    }

    /// The file is complete before it has its name.
    async fn fill(options: &SqliteConnectOptions, _: &Places, file: &Path, _: bool) -> Result<(), BackupError> {
        let target = options.get_filename();
        let made = beside(target, "restoring");
        remove(&made)?;
        let filled = async {
            kept_file::copy(file, &made).await?;
            checked_rows(&made).await?;
            put_changes_aside(target, &beside(target, &format!("before-{}", now_ms())))?;
            rename(&made, target)
        };
        let filled = filled.await;
        if filled.is_err()
            && let Err(left) = remove(&made)
        {
            tracing::warn!(error = %left, file = %made.display(), "what was restored in vain is still there");
        }
        filled
    }

    /// A server does not use the file meanwhile: it would hold the data directory.
    async fn release(_: &SqliteConnectOptions, _: &Places, _: &Path, _: bool) -> Result<(), BackupError> {
        Ok(())
    }

    /// The next one has the same name.
    const LEFT_BESIDE: &'static [&'static str] = &[];

    async fn unused_beside(_: &SqliteConnectOptions) -> Result<Vec<String>, BackupError> {
        Ok(Vec::new())
    }

    async fn make_beside(options: &SqliteConnectOptions, purpose: &str) -> Result<Beside<Self>, BackupError> {
        let path = beside(options.get_filename(), purpose);
        remove(&path)?;
        Ok(Beside {
            name: path.display().to_string(),
            options: options.clone().filename(&path).create_if_missing(false),
        })
    }

    async fn remove_beside(_: &SqliteConnectOptions, made: &Beside<Self>) -> Result<(), BackupError> {
        remove(made.options.get_filename())
    }

    async fn switch(options: &SqliteConnectOptions, made: &Beside<Self>) -> Result<Switched, BackupError> {
        let old = replace(options.get_filename(), made.options.get_filename()).await?;
        Ok(Switched::InPlace {
            old: old.display().to_string(),
        })
    }

    async fn run(options: &SqliteConnectOptions, orders: &[String]) -> Result<(), BackupError> {
        let mut connection = options.clone().create_if_missing(false).connect().await?;
        for order in orders {
            sqlx::raw_sql(AssertSqlSafe(order.clone()))
                .execute(&mut connection)
                .await?;
        }
        Ok(connection.close().await?)
    }

    async fn rows(options: &SqliteConnectOptions, of: &(dyn Fn(&str) -> bool + Sync)) -> Result<Rows, BackupError> {
        let mut connection = opened(options.get_filename()).connect().await?;
        let mut rows = count(&mut connection).await?;
        rows.retain(|table, _| of(table));
        connection.close().await?;
        Ok(rows)
    }
}

/// What a file holds in one moment, as another file, on the disk.
pub async fn copy_file(options: &SqliteConnectOptions, file: &Path) -> Result<(), BackupError> {
    let source = options.get_filename();
    if !source.is_file() {
        let words = format!("{} is not there: there is nothing to copy.", source.display());
        return Err(BackupError::new(Why::Database, words));
    }
    let target = file.to_str().ok_or_else(|| {
        let words = format!("{}: SQLite takes only UTF-8 for a file's name.", file.display());
        BackupError::new(Why::Refused, words)
    })?;
    // An empty file is taken for none, and keeps its rights.
    kept_file::create(file).map_err(|error| BackupError::of(file, &error))?;
    let mut connection = options.clone().create_if_missing(false).connect().await?;
    let wanted = Wanted::default();
    let still = Arc::clone(&wanted.0);
    connection
        .lock_handle()
        .await?
        .set_progress_handler(LOOK_EVERY, move || still.load(Ordering::Acquire));
    let copied = sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await;
    copied?;
    Ok(connection.close().await?)
}

/// Dropped with the future that waits for the copy: then the thread that makes it ends, too.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Reads the whole file and says what is in it.
///
/// # Errors
/// Where it is damaged.
pub async fn checked_rows(file: &Path) -> Result<Rows, BackupError> {
    let damaged = |what: String| BackupError::new(Why::Damaged, format!("{}: {what}", file.display()));
    let mut connection = opened(file).connect().await?;
    let problems: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut connection)
        .await?;
    if problems != ["ok"] {
        let first = problems.into_iter().next().unwrap_or_default();
        return Err(damaged(format!("the copy is damaged: {first}.")));
    }
    let rows = count(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

/// To be looked at and never changed.
fn opened(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).read_only(true)
}

async fn count(connection: &mut SqliteConnection) -> Result<Rows, sqlx::Error> {
    // What belongs to virtual tables is theirs to say; of those only they themselves are counted, by their shadows.
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                  AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let names: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *connection).await?;
    let mut rows = Rows::new();
    for name in names {
        let sql = format!("SELECT count(*) FROM {}", Sqlite::quote(&name));
        let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await?;
        rows.insert(name, counted.unsigned_abs());
    }
    Ok(rows)
}

/// Puts a file in the place of another; there is a whole one under its name at every moment. Gives the name that the
/// old one has now.
pub async fn replace(target: &Path, made: &Path) -> Result<PathBuf, BackupError> {
    let old = beside(target, &format!("before-{}", now_ms()));
    match alone_in_one_file(target).await {
        Ok(true) => {}
        Ok(false) => return Err(in_use(target)),
        Err(error) if is_busy(&error) => return Err(in_use(target)),
        // Nobody can read it: it is put aside as it is.
        Err(_) => put_changes_aside(target, &old)?,
    }
    let rights = std::fs::metadata(target)
        .map_err(|error| BackupError::of(target, &error))?
        .permissions();
    std::fs::set_permissions(made, rights).map_err(|error| BackupError::of(made, &error))?;
    if std::fs::hard_link(target, &old).is_err() {
        rename(target, &old)?;
    }
    rename(made, target)?;
    Ok(old)
}

/// Takes all changes into the file itself, which is only possible while nobody else has it open; whether it was.
async fn alone_in_one_file(file: &Path) -> Result<bool, sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await?;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = DELETE")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(mode == "delete")
}

/// Changes that stand in files beside it would be taken for those of whatever comes in its place.
fn put_changes_aside(file: &Path, old: &Path) -> Result<(), BackupError> {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (from, to) = (with_suffix(file, suffix), with_suffix(old, suffix));
        if from.exists() {
            rename(&from, &to)?;
        }
    }
    Ok(())
}

fn in_use(file: &Path) -> BackupError {
    let words = format!("{} is in use by another program: end that first.", file.display());
    BackupError::new(Why::Refused, words)
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    // 5: busy, 6: locked, whatever the reason.
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn beside(file: &Path, purpose: &str) -> PathBuf {
    with_suffix(file, &format!(".{purpose}"))
}

pub fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub fn remove(file: &Path) -> Result<(), BackupError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = with_suffix(file, suffix);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(BackupError::of(&file, &error)),
            _ => {}
        }
    }
    Ok(())
}

pub fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(from, to).map_err(|error| BackupError::of(to, &error))?;
    let directory = to
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    kept_file::sync_directory(directory).map_err(|error| BackupError::of(directory, &error))
}
