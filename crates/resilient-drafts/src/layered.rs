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
//! back what a late message of a page says again. It is noted of each whether Redis knows it, and
//! which memory Redis had then: what it knows is not told again after each start, and all of it is
//! once Redis has another memory.

mod moving;
mod spill;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use tokio::sync::Notify;

use self::moving::keep_moving;
pub(crate) use self::moving::{Queue, TOLD_AFTER};
use self::spill::{Memory, Spill};
use crate::form::{Form, latest_first};
use crate::redis::{Found, RedisStore};
use crate::step::{Ending, Room, Writing, to_its_end};
use crate::store::too_old_at_ms;
use crate::{Count, DraftStore, End, Ended, Place, Seen, SqliteStore, StoreError, Swept, Written};

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

    /// How many forms are known in the spill and not yet moved.
    pub fn waiting_forms(&self) -> usize {
        self.spill.len()
    }

    /// Whose forms these are: of them a store of another process does not see all in the same Redis.
    pub fn waiting_accounts(&self) -> BTreeSet<String> {
        self.spill.accounts()
    }

    /// Rings whenever that changes. One task at a time hears it.
    pub fn waiting_changed(&self) -> Arc<Notify> {
        self.spill.changed()
    }

    /// How long Redis has been there without a break, as far as is known; `None` while it is away.
    pub fn redis_there_for(&self) -> Option<Duration> {
        self.redis.there_for()
    }

    /// Nothing is seen in a Redis that is away.
    fn in_redis(&self, found: Result<Found, StoreError>) -> Result<Found, StoreError> {
        match found {
            Err(StoreError::Unavailable(_)) => Ok(Found::nothing()),
            found => found,
        }
    }

    /// In Redis, with what the spill has of this form; where Redis does not do it, in the spill. With the memory of the
    /// Redis that has done it.
    async fn change<T>(
        &self,
        account: &str,
        form_key: &str,
        room: Room,
        in_redis: impl Fn(&Form) -> (T, Form),
        in_spill: impl FnOnce(&Form) -> (T, Form),
    ) -> Result<(T, Option<Memory>), StoreError> {
        let memory = self.spill.memory();
        let (spilled, _) = self.spill.look(account, form_key).await;
        match self.redis.update(account, form_key, &spilled, room, in_redis).await {
            Ok(told) => {
                self.spill.forget(account, &spilled, memory.clone()).await;
                Ok((told, memory))
            }
            Err(StoreError::Unavailable(cause)) => {
                tracing::debug!(cause, "Redis did not do it: kept in the spill");
                let told = self.spill.update(account, form_key, room, in_spill).await?;
                Ok((told, None))
            }
            Err(refused) => Err(refused),
        }
    }
}

#[async_trait]
impl DraftStore for LayeredStore {
    /// While Redis is away: what the spill has. What is in Redis is listed again when it is back.
    async fn list(&self, account: &str) -> Result<Seen, StoreError> {
        let spilled = self.spill.forms(account).await;
        let stored = self.in_redis(self.redis.forms(account, &spilled.names()).await)?;
        let form_keys: BTreeSet<&String> = spilled.forms.keys().chain(stored.forms.keys()).collect();
        let forms = form_keys
            .into_iter()
            .map(|form_key| stored.form(form_key).joined(&spilled.form(form_key)));
        Ok(latest_first(forms.collect(), stored.complete && spilled.complete))
    }

    /// The index of Redis tells of all forms but those that wait in the spill: of these Redis may know that
    /// they have ended, or the spill that those in Redis have.
    async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError> {
        let spilled = self.spill.forms(account).await;
        match self.redis.count_with(account, too_old_at_ms(now_ms), &spilled).await {
            Err(StoreError::Unavailable(_)) => Ok(Count {
                complete: false,
                ..self.spill.count(account, now_ms).await?
            }),
            counted => counted,
        }
    }

    /// While Redis is away: what the spill has.
    async fn load(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        let (spilled, complete) = self.spill.look(account, form_key).await;
        match self.redis.form(account, form_key).await {
            Ok(stored) => Ok(stored.joined(&spilled).seen(complete)),
            Err(StoreError::Unavailable(_)) => Ok(spilled.seen(false)),
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
        let has_room = self.redis.has_room_for(mode).is_ok();
        let writing = Writing::new(account, form_key, draft, mode, now_ms)?;
        let store = self.clone();
        to_its_end(async move {
            let in_redis = |form: &Form| writing.decide(form);
            let in_spill = |form: &Form| writing.decide_unseen(form);
            let Writing { account, form_key, .. } = &writing;
            if !has_room {
                return store.spill.update(account, form_key, writing.room, in_spill).await;
            }
            let change = store.change(account, form_key, writing.room, in_redis, in_spill);
            change.await.map(|(told, _)| told)
        })
        .await
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
        let store = self.clone();
        to_its_end(async move {
            let decide = |form: &Form| {
                let (ended, after) = ending.decide(form);
                ((ended, after.ended.clone()), after)
            };
            let Ending { account, form_key, .. } = &ending;
            let change = store.change(account, form_key, Room::Unlimited, decide, decide);
            let ((ended, marks), memory) = change.await?;
            store.spill.remember(account, form_key, marks, memory).await;
            Ok(ended)
        })
        .await
    }

    async fn how_ended(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Option<End>, StoreError> {
        let (spilled, _) = self.spill.look(account, form_key).await;
        match self.redis.form(account, form_key).await {
            Ok(stored) => Ok(stored.joined(&spilled).ended(revision)),
            // What is not seen in the spill may be in Redis.
            Err(error) => spilled.ended(revision).map(Some).ok_or(error),
        }
    }

    async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError> {
        let spilled = self.spill.sweep(now_ms).await?;
        match self.redis.sweep(now_ms).await {
            Ok(stored) => Ok(stored + spilled),
            // It expires there by itself, and is swept the next time.
            Err(StoreError::Unavailable(_)) => Ok(Swept {
                complete: false,
                ..spilled
            }),
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
