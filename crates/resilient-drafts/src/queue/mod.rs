//! Saves that were pressed and could not be done: kept until somebody has done them, in order.
//!
//! What becomes of what is decided by the rules of [`resilient_core::submission::queue`]; a store
//! keeps each account's line and makes each change of it in one step. The texts lie beside it,
//! sealed and bound to account, form key and id, for as long as an entry waits. (What needs the
//! person is a draft besides.)
//!
//! | queue | where | what for |
//! |---|---|---|
//! | [`SqliteQueue`] | the drafts' file | one server |
//! | `RedisQueue` (feature `redis`) | a Redis server | several servers; each line is worked at by one of them at a time |
//! | `LayeredQueue` (feature `redis`) | Redis, the file behind it | takes presses without Redis, and moves them over when it is back |
//!
//! Nothing here proves that a save is done once: a process may die between doing it and saying so, and
//! then it is tried again. The id that the database keeps with the change proves it.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(feature = "redis")]
mod layered;
mod lines;
#[cfg(feature = "redis")]
mod redis;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::Revision;
use resilient_core::submission::queue::{Answered, Enqueued, Entry, Numbers, Press, Tried};

#[cfg(feature = "redis")]
pub use self::layered::LayeredQueue;
#[cfg(feature = "redis")]
pub use self::redis::RedisQueue;
pub use self::sqlite::SqliteQueue;
use crate::{StoreError, Swept};

/// An entry that is one's own to try, until the lease is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    pub account: String,
    /// Shown again to [`settle`](SubmissionQueue::settle).
    pub token: u64,
    pub entry: Entry,
    /// As it was given to [`enqueue`](SubmissionQueue::enqueue); `None` where it cannot be opened, or is lost.
    pub text: Option<Vec<u8>>,
    /// It was sealed with a secret that is not at hand: nothing is wrong with it, and others may open it.
    pub is_of_another_secret: bool,
}

/// What can be seen of an account's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// In their order.
    pub entries: Vec<Entry>,
    /// Whether that is all of them. Else there may be more where nobody can look now.
    pub complete: bool,
}

/// Keeps what is to be saved, by account and id. Each method is one step; the same call again is safe.
#[async_trait]
pub trait SubmissionQueue: Send + Sync {
    /// Puts a press behind all others of its account. A text is stored once under one id.
    async fn enqueue(&self, account: &str, press: &Press, text: &[u8]) -> Result<Enqueued, StoreError>;

    /// Whether anything can be leased now, as far as is known. Asking touches nothing.
    fn can_lease(&self) -> bool {
        true
    }

    /// Leases what is due, of any account nobody else is at. `None` where nothing is, for now.
    async fn lease(&self, now_ms: u64, lease: Duration) -> Result<Option<Leased>, StoreError>;

    /// Ends a lease. Whether that counted: not where the lease was over and another one was given.
    async fn settle(&self, leased: &Leased, tried: Tried, now_ms: u64) -> Result<bool, StoreError>;

    /// A save of this account was answered with `saved`.
    async fn saved(&self, account: &str, answered: Answered<'_>, now_ms: u64) -> Result<(), StoreError>;

    /// What was typed up to `revision` was discarded; how many entries went with it.
    async fn cancel(&self, account: &str, form_key: &str, revision: &Revision) -> Result<usize, StoreError>;

    /// All that is known of an account.
    async fn list(&self, account: &str) -> Result<Listed, StoreError>;

    /// The person has been shown what became of the entries with these ids.
    async fn seen(&self, account: &str, ids: &[String]) -> Result<(), StoreError>;

    /// Of everybody, what ended and was not saved: the newest, at most `most`, with whose they are.
    async fn failed(&self, most: usize) -> Result<Vec<(String, Entry)>, StoreError>;

    /// An account is no more: all of it goes.
    async fn forget_account(&self, account: &str) -> Result<(), StoreError>;

    /// Seals anew what an old secret has sealed, wherever it lies.
    async fn reseal(&self) -> Result<Swept, StoreError>;

    /// Ends what is too old, sees to it that whatever is due will be leased, and counts.
    async fn sweep(&self, now_ms: u64) -> Result<Numbers, StoreError>;
}
