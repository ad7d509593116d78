//! The accounts as last seen in the database, and the sessions that were ended: what decides whether
//! a cookie still counts, with the database there or not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use app::auth::model::{Account, Role};
use serde::{Deserialize, Deserializer, Serialize};

use super::session::{ABSOLUTE_MS, Session};

/// One account, without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    pub role: Role,
    pub epoch: i64,
    pub disabled: bool,
}

/// Accounts by name; `None` for one that is no more.
pub type Changed = BTreeMap<String, Option<KnownAccount>>;

pub struct Directory {
    state: RwLock<State>,
    path: PathBuf,
    /// Held while the file is written, so that an older state never replaces a newer one.
    writing: Mutex<()>,
    /// Taken while `state` is held, never the other way round.
    learned: Mutex<Learned>,
}

/// What was learned by another way than a reading of all: one that began before it does not count against it.
#[derive(Debug, Default)]
struct Learned {
    count: u64,
    /// By name, which one it was.
    names: BTreeMap<String, u64>,
}

/// When a reading of all accounts began.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    after: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    #[serde(deserialize_with = "accounts_with_known_roles")]
    accounts: BTreeMap<String, KnownAccount>,
    /// Ended sessions by id, with the unix time in milliseconds after which their cookies are over anyway.
    ended: BTreeMap<String, u64>,
    /// Where the accounts are kept, as that database says; only who reads the same is believed.
    #[serde(default)]
    store: Option<String>,
}

/// A role that this version does not know (it was written by a newer one) grants nothing.
fn accounts_with_known_roles<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, KnownAccount>, D::Error> {
    let accounts = BTreeMap::<String, serde_json::Value>::deserialize(reader)?;
    let known = accounts.into_iter().filter_map(|(name, account)| {
        let known = serde_json::from_value(account);
        known.map_or_else(
            |error| {
                tracing::warn!(account = name, %error, "a kept account cannot be understood: it has no rights");
                None
            },
            |known| Some((name.clone(), known)),
        )
    });
    Ok(known.collect())
}

impl Directory {
    /// Reads what the last run knew; nothing where there is no file yet.
    ///
    /// # Errors
    /// When a file is there and cannot be read: starting without it would let ended sessions back in.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("accounts.json");
        let state = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            state: RwLock::new(state),
            path,
            writing: Mutex::new(()),
            learned: Mutex::default(),
        })
    }

    /// Who a session belongs to, if it still counts.
    pub fn account_of(&self, session: &Session, now_ms: u64) -> Option<Account> {
        if session.is_over(now_ms) {
            return None;
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let known = state.accounts.get(&session.account)?;
        let counts = !known.disabled && known.epoch == session.epoch && !state.ended.contains_key(&session.id);
        counts.then(|| Account {
            name: session.account.clone(),
            role: known.role,
        })
    }

    /// To be called before all accounts are read.
    pub fn reading_begins(&self) -> Reading {
        let after = self.learned().count;
        Reading { after }
    }

    /// Takes over what the database says now, but for what was learned since that reading began.
    ///
    /// # Errors
    /// When the file cannot be written; the memory is up to date all the same.
    pub fn replace(&self, accounts: BTreeMap<String, KnownAccount>, begun: Reading) -> io::Result<()> {
        self.change(|state| {
            let mut accounts = accounts;
            let mut learned = self.learned();
            learned.names.retain(|_, when| *when > begun.after);
            for name in learned.names.keys() {
                match state.accounts.get(name).cloned() {
                    None => drop(accounts.remove(name)),
                    Some(known) if accounts.get(name).is_none_or(|read| read.epoch < known.epoch) => {
                        accounts.insert(name.clone(), known);
                    }
                    Some(_) => {}
                }
            }
            state.accounts = accounts;
        })
    }

    /// Takes over what another server has read, unless this one knows something newer.
    ///
    /// # Errors
    /// As [`Directory::replace`].
    pub fn learn_changes(&self, changed: Changed) -> io::Result<()> {
        self.change(|state| {
            for (name, now) in changed {
                let known = state.accounts.get(&name).map(|known| known.epoch);
                let is_news = now
                    .as_ref()
                    .is_none_or(|now| known.is_none_or(|known| known < now.epoch));
                if is_news {
                    self.learned().note(&name);
                    match now {
                        Some(now) => drop(state.accounts.insert(name, now)),
                        None => drop(state.accounts.remove(&name)),
                    }
                }
            }
        })
    }

    /// Takes over one account at once, as at its sign-in.
    ///
    /// # Errors
    /// As [`Directory::replace`].
    pub fn learn(&self, name: &str, account: KnownAccount) -> io::Result<()> {
        self.change(|state| {
            self.learned().note(name);
            state.accounts.insert(name.to_owned(), account);
        })
    }

    /// Where the accounts are kept, as far as that is known; `None`: with nobody else.
    pub fn store(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.store.clone()
    }

    /// From now on the accounts are those of this database.
    ///
    /// # Errors
    /// As [`Directory::replace`].
    pub fn belongs_to(&self, store: Option<String>) -> io::Result<()> {
        self.change(|state| state.store = store)
    }

    /// All accounts as known now.
    pub fn accounts(&self) -> BTreeMap<String, KnownAccount> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.accounts.clone()
    }

    /// Ends a session for good.
    ///
    /// # Errors
    /// When the file cannot be written: after a restart the cookie would count again.
    pub fn end(&self, session: &Session, now_ms: u64) -> io::Result<()> {
        let over_at_ms = session.issued_at_ms + ABSOLUTE_MS;
        self.end_all([(session.id.clone(), over_at_ms)].into(), now_ms)
    }

    /// Ends sessions by id, each with the unix time in milliseconds after which its cookie is over anyway.
    ///
    /// # Errors
    /// As [`Directory::end`].
    pub fn end_all(&self, sessions: BTreeMap<String, u64>, now_ms: u64) -> io::Result<()> {
        self.change(|state| {
            state.ended.retain(|_, over_at_ms| *over_at_ms > now_ms);
            let matter = sessions.into_iter().filter(|(_, over_at_ms)| *over_at_ms > now_ms);
            state.ended.extend(matter);
        })
    }

    /// The ended sessions whose cookies are not over yet.
    pub fn ended(&self, now_ms: u64) -> BTreeMap<String, u64> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let matter = state.ended.iter().filter(|(_, over_at_ms)| **over_at_ms > now_ms);
        matter.map(|(id, over_at_ms)| (id.clone(), *over_at_ms)).collect()
    }

    /// Names of all accounts known, for messages at start.
    pub fn names(&self) -> BTreeSet<String> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .accounts
            .keys()
            .cloned()
            .collect()
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let before = state.clone();
            change(&mut state);
            (*state != before).then(|| state.clone())
        };
        match changed {
            Some(state) => {
                crate::files::write_whole(&self.path, &serde_json::to_vec(&state).map_err(io::Error::other)?)
            }
            None => Ok(()),
        }
    }
}

impl Learned {
    fn note(&mut self, name: &str) {
        self.count += 1;
        self.names.insert(name.to_owned(), self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_and_newer_versions_kept_is_read_and_an_unknown_role_grants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let kept = r#"{"accounts":{"anna":{"role":"superuser","epoch":1,"disabled":false},
            "bert":{"role":"emperor","epoch":1,"disabled":false}},"ended":{}}"#;
        std::fs::write(folder.path().join("accounts.json"), kept).unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        let session = |account: &str| Session {
            account: account.into(),
            id: "s".into(),
            epoch: 1,
            issued_at_ms: 0,
            seen_at_ms: 0,
        };
        let role = |account: &str| directory.account_of(&session(account), 1).map(|account| account.role);
        assert_eq!(role("anna"), Some(Role::Superuser));
        assert_eq!(role("bert"), None);
    }

    #[test]
    fn of_two_servers_the_newer_word_counts_and_a_reading_takes_back_nothing_that_came_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        let known = |epoch, disabled| KnownAccount {
            role: Role::Viewer,
            epoch,
            disabled,
        };
        let anna = |known: KnownAccount| BTreeMap::from([("anna".to_owned(), known)]);
        let now = || directory.state.read().unwrap().accounts.get("anna").cloned();
        let begun = directory.reading_begins();
        directory.replace(anna(known(2, false)), begun).unwrap();
        assert_eq!(now(), Some(known(2, false)));

        let told = |known| BTreeMap::from([("anna".to_owned(), known)]);
        directory.learn_changes(told(Some(known(3, true)))).unwrap();
        assert_eq!(now(), Some(known(3, true)));
        // Said again by whoever kept it, or read before that.
        directory.learn_changes(told(Some(known(2, false)))).unwrap();
        directory.replace(anna(known(2, false)), begun).unwrap();
        assert_eq!(now(), Some(known(3, true)));
        directory.replace(BTreeMap::new(), begun).unwrap();
        assert_eq!(now(), Some(known(3, true)), "it was not there yet");
        // Read after that: the database is right.
        let begun = directory.reading_begins();
        directory.replace(BTreeMap::new(), begun).unwrap();
        assert_eq!(now(), None);

        let begun = directory.reading_begins();
        directory.learn("anna", known(4, false)).unwrap();
        directory.replace(anna(known(5, true)), begun).unwrap();
        assert_eq!(now(), Some(known(5, true)), "newer than what was learned");
        directory.learn_changes(told(None)).unwrap();
        assert_eq!(now(), None);
        directory.replace(anna(known(5, true)), begun).unwrap();
        assert_eq!(now(), None, "it was still there when it was read");
    }

    #[test]
    fn sessions_that_ended_elsewhere_are_forgotten_when_their_cookies_are_over() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        let sessions = BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), 20)]);
        directory.end_all(sessions, 10).unwrap();
        assert_eq!(directory.ended(10), [("b".to_owned(), 20)].into());
        directory.end_all(BTreeMap::new(), 20).unwrap();
        assert!(directory.ended(0).is_empty());
    }

    #[test]
    fn an_ended_session_stays_ended_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownAccount {
            role: Role::Viewer,
            epoch: 1,
            disabled: false,
        };
        let session = Session {
            account: "anna".into(),
            id: "s1".into(),
            epoch: 1,
            issued_at_ms: 0,
            seen_at_ms: 0,
        };
        let other = Session {
            id: "s2".into(),
            ..session.clone()
        };
        let directory = Directory::open(folder.path()).unwrap();
        assert_eq!(directory.account_of(&session, 1), None);
        directory.learn("anna", known.clone()).unwrap();
        assert!(directory.account_of(&session, 1).is_some());
        directory.end(&session, 1).unwrap();

        let directory = Directory::open(folder.path()).unwrap();
        assert_eq!(directory.account_of(&session, 1), None);
        assert!(directory.account_of(&other, 1).is_some());
        directory
            .learn(
                "anna",
                KnownAccount {
                    epoch: 2,
                    ..known.clone()
                },
            )
            .unwrap();
        assert_eq!(directory.account_of(&other, 1), None);
        directory
            .learn(
                "anna",
                KnownAccount {
                    disabled: true,
                    ..known
                },
            )
            .unwrap();
        assert_eq!(directory.account_of(&other, 1), None);
    }
}
