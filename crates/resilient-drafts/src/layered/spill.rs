//! The embedded store as a place to wait in, and which forms wait there.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

use crate::form::Form;
use crate::{DraftStore, Place, SqliteStore, StoreError};

/// Account and form key.
type Name = (String, String);

pub(super) struct Spill {
    embedded: SqliteStore,
    /// Forms of which the file knows anything. While Redis is there it is empty, and then the file
    /// is not even read.
    waiting: Mutex<BTreeSet<Name>>,
    /// The file and `waiting` change together.
    turn: Turn<()>,
}

impl Spill {
    pub async fn open(embedded: SqliteStore) -> Result<Self, StoreError> {
        let waiting = embedded.known_forms().await?.into_iter().collect();
        Ok(Self {
            embedded,
            waiting: Mutex::new(waiting),
            turn: Turn::default(),
        })
    }

    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    pub fn form_keys(&self) -> Vec<Name> {
        self.waiting().iter().cloned().collect()
    }

    /// What waits of one form. A file that cannot be read hides what is in it and stops nothing
    /// else: Redis can do without it.
    pub async fn form(&self, account: &str, form_key: &str) -> Form {
        let name = (account.to_owned(), form_key.to_owned());
        if !self.waiting().contains(&name) {
            return Form::empty(form_key, Place::Server);
        }
        self.embedded.form(account, form_key).await.unwrap_or_else(|error| {
            tracing::warn!(?error, "the spill cannot be read");
            Form::empty(form_key, Place::Server)
        })
    }

    /// All that waits of one account.
    pub async fn forms(&self, account: &str) -> Vec<Form> {
        let own: Vec<Name> = self
            .form_keys()
            .into_iter()
            .filter(|(owner, _)| owner == account)
            .collect();
        let mut forms = Vec::new();
        for (account, form_key) in own {
            forms.push(self.form(&account, &form_key).await);
        }
        forms
    }

    pub async fn update<T>(
        &self,
        account: &str,
        form_key: &str,
        decide: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let _turn = self.turn.lock().await;
        // Noted first: what is in the file is never unknown here.
        self.waiting().insert((account.to_owned(), form_key.to_owned()));
        self.embedded.update(account, form_key, decide).await
    }

    /// Redis has acknowledged all of `form`. What came since stays.
    pub async fn forget(&self, account: &str, form: &Form) {
        let name = (account.to_owned(), form.key.clone());
        if !self.waiting().contains(&name) {
            return;
        }
        let _turn = self.turn.lock().await;
        let left = match self.embedded.forget(account, form).await {
            Ok(()) => self.embedded.form(account, &form.key).await,
            Err(error) => Err(error),
        };
        match left {
            // Rows that no key opens may be left; nobody can move or miss them.
            Ok(left) if left.is_empty() => drop(self.waiting().remove(&name)),
            Ok(_) => {}
            Err(error) => tracing::warn!(?error, "a form that was moved is still in the spill"),
        }
    }

    pub async fn sweep(&self, now_ms: u64) -> Result<u64, StoreError> {
        self.embedded.sweep(now_ms).await
    }

    pub async fn check(&self) -> Result<Place, StoreError> {
        self.embedded.check().await
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
