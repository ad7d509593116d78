//! `resilient-db` against real databases: a private PostgreSQL and a private MariaDB that are killed,
//! frozen and cut off, SQLite files, and servers that say what no real one would say when asked to.

mod adaptive;
mod black_hole;
mod burst;
mod cluster;
mod cluster_histories;
mod constraints;
mod cut_commits;
mod databases;
mod every_row;
mod fake;
mod false_trips;
mod faults;
mod frozen;
mod limits;
mod lost_commit;
mod outage;
mod reconnected;
mod replicated;
#[path = "../rows/mod.rs"]
mod rows;
mod sqlite;
mod statements;
mod support;
mod tls;
mod told;
mod transactions;
