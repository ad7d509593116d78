//! Unsaved work on the server: kept for the pages, for `/api/drafts`, and when a save has failed.

mod counting;
pub mod http;
mod pace;
mod service;
mod unreadable;

pub use service::{DraftService, KeptPost, NotKept};
