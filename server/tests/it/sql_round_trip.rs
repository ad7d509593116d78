//! The SQL layer against real databases: SQLite files and a private PostgreSQL.

mod databases;
mod demo;
mod lists;
mod postgres_schema;
mod postgres_values;
mod sqlite_schema;
mod sqlite_values;
