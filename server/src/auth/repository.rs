//! Accounts in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use app::auth::model::Role;
use async_trait::async_trait;
use resilient_db::failure::Kind;
use resilient_db::{Connection, DbError, End, OnUnknownCommit};

use super::directory::KnownAccount;
use crate::clock::now_ms;
use crate::database::Database;
use crate::sql::Dialect;

/// An account with its password hash: read for signing in, kept nowhere else.
#[derive(Clone)]
pub struct StoredAccount {
    pub known: KnownAccount,
    pub password_hash: String,
}

/// What became of a wish for a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    Added,
    /// There is one of that name.
    Taken,
    /// One of that name was removed, at this unix time in milliseconds. As long as that is known, servers that were away
    /// may still have unsaved text of it, which nobody else is to be shown.
    Rests {
        removed_at_ms: u64,
    },
}

/// What became of a wish to remove one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removing {
    Removed,
    NoSuchAccount,
    /// Nobody could do everything any more.
    LastSuperuser,
}

/// Where accounts are kept. Names are unique; not-found is `None` or `false`.
#[async_trait]
pub trait AccountStore: Send + Sync {
    async fn find(&self, name: &str) -> Result<Option<StoredAccount>, DbError>;
    async fn all(&self) -> Result<BTreeMap<String, KnownAccount>, DbError>;
    /// What tells these accounts from those of another database; `None` where that was not made.
    async fn mark(&self) -> Result<Option<String>, DbError>;
    async fn add(&self, name: &str, password_hash: &str, role: Role) -> Result<Adding, DbError>;
    /// Adds an account where there is none at all yet; `false` where there is.
    async fn add_first(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError>;
    /// Sets the password and ends every session of the account.
    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, DbError>;
    /// Gives the account another role and ends every session of it.
    async fn set_role(&self, name: &str, role: Role) -> Result<bool, DbError>;
    /// Switches the account off and ends every session of it.
    async fn disable(&self, name: &str) -> Result<bool, DbError>;
    /// Ends every session of the account.
    async fn sign_out_everywhere(&self, name: &str) -> Result<bool, DbError>;
    /// Removes the account, and notes that it was removed at this unix time in milliseconds: what is kept elsewhere
    /// under its name goes, too. What it has done stays in the histories of records.
    async fn remove(&self, name: &str, now_ms: u64) -> Result<Removing, DbError>;
    /// Names of removed accounts, with when that was.
    async fn removed(&self) -> Result<BTreeMap<String, u64>, DbError>;
    /// Sessions that were ended, with the unix time in milliseconds after which their cookies are over anyway; without
    /// those that are over now.
    async fn ended_sessions(&self, now_ms: u64) -> Result<BTreeMap<String, u64>, DbError>;
    /// Writes such sessions down; those that are there already stay.
    async fn end_sessions(&self, sessions: &BTreeMap<String, u64>) -> Result<(), DbError>;
    /// Forgets at most so many sessions that are over, and removals before a time; how many.
    async fn sweep(&self, now_ms: u64, removed_before_ms: u64, most: u32) -> Result<u64, DbError>;
}

pub struct AccountRepository<D: Dialect> {
    db: Database<D::Database>,
    /// Accounts whose role this version does not know, as told to the log once each.
    told: Mutex<BTreeSet<String>>,
}

impl<D: Dialect> AccountRepository<D> {
    pub fn new(db: Database<D::Database>) -> Self {
        Self {
            db,
            told: Mutex::default(),
        }
    }

    /// Runs one statement that changes at most one account, and tells whether it did.
    async fn change(&self, name: &'static str, sql: String, parameters: Vec<&str>) -> Result<bool, DbError> {
        let parameters: Vec<_> = parameters.into_iter().map(|text| Some(text.to_owned())).collect();
        let changed = self
            .db
            .write(name, |mut conn| {
                let (sql, parameters) = (sql.clone(), parameters.clone());
                async move { D::execute(&mut conn, sql, parameters).await }
            })
            .await?;
        Ok(changed > 0)
    }

    /// Rows of a name and a unix time in milliseconds.
    async fn named_times(&self, name: &'static str, sql: String) -> Result<BTreeMap<String, u64>, DbError> {
        let primary = self.db.primary();
        let rows = primary.read(name, |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move { D::fetch(&mut conn, sql, Vec::new()).await }
        });
        let read = |row: Vec<Option<String>>| {
            let [name, time] = <[Option<String>; 2]>::try_from(row).ok()?;
            Some((name?, time?.parse().ok()?))
        };
        Ok(rows.await?.into_iter().filter_map(read).collect())
    }

    async fn read(&self, name: &'static str, condition: &str, parameter: Option<&str>) -> Result<Vec<Row>, DbError> {
        let sql = format!(
            "SELECT name, password_hash, role, {}, {} FROM {} {condition}",
            D::as_text("epoch"),
            D::as_text("disabled"),
            D::own("account")
        );
        let parameters: Vec<_> = parameter.map(|text| Some(text.to_owned())).into_iter().collect();
        let rows = self
            .db
            .primary()
            .read(name, |mut conn| {
                let (sql, parameters) = (sql.clone(), parameters.clone());
                async move { D::fetch(&mut conn, sql, parameters).await }
            })
            .await?;
        Ok(rows.into_iter().filter_map(|row| self.understood(row)).collect())
    }

    /// A row with a role this version does not know is passed over: it grants nothing.
    fn understood(&self, row: Vec<Option<String>>) -> Option<Row> {
        Row::read(row)
            .map_err(|name| {
                let is_news = self
                    .told
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(name.clone());
                if is_news {
                    tracing::warn!(account = name, "this account has an unknown role: it has no rights");
                }
            })
            .ok()
    }
}

struct Row {
    name: String,
    account: StoredAccount,
}

impl Row {
    /// # Errors
    /// The name of an account that this version cannot understand.
    fn read(mut columns: Vec<Option<String>>) -> Result<Self, String> {
        let [name, password_hash, role, epoch, disabled] =
            std::array::from_fn(|at| columns.get_mut(at).and_then(Option::take).unwrap_or_default());
        let (Some(role), Ok(epoch)) = (Role::from_name(&role), epoch.parse()) else {
            return Err(name);
        };
        let known = KnownAccount {
            role,
            epoch,
            disabled: disabled != "false" && disabled != "0",
        };
        Ok(Self {
            name,
            account: StoredAccount { known, password_hash },
        })
    }
}

#[async_trait]
impl<D: Dialect> AccountStore for AccountRepository<D> {
    async fn find(&self, name: &str) -> Result<Option<StoredAccount>, DbError> {
        let rows = self
            .read("account", &format!("WHERE name = {}", D::placeholder(1)), Some(name))
            .await?;
        Ok(rows.into_iter().next().map(|row| row.account))
    }

    async fn all(&self) -> Result<BTreeMap<String, KnownAccount>, DbError> {
        let rows = self.read("accounts", "", None).await?;
        Ok(rows.into_iter().map(|row| (row.name, row.account.known)).collect())
    }

    async fn mark(&self) -> Result<Option<String>, DbError> {
        let sql = format!("SELECT min(id) FROM {}", D::own("account_store"));
        let primary = self.db.primary();
        let rows = primary.read("account store", |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move { D::fetch(&mut conn, sql, Vec::new()).await }
        });
        Ok(rows.await?.into_iter().flatten().next().flatten())
    }

    async fn add(&self, name: &str, password_hash: &str, role: Role) -> Result<Adding, DbError> {
        // An account that had this name before was never younger: what was signed in as that one stays out.
        let (account, removed, epoch) = (D::own("account"), D::own("removed_account"), now_ms());
        let sql = format!(
            "INSERT INTO {account} (name, password_hash, role, epoch) SELECT {name}, {}, {}, {epoch} \
             FROM (SELECT 1 AS one) AS once WHERE NOT EXISTS (SELECT 1 FROM {account} WHERE name = {name}) \
             AND NOT EXISTS (SELECT 1 FROM {removed} WHERE name = {name})",
            D::placeholder(2),
            D::placeholder(3),
            name = D::placeholder(1),
        );
        let added = self
            .change("add account", sql, vec![name, password_hash, role.name()])
            .await;
        let failed = match added {
            Ok(true) => return Ok(Adding::Added),
            Ok(false) => None,
            Err(error) => Some(error),
        };
        let found = self.find(name).await?;
        match failed {
            // It was done, and the answer was lost.
            Some(_) if found.as_ref().is_some_and(|found| found.password_hash == password_hash) => Ok(Adding::Added),
            // Somebody else was quicker.
            Some(error) if error.class.kind == Kind::Constraint && found.is_some() => Ok(Adding::Taken),
            Some(error) => Err(error),
            None if found.is_some() => Ok(Adding::Taken),
            None => Ok(match self.removed().await?.get(name) {
                Some(&removed_at_ms) => Adding::Rests { removed_at_ms },
                None => Adding::Taken,
            }),
        }
    }

    async fn add_first(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError> {
        let (account, epoch) = (D::own("account"), now_ms());
        let sql = format!(
            "INSERT INTO {account} (name, password_hash, role, epoch) SELECT {}, {}, {}, {epoch} \
             FROM (SELECT 1 AS one) AS once WHERE NOT EXISTS (SELECT 1 FROM {account})",
            D::placeholder(1),
            D::placeholder(2),
            D::placeholder(3)
        );
        self.change("add first account", sql, vec![name, password_hash, role.name()])
            .await
    }

    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, DbError> {
        let sql = format!(
            "UPDATE {} SET password_hash = {}, epoch = epoch + 1 WHERE name = {}",
            D::own("account"),
            D::placeholder(1),
            D::placeholder(2)
        );
        self.change("set password", sql, vec![password_hash, name]).await
    }

    async fn set_role(&self, name: &str, role: Role) -> Result<bool, DbError> {
        let sql = format!(
            "UPDATE {} SET role = {}, epoch = epoch + 1 WHERE name = {}",
            D::own("account"),
            D::placeholder(1),
            D::placeholder(2)
        );
        self.change("set role", sql, vec![role.name(), name]).await
    }

    async fn disable(&self, name: &str) -> Result<bool, DbError> {
        let account = D::own("account");
        let sql = format!(
            "UPDATE {account} SET disabled = (1 = 1), epoch = epoch + 1 WHERE name = {}",
            D::placeholder(1)
        );
        self.change("disable account", sql, vec![name]).await
    }

    async fn sign_out_everywhere(&self, name: &str) -> Result<bool, DbError> {
        let sql = format!(
            "UPDATE {} SET epoch = epoch + 1 WHERE name = {}",
            D::own("account"),
            D::placeholder(1)
        );
        self.change("sign out everywhere", sql, vec![name]).await
    }

    async fn remove(&self, name: &str, now_ms: u64) -> Result<Removing, DbError> {
        let (account, removed, place) = (D::own("account"), D::own("removed_account"), D::placeholder(1));
        let statements = [
            format!("DELETE FROM {removed} WHERE name = {place}"),
            format!("INSERT INTO {removed} (name, at_ms) SELECT name, {now_ms} FROM {account} WHERE name = {place}"),
            format!("DELETE FROM {account} WHERE name = {place}"),
        ];
        let superuser = format!("role = '{}' AND disabled = (1 = 0)", Role::Superuser.name());
        // Nobody else changes one of them until this is over: of the last two, one stays.
        let hold = format!("UPDATE {account} SET epoch = epoch WHERE {superuser}");
        let superusers = format!("SELECT name FROM {account} WHERE {superuser}");
        let work = |mut conn: Connection<D::Database>| {
            let (statements, name) = (statements.clone(), Some(name.to_owned()));
            let (hold, superusers) = (hold.clone(), superusers.clone());
            async move {
                D::execute(&mut conn, hold, Vec::new()).await?;
                if D::fetch(&mut conn, superusers, Vec::new()).await? == [[name.clone()]] {
                    return Ok(End::Rollback(Removing::LastSuperuser));
                }
                let mut removed = 0;
                for statement in statements {
                    removed = D::execute(&mut conn, statement, vec![name.clone()]).await?;
                }
                Ok(match removed {
                    0 => End::Rollback(Removing::NoSuchAccount),
                    _ => End::Commit(Removing::Removed),
                })
            }
        };
        let primary = self.db.primary();
        let removed = primary
            .transaction("remove account", OnUnknownCommit::Repeat, work)
            .await?;
        // Where the first commit's answer was lost, the second found nothing to remove.
        let was_done = removed == Removing::NoSuchAccount && self.removed().await?.get(name) == Some(&now_ms);
        Ok(if was_done { Removing::Removed } else { removed })
    }

    async fn removed(&self) -> Result<BTreeMap<String, u64>, DbError> {
        let sql = format!(
            "SELECT name, {} FROM {}",
            D::as_text("at_ms"),
            D::own("removed_account")
        );
        self.named_times("removed accounts", sql).await
    }

    async fn ended_sessions(&self, now_ms: u64) -> Result<BTreeMap<String, u64>, DbError> {
        let sql = format!(
            "SELECT id, {} FROM {} WHERE over_at_ms > {now_ms}",
            D::as_text("over_at_ms"),
            D::own("ended_session")
        );
        self.named_times("ended sessions", sql).await
    }

    async fn end_sessions(&self, sessions: &BTreeMap<String, u64>) -> Result<(), DbError> {
        let ended = D::own("ended_session");
        for (id, over_at_ms) in sessions {
            let sql = format!(
                "INSERT INTO {ended} (id, over_at_ms) SELECT {id}, {over_at_ms} \
                 FROM (SELECT 1 AS one) AS once WHERE NOT EXISTS (SELECT 1 FROM {ended} WHERE id = {id})",
                id = D::placeholder(1),
            );
            self.change("end session", sql, vec![id]).await?;
        }
        Ok(())
    }

    async fn sweep(&self, now_ms: u64, removed_before_ms: u64, most: u32) -> Result<u64, DbError> {
        let over = format!("over_at_ms <= {now_ms}");
        let over = D::delete_at_most(&D::own("ended_session"), "id", &over, most);
        let old = format!("at_ms < {removed_before_ms}");
        let old = D::delete_at_most(&D::own("removed_account"), "name", &old, most);
        let mut swept = 0;
        for sql in [over, old] {
            let sweep = |mut conn: Connection<D::Database>| {
                let sql = sql.clone();
                async move { D::execute(&mut conn, sql, Vec::new()).await }
            };
            swept += self.db.write("sweep accounts", sweep).await?;
        }
        Ok(swept)
    }
}
