//! Whether Inkfast's own tables are in the database: looked for now and then, so that asking costs nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use resilient_db::failure::Kind;
use resilient_db::{Connection, DbError};
use serde_json::{Value, json};

use crate::database::Database;
use crate::sql::Dialect;

/// A server that stays up while a backup is restored is not to be asked for saves meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// While nothing is prepared, and as long as they are away.
const LOOK_SOON: Duration = Duration::from_millis(200);
const TABLES: [&str; 3] = ["account", "submission", "audit"];

/// What the last look found.
#[derive(Debug, Default)]
pub struct OwnTablesSeen {
    last: Mutex<Option<(Instant, Presence)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// Nothing can be saved: they are missing, or this database account may not read them.
    Missing,
    /// Nothing can be saved, nor ever was: this account may not make them.
    KeptHere,
}

impl OwnTablesSeen {
    /// `unknown` before the first look.
    pub fn report(&self) -> Value {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match last {
            None => "unknown",
            Some((_, Presence::There)) => "there",
            Some((_, Presence::Missing | Presence::KeptHere)) => "missing",
        };
        json!({ "state": state, "looked_ms_ago": last.map(|(looked, _)| looked.elapsed().as_millis() as u64) })
    }

    /// Looked for and not found: nothing can be saved.
    pub fn are_missing(&self) -> bool {
        matches!(self.last(), Some(Presence::Missing | Presence::KeptHere))
    }

    /// They were there when this server began to serve, and are not: a backup is being restored, or will be.
    pub fn are_away(&self) -> bool {
        self.last() == Some(Presence::Missing)
    }

    fn last(&self) -> Option<Presence> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|(_, presence)| presence)
    }

    fn note(&self, presence: Presence) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), presence));
    }
}

/// Looks as long as somebody holds `seen`. `prepared`: whether there is anything to be found yet; `kept_here`:
/// they are in a file of this server, because the database account may not make them.
pub fn watch<D: Dialect>(
    seen: &Arc<OwnTablesSeen>,
    db: Database<D::Database>,
    prepared: Arc<AtomicBool>,
    kept_here: Arc<AtomicBool>,
) {
    let seen = Arc::downgrade(seen);
    tokio::spawn(async move {
        while seen.strong_count() > 0 {
            let pause = if !prepared.load(Ordering::Acquire) {
                LOOK_SOON
            } else {
                look::<D>(&seen, &db, &kept_here).await;
                match seen.upgrade().is_some_and(|seen| seen.are_away()) {
                    true => LOOK_SOON,
                    false => LOOK_EVERY,
                }
            };
            tokio::time::sleep(pause).await;
        }
    });
}

async fn look<D: Dialect>(seen: &Weak<OwnTablesSeen>, db: &Database<D::Database>, kept_here: &AtomicBool) {
    let presence = if kept_here.load(Ordering::Acquire) {
        Some(Presence::KeptHere)
    } else {
        presence(&ask::<D>(db).await)
    };
    if let (Some(seen), Some(presence)) = (seen.upgrade(), presence) {
        seen.note(presence);
    }
}

/// Looks now; `None` where the database cannot answer.
pub async fn are_there<D: Dialect>(db: &Database<D::Database>) -> Option<bool> {
    presence(&ask::<D>(db).await).map(|presence| presence == Presence::There)
}

/// No row is read: naming them is the question.
async fn ask<D: Dialect>(db: &Database<D::Database>) -> Result<(), DbError> {
    let tables = TABLES.map(D::own).join(", ");
    let sql = format!("SELECT 'x' FROM {tables} WHERE 1 = 0");
    let primary = db.primary();
    let asked = primary.read("own tables", |mut conn: Connection<D::Database>| {
        let sql = sql.clone();
        async move { D::fetch(&mut conn, sql, Vec::new()).await }
    });
    asked.await.map(drop)
}

/// A database that cannot answer says nothing about its tables.
fn presence(asked: &Result<(), DbError>) -> Option<Presence> {
    match asked {
        Ok(()) => Some(Presence::There),
        Err(error) if matches!(error.class.kind, Kind::Defect | Kind::Constraint) => Some(Presence::Missing),
        Err(_) => None,
    }
}
