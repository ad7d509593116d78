//! Lines in the file that drafts are in.

use std::time::Duration;

use async_trait::async_trait;
use resilient_core::submission::queue::{LONGEST_PAUSE_MS, Line};
use sqlx::{SqliteConnection, SqlitePool};

use super::lines::{self, Decide, Difference, Lines, Text};
use crate::store::unavailable;
use crate::{Sealer, SqliteStore, StoreError};

/// Accounts looked at for one lease.
const OFFERED: i64 = 16;

/// A queue in a file. Cloning it is cheap.
#[derive(Clone)]
pub struct SqliteQueue {
    file: SqliteStore,
}

impl SqliteQueue {
    /// Its tables, for those who make such a file themselves. Those that are there stay as they are.
    pub const SCHEMA: &str = "
        CREATE TABLE IF NOT EXISTS queue_line (
            account TEXT PRIMARY KEY, head TEXT NOT NULL, due_at_ms INTEGER
        ) STRICT;
        CREATE INDEX IF NOT EXISTS queue_line_due ON queue_line (due_at_ms) WHERE due_at_ms IS NOT NULL;
        CREATE TABLE IF NOT EXISTS queue_entry (
            account TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL,
            PRIMARY KEY (account, id)
        ) STRICT;
        CREATE TABLE IF NOT EXISTS queue_text (
            account TEXT NOT NULL, id TEXT NOT NULL, sealed TEXT NOT NULL,
            PRIMARY KEY (account, id)
        ) STRICT;
    ";

    /// In the same file as `drafts`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub async fn beside(drafts: &SqliteStore) -> Result<Self, StoreError> {
        sqlx::raw_sql(Self::SCHEMA)
            .execute(drafts.writer())
            .await
            .map_err(unavailable)?;
        Ok(Self { file: drafts.clone() })
    }

    fn readers(&self) -> &SqlitePool {
        self.file.readers()
    }
}

#[async_trait]
impl Lines for SqliteQueue {
    fn sealer(&self) -> &Sealer {
        self.file.sealer()
    }

    async fn line(&self, account: &str) -> Result<Line, StoreError> {
        let mut reading = self.readers().begin().await.map_err(unavailable)?;
        read(&mut reading, account).await
    }

    async fn update(&self, account: &str, text: Option<Text<'_>>, decide: &Decide<'_>) -> Result<(), StoreError> {
        let mut transaction = self.file.begin().await.map_err(unavailable)?;
        let before = read(&mut transaction, account).await?;
        let after = decide(&before);
        let difference = Difference::between(&before, &after);
        if difference.is_empty() {
            return Ok(());
        }
        write(&mut transaction, account, &difference, text).await?;
        write_head(&mut transaction, account, &after).await?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn text(&self, account: &str, id: &str) -> Result<Option<String>, StoreError> {
        let text = sqlx::query_scalar("SELECT sealed FROM queue_text WHERE account = ? AND id = ?");
        let text = text.bind(account).bind(id).fetch_optional(self.readers());
        text.await.map_err(unavailable)
    }

    async fn reseal_text(&self, account: &str, id: &str, before: &str, after: &str) -> Result<(), StoreError> {
        let reseal = sqlx::query("UPDATE queue_text SET sealed = ? WHERE account = ? AND id = ? AND sealed = ?");
        let reseal = reseal.bind(after).bind(account).bind(id).bind(before);
        reseal.execute(self.file.writer()).await.map_err(unavailable)?;
        Ok(())
    }

    /// The file says itself what is due.
    async fn offered(&self, now_ms: u64) -> Result<Vec<String>, StoreError> {
        // What is further ahead than anything can be was noted by a clock that was set back since.
        let due = "SELECT account FROM queue_line WHERE due_at_ms <= ? OR due_at_ms > ? ORDER BY due_at_ms LIMIT ?";
        let furthest_ms = now_ms.saturating_add(LONGEST_PAUSE_MS);
        let due = sqlx::query_scalar(due)
            .bind(signed(now_ms))
            .bind(signed(furthest_ms))
            .bind(OFFERED);
        due.fetch_all(self.readers()).await.map_err(unavailable)
    }

    async fn offer(&self, _account: &str, _wait: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn offer_all(&self, _accounts: &[String]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn looked(&self, _account: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn accounts(&self) -> Result<Vec<String>, StoreError> {
        let accounts = sqlx::query_scalar("SELECT account FROM queue_line ORDER BY account");
        accounts.fetch_all(self.readers()).await.map_err(unavailable)
    }
}

async fn read(connection: &mut SqliteConnection, account: &str) -> Result<Line, StoreError> {
    let head = sqlx::query_scalar("SELECT head FROM queue_line WHERE account = ?").bind(account);
    let head: Option<String> = head.fetch_optional(&mut *connection).await.map_err(unavailable)?;
    let Some(head) = head else {
        return Ok(Line::default());
    };
    let entries = sqlx::query_scalar("SELECT entry FROM queue_entry WHERE account = ? ORDER BY position");
    let entries: Vec<String> = entries.bind(account).fetch_all(connection).await.map_err(unavailable)?;
    Ok(Line {
        head: serde_json::from_str(&head).map_err(unavailable)?,
        entries: entries.iter().filter_map(|entry| lines::read_entry(entry)).collect(),
    })
}

async fn write(
    connection: &mut SqliteConnection,
    account: &str,
    difference: &Difference<'_>,
    text: Option<Text<'_>>,
) -> Result<(), StoreError> {
    for id in &difference.remove {
        let remove = sqlx::query("DELETE FROM queue_entry WHERE account = ? AND id = ?");
        let remove = remove.bind(account).bind(*id).execute(&mut *connection);
        remove.await.map_err(unavailable)?;
    }
    for entry in &difference.put {
        let put = sqlx::query("INSERT OR REPLACE INTO queue_entry (account, id, position, entry) VALUES (?, ?, ?, ?)");
        let json = serde_json::to_string(entry).map_err(unavailable)?;
        let put = put.bind(account).bind(&entry.id).bind(signed(entry.order)).bind(json);
        put.execute(&mut *connection).await.map_err(unavailable)?;
    }
    for id in &difference.ends {
        let remove = sqlx::query("DELETE FROM queue_text WHERE account = ? AND id = ?");
        let remove = remove.bind(account).bind(*id).execute(&mut *connection);
        remove.await.map_err(unavailable)?;
    }
    if let Some(Text { id, sealed }) = text.filter(|text| difference.begins.contains(&text.id)) {
        let put = sqlx::query("INSERT OR REPLACE INTO queue_text (account, id, sealed) VALUES (?, ?, ?)");
        let put = put.bind(account).bind(id).bind(sealed).execute(connection);
        put.await.map_err(unavailable)?;
    }
    Ok(())
}

/// A line without entries is forgotten, unless somebody may come back with a token.
async fn write_head(connection: &mut SqliteConnection, account: &str, after: &Line) -> Result<(), StoreError> {
    if after.entries.is_empty() && after.head.lease.is_none() {
        let remove = sqlx::query("DELETE FROM queue_line WHERE account = ?").bind(account);
        remove.execute(connection).await.map_err(unavailable)?;
        return Ok(());
    }
    let put = sqlx::query("INSERT OR REPLACE INTO queue_line (account, head, due_at_ms) VALUES (?, ?, ?)");
    let head = serde_json::to_string(&after.head).map_err(unavailable)?;
    let put = put.bind(account).bind(head).bind(after.due_as_noted_ms().map(signed));
    put.execute(connection).await.map_err(unavailable)?;
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use resilient_core::submission::queue::Tried;

    use super::*;
    use crate::queue::SubmissionQueue;
    use crate::seal::Secrets;

    async fn opened(file: &std::path::Path) -> SqliteQueue {
        let drafts = SqliteStore::open(file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
        SqliteQueue::beside(&drafts).await.unwrap()
    }

    async fn fresh() -> (SqliteQueue, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (opened(&folder.path().join("drafts.db")).await, folder)
    }

    crate::queue_contract_tests!(super::fresh());

    #[tokio::test]
    async fn what_was_acknowledged_is_there_after_a_restart_and_can_be_read_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drafts.db");
        let queue = opened(&file).await;
        let press = crate::queue::contract::press("1", "site/1");
        queue.enqueue("ann", &press, b"a very private text").await.unwrap();
        let listed = queue.list("ann").await.unwrap();
        queue.file.close().await;
        let queue = opened(&file).await;
        assert_eq!(queue.list("ann").await.unwrap(), listed);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let text = b"a very private text";
            assert!(!bytes.windows(text.len()).any(|part| part == text));
        }
    }

    #[tokio::test]
    async fn what_waits_is_sealed_anew_when_the_secret_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drafts.db");
        let with = async |present: u8, old: &[u8]| {
            let secrets = Secrets {
                old: old.iter().map(|one| [*one; 32]).collect(),
                ..Secrets::from([present; 32])
            };
            let drafts = SqliteStore::open(&file, Sealer::of(&secrets, "drafts")).await.unwrap();
            SqliteQueue::beside(&drafts).await.unwrap()
        };
        let press = crate::queue::contract::press("1", "site/1");
        let before = with(1, &[]).await;
        before.enqueue("ann", &press, b"text").await.unwrap();
        before.file.close().await;
        let swept = with(2, &[]).await.reseal().await.unwrap();
        assert_eq!((swept.resealed, swept.unknown), (0, 1), "without the old one it stays");
        let without = with(2, &[]).await;
        let leased = without.lease(3, crate::queue::contract::LEASE).await.unwrap().unwrap();
        assert_eq!((leased.text.as_deref(), leased.is_of_another_secret), (None, true));
        assert!(without.settle(&leased, Tried::Sealed, 4).await.unwrap());
        without.file.close().await;
        let after = with(2, &[1]).await;
        assert_eq!(after.reseal().await.unwrap().resealed, 1);
        assert_eq!(after.reseal().await.unwrap().resealed, 0, "once");
        after.file.close().await;
        let leased = with(2, &[]).await.lease(10_000, crate::queue::contract::LEASE).await;
        assert_eq!(leased.unwrap().unwrap().text.as_deref(), Some(&b"text"[..]));
    }

    /// A line is forgotten with its last entry, and tokens begin anew: nobody may hold one then.
    #[tokio::test]
    async fn an_empty_line_leaves_nothing_behind() {
        let (queue, _folder) = fresh().await;
        let press = crate::queue::contract::press("1", "site/1");
        queue.enqueue("ann", &press, b"text").await.unwrap();
        assert_eq!(queue.cancel("ann", "site/1", &press.revision).await.unwrap(), 1);
        assert_eq!(queue.accounts().await.unwrap(), Vec::<String>::new());
        assert_eq!(queue.text("ann", "1").await.unwrap(), None);
    }
}
