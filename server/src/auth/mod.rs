//! Accounts, sign-in, and being signed in.
//!
//! *Being* signed in survives the loss of the database: a session is a sealed cookie, checked against
//! the accounts last seen, which also lie in the data directory.

pub mod directory;
pub mod password;
pub mod repository;
pub mod service;
pub mod session;
pub mod throttle;
