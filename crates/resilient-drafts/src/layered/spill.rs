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
    /// Which memory Redis has, once that was asked.
    memory: Mutex<Option<Memory>>,
}

/// By what a Redis that has kept its memory is known again; another one has another.
pub(super) type Memory = Arc<str>;

/// What is known of a form without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Redis does not know all of it.
    waits: bool,
    /// Drafts of it cannot be opened: they stay here, and are shown.
    is_unreadable: bool,
}

impl Spill {
    pub async fn open(embedded: SqliteStore) -> Result<Self, StoreError> {
        let known = embedded.known_forms().await?.into_iter();
        let known = known.map(|(account, form_key, waits)| {
            let is_unreadable = false;
            ((account, form_key), Known { waits, is_unreadable })
        });
        let known = Mutex::new(known.collect());
        Ok(Self {
            embedded,
            known,
            turn: Turn::default(),
            changed: Arc::default(),
            memory: Mutex::default(),
        })
    }

    /// Which memory Redis had when it was asked last. To be taken before it is told what is then said to be known to it.
    pub fn memory(&self) -> Option<Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Redis has this memory. Where it is another one than before, all that has ended is told to it again.
    pub async fn met(&self, memory: &str) {
        if self.memory().is_some_and(|known| *known == *memory) {
            return;
        }
        let _turn = self.turn.lock().await;
        let forgotten = match self.embedded.known_only_to(memory).await {
            Ok(forgotten) => forgotten,
            // The next look asks again.
            Err(error) => return tracing::warn!(?error, "whether Redis knows what has ended cannot be told"),
        };
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory.into());
        if forgotten.is_empty() {
            return;
        }
        let mut known = self.known();
        for name in forgotten {
            known.entry(name).or_default().waits = true;
        }
        drop(known);
        self.changed.notify_one();
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

    /// Which ones of an account wait, or have drafts that cannot be opened.
    fn shown(&self, account: &str) -> Vec<String> {
        let known = self.known();
        let own = known.range((account.to_owned(), String::new())..);
        let own = own.take_while(|((owner, _), _)| owner == account);
        let shown = own.filter(|(_, known)| known.waits || known.is_unreadable);
        shown.map(|((_, form_key), _)| form_key.clone()).collect()
    }

    /// All that waits of one account, or cannot be opened.
    pub async fn forms(&self, account: &str) -> Found {
        let mut found = Found {
            forms: BTreeMap::new(),
            complete: true,
        };
        for form_key in self.shown(account) {
            let (form, is_read) = self.look(account, &form_key).await;
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

    /// Keeps in the file, too, what Redis, with this `memory`, knows to have ended. A file that cannot take it stops
    /// nothing.
    pub async fn remember(&self, account: &str, form_key: &str, marks: Vec<Mark>, memory: Option<Memory>) {
        let _turn = self.turn.lock().await;
        let name = (account.to_owned(), form_key.to_owned());
        self.known().entry(name).or_default();
        let ended = Form {
            ended: marks,
            ..Form::empty(form_key, Place::Server)
        };
        let join = |form: &Form| ((), form.joined(&ended));
        let kept = self
            .embedded
            .update_known(account, form_key, Room::Unlimited, memory.as_deref(), join);
        if let Err(error) = kept.await {
            tracing::warn!(?error, "what has ended is remembered by Redis alone");
        }
    }

    /// Redis, with this `memory`, has acknowledged all of `form`. What came since stays, and what has ended is
    /// remembered.
    pub async fn forget(&self, account: &str, form: &Form, memory: Option<Memory>) {
        let name = (account.to_owned(), form.key.clone());
        if !self.known().get(&name).is_some_and(|known| known.waits) {
            return;
        }
        let _turn = self.turn.lock().await;
        let left = match self.embedded.forget(account, form, memory.as_deref()).await {
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
        let left = self.embedded.known_forms().await?.into_iter();
        let left: BTreeSet<Name> = left.map(|(account, form_key, _)| (account, form_key)).collect();
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
