//! Unsaved text over a restore: what the backup has comes back, and what is kept now stays. A draft that was saved
//! since the backup is the only copy of its text once that save is undone; one that was typed since is nowhere else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::{BackupError, kept_file, sqlite};

/// Drafts are removed 30 days after their last change: of those that come back, none within this time.
const STAYS_AT_LEAST: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const REMOVED_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Of two states of one page's draft, the later one; anything else beside each other.
const JOIN: [&str; 2] = [
    "DELETE FROM main.draft AS old WHERE EXISTS (SELECT 1 FROM now.draft AS new WHERE new.account = old.account
        AND new.form_key = old.form_key AND new.writer = old.writer AND new.seq >= old.seq)",
    "INSERT OR IGNORE INTO main.draft (account, form_key, writer, seq, lineage, sealed, changed_at_ms)
        SELECT account, form_key, writer, seq, lineage, sealed, changed_at_ms FROM now.draft",
];

/// Makes the file that is to take the place of `current`, beside it. What was saved or discarded since the backup is
/// a draft again.
pub async fn joined(backup: &Path, current: &Path, now_ms: u64) -> Result<PathBuf, BackupError> {
    let made = sqlite::with_suffix(current, ".restoring");
    sqlite::remove(&made)?;
    kept_file::copy(backup, &made).await?;
    let mut connection = SqliteConnectOptions::new().filename(&made).connect().await?;
    let kept_from = REMOVED_AFTER - STAYS_AT_LEAST;
    let not_before = now_ms.saturating_sub(kept_from.as_millis() as u64);
    sqlx::query("UPDATE draft SET changed_at_ms = max(changed_at_ms, ?)")
        .bind(not_before as i64)
        .execute(&mut connection)
        .await?;
    if let Some(path) = current.to_str().filter(|_| current.is_file()) {
        sqlx::query("ATTACH ? AS now")
            .bind(path.to_owned())
            .execute(&mut connection)
            .await?;
        let mut transaction = connection.begin().await?;
        for order in JOIN {
            sqlx::query(order).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        sqlx::query("DETACH now").execute(&mut connection).await?;
    }
    connection.close().await?;
    sqlite::checked_rows(&made).await?;
    kept_file::settle(&made).await?;
    Ok(made)
}
