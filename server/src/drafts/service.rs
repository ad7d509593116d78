//! Keeps drafts of signed-in people. Secrets are taken out before anything is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::Account;
use app::drafts::port::{Drafts, KeptDraft, SeenDrafts, SentSaves, UnreadableDraft, UnsavedForms};
use app::monitoring::port::DraftsState;
use app::records::port::Manner;
use async_trait::async_trait;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision, Text};
use resilient_core::path_text::read_part;
use resilient_core::submission::form_body::{FormBody, PostedColumn, with_null};
use resilient_drafts::queue::{LayeredQueue, RedisQueue, SqliteQueue};
use resilient_drafts::redis::{Address, Limits};
use resilient_drafts::{
    Count, DraftStore, End, Ended, LayeredStore, MOST_DRAFTS, Place, RedisStore, Seen, SqliteStore, StoreError,
    StoredDraft, Swept, Unreadable, WhyUnreadable, Written,
};

use super::counting;
use super::pace::Pace;
use super::unreadable::UnreadableDrafts;
use crate::clock::now_ms;
use crate::keys::Keys;
use crate::monitoring::Saves;
use crate::panel::{Panel, shown_draft};
use crate::replay::WaitingSaves;

/// Between two checks of the draft store.
const CHECK_EVERY: Duration = Duration::from_secs(1);

pub struct DraftService {
    store: Arc<dyn DraftStore>,
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
}

/// A failed save that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPost {
    pub revision: Revision,
    pub kept_in: Place,
}

/// Why a failed save has left no draft.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    #[error("the draft was saved or discarded meanwhile")]
    Ended,
    #[error("only secrets were changed, and those are never stored")]
    OnlySecrets,
    #[error("the form names neither its version nor its draft")]
    Unnamed,
    #[error("the draft store did not take it")]
    Store(#[from] StoreError),
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
        redis: Option<&Address>,
        panel: Arc<Panel>,
        saves: Arc<Saves>,
    ) -> Result<Self, StoreError> {
        let embedded = SqliteStore::open(path, keys.drafts.clone()).await?;
        let queue = SqliteQueue::beside(&embedded).await?;
        let Some(address) = redis else {
            let waiting = Arc::new(WaitingSaves::over(Arc::new(queue)));
            return Ok(Self::over(Arc::new(embedded), None, panel, saves, waiting));
        };
        let redis = RedisStore::connect(
            address,
            keys.drafts_home.clone(),
            keys.drafts.clone(),
            Limits::default(),
        )
        .await?;
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
        }
    }

    /// What the server sends again by itself.
    pub fn waiting(&self) -> &Arc<WaitingSaves> {
        &self.waiting
    }

    /// Whether this text was saved or discarded.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub async fn how_ended(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
    ) -> Result<Option<End>, StoreError> {
        self.store.how_ended(account, form_key, revision).await
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

    /// Keeps a failed save, and tells where and under which revision. Scripted, that is the one
    /// the page gave it. Plain, the posted one names what was drawn into the form, so the draft gets
    /// a fresh writer (unless that very text is kept already) and replaces the drawn one: the page
    /// that answers has to be drawn with the revision given here.
    ///
    /// # Errors
    /// When nothing was kept; what was kept before is as it was.
    pub async fn keep_failed_post(
        &self,
        account: &str,
        form_key: &str,
        draft: Draft,
        manner: Manner,
    ) -> Result<KeptPost, NotKept> {
        let draft = self.without_secrets(form_key, draft);
        if draft.values.is_empty() {
            return Err(NotKept::OnlySecrets);
        }
        let mode = match manner {
            Manner::Scripted => Mode::FailedPost,
            Manner::Plain => Mode::FailedPostWithoutScript {
                fresh: fresh_revision(),
            },
        };
        match self.write_counted(account, form_key, &draft, &mode).await? {
            Written::Stored(kept) | Written::SameAgain(kept) => Ok(KeptPost {
                revision: kept.draft.revision,
                kept_in: kept.kept_in,
            }),
            // Its page has written a later draft, which holds this one.
            Written::Stale(later) => Ok(KeptPost {
                revision: draft.revision,
                kept_in: later.kept_in,
            }),
            // Only a chained write can diverge; a failed post is stored beside.
            Written::Diverged(_) | Written::Ended(_) => Err(NotKept::Ended),
        }
    }

    /// Keeps a posted form of which nothing is known but that it was posted. `changed` says which columns were changed, in
    /// the `~HH` writing; where it cannot, all that were posted are kept.
    ///
    /// # Errors
    /// When nothing was kept; what was kept before is as it was.
    pub async fn keep_posted(
        &self,
        account: &str,
        form_key: &str,
        body: &FormBody,
        changed: impl FnOnce() -> Option<Vec<String>>,
        manner: Manner,
    ) -> Result<KeptPost, NotKept> {
        let (Some(version), Some(revision)) = (body.version.clone(), body.revision.clone()) else {
            return Err(NotKept::Unnamed);
        };
        // What has made the save panic may do it here again.
        let changed = catch_unwind(AssertUnwindSafe(changed)).unwrap_or_default();
        let is_changed = |column: &String| changed.as_ref().is_none_or(|changed| changed.contains(column));
        let posted = body.columns.iter().filter(|(column, _)| is_changed(column));
        let base = posted
            .clone()
            .filter_map(|(column, one)| Some((column.clone(), one.base.clone()?)));
        let draft = Draft {
            version,
            base: base.collect(),
            values: posted.map(|(column, one)| (column.clone(), value_of(one))).collect(),
            revision,
            on: None,
        };
        let draft = match manner {
            Manner::Plain => self.with_what_had_no_control(account, form_key, draft, body).await,
            Manner::Scripted => draft,
        };
        self.keep_failed_post(account, form_key, draft, manner).await
    }

    /// With what the drawn draft has for columns that the form had no control for, because they are gone or may not be
    /// written any more: what is kept replaces that draft, and the form could not post it.
    pub async fn with_what_had_no_control(
        &self,
        account: &str,
        form_key: &str,
        mut draft: Draft,
        body: &FormBody,
    ) -> Draft {
        let seen = match self.store.load(account, form_key).await {
            Ok(seen) => seen.drafts,
            Err(error) => {
                tracing::warn!(?error, "what a form could not post cannot be looked up");
                return draft;
            }
        };
        let drawn = seen.into_iter().filter(|kept| kept.draft.revision == draft.revision);
        let Some(drawn) = drawn.map(|kept| kept.draft).next() else {
            return draft;
        };
        for (column, text) in drawn.values {
            if body.columns.contains_key(&column) || draft.values.contains_key(&column) {
                continue;
            }
            if let Some(base) = drawn.base.get(&column) {
                draft.base.insert(column.clone(), base.clone());
            }
            draft.values.insert(column, text);
        }
        draft
    }

    async fn write_counted(
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
    /// that cannot be removed now is only shown once too often, so the save stands.
    pub async fn saved(&self, account: &str, form_key: &str, revision: &Revision) {
        if let Err(error) = self.store.end(account, form_key, revision, End::Saved, now_ms()).await {
            tracing::warn!(?error, "a saved draft could not be removed");
        }
    }

    /// Removes what the person threw away, whichever door that came through. A save of it is waited for no more.
    pub async fn end_discarded(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Ended, StoreError> {
        let ended = self
            .store
            .end(account, form_key, revision, End::Discarded, now_ms())
            .await?;
        self.saves.discarded(account, form_key, revision);
        self.waiting.discarded(account, form_key, revision).await;
        Ok(ended)
    }

    /// What can be seen of the form's drafts.
    pub async fn stored(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        let seen = self.store.load(account, form_key).await?;
        self.unreadable.tell(account, &seen.unreadable);
        Ok(seen)
    }

    /// Columns come in the `~HH` writing; what cannot be read is no column.
    fn without_secrets(&self, form_key: &str, mut draft: Draft) -> Draft {
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
        let seen = match self.store.list(account).await {
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
        let seen = self.store.list(&who.name).await.map_err(|error| api_error(&error))?;
        self.unreadable.tell(&who.name, &seen.unreadable);
        Ok(self.seen_by(who, seen))
    }

    async fn count(&self, who: &Account) -> Result<UnsavedForms, ApiError> {
        let count = self.store.count(&who.name, now_ms()).await;
        let Count { forms, complete } = count.map_err(|error| api_error(&error))?;
        Ok(UnsavedForms { forms, complete })
    }

    async fn sent(&self, who: &Account) -> Result<SentSaves, ApiError> {
        let listed = self.waiting.list(&who.name).await.map_err(|error| api_error(&error))?;
        Ok(SentSaves {
            entries: listed.entries,
            works: self.waiting.works(),
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

/// What a store's failure means to the one who asked; logged here.
pub(super) fn api_error(error: &StoreError) -> ApiError {
    match error {
        StoreError::TooLarge { .. } => ApiError::new(
            ErrorKind::TooLarge,
            "This is too large to be kept on the server. It stays on this device.",
        ),
        StoreError::TooMany => ApiError {
            retry_after_ms: Some(30_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                format!(
                    "{MOST_DRAFTS} drafts of yours are kept on the server; there is no room for one more. It stays on \
                     this device. Save or discard some of those under Unsaved work."
                ),
            )
        },
        StoreError::TooMuch => ApiError {
            retry_after_ms: Some(30_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                "All that the server keeps of your unsaved work has become too large. This stays on this device. Save or \
                 discard some of what is under Unsaved work.",
            )
        },
        StoreError::NearlyFull => ApiError {
            retry_after_ms: Some(10_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                "The server has hardly any room left for unsaved work. This stays on this device until there is room.",
            )
        },
        StoreError::Unavailable(_) => {
            tracing::warn!(?error, "the draft store did not do it");
            cannot_be_reached()
        }
    }
}

pub(super) fn cannot_be_reached() -> ApiError {
    let message = "Unsaved work cannot be reached on the server right now.";
    ApiError {
        retry_after_ms: Some(1_000),
        ..ApiError::new(ErrorKind::Unavailable, message)
    }
}

/// What a control and its box for NULL say. Text beside a ticked box is kept: nobody knows which of the two is meant.
fn value_of(posted: &PostedColumn) -> Text {
    let is_base = || {
        posted
            .base
            .as_ref()
            .is_some_and(|base| base.as_deref() == Some(&posted.text))
    };
    with_null(&posted.text, posted.null, is_base).unwrap_or_else(|_| Some(posted.text.clone()))
}

fn fresh_revision() -> Revision {
    Revision {
        seq: 1,
        writer: uuid::Uuid::new_v4().simple().to_string(),
    }
}
