//! Several servers over one database, and what they tell each other at once by Redis: who saved what, what became of a
//! submission, who has which record open, sessions that ended and accounts that changed.
//!
//! None of it is needed to be right. What counts is in the database, and each server reads it every two seconds; without
//! Redis, or while it is away, pages hear of their own server alone. Messages are sealed with a key of the servers'
//! secret, so nobody who can write to Redis can make a server say or forget anything; no text of a record is in them;
//! and whether a page may hear it is asked by the server that has the page.

mod hearing;
mod joining;
mod neighbours;
mod others;
mod settling;
mod told;

pub use joining::join;
pub use neighbours::{Instance, Neighbours};
pub use others::Others;
pub use told::{Present, Told};
