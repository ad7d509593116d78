//! Real database servers of a test's own.
//!
//! To test resilience one has to cut a real server. A [`PrivatePostgres`] has its own data
//! directory, port and socket directory, listens on 127.0.0.1 only, keeps its promises about
//! durability (`fsync` and `synchronous_commit` as in production), and can be killed, restarted,
//! frozen and thawed. Nothing of it is left when it is dropped. A [`PrivateMariaDb`] is the same for
//! MariaDB, and a [`PrivateRedis`] for Redis, with a log that is on the disk before anything is
//! acknowledged. A [`SmallDisk`] is one to be filled. A [`Lateness`] tells what
//! part of a wait was the machine's.
//!
//! PostgreSQL and MariaDB can have standbys, which follow their primary and can be promoted. [`WatchedRedis`] is a
//! primary and a replica with sentinels, [`RedisCluster`] a cluster of three.
//!
//! For tests and stories only. It needs Linux (`/proc` tells which processes belong to a server).

mod certificate;
mod disk;
mod installation;
mod lateness;
mod mariadb;
pub mod orders;
mod postgres;
mod process_tree;
mod redis;
mod redis_group;
mod template;

pub use disk::SmallDisk;
pub use lateness::Lateness;
pub use mariadb::PrivateMariaDb;
pub use postgres::{PrivatePostgres, ServerError};
pub use redis::PrivateRedis;
pub use redis_group::{RedisCluster, WatchedRedis};
