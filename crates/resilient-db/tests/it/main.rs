//! `resilient-db` against real databases: a private PostgreSQL that is killed, frozen and cut off,
//! and SQLite files.

mod constraints;
mod faults;
mod frozen;
mod limits;
mod lost_commit;
mod outage;
mod sqlite;
mod support;
mod told;
mod transactions;
