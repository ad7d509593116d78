//! Redis in front, the embedded store behind it for as long as Redis is away.
//!
//! What Redis does not take, or does not acknowledge in time, is kept in the *spill* under the same
//! revision. Two stores that did not see each other are made one by a pure rule
//! (`resilient_core::draft::joining`), in any order and as often as need be. So nothing has to be
//! known about a write whose answer was lost: if both stores have it, it is one draft.
//!
//! Reading joins both. The first change of a form that Redis takes again carries along what the
//! spill has of it, and in the background every other form is moved, one at a time. A draft leaves
//! the spill only after Redis has acknowledged it.
//!
//! What was saved or discarded is remembered in both: a Redis that has lost its memory does not bring
//! back what a late message of a page says again.

mod spill;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use tokio::time::sleep;

use self::spill::Spill;
use crate::form::Form;
use crate::redis::{RedisStore, Room, latest_first};
use crate::store::{fitting_json, unavailable};
use crate::{DraftStore, End, Ended, Place, SqliteStore, StoreError, StoredDraft, Written};

/// Between two looks at whether there is something to move, where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two forms that are moved, so that people's calls go first.
const STEP_PAUSE: Duration = Duration::from_millis(5);

/// A store in Redis that goes on without it. Cloning it is cheap.
#[derive(Clone)]
pub struct LayeredStore {
    redis: RedisStore,
    spill: Arc<Spill>,
}

impl LayeredStore {
    /// Puts Redis in front of `embedded`. All that is in the latter is moved to Redis.
    ///
    /// # Errors
    /// Where the embedded store cannot be read.
    pub async fn over(redis: RedisStore, embedded: SqliteStore) -> Result<Self, StoreError> {
        let spill = Arc::new(Spill::open(embedded).await?);
        tokio::spawn(keep_moving(redis.clone(), Arc::downgrade(&spill)));
        Ok(Self { redis, spill })
    }

    /// Whether drafts go to Redis now. Asking touches nothing.
    pub fn uses_redis(&self) -> bool {
        self.redis.takes_writes()
    }

    /// Whether what Redis has can be read now, as far as is known: otherwise reading tells only what
    /// the spill has. Asking touches nothing.
    pub fn sees_redis(&self) -> bool {
        self.redis.answers()
    }

    /// How many forms are known in the spill and not yet moved.
    pub fn waiting_forms(&self) -> usize {
        self.spill.len()
    }

    /// In Redis, with what the spill has of this form; where Redis does not do it, in the spill.
    async fn change<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        in_redis: impl Fn(&Form) -> (T, Form),
        in_spill: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let spilled = self.spill.form(account, form_key).await;
        match self.redis.update(account, form_key, &spilled, room, in_redis).await {
            Ok(told) => {
                self.spill.forget(account, &spilled).await;
                Ok(told)
            }
            Err(StoreError::Unavailable(cause)) => {
                tracing::debug!(cause, "Redis did not do it: kept in the spill");
                self.spill.update(account, form_key, in_spill).await
            }
            Err(refused) => Err(refused),
        }
    }
}

#[async_trait]
impl DraftStore for LayeredStore {
    /// While Redis is away: what the spill has. What is in Redis is listed again when it is back.
    async fn list(&self, account: &str) -> Result<Vec<StoredDraft>, StoreError> {
        let spilled = self.spill.forms(account).await;
        let stored = match self.redis.forms(account).await {
            Ok(stored) => stored,
            Err(StoreError::Unavailable(_)) => Vec::new(),
            Err(other) => return Err(other),
        };
        let mut forms: BTreeMap<String, Form> = spilled.into_iter().map(|form| (form.key.clone(), form)).collect();
        let listed: BTreeSet<String> = stored.iter().map(|form| form.key.clone()).collect();
        for form in stored {
            let joined = forms.get(&form.key).map(|spilled| form.joined(spilled));
            forms.insert(form.key.clone(), joined.unwrap_or(form));
        }
        // Redis does not list a form without drafts, and may know that those of the spill have ended.
        for form in forms.values_mut().filter(|form| !listed.contains(&form.key)) {
            match self.redis.form(account, &form.key).await {
                Ok(stored) => *form = stored.joined(form),
                Err(StoreError::Unavailable(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(latest_first(&forms.into_values().collect::<Vec<_>>()))
    }

    /// While Redis is away: what the spill has.
    async fn load(&self, account: &str, form_key: &str) -> Result<Vec<StoredDraft>, StoreError> {
        let spilled = self.spill.form(account, form_key).await;
        match self.redis.form(account, form_key).await {
            Ok(stored) => Ok(stored.joined(&spilled).drafts()),
            Err(StoreError::Unavailable(_)) => Ok(spilled.drafts()),
            Err(other) => Err(other),
        }
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
        let (store, account, form_key) = (self.clone(), account.to_owned(), form_key.to_owned());
        let (draft, mode) = (draft.clone(), mode.clone());
        tokio::spawn(async move {
            let in_redis = |form: &Form| form.receive(&draft, &mode, now_ms);
            let in_spill = |form: &Form| form.receive_unseen(&draft, &mode, now_ms);
            store
                .change(&account, &form_key, Room::Limited, in_redis, in_spill)
                .await
        })
        .await
        .map_err(unavailable)?
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let (store, account, form_key) = (self.clone(), account.to_owned(), form_key.to_owned());
        let revision = revision.clone();
        tokio::spawn(async move {
            let decide = |form: &Form| {
                let (ended, after) = form.end(&revision, end, now_ms);
                ((ended, after.ended.clone()), after)
            };
            let change = store.change(&account, &form_key, Room::Unlimited, decide, decide);
            let (ended, marks) = change.await?;
            store.spill.remember(&account, &form_key, marks).await;
            Ok(ended)
        })
        .await
        .map_err(unavailable)?
    }

    async fn sweep(&self, now_ms: u64) -> Result<u64, StoreError> {
        let spilled = self.spill.sweep(now_ms).await?;
        match self.redis.sweep(now_ms).await {
            Ok(stored) => Ok(stored + spilled),
            // It expires there by itself, and is swept the next time.
            Err(StoreError::Unavailable(_)) => Ok(spilled),
            Err(other) => Err(other),
        }
    }

    async fn check(&self) -> Result<Place, StoreError> {
        if self.uses_redis() {
            return Ok(Place::Redis);
        }
        self.spill.check().await
    }
}

/// Moves what is in the spill for as long as anybody holds the store.
async fn keep_moving(redis: RedisStore, spill: std::sync::Weak<Spill>) {
    let mut news = redis.news();
    loop {
        let Some(held) = spill.upgrade() else { return };
        move_all(&redis, &held).await;
        drop(held);
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// One form after the other, until all are moved or Redis goes away. A form that Redis refuses for a
/// reason of its own stays where it is and stops no other.
async fn move_all(redis: &RedisStore, spill: &Spill) {
    let mut moved = 0_u32;
    for (account, form_key) in spill.form_keys() {
        if !redis.answers() {
            break;
        }
        let spilled = spill.form(&account, &form_key).await;
        let carry = |form: &Form| ((), form.clone());
        match redis
            .update(&account, &form_key, &spilled, Room::Unlimited, carry)
            .await
        {
            Ok(()) => {
                spill.forget(&account, &spilled).await;
                moved += 1;
            }
            Err(error) => tracing::debug!(?error, "a form stays in the spill for now"),
        }
        sleep(STEP_PAUSE).await;
    }
    if moved > 0 {
        tracing::info!(moved, left = spill.len(), "forms were moved from the spill to Redis");
    }
}
