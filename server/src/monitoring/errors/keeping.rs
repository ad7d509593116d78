//! Writing errors down in the database, beside everything else: no request waits for it. What is in memory is the
//! queue; while the database is away it waits there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use resilient_db::failure::Kind;
use resilient_db::{Connection, DbError, End, OnUnknownCommit};

use super::stored::{self, Row};
use super::{Entry, ErrorHistory, KeptIn};
use crate::database::Database;
use crate::sql::Dialect;

/// The calls of this module are named so: what becomes of them is no error to write down.
const OWN_CALLS: &str = "error history";

pub(super) fn is_own_call(name: &str) -> bool {
    name.starts_with(OWN_CALLS)
}

const WRITE_EVERY: Duration = Duration::from_secs(2);
/// Rounds from one look at what others have written to the next.
const LOOK_EVERY: u32 = 5;
/// Rounds from one look for the table to the next, while it is missing.
const LOOK_WHILE_MISSING: u32 = 30;
/// Entries of one transaction.
const AT_ONCE: usize = 50;

/// Keeps what `history` has as long as somebody holds it. `prepared`: the own tables are up to date; `read_only`: there
/// are none.
pub fn keep<D: Dialect>(
    history: &Arc<ErrorHistory>,
    db: Database<D::Database>,
    prepared: Arc<AtomicBool>,
    read_only: Arc<AtomicBool>,
) {
    let history = Arc::downgrade(history);
    tokio::spawn(async move {
        let (mut round, mut has_more, mut missing_for) = (0u32, false, 0u32);
        while history.strong_count() > 0 {
            missing_for = missing_for.saturating_sub(1);
            if prepared.load(Ordering::Acquire) && missing_for == 0 {
                let looks = has_more || round.is_multiple_of(LOOK_EVERY);
                has_more = match read_only.load(Ordering::Acquire) {
                    true => {
                        with(&history, ErrorHistory::keep_in_memory);
                        false
                    }
                    false => one_round::<D>(&history, &db, looks)
                        .await
                        .unwrap_or_else(|TableMissing| {
                            with(&history, ErrorHistory::keep_in_memory);
                            missing_for = LOOK_WHILE_MISSING;
                            false
                        }),
                };
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

/// It is not there, or not for this account.
struct TableMissing;

/// Whether there are more than are kept, so that the next round should look, too.
async fn one_round<D: Dialect>(
    history: &Weak<ErrorHistory>,
    db: &Database<D::Database>,
    looks: bool,
) -> Result<bool, TableMissing> {
    // Refused without an attempt, and noted as such by whoever looks at calls: not worth asking.
    let Some(history) = history.upgrade().filter(|_| db.state().retry_after.is_none()) else {
        return Ok(false);
    };
    let done = async {
        write_all::<D>(&history, db).await?;
        match looks {
            true => look::<D>(&history, db).await,
            false => Ok(false),
        }
    };
    done.await.or_else(|error: DbError| {
        tracing::debug!(%error, "errors are written down later");
        match error.class.kind {
            Kind::Defect | Kind::Constraint => Err(TableMissing),
            _ => Ok(false),
        }
    })
}

async fn write_all<D: Dialect>(history: &ErrorHistory, db: &Database<D::Database>) -> Result<(), DbError> {
    // As often as it takes for all there can be. An error that goes on while this writes is written next time: the
    // database has enough to do then.
    for _ in 0..super::AT_MOST.div_ceil(AT_ONCE) {
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
        db.primary()
            .transaction("error history write", OnUnknownCommit::Report, work)
            .await?;
        history.note_written(&entries);
        if entries.len() < AT_ONCE {
            break;
        }
    }
    Ok(())
}

/// What others have written; some of those that are too many are forgotten. Whether there are more of them.
async fn look<D: Dialect>(history: &ErrorHistory, db: &Database<D::Database>) -> Result<bool, DbError> {
    let work = |mut conn: Connection<D::Database>| {
        let instance = history.instance.clone();
        async move { stored::of_others::<D>(&mut conn, &instance, super::AT_MOST).await }
    };
    let primary = db.primary();
    let elsewhere = primary.read("error history look", work).await?;
    history.keep_in_database(elsewhere);
    let oldest = primary.read("error history count", |mut conn: Connection<D::Database>| async move {
        stored::oldest_to_go::<D>(&mut conn, super::AT_MOST).await
    });
    let Some(oldest) = oldest.await? else {
        return Ok(false);
    };
    let sweep = |mut conn: Connection<D::Database>| async move { stored::sweep::<D>(&mut conn, oldest).await };
    let swept = db.write("error history sweep", sweep).await?;
    Ok(swept == u64::from(stored::SWEPT_AT_ONCE))
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
