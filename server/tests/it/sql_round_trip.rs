//! The SQL layer against real databases: SQLite files, a private PostgreSQL, a private MariaDB.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod databases;
mod demo;
mod lists;
mod mysql_schema;
mod mysql_values;
mod postgres_schema;
mod postgres_values;
mod sqlite_schema;
mod sqlite_values;
