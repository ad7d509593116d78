//! Writing errors down in the database, beside everything else: no request waits for it. What is in memory is the
//! queue; while the database is away it waits there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit};

use super::stored::{self, Row};
use super::{Entry, ErrorHistory, KeptIn};
use crate::sql::Dialect;

/// All calls of this module: what becomes of them is no error to write down.
pub(super) const CALL: &str = "error history";

const WRITE_EVERY: Duration = Duration::from_secs(2);
/// Rounds from one look at what others have written to the next.
const LOOK_EVERY: u32 = 5;
/// Entries of one transaction.
const AT_ONCE: usize = 50;

/// Keeps what `history` has as long as somebody holds it. `prepared`: the own tables are up to date; `read_only`: there
/// are none.
pub fn keep<D: Dialect>(
    history: &Arc<ErrorHistory>,
    db: Db<D::Database>,
    prepared: Arc<AtomicBool>,
    read_only: Arc<AtomicBool>,
) {
    let history = Arc::downgrade(history);
    tokio::spawn(async move {
        let mut round = 0u32;
        while history.strong_count() > 0 {
            if prepared.load(Ordering::Acquire) {
                match read_only.load(Ordering::Acquire) {
                    true => with(&history, ErrorHistory::keep_in_memory),
                    false => one_round::<D>(&history, &db, round.is_multiple_of(LOOK_EVERY)).await,
                }
                round = round.wrapping_add(1);
            }
            tokio::time::sleep(WRITE_EVERY).await;
        }
    });
}

fn with(history: &Weak<ErrorHistory>, told: impl FnOnce(&ErrorHistory)) {
    if let Some(history) = history.upgrade() {
        told(&history);
    }
}

async fn one_round<D: Dialect>(history: &Weak<ErrorHistory>, db: &Db<D::Database>, looks: bool) {
    // Refused without an attempt, and noted as such by whoever looks at calls: not worth asking.
    let Some(history) = history.upgrade().filter(|_| db.retry_after().is_none()) else {
        return;
    };
    let done = async {
        write_all::<D>(&history, db).await?;
        if looks {
            look::<D>(&history, db).await?;
        }
        Ok::<_, DbError>(())
    };
    if let Err(error) = done.await {
        tracing::debug!(%error, "errors are written down later");
    }
}

async fn write_all<D: Dialect>(history: &ErrorHistory, db: &Db<D::Database>) -> Result<(), DbError> {
    loop {
        let entries = history.unwritten(AT_ONCE);
        if entries.is_empty() {
            return Ok(());
        }
        let work = |mut conn: Connection<D::Database>| {
            let (instance, entries) = (history.instance.clone(), entries.clone());
            async move {
                for entry in entries {
                    let row = Row::of(entry.number, &entry.error);
                    stored::write::<D>(&mut conn, &instance, row).await?;
                }
                Ok(End::Commit(()))
            }
        };
        // Written twice it is the same, so what is in doubt is written again in the next round.
        db.transaction(CALL, OnUnknownCommit::Report, work).await?;
        history.note_written(&entries);
    }
}

async fn look<D: Dialect>(history: &ErrorHistory, db: &Db<D::Database>) -> Result<(), DbError> {
    let work = |mut conn: Connection<D::Database>| {
        let instance = history.instance.clone();
        async move { stored::of_others::<D>(&mut conn, &instance, super::AT_MOST).await }
    };
    let elsewhere = db.read(CALL, work).await?;
    history.keep_in_database(elsewhere);
    let oldest = db.read(CALL, |mut conn: Connection<D::Database>| async move {
        stored::oldest_to_go::<D>(&mut conn, super::AT_MOST).await
    });
    if let Some(oldest) = oldest.await? {
        let sweep = |mut conn: Connection<D::Database>| async move { stored::sweep::<D>(&mut conn, oldest).await };
        db.write(CALL, sweep).await?;
    }
    Ok(())
}

impl ErrorHistory {
    fn keep_in_memory(&self) {
        self.noted().kept_in = KeptIn::Memory;
    }

    fn keep_in_database(&self, elsewhere: Vec<app::monitoring::model::NotedError>) {
        let mut noted = self.noted();
        noted.kept_in = KeptIn::Database;
        noted.elsewhere = elsewhere;
    }

    /// The oldest of those that are not in the database as they are here.
    fn unwritten(&self, at_most: usize) -> Vec<Entry> {
        let noted = self.noted();
        let unwritten = noted.entries.iter().filter(|entry| entry.written < entry.error.times);
        unwritten.take(at_most).cloned().collect()
    }

    /// What came meanwhile is written next time.
    fn note_written(&self, entries: &[Entry]) {
        let mut noted = self.noted();
        for written in entries {
            let entry = noted.entries.iter_mut().find(|entry| entry.number == written.number);
            if let Some(entry) = entry {
                entry.written = written.error.times;
            }
        }
    }
}
