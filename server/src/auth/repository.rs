//! Accounts in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use app::auth::model::Role;
use async_trait::async_trait;
use resilient_db::DbError;

use super::directory::KnownAccount;
use crate::database::Database;
use crate::sql::Dialect;

/// An account with its password hash: read for signing in, kept nowhere else.
#[derive(Clone)]
pub struct StoredAccount {
    pub known: KnownAccount,
    pub password_hash: String,
}

/// Where accounts are kept. Names are unique; not-found is `None` or `false`.
#[async_trait]
pub trait AccountStore: Send + Sync {
    async fn find(&self, name: &str) -> Result<Option<StoredAccount>, DbError>;
    async fn all(&self) -> Result<BTreeMap<String, KnownAccount>, DbError>;
    /// Adds an account; `false` where the name is taken.
    async fn add(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError>;
    /// Adds an account where there is none at all yet; `false` where there is.
    async fn add_first(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError>;
    /// Sets the password and ends every session of the account.
    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, DbError>;
    /// Gives the account another role and ends every session of it.
    async fn set_role(&self, name: &str, role: Role) -> Result<bool, DbError>;
    /// Switches the account off and ends every session of it.
    async fn disable(&self, name: &str) -> Result<bool, DbError>;
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

    async fn add(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError> {
        let sql = D::insert_unless_taken(&D::own("account"), &["name", "password_hash", "role"], 1);
        self.change("add account", sql, vec![name, password_hash, role.name()])
            .await
    }

    async fn add_first(&self, name: &str, password_hash: &str, role: Role) -> Result<bool, DbError> {
        let account = D::own("account");
        let sql = format!(
            "INSERT INTO {account} (name, password_hash, role) SELECT {}, {}, {} \
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
}
