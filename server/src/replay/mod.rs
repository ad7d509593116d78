//! Saves that could not be done are sent again by the server itself, once the database is back: also after the
//! browser has gone.
//!
//! The queue (`resilient_drafts::queue`) says what is next; the [`Worker`] runs it as the person's own press would
//! run, with the rights that person has now. Browser and server may both send the same press: its id decides.

mod settings;
mod submission;
mod waiting;
mod worker;

pub use settings::ReplaySettings;
pub use submission::QueuedSave;
pub use waiting::{Cut, Looked, WaitingSaves};
pub use worker::{Replay, Worker};
