//! Keeps drafts of signed-in people. Secrets are taken out before anything is stored.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::api_error::ApiError;
use app::auth::model::Account;
use app::drafts::port::{Drafts, KeptDraft, SeenDrafts, SentSaves, UnreadableDraft, UnsavedForms};
use app::monitoring::port::DraftsState;
use async_trait::async_trait;
use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use resilient_core::path_text::read_part;
use resilient_drafts::queue::{LayeredQueue, RedisQueue, SqliteQueue};
use resilient_drafts::{
    Count, DraftStore, End, Ended, LayeredStore, RedisStore, Seen, SqliteStore, StoreError, StoredDraft, Swept,
    Unreadable, WhyUnreadable, Written,
};
use tokio::sync::Notify;

use super::counting;
use super::elsewhere::Elsewhere;
use super::failures::api_error;
use super::pace::Pace;
use super::unreadable::UnreadableDrafts;
use crate::clock::now_ms;
use crate::config::RedisSettings;
use crate::keys::Keys;
use crate::monitoring::Saves;
use crate::panel::{Panel, shown_draft};
use crate::replay::WaitingSaves;

/// Between two checks of the draft store.
const CHECK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("another server holds something of this account that Redis has not got yet")]
struct HeldElsewhere;

pub struct DraftService {
    pub(super) store: Arc<dyn DraftStore>,
    panel: Arc<Panel>,
    saves: Arc<Saves>,
    waiting: Arc<WaitingSaves>,
    /// The same store, where there is a Redis in it.
    layered: Option<LayeredStore>,
    /// Whether the store took its last check.
    reachable: AtomicBool,
    /// Those that were told of.
    unreadable: UnreadableDrafts,
    pace: Pace,
    elsewhere: Elsewhere,
}

impl DraftService {
    /// Opens (or makes) the embedded store's file, and puts Redis in front of it where one is named.
    /// Redis need not be there.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub async fn open(
        path: &Path,
        keys: &Keys,
        redis: &RedisSettings,
        panel: Arc<Panel>,
        saves: Arc<Saves>,
    ) -> Result<Self, StoreError> {
        let embedded = SqliteStore::open(path, keys.drafts.clone()).await?;
        let queue = SqliteQueue::beside(&embedded).await?;
        let Some(address) = &redis.address else {
            let waiting = Arc::new(WaitingSaves::over(Arc::new(queue)));
            return Ok(Self::over(Arc::new(embedded), None, panel, saves, waiting));
        };
        let (home, sealer) = (keys.drafts_home.clone(), keys.drafts.clone());
        let redis = RedisStore::connect(address, home, sealer, redis.limits).await?;
        if !redis.takes_writes() {
            tracing::warn!(
                ?address,
                "Redis is not there: drafts are kept in the data directory until it is"
            );
        }
        let queue = LayeredQueue::over(RedisQueue::beside(&redis), queue);
        let waiting = Arc::new(WaitingSaves::over(Arc::new(queue)));
        let layered = LayeredStore::over(redis, embedded).await?;
        Ok(Self::over(
            Arc::new(layered.clone()),
            Some(layered),
            panel,
            saves,
            waiting,
        ))
    }

    fn over(
        store: Arc<dyn DraftStore>,
        layered: Option<LayeredStore>,
        panel: Arc<Panel>,
        saves: Arc<Saves>,
        waiting: Arc<WaitingSaves>,
    ) -> Self {
        Self {
            store,
            panel,
            saves,
            waiting,
            layered,
            reachable: AtomicBool::new(true),
            unreadable: UnreadableDrafts::default(),
            pace: Pace::default(),
            elsewhere: Elsewhere::default(),
        }
    }

    /// What the server sends again by itself.
    pub fn waiting(&self) -> &Arc<WaitingSaves> {
        &self.waiting
    }

    /// Whether this text was saved or discarded.
    ///
    /// # Errors
    /// Where that cannot be read, or another server may know more. (A server that is gone, or that was not heard of
    /// for ten minutes, is not waited for: what was discarded there while Redis was away is found when it is back.)
    pub async fn how_ended(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
    ) -> Result<Option<End>, StoreError> {
        let ended = self.store.how_ended(account, form_key, revision).await?;
        match ended.is_none() && self.may_wait_elsewhere(account) {
            true => Err(StoreError::Unavailable(Box::new(HeldElsewhere))),
            false => Ok(ended),
        }
    }

    /// Where unsaved work is kept now, as far as is known; asking touches nothing.
    pub fn state(&self) -> DraftsState {
        let reachable = self.reachable.load(Ordering::Acquire);
        match &self.layered {
            Some(layered) if layered.uses_redis() => DraftsState::Redis,
            _ if !reachable => DraftsState::Unavailable,
            Some(_) => DraftsState::Spill,
            None => DraftsState::Embedded,
        }
    }

    /// Whose unsaved work waits here for Redis, where one is named. Other servers do not see it.
    pub fn waiting_accounts(&self) -> BTreeSet<String> {
        self.layered
            .as_ref()
            .map(LayeredStore::waiting_accounts)
            .unwrap_or_default()
    }

    /// Rings whenever that changes; never without a Redis.
    pub fn waiting_changed(&self) -> Arc<Notify> {
        self.layered
            .as_ref()
            .map(LayeredStore::waiting_changed)
            .unwrap_or_default()
    }

    /// Another server says the same of itself. `and_others`: it could not name all.
    pub fn waits_elsewhere(&self, server: &str, accounts: BTreeSet<String>, and_others: bool) {
        self.elsewhere.heard(server, accounts, and_others, now_ms());
    }

    /// Whether another server may keep something of this account that is not in Redis.
    fn may_wait_elsewhere(&self, account: &str) -> bool {
        let there_for = self.layered.as_ref().map(LayeredStore::redis_there_for);
        there_for.is_some_and(|there_for| self.elsewhere.may_hold(account, there_for, now_ms()))
    }

    /// All that can be seen of an account's drafts.
    async fn all(&self, account: &str) -> Result<Seen, StoreError> {
        let mut seen = self.store.list(account).await?;
        seen.complete &= !self.may_wait_elsewhere(account);
        Ok(seen)
    }

    /// Keeps [`state`](Self::state) up to date, forever.
    pub async fn watch(&self) {
        loop {
            let checked = self.store.check().await;
            let reachable = checked.is_ok();
            if self.reachable.swap(reachable, Ordering::AcqRel) != reachable {
                tracing::warn!(reachable, error = ?checked.err(), "the draft store changed its state");
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }

    /// Whether a page may write now, or after how many milliseconds. A failed save is kept however many there are.
    pub fn may_write(&self, account: &str, form_key: &str) -> Result<(), u64> {
        self.pace.take(account, form_key, now_ms())
    }

    /// Takes what a page wrote, or says why not.
    pub async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
    ) -> Result<Written, StoreError> {
        let draft = self.without_secrets(form_key, draft.clone());
        self.write_counted(account, form_key, &draft, mode).await
    }

    pub(super) async fn write_counted(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
    ) -> Result<Written, StoreError> {
        let written = self.store.write(account, form_key, draft, mode, now_ms()).await;
        counting::count(&written);
        written
    }

    /// After `saved`: removes this revision and what it was built on, never anything later. A draft
    /// that cannot be removed now is only shown once too often, so the save stands. Told: what ended, as far as known.
    pub async fn saved(&self, account: &str, form_key: &str, revision: &Revision) -> Lineage {
        match self.store.end(account, form_key, revision, End::Saved, now_ms()).await {
            Ok(ended) => ended.lineage,
            Err(error) => {
                tracing::warn!(?error, "a saved draft could not be removed");
                Lineage::of(revision)
            }
        }
    }

    /// Removes what the person threw away, whichever door that came through. A save of it, or of what it was built on, is
    /// waited for no more.
    pub async fn end_discarded(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Ended, StoreError> {
        let ended = self
            .store
            .end(account, form_key, revision, End::Discarded, now_ms())
            .await?;
        self.saves.discarded(account, form_key, revision);
        for revision in ended.lineage.revisions() {
            self.waiting.discarded(account, form_key, &revision).await;
        }
        Ok(ended)
    }

    /// What can be seen of the form's drafts.
    pub async fn stored(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        let mut seen = self.store.load(account, form_key).await?;
        seen.complete &= !self.may_wait_elsewhere(account);
        self.unreadable.tell(account, &seen.unreadable);
        Ok(seen)
    }

    /// Columns come in the `~HH` writing; what cannot be read is no column.
    pub(super) fn without_secrets(&self, form_key: &str, mut draft: Draft) -> Draft {
        let table = table_of(form_key);
        let is_kept = |column: &String| read_part(column).is_some_and(|name| !self.panel.is_secret(table, &name));
        draft.values.retain(|column, _| is_kept(column));
        draft.base.retain(|column, _| is_kept(column));
        draft
    }

    /// A draft as this person may see it now. What may be seen of a table that nobody has read yet is not known; such
    /// a draft is as it was kept.
    pub fn shown(&self, who: &Account, form_key: &str, draft: Draft) -> Draft {
        let table = table_of(form_key);
        if self.panel.whole().written(table).is_none() {
            return draft;
        }
        shown_draft(draft, self.panel.of(who.role).written(table).map(|table| &**table))
    }

    fn seen_by(&self, who: &Account, seen: Seen) -> SeenDrafts {
        let waiting = self.saves.waiting_of(&who.name);
        let waits = |stored: &StoredDraft| {
            waiting
                .iter()
                .any(|save| save.form_key == stored.form_key && save.revision == stored.draft.revision)
        };
        let kept = |stored: StoredDraft| KeptDraft {
            waits_to_be_saved: waits(&stored),
            draft: self.shown(who, &stored.form_key, stored.draft),
            form_key: stored.form_key,
            changed_at_ms: stored.changed_at_ms,
        };
        SeenDrafts {
            unreadable: seen.unreadable.into_iter().map(unreadable).collect(),
            drafts: seen.drafts.into_iter().map(kept).collect(),
            complete: seen.complete,
        }
    }

    /// Removes all that is kept under the name of an account that is no more. Whether that was all: some of it may be
    /// where nobody can look now.
    pub async fn forget_account(&self, account: &str) -> bool {
        let seen = match self.all(account).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(?error, "drafts of a removed account are removed later");
                return false;
            }
        };
        let mut all = seen.complete;
        let readable = seen.drafts.iter().map(|kept| (&kept.form_key, &kept.draft.revision));
        let unreadable = seen.unreadable.iter().map(|kept| (&kept.form_key, &kept.revision));
        let revisions: Vec<_> = readable.chain(unreadable).collect();
        for (form_key, revision) in revisions {
            all &= self.end_discarded(account, form_key, revision).await.is_ok();
        }
        all &= self.waiting.forget_account(account).await;
        all
    }

    /// Removes what has not changed for 30 days, and seals anew what an old secret has sealed. `None` where that could
    /// not be done now.
    pub async fn sweep(&self, now_ms: u64) -> Option<Swept> {
        match self.store.sweep(now_ms).await {
            Ok(swept) => {
                let swept = swept + self.waiting.reseal().await;
                let Swept { removed, resealed, .. } = swept;
                if removed > 0 {
                    tracing::info!(removed, "drafts without a change for 30 days were removed");
                }
                if resealed > 0 {
                    tracing::info!(
                        resealed,
                        "drafts that an old secret had sealed are sealed with the present one"
                    );
                }
                Some(swept)
            }
            Err(error) => {
                tracing::warn!(?error, "old drafts could not be removed");
                None
            }
        }
    }
}

#[async_trait]
impl Drafts for DraftService {
    async fn list(&self, who: &Account) -> Result<SeenDrafts, ApiError> {
        let seen = self.all(&who.name).await.map_err(|error| api_error(&error))?;
        self.unreadable.tell(&who.name, &seen.unreadable);
        Ok(self.seen_by(who, seen))
    }

    async fn count(&self, who: &Account) -> Result<UnsavedForms, ApiError> {
        let count = self.store.count(&who.name, now_ms()).await;
        let Count { forms, complete } = count.map_err(|error| api_error(&error))?;
        let complete = complete && !self.may_wait_elsewhere(&who.name);
        Ok(UnsavedForms { forms, complete })
    }

    async fn sent(&self, who: &Account) -> Result<SentSaves, ApiError> {
        let listed = self.waiting.list(&who.name).await.map_err(|error| api_error(&error))?;
        Ok(SentSaves {
            entries: listed.entries,
            works: self.waiting.works(),
            can_be_taken: self.waiting.can_be_taken(),
            complete: listed.complete,
        })
    }

    async fn seen(&self, who: &Account, ids: &[String]) {
        self.waiting.seen(&who.name, ids).await;
    }

    async fn load(&self, who: &Account, form_key: &str) -> Result<SeenDrafts, ApiError> {
        let seen = self.stored(&who.name, form_key).await;
        Ok(self.seen_by(who, seen.map_err(|error| api_error(&error))?))
    }

    async fn discard(&self, who: &Account, form_key: &str, revision: &Revision) -> Result<(), ApiError> {
        self.end_discarded(&who.name, form_key, revision)
            .await
            .map_err(|error| api_error(&error))?;
        Ok(())
    }
}

fn unreadable(unreadable: Unreadable) -> UnreadableDraft {
    UnreadableDraft {
        form_key: unreadable.form_key,
        revision: unreadable.revision,
        changed_at_ms: unreadable.changed_at_ms,
        is_of_another_secret: unreadable.why == WhyUnreadable::OtherSecret,
    }
}

/// The table's writing in `{table}/{key}`.
fn table_of(form_key: &str) -> &str {
    form_key.split_once('/').map_or(form_key, |(table, _)| table)
}
