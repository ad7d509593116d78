//! What a drill asks the database itself: to take a save of its own, and what became of all saves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::records::model::Text;
use async_trait::async_trait;
use resilient_db::failure::Outcome;
use resilient_db::{Connection, DbError, End, OnUnknownCommit};

use super::ledger::SaveId;
use crate::database::Database;
use crate::drafts::DraftService;
use crate::records::save;
use crate::sql::Dialect;

/// Ids looked for in one statement.
const AT_ONCE: usize = 100;
/// The latest lines of the audit, in which a save is sought twice: no drill makes more.
const LATEST_LINES: u32 = 100_000;

/// How a save of the drill's own ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnSave {
    Done,
    NotDone,
    Unknown,
}

#[async_trait]
pub trait Witness: Send + Sync {
    /// Whether there are own tables to save to, and to look into.
    fn can_look(&self) -> bool;

    /// Takes an id as every save does, in a transaction that is committed. Nobody's record is touched.
    async fn save(&self, account: &str, id: &str) -> OwnSave;

    /// Which of these saves are in the database.
    ///
    /// # Errors
    /// Those of the database.
    async fn stored(&self, saves: &BTreeSet<SaveId>) -> Result<BTreeSet<SaveId>, DbError>;

    /// How many of them have changed a record more than once, by the audit.
    ///
    /// # Errors
    /// Those of the database.
    async fn done_twice(&self, saves: &BTreeSet<SaveId>) -> Result<u64, DbError>;

    /// Whether the server keeps text for a form; `None` where that cannot be seen.
    async fn keeps_text(&self, account: &str, form_key: &str) -> Option<bool>;

    /// Forgets the ids of [`save`](Self::save). Whether that was done.
    async fn forget(&self, account: &str) -> bool;
}

pub struct DatabaseWitness<D: Dialect> {
    pub db: Database<D::Database>,
    pub drafts: Arc<DraftService>,
    pub prepared: Arc<AtomicBool>,
    /// There are no own tables in the database.
    pub read_only: Arc<AtomicBool>,
}

impl<D: Dialect> DatabaseWitness<D> {
    async fn rows(&self, sql: String, parameters: Vec<Text>) -> Result<Vec<Vec<Text>>, DbError> {
        let work = |mut conn: Connection<D::Database>| {
            let (sql, parameters) = (sql.clone(), parameters.clone());
            async move { D::fetch(&mut conn, sql, parameters).await }
        };
        self.db.primary().read("drill check", work).await
    }
}

#[async_trait]
impl<D: Dialect> Witness for DatabaseWitness<D> {
    fn can_look(&self) -> bool {
        self.prepared.load(Ordering::Acquire) && !self.read_only.load(Ordering::Acquire)
    }

    async fn save(&self, account: &str, id: &str) -> OwnSave {
        let work = |mut conn: Connection<D::Database>| {
            let (account, id) = (account.to_owned(), id.to_owned());
            async move {
                Ok(match save::claim::<D>(&mut conn, &account, &id, "").await? {
                    None => End::Commit(()),
                    Some(_) => End::Rollback(()),
                })
            }
        };
        match self
            .db
            .primary()
            .transaction("drill", OnUnknownCommit::Repeat, work)
            .await
        {
            Ok(()) => OwnSave::Done,
            Err(error) if error.class.outcome == Outcome::Unknown => OwnSave::Unknown,
            Err(_) => OwnSave::NotDone,
        }
    }

    async fn stored(&self, saves: &BTreeSet<SaveId>) -> Result<BTreeSet<SaveId>, DbError> {
        let mut stored = BTreeSet::new();
        for (account, ids) in by_account(saves) {
            for ids in ids.chunks(AT_ONCE) {
                let sql = format!(
                    "SELECT id FROM {} WHERE account = {} AND id IN ({})",
                    D::own("submission"),
                    D::placeholder(1),
                    places::<D>(2, ids.len())
                );
                let found = self.rows(sql, parameters(account, ids)).await?;
                let found = found.into_iter().filter_map(|mut row| row.pop().flatten());
                stored.extend(found.map(|id| (account.to_owned(), id)));
            }
        }
        Ok(stored)
    }

    async fn done_twice(&self, saves: &BTreeSet<SaveId>) -> Result<u64, DbError> {
        let mut twice = 0;
        let audit = D::own("audit");
        for (account, ids) in by_account(saves) {
            for ids in ids.chunks(AT_ONCE) {
                // Counted from the end: the audit may hold years, and is not sorted by saves.
                let sql = format!(
                    "SELECT submission FROM {audit} WHERE id > (SELECT max(id) FROM {audit}) - {LATEST_LINES} \
                     AND account = {} AND submission IN ({}) GROUP BY submission HAVING count(*) > 1",
                    D::placeholder(1),
                    places::<D>(2, ids.len())
                );
                twice += self.rows(sql, parameters(account, ids)).await?.len() as u64;
            }
        }
        Ok(twice)
    }

    async fn keeps_text(&self, account: &str, form_key: &str) -> Option<bool> {
        let seen = self.drafts.stored(account, form_key).await.ok()?;
        (seen.complete || !seen.drafts.is_empty()).then_some(!seen.drafts.is_empty())
    }

    async fn forget(&self, account: &str) -> bool {
        let work = |mut conn: Connection<D::Database>| {
            let sql = format!(
                "DELETE FROM {} WHERE account = {}",
                D::own("submission"),
                D::placeholder(1)
            );
            let account = Some(account.to_owned());
            async move { D::execute(&mut conn, sql, vec![account]).await }
        };
        let forgotten = self.db.write("drill forgets", work).await;
        if let Err(error) = &forgotten {
            tracing::debug!(%error, "ids of a drill cannot be forgotten now");
        }
        forgotten.is_ok()
    }
}

fn by_account(saves: &BTreeSet<SaveId>) -> BTreeMap<&str, Vec<&str>> {
    let mut sorted = BTreeMap::<&str, Vec<&str>>::new();
    for (account, id) in saves {
        sorted.entry(account).or_default().push(id);
    }
    sorted
}

fn places<D: Dialect>(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(D::placeholder).collect();
    places.join(", ")
}

fn parameters(account: &str, ids: &[&str]) -> Vec<Text> {
    let ids = ids.iter().map(|id| Some((*id).to_owned()));
    std::iter::once(Some(account.to_owned())).chain(ids).collect()
}
