//! Signing in and out, and knowing who asks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use app::auth::model::Account;
use resilient_db::DbError;
use tokio::sync::Notify;

use super::directory::{Changed, Directory, KnownAccount};
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
    /// What the database said last. Held while it is read: what was read earlier never counts later.
    last_read: tokio::sync::Mutex<Option<BTreeMap<String, KnownAccount>>>,
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
            last_read: tokio::sync::Mutex::default(),
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
    pub async fn ended_elsewhere(&self, sessions: BTreeMap<String, u64>) {
        self.keep(move |directory| directory.end_all(sessions, now_ms())).await;
    }

    /// Another server has read it in the database, which this one may not reach. What is said of another database's
    /// accounts says nothing of these.
    pub async fn changed_elsewhere(&self, store: &str, changed: Changed) {
        if self.directory.store().as_deref() == Some(store) {
            self.keep(move |directory| directory.learn_changes(changed)).await;
        }
    }

    /// What there is to know of changed accounts from servers on the same database; with `None` nobody is told, and
    /// nobody believed.
    pub async fn share_accounts_of(&self, store: Option<String>) {
        self.keep(move |directory| directory.belongs_to(store)).await;
    }

    /// Takes over what the database says of all accounts, and tells others what of it is news.
    ///
    /// # Errors
    /// Those of the database: then what was known before still counts.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let mut last_read = self.last_read.lock().await;
        let begun = self.directory.reading_begins();
        let read = self.accounts().all().await?;
        // Somebody who signed in may be gone before any reading has shown them.
        let known = self.directory.accounts();
        let before = last_read.take().unwrap_or_else(|| known.clone());
        let now = read.clone();
        self.keep(move |directory| directory.replace(now, begun)).await;
        let told = self.tell_news((&known, &before), &read).await;
        // What could not be told is news again next time.
        *last_read = Some(if told.is_ok() { read } else { before });
        told
    }

    /// Of an account that is not there, others hear only where it was removed: that it was not read proves nothing.
    async fn tell_news(
        &self,
        (known, before): (&BTreeMap<String, KnownAccount>, &BTreeMap<String, KnownAccount>),
        read: &BTreeMap<String, KnownAccount>,
    ) -> Result<(), DbError> {
        let Some(store) = self.directory.store() else {
            return Ok(());
        };
        let there = read.iter().filter(|(name, now)| before.get(*name) != Some(now));
        let mut changed: Changed = there.map(|(name, now)| (name.clone(), Some(now.clone()))).collect();
        let names = known.keys().chain(before.keys());
        let mut gone: Vec<String> = names.filter(|name| !read.contains_key(*name)).cloned().collect();
        if !gone.is_empty() {
            let removed = self.accounts().removed().await?;
            gone.retain(|name| removed.contains_key(name));
            changed.extend(gone.into_iter().map(|name| (name, None)));
        }
        if (1..=MOST_TOLD).contains(&changed.len()) {
            self.others.tell(Told::Accounts { store, changed });
        }
        Ok(())
    }

    /// Writes to the data directory where it holds nobody up. What counts in memory counts all the same.
    async fn keep(&self, what: impl FnOnce(&Directory) -> io::Result<()> + Send + 'static) {
        let directory = Arc::clone(&self.directory);
        let kept = tokio::task::spawn_blocking(move || what(&directory)).await;
        if let Err(error) = kept.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::error!(%error, "accounts and ended sessions cannot be kept in the data directory");
        }
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
        self.ended_elsewhere(stored).await;
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
