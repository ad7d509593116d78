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
//! assert!(store.load("ann", "equipment/7").await?.is_empty());
//! # Ok::<(), resilient_drafts::StoreError>(()) }).unwrap();
//! ```

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod form;
mod memory;
pub mod seal;
mod sqlite;
mod store;

pub use memory::MemoryStore;
pub use seal::Sealer;
pub use sqlite::SqliteStore;
pub use store::{DraftStore, End, Ended, KEPT_FOR, LONGEST_DRAFT, StoreError, StoredDraft, Written};
