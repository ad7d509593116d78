//! What a store of drafts can do.

use async_trait::async_trait;
use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};

use crate::Sealer;

pub use resilient_core::draft::KEPT_FOR;

/// Bytes of a draft as JSON: 1 MiB. Larger ones stay on the device.
pub const LONGEST_DRAFT: usize = 1024 * 1024;

/// Drafts that one account may have. A new one beyond that is refused, because dropping an old one
/// would be worse: it stays on the device.
pub const MOST_DRAFTS: u32 = 500;

/// Bytes that all drafts of one account may have, as they are kept (sealed, a third more than they were): 64 MiB, so that
/// nobody fills the store alone. With the largest drafts that is 48 of them.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Where a draft is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Redis,
    /// In a file, or in the memory, of this very server.
    Server,
}

impl Place {
    /// As answers write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Server => "server",
        }
    }
}

/// A draft as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDraft {
    pub form_key: String,
    pub draft: Draft,
    /// When it was stored, in milliseconds since 1970.
    pub changed_at_ms: u64,
    pub kept_in: Place,
}

/// A draft whose text cannot be opened. It stays until it is too old, and can be ended like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub form_key: String,
    pub revision: Revision,
    /// As in [`StoredDraft`]; `None` where not even that can be read.
    pub changed_at_ms: Option<u64>,
    pub kept_in: Place,
    pub why: WhyUnreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyUnreadable {
    /// Sealed with a secret that is not at hand: with that, it opens again.
    OtherSecret,
    /// Changed since it was sealed, or put where it does not belong.
    Changed,
}

/// What can be seen of an account's drafts, or of a form's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Latest change first.
    pub drafts: Vec<StoredDraft>,
    /// Those that are there and cannot be shown.
    pub unreadable: Vec<Unreadable>,
    /// Whether that is all of them. Else there may be more where nobody can look now.
    pub complete: bool,
}

impl Seen {
    /// All there is.
    pub fn all(drafts: Vec<StoredDraft>) -> Self {
        Self {
            drafts,
            unreadable: Vec::new(),
            complete: true,
        }
    }
}

/// What [`DraftStore::sweep`] did, and what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Drafts that were too old.
    pub removed: u64,
    /// Drafts that an old secret had sealed, and the present one seals now.
    pub resealed: u64,
    /// Drafts that an old secret still seals, because they could not be sealed anew now.
    pub still_old: u64,
    /// Drafts sealed with a secret that is not at hand.
    pub unknown: u64,
    /// Whether everything was looked at. Else there may be more where nobody can look now.
    pub complete: bool,
}

impl std::ops::Add for Swept {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            removed: self.removed + other.removed,
            resealed: self.resealed + other.resealed,
            still_old: self.still_old + other.still_old,
            unknown: self.unknown + other.unknown,
            complete: self.complete && other.complete,
        }
    }
}

/// How many forms of an account have drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub forms: usize,
    /// Whether that is all of them, as in [`Seen`].
    pub complete: bool,
}

/// What became of a draft that was to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored. Its revision is another one than it came with where it was posted without
    /// script.
    Stored(StoredDraft),
    /// It was stored already.
    SameAgain(StoredDraft),
    /// Refused: this one holds it and more.
    Stale(StoredDraft),
    /// Refused: it does not build on what is stored, which is this; `None` where nothing is.
    Diverged(Option<StoredDraft>),
    /// Refused: it was saved or discarded, and stays away.
    Ended(End),
}

/// Why a draft is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Saved,
    Discarded,
}

/// What [`DraftStore::end`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How many drafts were removed.
    pub removed: usize,
    /// What ended: the named revision, and what it was built on as far as that is known.
    pub lineage: Lineage,
    /// A draft that holds what was ended and more: it stays.
    pub later: Option<StoredDraft>,
    /// The form's drafts that are left, latest change first.
    pub left: Vec<StoredDraft>,
}

/// Why a store could not do what it was asked. The same call again is safe: what had happened after
/// all is found then, and does not happen twice.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a draft of {bytes} bytes is larger than {LONGEST_DRAFT}")]
    TooLarge { bytes: usize },
    /// The account has as many drafts as it may have.
    #[error("there are {MOST_DRAFTS} drafts of this account already")]
    TooMany,
    /// The account's drafts have as many bytes as they may have.
    #[error("the drafts of this account have {MOST_BYTES} bytes already")]
    TooMuch,
    /// What room is left is for drafts of failed saves.
    #[error("the draft store is nearly full")]
    NearlyFull,
    /// The same call may succeed later.
    #[error("the draft store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps drafts by account and form key. Each method is one step: of two calls at the same time,
/// one sees what the other one did. Once begun, a call is finished even where its caller goes away.
#[async_trait]
pub trait DraftStore: Send + Sync {
    /// All drafts of an account, latest change first. They are read in pieces: a long list may miss what
    /// changes meanwhile.
    async fn list(&self, account: &str) -> Result<Seen, StoreError>;

    /// How many of an account's forms have a draft that has changed within [`KEPT_FOR`]. No text is
    /// read for that, so it may be asked for every page.
    async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError>;

    /// The drafts of one form: none, one, or several that went separate ways.
    async fn load(&self, account: &str, form_key: &str) -> Result<Seen, StoreError>;

    /// Writes a draft as [`resilient_core::draft::replacement`] decides.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] above [`LONGEST_DRAFT`], [`StoreError::TooMany`] for one more draft
    /// than [`MOST_DRAFTS`], [`StoreError::TooMuch`] where the account's drafts grow above [`MOST_BYTES`],
    /// [`StoreError::NearlyFull`] for what is no failed save; what is stored stays as it is.
    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError>;

    /// Ends a draft because it was saved or discarded: removes it and what it was built on, never
    /// anything later or other, and remembers it for [`KEPT_FOR`] so that no tab, device or late
    /// message brings it back.
    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError>;

    /// Whether this draft was saved or discarded, as far as is known here.
    async fn how_ended(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Option<End>, StoreError>;

    /// Removes what has not changed for [`KEPT_FOR`], and seals anew what an old secret has sealed, one form after
    /// the other.
    async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError>;

    /// Where a draft written now would be kept.
    async fn check(&self) -> Result<Place, StoreError>;
}

/// The draft's JSON, where it is not too large.
pub(crate) fn fitting_json(draft: &Draft) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(draft).map_err(unavailable)?;
    match json.len() {
        bytes if bytes > LONGEST_DRAFT => Err(StoreError::TooLarge { bytes }),
        _ => Ok(json),
    }
}

/// Why a sealed text did not open.
pub(crate) fn why_unreadable(sealer: &Sealer, sealed: &str) -> WhyUnreadable {
    match sealer.is_of_another_secret(sealed) {
        true => WhyUnreadable::OtherSecret,
        false => WhyUnreadable::Changed,
    }
}

pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// The last moment whose changes are kept no longer.
pub(crate) fn too_old_at_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(KEPT_FOR.as_millis() as u64)
}
