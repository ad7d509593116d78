//! Signing in and out, and knowing who asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use app::auth::model::Account;
use resilient_db::DbError;
use tokio::sync::Notify;

use super::directory::{Changed, Directory};
use super::password::Passwords;
use super::repository::AccountStore;
use super::session::{ABSOLUTE_MS, Session};
use super::throttle::Throttle;
use crate::clock::now_ms;
use crate::instances::{Others, Told};
use crate::keys::Keys;

/// Why somebody is not signed in.
#[derive(Debug)]
pub enum SignInRefused {
    /// Unknown account, wrong password, or switched off: said the same way.
    WrongCredentials,
    /// Too many failures; try again after this many milliseconds.
    Throttled { wait_ms: u64 },
    /// Accounts cannot be read now.
    Unavailable(DbError),
}

/// Accounts that other servers are told of at once; of more they read themselves.
const MOST_TOLD: usize = 200;
/// Bytes; no account has a longer name.
const LONGEST_NAME: usize = 256;

pub struct Auth {
    accounts: RwLock<Arc<dyn AccountStore>>,
    pub directory: Arc<Directory>,
    passwords: Passwords,
    throttle: Mutex<Throttle>,
    keys: Keys,
    others: Others,
    /// Rings when there is something to write down.
    ended: Notify,
}

impl Auth {
    pub fn new(accounts: Arc<dyn AccountStore>, directory: Arc<Directory>, keys: Keys, others: Others) -> Self {
        Self {
            accounts: RwLock::new(accounts),
            directory,
            passwords: Passwords::new(),
            throttle: Mutex::default(),
            keys,
            others,
            ended: Notify::new(),
        }
    }

    /// Checks a password and begins a session. `known_account` is whom this browser's device cookie names.
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        address: &str,
        known_account: Option<&str>,
    ) -> Result<Session, SignInRefused> {
        let now = now_ms();
        if name.len() > LONGEST_NAME {
            return Err(SignInRefused::WrongCredentials);
        }
        let known_device = known_account == Some(name);
        if let Err(wait_ms) = self.throttle().begin(name, address, known_device, now) {
            return Err(SignInRefused::Throttled { wait_ms });
        }
        let stored = self.accounts().find(name).await.map_err(|error| {
            self.throttle().not_tried(name, address, known_device);
            SignInRefused::Unavailable(error)
        })?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await;
        let Some(stored) = stored.filter(|stored| matches && !stored.known.disabled) else {
            return Err(SignInRefused::WrongCredentials);
        };
        self.throttle().succeeded(name, address, known_device);
        let session = Session {
            account: name.to_owned(),
            id: uuid::Uuid::new_v4().to_string(),
            epoch: stored.known.epoch,
            issued_at_ms: now,
            seen_at_ms: now,
        };
        if let Err(error) = self.directory.learn(name, stored.known) {
            tracing::error!(%error, "accounts cannot be kept in the data directory");
        }
        Ok(session)
    }

    /// Ends the session; its cookie never counts again: here at once, on other servers as soon as they hear of it or
    /// read it in the database.
    pub fn sign_out(&self, session: &Session) {
        if let Err(error) = self.directory.end(session, now_ms()) {
            tracing::error!(%error, "an ended session cannot be kept in the data directory");
        }
        let sessions = [(session.id.clone(), session.issued_at_ms + ABSOLUTE_MS)].into();
        self.others.tell(Told::Ended { sessions });
        self.ended.notify_one();
    }

    /// Ends with the next sign-out: it is to be written down.
    pub async fn until_a_session_ended(&self) {
        self.ended.notified().await;
    }

    /// Another server has told it.
    pub fn ended_elsewhere(&self, sessions: BTreeMap<String, u64>) {
        if let Err(error) = self.directory.end_all(sessions, now_ms()) {
            tracing::error!(%error, "ended sessions cannot be kept in the data directory");
        }
    }

    /// Another server has read it in the database, which this one may not reach.
    pub fn changed_elsewhere(&self, changed: Changed) {
        if let Err(error) = self.directory.learn_changes(changed) {
            tracing::error!(%error, "accounts cannot be kept in the data directory");
        }
    }

    /// Takes over what the database says of all accounts.
    ///
    /// # Errors
    /// Those of the database: then what was known before still counts.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let accounts = self.accounts().all().await?;
        match self.directory.replace(accounts) {
            Ok(changed) if (1..=MOST_TOLD).contains(&changed.len()) => self.others.tell(Told::Accounts { changed }),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "accounts cannot be kept in the data directory"),
        }
        Ok(())
    }

    /// Takes over what the database says of sessions that were ended, and writes down those it does not know of: they may
    /// have been ended while it was away.
    ///
    /// # Errors
    /// Those of the database; the same again is safe.
    pub async fn share_ended_sessions(&self) -> Result<(), DbError> {
        let now = now_ms();
        let stored = self.accounts().ended_sessions(now).await?;
        let mut unknown = self.directory.ended(now);
        unknown.retain(|id, _| !stored.contains_key(id));
        self.ended_elsewhere(stored);
        if !unknown.is_empty() {
            self.accounts().end_sessions(&unknown).await?;
        }
        Ok(())
    }

    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    pub fn accounts(&self) -> Arc<dyn AccountStore> {
        Arc::clone(&self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on accounts are kept elsewhere.
    pub fn use_accounts(&self, accounts: Arc<dyn AccountStore>) {
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    pub fn account_of(&self, session: &Session) -> Option<Account> {
        self.directory.account_of(session, now_ms())
    }

    pub fn open_session(&self, cookie: &str) -> Option<Session> {
        Session::open(&self.keys.sessions, cookie)
    }

    pub fn seal_session(&self, session: &Session) -> String {
        session.seal(&self.keys.sessions)
    }

    /// The account a device cookie names.
    pub fn open_device(&self, cookie: &str) -> Option<String> {
        String::from_utf8(self.keys.devices.open(b"", cookie).ok()?).ok()
    }

    pub fn seal_device(&self, account: &str) -> String {
        self.keys.devices.seal(b"", account.as_bytes())
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
