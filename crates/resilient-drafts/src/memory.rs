//! Drafts in this process, for tests and for where nothing may be written to disk. They end with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};

use crate::form::{Form, latest_first};
use crate::step::{Ending, Room, Writing};
use crate::store::too_old_at_ms;
use crate::{Count, DraftStore, End, Ended, MOST_BYTES, MOST_DRAFTS, Place, Seen, StoreError, Swept, Written};

/// Account and form key.
type Name = (String, String);

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    forms: Mutex<BTreeMap<Name, Form>>,
}

impl MemoryStore {
    fn forms(&self) -> MutexGuard<'_, BTreeMap<Name, Form>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step: what `decide` makes of a form is stored before anybody else sees it.
    fn update<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        decide: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let mut forms = self.forms();
        let key = (account.to_owned(), form_key.to_owned());
        let unknown = Form::empty(form_key, Place::Server);
        let before = forms.get(&key).unwrap_or(&unknown);
        let (told, after) = decide(before);
        let is_limited = room == Room::Limited;
        if is_limited && before.difference(&after).adds_drafts() {
            let drafts: usize = of(account, &forms).map(|form| form.entries.len()).sum();
            if drafts >= MOST_DRAFTS as usize {
                return Err(StoreError::TooMany);
            }
        }
        let earlier = forms.insert(key.clone(), after.clone());
        let bytes: u64 = of(account, &forms).map(bytes_of).sum();
        if is_limited && bytes > MOST_BYTES && bytes_of(&after) > earlier.as_ref().map_or(0, bytes_of) {
            match earlier {
                Some(earlier) => drop(forms.insert(key, earlier)),
                None => drop(forms.remove(&key)),
            }
            return Err(StoreError::TooMuch);
        }
        Ok(told)
    }
}

fn of<'a>(account: &'a str, forms: &'a BTreeMap<Name, Form>) -> impl Iterator<Item = &'a Form> {
    let own = forms.iter().filter(move |((owner, _), _)| owner == account);
    own.map(|(_, form)| form)
}

/// Of all texts of a form.
fn bytes_of(form: &Form) -> u64 {
    let drafts = form.entries.iter().map(|entry| &entry.kept.draft);
    let texts = drafts.flat_map(|draft| draft.values.values().chain(draft.base.values()));
    texts.flatten().map(|text| text.len() as u64).sum()
}

#[async_trait]
impl DraftStore for MemoryStore {
    async fn list(&self, account: &str) -> Result<Seen, StoreError> {
        let forms = self.forms();
        let own: Vec<Form> = of(account, &forms).cloned().collect();
        Ok(latest_first(own, true))
    }

    async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError> {
        let (forms, too_old_ms) = (self.forms(), too_old_at_ms(now_ms));
        let forms = of(account, &forms).filter(|form| form.is_unsaved(too_old_ms)).count();
        Ok(Count { forms, complete: true })
    }

    async fn load(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        let forms = self.forms();
        let form = forms.get(&(account.to_owned(), form_key.to_owned()));
        Ok(form.map_or_else(|| Seen::all(Vec::new()), |form| form.clone().seen(true)))
    }

    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError> {
        let writing = Writing::new(account, form_key, draft, mode, now_ms)?;
        self.update(account, form_key, writing.room, |form| writing.decide(form))
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let ending = Ending::new(account, form_key, revision, end, now_ms);
        self.update(account, form_key, Room::Unlimited, |form| ending.decide(form))
    }

    async fn how_ended(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Option<End>, StoreError> {
        let forms = self.forms();
        let form = forms.get(&(account.to_owned(), form_key.to_owned()));
        Ok(form.and_then(|form| form.ended(revision)))
    }

    async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError> {
        let too_old = too_old_at_ms(now_ms);
        let mut removed = 0;
        self.forms().retain(|_, form| {
            let before = form.entries.len();
            form.entries.retain(|entry| entry.changed_at_ms > too_old);
            form.ended.retain(|mark| mark.at_ms > too_old);
            removed += (before - form.entries.len()) as u64;
            !form.is_empty()
        });
        Ok(Swept {
            removed,
            complete: true,
            ..Swept::default()
        })
    }

    async fn check(&self) -> Result<Place, StoreError> {
        Ok(Place::Server)
    }
}

#[cfg(test)]
mod tests {
    crate::contract_tests!(async { (crate::MemoryStore::default(), ()) });
}
