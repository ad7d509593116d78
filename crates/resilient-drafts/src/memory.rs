//! Drafts in this process, for tests and for where nothing may be written to disk. They end with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};

use crate::form::{Entry, Form};
use crate::store::{fitting_json, too_old_at_ms};
use crate::{DraftStore, End, Ended, StoreError, StoredDraft, Written};

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    forms: Mutex<BTreeMap<(String, String), Remembered>>,
}

#[derive(Default)]
struct Remembered {
    /// Latest change first.
    entries: Vec<Entry>,
    ended: Vec<(Revision, End, u64)>,
}

impl Remembered {
    fn form(&self, key: &str) -> Form {
        let ended = self
            .ended
            .iter()
            .map(|(revision, end, _)| (revision.clone(), *end))
            .collect();
        Form {
            key: key.to_owned(),
            entries: self.entries.clone(),
            ended,
        }
    }

    fn remove(&mut self, revisions: &[Revision]) {
        self.entries
            .retain(|entry| !revisions.contains(&entry.kept.draft.revision));
    }
}

impl MemoryStore {
    fn forms(&self) -> MutexGuard<'_, BTreeMap<(String, String), Remembered>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DraftStore for MemoryStore {
    async fn list(&self, account: &str) -> Result<Vec<StoredDraft>, StoreError> {
        let forms = self.forms();
        let own = forms.iter().filter(|((owner, _), _)| owner == account);
        let mut drafts: Vec<_> = own.flat_map(|((_, key), form)| form.form(key).without(&[])).collect();
        drafts.sort_by_key(|stored| std::cmp::Reverse(stored.changed_at_ms));
        Ok(drafts)
    }

    async fn load(&self, account: &str, form_key: &str) -> Result<Vec<StoredDraft>, StoreError> {
        let forms = self.forms();
        let remembered = forms.get(&(account.to_owned(), form_key.to_owned()));
        Ok(remembered.map_or_else(Vec::new, |remembered| remembered.form(form_key).without(&[])))
    }

    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError> {
        fitting_json(draft)?;
        let mut forms = self.forms();
        let remembered = forms.entry((account.to_owned(), form_key.to_owned())).or_default();
        let (written, change) = remembered.form(form_key).receive(draft, mode, now_ms);
        if let Some(change) = change {
            remembered.remove(&change.remove);
            remembered.entries.insert(
                0,
                Entry {
                    kept: change.insert,
                    changed_at_ms: now_ms,
                },
            );
            remembered
                .entries
                .sort_by_key(|entry| std::cmp::Reverse(entry.changed_at_ms));
        }
        Ok(written)
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let mut forms = self.forms();
        let remembered = forms.entry((account.to_owned(), form_key.to_owned())).or_default();
        let form = remembered.form(form_key);
        let (ending, removed) = form.ending(revision);
        remembered.remove(&removed);
        remembered
            .ended
            .extend(ending.revisions().map(|revision| (revision, end, now_ms)));
        Ok(form.after(revision, &removed))
    }

    async fn sweep(&self, now_ms: u64) -> Result<u64, StoreError> {
        let too_old = too_old_at_ms(now_ms);
        let mut removed = 0;
        self.forms().retain(|_, form| {
            let before = form.entries.len();
            form.entries.retain(|entry| entry.changed_at_ms > too_old);
            form.ended.retain(|(_, _, at_ms)| *at_ms > too_old);
            removed += (before - form.entries.len()) as u64;
            !form.entries.is_empty() || !form.ended.is_empty()
        });
        Ok(removed)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    crate::contract_tests!(async { (crate::MemoryStore::default(), ()) });
}
