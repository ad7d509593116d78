//! The SQL layer against real databases: SQLite files and a private PostgreSQL.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod databases;
mod demo;
mod lists;
mod postgres_schema;
mod postgres_values;
mod sqlite_schema;
mod sqlite_values;
