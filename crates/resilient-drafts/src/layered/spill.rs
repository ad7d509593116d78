//! The embedded store as a place to wait in, and which forms wait there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turn, Notify};

use crate::form::{Form, Mark};
use crate::redis::Found;
use crate::step::Room;
use crate::{Count, DraftStore, Place, SqliteStore, StoreError, Swept};

/// Account and form key.
pub(super) type Name = (String, String);

pub(super) struct Spill {
    embedded: SqliteStore,
    /// Forms of which the file knows anything. Of any other form the file is not even read.
    known: Mutex<BTreeMap<Name, Known>>,
    /// The file and `known` change together.
    turn: Turn<()>,
    /// Rings whenever other forms wait than before.
    changed: Arc<Notify>,
}

/// What is known of a form without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Redis does not know all of it.
    waits: bool,
    /// Drafts of it cannot be opened: they stay here, and are shown.
    is_unreadable: bool,
}

impl Known {
    const WAITING: Self = Self {
        waits: true,
        is_unreadable: false,
    };
}

impl Spill {
    pub async fn open(embedded: SqliteStore) -> Result<Self, StoreError> {
        let known = embedded
            .known_forms()
            .await?
            .into_iter()
            .map(|name| (name, Known::WAITING));
        let known = Mutex::new(known.collect());
        Ok(Self {
            embedded,
            known,
            turn: Turn::default(),
            changed: Arc::default(),
        })
    }

    /// How many forms wait for Redis.
    pub fn len(&self) -> usize {
        self.known().values().filter(|known| known.waits).count()
    }

    /// Of whom.
    pub fn accounts(&self) -> BTreeSet<String> {
        self.form_keys().into_iter().map(|(account, _)| account).collect()
    }

    /// Rings whenever that changes.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Which ones.
    pub fn form_keys(&self) -> Vec<Name> {
        self.names(|known| known.waits)
    }

    fn names(&self, are: impl Fn(&Known) -> bool) -> Vec<Name> {
        let known = self.known();
        let named = known.iter().filter(|(_, known)| are(known));
        named.map(|(name, _)| name.clone()).collect()
    }

    /// What the file knows of one form, and whether it could be read. A file that cannot be read hides what
    /// is in it and stops nothing else: Redis can do without it.
    pub async fn look(&self, account: &str, form_key: &str) -> (Form, bool) {
        let name = (account.to_owned(), form_key.to_owned());
        if !self.known().contains_key(&name) {
            return (Form::empty(form_key, Place::Server), true);
        }
        match self.embedded.form(account, form_key).await {
            Ok(form) => (form, true),
            Err(error) => {
                tracing::warn!(?error, "the spill cannot be read");
                (Form::empty(form_key, Place::Server), false)
            }
        }
    }

    /// All that waits of one account, or cannot be opened.
    pub async fn forms(&self, account: &str) -> Found {
        let shown = self.names(|known| known.waits || known.is_unreadable);
        let own = shown.into_iter().filter(|(owner, _)| owner == account);
        let mut found = Found {
            forms: BTreeMap::new(),
            complete: true,
        };
        for (account, form_key) in own {
            let (form, is_read) = self.look(&account, &form_key).await;
            found.complete &= is_read;
            found.forms.insert(form_key, form);
        }
        found
    }

    /// How many forms of an account have drafts here.
    pub async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError> {
        self.embedded.count(account, now_ms).await
    }

    pub async fn update<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        decide: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let _turn = self.turn.lock().await;
        // Noted first: what is in the file is never unknown here.
        self.known()
            .entry((account.to_owned(), form_key.to_owned()))
            .or_default()
            .waits = true;
        self.changed.notify_one();
        self.embedded.update(account, form_key, room, decide).await
    }

    /// Keeps in the file, too, what Redis knows to have ended. A file that cannot take it stops nothing.
    pub async fn remember(&self, account: &str, form_key: &str, marks: Vec<Mark>) {
        let _turn = self.turn.lock().await;
        let name = (account.to_owned(), form_key.to_owned());
        self.known().entry(name).or_default();
        let ended = Form {
            ended: marks,
            ..Form::empty(form_key, Place::Server)
        };
        let join = |form: &Form| ((), form.joined(&ended));
        if let Err(error) = self.embedded.update(account, form_key, Room::Unlimited, join).await {
            tracing::warn!(?error, "what has ended is remembered by Redis alone");
        }
    }

    /// Redis has acknowledged all of `form`. What came since stays, and what has ended is remembered.
    pub async fn forget(&self, account: &str, form: &Form) {
        let name = (account.to_owned(), form.key.clone());
        if !self.known().get(&name).is_some_and(|known| known.waits) {
            return;
        }
        let _turn = self.turn.lock().await;
        let left = match self.embedded.forget(account, form).await {
            Ok(()) => self.embedded.form(account, &form.key).await,
            Err(error) => Err(error),
        };
        match left {
            Ok(left) if left.is_empty() => drop(self.known().remove(&name)),
            Ok(left) => {
                let came_since = left.ended.iter().any(|mark| !form.ended.contains(mark));
                let known = Known {
                    waits: came_since || !left.entries.is_empty(),
                    is_unreadable: !left.unreadable.is_empty(),
                };
                self.known().insert(name, known);
            }
            Err(error) => tracing::warn!(?error, "a form that was moved is still in the spill"),
        }
        self.changed.notify_one();
    }

    pub async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError> {
        let _turn = self.turn.lock().await;
        let swept = self.embedded.sweep(now_ms).await?;
        let left: BTreeSet<Name> = self.embedded.known_forms().await?.into_iter().collect();
        self.known().retain(|name, _| left.contains(name));
        Ok(swept)
    }

    pub async fn check(&self) -> Result<Place, StoreError> {
        self.embedded.check().await
    }

    #[cfg(test)]
    pub async fn close(&self) {
        self.embedded.close().await;
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Name, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
