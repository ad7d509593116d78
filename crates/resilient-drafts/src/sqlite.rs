//! Drafts in one SQLite file: the store of a single instance, with nothing to install.
//!
//! The texts are sealed, bound to account and form key; account, form key, revision and times are
//! not. Every write is on the disk before it is acknowledged (`synchronous=FULL`).

mod resealing;
mod rows;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use crate::form::Form;
use crate::step::{Ending, Room, Writing, to_its_end};
use crate::store::{too_old_at_ms, unavailable};
use crate::{Count, DraftStore, End, Ended, MOST_BYTES, MOST_DRAFTS, Place, Sealer, Seen, StoreError, Swept, Written};

/// Waiting longer than this for the file, or for a connection, is an outage.
const PATIENCE: Duration = Duration::from_secs(2);
const READERS: u32 = 4;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS draft (
        account TEXT NOT NULL, form_key TEXT NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL,
        lineage TEXT NOT NULL, sealed TEXT NOT NULL, changed_at_ms INTEGER NOT NULL,
        PRIMARY KEY (account, form_key, writer, seq)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS draft_by_age ON draft (changed_at_ms);
    CREATE INDEX IF NOT EXISTS draft_by_form ON draft (account, form_key, changed_at_ms);
    CREATE TABLE IF NOT EXISTS ended (
        account TEXT NOT NULL, form_key TEXT NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL,
        saved INTEGER NOT NULL, at_ms INTEGER NOT NULL, known_to TEXT,
        PRIMARY KEY (account, form_key, writer)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS ended_by_age ON ended (at_ms);
";
/// Files of earlier versions do not say who else knows of it.
const KNOWN_TO: &str = "ALTER TABLE ended ADD COLUMN known_to TEXT";

/// A store in a file. Cloning it is cheap.
#[derive(Clone)]
pub struct SqliteStore {
    /// SQLite has one writer at a time; one connection queues better than many that lock.
    writer: SqlitePool,
    readers: SqlitePool,
    sealer: Sealer,
}

impl SqliteStore {
    /// Opens the file and makes it where it is missing, readable by its owner alone. Drafts that
    /// `sealer` cannot open are left where they are until they are too old.
    ///
    /// # Errors
    /// Where the file cannot be made or is no database.
    pub async fn open(file: &Path, sealer: Sealer) -> Result<Self, StoreError> {
        make_private(file).map_err(|error| StoreError::Unavailable(error.into()))?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(unavailable)?;
        sqlx::raw_sql(SCHEMA).execute(&writer).await.map_err(unavailable)?;
        if !rows::says_who_knows(&writer).await.map_err(unavailable)? {
            sqlx::raw_sql(KNOWN_TO).execute(&writer).await.map_err(unavailable)?;
        }
        let readers = pool(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self {
            writer,
            readers,
            sealer,
        })
    }

    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Closes the file. Calls that come later fail.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that nobody else can write in between, from its first statement on.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// One step: what `decide` makes of a form is stored before anybody else sees it.
    pub(crate) async fn update<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        decide: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        self.update_known(account, form_key, room, None, decide).await
    }

    /// The same, where what has ended by it is `known_to` another store already.
    pub(crate) async fn update_known<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        known_to: Option<&str>,
        decide: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let mut transaction = self.begin().await.map_err(unavailable)?;
        let before = rows::form(&mut transaction, &self.sealer, account, form_key)
            .await
            .map_err(unavailable)?;
        let (told, after) = decide(&before);
        let difference = before.difference(&after);
        if difference.is_empty() {
            return Ok(told);
        }
        let is_limited = room == Room::Limited;
        if is_limited && difference.adds_drafts() && rows::count(&mut transaction, account).await? >= MOST_DRAFTS {
            return Err(StoreError::TooMany);
        }
        let bytes = rows::bytes(&mut transaction, account).await?;
        rows::apply(
            &mut transaction,
            &self.sealer,
            (account, form_key),
            &difference,
            known_to,
        )
        .await?;
        let bytes_after = rows::bytes(&mut transaction, account).await?;
        if is_limited && bytes_after > MOST_BYTES && bytes_after > bytes {
            // Dropped, the transaction has changed nothing.
            return Err(StoreError::TooMuch);
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(told)
    }

    /// Everything known of one form.
    pub(crate) async fn form(&self, account: &str, form_key: &str) -> Result<Form, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(unavailable)?;
        rows::form(&mut connection, &self.sealer, account, form_key)
            .await
            .map_err(unavailable)
    }

    /// Account and form key of all forms of which anything is known, and whether no other store is known to have all
    /// of it.
    #[cfg(feature = "redis")]
    pub(crate) async fn known_forms(&self) -> Result<Vec<(String, String, bool)>, StoreError> {
        rows::known_forms(&self.readers).await.map_err(unavailable)
    }

    /// Forgets the drafts of `form`, and nothing that came since; what has ended stays remembered, as `known_to` the
    /// store that has all of `form`.
    #[cfg(feature = "redis")]
    pub(crate) async fn forget(&self, account: &str, form: &Form, known_to: Option<&str>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await.map_err(unavailable)?;
        rows::forget(&mut transaction, account, form, known_to)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    /// What only stores other than `present` were known to know is known to none from now on: account and form key of
    /// each.
    #[cfg(feature = "redis")]
    pub(crate) async fn known_only_to(&self, present: &str) -> Result<Vec<(String, String)>, StoreError> {
        rows::known_only_to(&self.writer, present).await.map_err(unavailable)
    }
}

#[async_trait]
impl DraftStore for SqliteStore {
    async fn list(&self, account: &str) -> Result<Seen, StoreError> {
        let drafts = rows::of_account(&self.readers, &self.sealer, account).await;
        drafts.map_err(unavailable)
    }

    async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError> {
        let forms = rows::count_forms(&self.readers, account, too_old_at_ms(now_ms)).await;
        Ok(Count {
            forms: forms.map_err(unavailable)? as usize,
            complete: true,
        })
    }

    async fn load(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        Ok(self.form(account, form_key).await?.seen(true))
    }

    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError> {
        let writing = Writing::new(account, form_key, draft, mode, now_ms)?;
        let store = self.clone();
        to_its_end(async move {
            let decide = |form: &Form| writing.decide(form);
            let Writing { account, form_key, .. } = &writing;
            store.update(account, form_key, writing.room, decide).await
        })
        .await
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let ending = Ending::new(account, form_key, revision, end, now_ms);
        let store = self.clone();
        to_its_end(async move {
            let decide = |form: &Form| ending.decide(form);
            let Ending { account, form_key, .. } = &ending;
            store.update(account, form_key, Room::Unlimited, decide).await
        })
        .await
    }

    async fn how_ended(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Option<End>, StoreError> {
        Ok(self.form(account, form_key).await?.ended(revision))
    }

    async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError> {
        let too_old = too_old_at_ms(now_ms);
        let removed = rows::sweep(&self.writer, rows::OLD_DRAFTS, too_old).await;
        let removed = removed.map_err(unavailable)?;
        rows::sweep(&self.writer, rows::OLD_MARKS, too_old)
            .await
            .map_err(unavailable)?;
        let resealing = resealing::reseal(&self.writer, &self.readers, &self.sealer).await;
        let resealing::Resealed { resealed, unknown } = resealing.map_err(unavailable)?;
        Ok(Swept {
            removed,
            resealed,
            still_old: 0,
            unknown,
            complete: true,
        })
    }

    async fn check(&self) -> Result<Place, StoreError> {
        // A file that has vanished or cannot be written is seen by taking the write lock.
        let transaction = self.begin().await.map_err(unavailable)?;
        transaction.rollback().await.map_err(unavailable)?;
        Ok(Place::Server)
    }
}

/// SQLite gives its other files the rights of this one.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

#[cfg(test)]
mod tests;
