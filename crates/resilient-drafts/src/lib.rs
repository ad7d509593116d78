//! Where unsaved form input is kept on the server: one trait, several stores, one contract.
//!
//! A draft is kept by (account, form key) and [revision](resilient_core::draft::Revision). Which
//! draft takes the place of which is decided by `resilient-core`; a store does that in one step, so
//! that two tabs writing at once never lose either's text. Times come in as arguments, in
//! milliseconds since 1970; they only order lists and end what is too old.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use resilient_core::draft::{Draft, Revision, replacement::Mode};
//! use resilient_drafts::{DraftStore, End, MemoryStore, Written};
//!
//! let store = MemoryStore::default();
//! let draft = Draft {
//!     version: "sealed".into(),
//!     base: Default::default(),
//!     values: [("name".to_owned(), Some("Pump 2".to_owned()))].into(),
//!     revision: Revision { seq: 1, writer: "tab-1".into() },
//!     on: None,
//! };
//! let written = store.write("ann", "equipment/7", &draft, &Mode::Chained, 0).await?;
//! assert!(matches!(written, Written::Stored(_)));
//!
//! store.end("ann", "equipment/7", &draft.revision, End::Saved, 0).await?;
//! assert!(store.load("ann", "equipment/7").await?.drafts.is_empty());
//! # Ok::<(), resilient_drafts::StoreError>(()) }).unwrap();
//! ```

//! # Stores
//!
//! | store | where | what for |
//! |---|---|---|
//! | [`MemoryStore`] | this process | tests |
//! | [`SqliteStore`] | one file | one server, nothing to install |
//! | `RedisStore` (feature `redis`) | a Redis server | several servers; refuses at once while Redis is known to be away |
//! | `LayeredStore` (feature `redis`) | Redis, a file behind it | goes on without Redis and moves everything over when it is back |
//!
//! With Redis in front of a file:
//!
//! ```no_run
//! # #[cfg(feature = "redis")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use resilient_drafts::redis::{Address, Limits};
//! use resilient_drafts::{LayeredStore, RedisStore, Sealer, SqliteStore};
//!
//! let sealer = Sealer::new(&[7; 32], "drafts");
//! let address: Address = "redis://127.0.0.1:6379".parse()?;
//! let redis = RedisStore::connect(&address, "my-application", sealer.clone(), Limits::default()).await?;
//! let file = SqliteStore::open("drafts.db".as_ref(), sealer).await?;
//! let store = LayeredStore::over(redis, file).await?;
//! # let _ = store; Ok(()) }
//! ```
//!
//! Redis should be one for drafts alone, with `appendonly yes`, `appendfsync always` and
//! `maxmemory-policy noeviction`: only then does an acknowledged draft survive a kill. What is missing
//! for that is logged when Redis first answers. After `FLUSHALL` nothing breaks: a page that goes on
//! typing is told that nothing is stored and writes anew; drafts of closed pages are gone.

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
pub use seal::Sealer;
pub use sqlite::SqliteStore;
pub use store::{
    Count, DraftStore, End, Ended, KEPT_FOR, LONGEST_DRAFT, MOST_DRAFTS, Place, Seen, StoreError, StoredDraft, Written,
};
