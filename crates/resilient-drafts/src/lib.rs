#![doc = include_str!("../README.md")]
// Without its feature, the layer has no documentation to lead to.
#![cfg_attr(not(feature = "capture"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "capture")]
pub mod capture;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod form;
#[cfg(feature = "redis")]
mod layered;
mod memory;
pub mod queue;
#[cfg(feature = "redis")]
pub mod redis;
pub mod seal;
mod sqlite;
mod step;
mod store;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(feature = "redis")]
pub use layered::LayeredStore;
pub use memory::MemoryStore;
pub use seal::{Sealer, Secrets};
pub use sqlite::SqliteStore;
pub use store::{
    Count, DraftStore, End, Ended, KEPT_FOR, LONGEST_DRAFT, MOST_BYTES, MOST_DRAFTS, Place, Seen, StoreError,
    StoredDraft, Swept, Unreadable, WhyUnreadable, Written,
};
