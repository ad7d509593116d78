//! Unsaved text over a restore: what the backup has comes back, and what is kept now stays. A draft that was saved
//! since the backup is the only copy of its text once that save is undone; one that was typed since is nowhere else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use resilient_core::draft::Draft;
use resilient_core::draft::KEPT_FOR;
use resilient_drafts::seal::{Sealer, binding};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::{BackupError, kept_file, queued, sqlite};

/// Drafts are removed 30 days after their last change: of those that come back, none within this time.
const STAYS_AT_LEAST: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Drafts of the backup that were saved since, by pages that may have written on after it. Those saves are undone, and
/// the later text of such a page does not hold the earlier one.
const SAVED_SINCE: &str = "SELECT old.rowid, old.account, old.form_key, old.sealed FROM main.draft AS old
    WHERE EXISTS (SELECT 1 FROM now.ended AS mark WHERE mark.saved AND mark.account = old.account
        AND mark.form_key = old.form_key AND mark.writer = old.writer AND mark.seq >= old.seq)";

/// Of two states of one page's draft, the later one; anything else beside each other. What was discarded since stays so.
const JOIN: [&str; 4] = [
    "DELETE FROM main.draft AS old WHERE EXISTS (SELECT 1 FROM now.draft AS new WHERE new.account = old.account
        AND new.form_key = old.form_key AND new.writer = old.writer AND new.seq >= old.seq)",
    "DELETE FROM main.draft AS old WHERE EXISTS (SELECT 1 FROM now.ended AS mark WHERE NOT mark.saved
        AND mark.account = old.account AND mark.form_key = old.form_key AND mark.writer = old.writer
        AND mark.seq >= old.seq)",
    "INSERT OR IGNORE INTO main.draft (account, form_key, writer, seq, lineage, sealed, changed_at_ms)
        SELECT account, form_key, writer, seq, lineage, sealed, changed_at_ms FROM now.draft",
    "INSERT OR REPLACE INTO main.ended (account, form_key, writer, seq, saved, at_ms)
        SELECT account, form_key, writer, seq, saved, at_ms FROM now.ended WHERE NOT saved",
];

/// Makes the file that is to take the place of `current`, beside it. What was saved since the backup is a draft
/// again. `sealer`: of the secret that the server will have. Told beside it: how many saves wait in it.
pub async fn joined(
    backup: &Path,
    current: &Path,
    sealer: Option<&Sealer>,
    now_ms: u64,
) -> Result<(PathBuf, u64), BackupError> {
    let made = sqlite::with_suffix(current, ".restoring");
    sqlite::remove(&made)?;
    kept_file::copy(backup, &made).await?;
    let mut connection = SqliteConnectOptions::new().filename(&made).connect().await?;
    let kept_from = KEPT_FOR - STAYS_AT_LEAST;
    let not_before = now_ms.saturating_sub(kept_from.as_millis() as u64);
    sqlx::query("UPDATE draft SET changed_at_ms = max(changed_at_ms, ?)")
        .bind(not_before as i64)
        .execute(&mut connection)
        .await?;
    queued::prepare(&mut connection).await?;
    if let Some(path) = current.to_str().filter(|_| current.is_file()) {
        sqlx::query("ATTACH ? AS now")
            .bind(path.to_owned())
            .execute(&mut connection)
            .await?;
        let mut transaction = connection.begin().await?;
        set_apart(&mut transaction, sealer).await?;
        for order in JOIN {
            sqlx::query(order).execute(&mut *transaction).await?;
        }
        queued::join(&mut transaction).await?;
        transaction.commit().await?;
        sqlx::query("DETACH now").execute(&mut connection).await?;
    }
    let waiting = queued::waiting(&mut connection).await?;
    connection.close().await?;
    sqlite::checked_rows(&made).await?;
    kept_file::settle(&made).await?;
    Ok((made, waiting))
}

/// Gives them a writer of their own. What cannot be opened, nobody sees either way.
async fn set_apart(connection: &mut SqliteConnection, sealer: Option<&Sealer>) -> Result<(), BackupError> {
    let Some(sealer) = sealer else { return Ok(()) };
    let rows: Vec<(i64, String, String, String)> = sqlx::query_as(SAVED_SINCE).fetch_all(&mut *connection).await?;
    for (row, account, form_key, sealed) in rows {
        let bound_to = binding(&[&account, &form_key]);
        let opened = sealer.open(&bound_to, &sealed).ok();
        let Some(mut draft) = opened.and_then(|json| serde_json::from_slice::<Draft>(&json).ok()) else {
            continue;
        };
        draft.revision.writer = uuid::Uuid::new_v4().simple().to_string();
        let Ok(json) = serde_json::to_vec(&draft) else { continue };
        sqlx::query("UPDATE main.draft SET writer = ?, sealed = ? WHERE rowid = ?")
            .bind(draft.revision.writer)
            .bind(sealer.seal(&bound_to, &json))
            .bind(row)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
