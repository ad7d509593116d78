//! The rules of resilient editing, pure: no runtime, no clock, no randomness, no browser.
//!
//! Time and random numbers come in as arguments, effects go out as data. The same code decides on
//! the server and in the browser, so both come to the same answer.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod backoff;
pub mod breaker;
pub mod collections;
pub mod connection;
pub mod difference;
pub mod draft;
pub mod failure;
pub mod latency;
pub mod merge;
pub mod path_text;
pub mod secret_name;
pub mod submission;
pub mod time;
pub mod window;
