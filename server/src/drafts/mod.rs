//! Unsaved work on the server: kept for the pages, for `/api/drafts`, and when a save has failed.

mod counting;
mod elsewhere;
mod failed_posts;
mod failures;
pub mod http;
mod pace;
mod service;
mod unreadable;

pub use failed_posts::{KeptPost, NotKept};
pub use service::DraftService;
