//! Saves that wait, over a restore: those of the backup come back, and those that wait now stay, behind them. Of the
//! same press what became of it since counts. One that was done since the backup is undone with the database: its
//! text is a draft again, and nobody is told that it was saved.

use resilient_drafts::queue::SqliteQueue;
use sqlx::sqlite::SqliteConnection;

use super::BackupError;

/// Each with one `now`, the file that is in use.
const JOIN: [&str; 6] = [
    "DELETE FROM main.queue_entry AS old WHERE json_extract(old.entry, '$.state.is') <> 'done'
        AND EXISTS (SELECT 1 FROM now.queue_entry AS new WHERE new.account = old.account AND new.id = old.id
            AND json_extract(new.entry, '$.state.is') = 'done')",
    "INSERT OR REPLACE INTO main.queue_entry (account, id, position, entry)
        SELECT account, id, place, json_set(entry, '$.\"order\"', place) FROM (
            SELECT new.account, new.id, new.entry, new.position + coalesce(
                (SELECT max(old.position) FROM main.queue_entry AS old WHERE old.account = new.account), 0) AS place
            FROM now.queue_entry AS new WHERE json_extract(new.entry, '$.state.is') <> 'done'
                OR EXISTS (SELECT 1 FROM main.queue_entry AS old WHERE old.account = new.account AND old.id = new.id))",
    "INSERT OR REPLACE INTO main.queue_text (account, id, sealed) SELECT account, id, sealed FROM now.queue_text",
    "DELETE FROM main.queue_text AS text WHERE NOT EXISTS (SELECT 1 FROM main.queue_entry AS entry
        WHERE entry.account = text.account AND entry.id = text.id
            AND json_extract(entry.entry, '$.state.is') = 'waiting')",
    // Who was at an entry is gone: the server does not run. No token fits again.
    "INSERT OR REPLACE INTO main.queue_line (account, head, due_at_ms)
        SELECT account, json_object('order', max(position), 'token', (SELECT coalesce(max(token), 0) FROM (
                SELECT json_extract(head, '$.token') AS token FROM main.queue_line WHERE account = entry.account
                UNION ALL SELECT json_extract(head, '$.token') FROM now.queue_line WHERE account = entry.account))),
            CASE WHEN sum(json_extract(entry, '$.state.is') = 'waiting') > 0 THEN 0 END
        FROM main.queue_entry AS entry GROUP BY account",
    "DELETE FROM main.queue_line WHERE account NOT IN (SELECT account FROM main.queue_entry)",
];
const WAITING: &str = "SELECT count(*) FROM main.queue_entry WHERE json_extract(entry, '$.state.is') = 'waiting'";
const IS_THERE: &str = "SELECT count(*) FROM now.sqlite_master WHERE name = 'queue_entry'";

/// A backup may be older than its tables.
pub async fn prepare(connection: &mut SqliteConnection) -> Result<(), BackupError> {
    sqlx::raw_sql(SqliteQueue::SCHEMA).execute(connection).await?;
    Ok(())
}

/// Puts what waits in the attached `now` behind what waits in the backup.
pub async fn join(connection: &mut SqliteConnection) -> Result<(), BackupError> {
    let is_there: i64 = sqlx::query_scalar(IS_THERE).fetch_one(&mut *connection).await?;
    if is_there > 0 {
        for order in JOIN {
            sqlx::query(order).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// How many saves wait.
pub async fn waiting(connection: &mut SqliteConnection) -> Result<u64, BackupError> {
    let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(connection).await?;
    Ok(waiting.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use resilient_core::draft::Revision;
    use resilient_core::submission::queue::{Press, Tried};
    use resilient_drafts::queue::SubmissionQueue;
    use resilient_drafts::{Sealer, SqliteStore};

    use super::*;
    use crate::backup::unsaved;

    const LEASE: Duration = Duration::from_secs(60);

    async fn queue(file: &Path) -> (SqliteQueue, SqliteStore) {
        let store = SqliteStore::open(file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
        (SqliteQueue::beside(&store).await.unwrap(), store)
    }

    async fn put(queue: &SqliteQueue, id: &str) {
        let press = Press {
            id: id.to_owned(),
            form_key: format!("site/{id}"),
            revision: Revision {
                seq: 1,
                writer: id.to_owned(),
            },
            pressed_at_ms: 1,
            reason: None,
        };
        queue.enqueue("ann", &press, id.as_bytes()).await.unwrap();
    }

    async fn done(queue: &SqliteQueue) -> Vec<String> {
        let mut done = Vec::new();
        while let Some(leased) = queue.lease(5, LEASE).await.unwrap() {
            assert_eq!(leased.text.as_deref(), Some(leased.entry.id.as_bytes()));
            assert!(queue.settle(&leased, Tried::Saved, 6).await.unwrap());
            done.push(leased.entry.id);
        }
        done
    }

    #[tokio::test]
    async fn what_waits_now_waits_on_after_a_restore_behind_what_waited_then() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drafts.db");
        let backup = folder.path().join("backup.db");
        let (present, store) = queue(&file).await;
        for id in ["done since", "discarded since", "then"] {
            put(&present, id).await;
        }
        store.close().await;
        std::fs::copy(&file, &backup).unwrap();
        let (present, store) = queue(&file).await;
        let leased = present.lease(5, LEASE).await.unwrap().unwrap();
        assert!(present.settle(&leased, Tried::Saved, 6).await.unwrap());
        let revision = Revision {
            seq: 1,
            writer: "discarded since".to_owned(),
        };
        present.cancel("ann", "site/discarded since", &revision).await.unwrap();
        put(&present, "since").await;
        put(&present, "since, too").await;
        store.close().await;
        let (made, waiting) = unsaved::joined(&backup, &file, None, 7).await.unwrap();
        assert_eq!(waiting, 4);
        let (restored, _store) = queue(&made).await;
        // Whoever sends it asks the drafts first whether it was discarded.
        assert_eq!(
            done(&restored).await,
            ["discarded since", "then", "since", "since, too"]
        );
        assert_eq!(restored.list("ann").await.unwrap().entries.len(), 4);
    }

    #[tokio::test]
    async fn what_waits_now_stays_over_a_backup_of_a_time_before_there_was_a_queue() {
        let folder = tempfile::tempdir().unwrap();
        let (file, backup) = (folder.path().join("drafts.db"), folder.path().join("backup.db"));
        SqliteStore::open(&backup, Sealer::new(&[1; 32], "drafts"))
            .await
            .unwrap()
            .close()
            .await;
        let (present, store) = queue(&file).await;
        put(&present, "since").await;
        store.close().await;
        let (made, waiting) = unsaved::joined(&backup, &file, None, 7).await.unwrap();
        assert_eq!(waiting, 1);
        assert_eq!(done(&queue(&made).await.0).await, ["since"]);
    }
}
