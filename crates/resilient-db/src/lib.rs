#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod budget;
mod bulkhead;
mod call;
mod circuit;
pub mod classify;
mod clock;
mod cluster;
mod connection;
mod db;
mod error;
mod failed_attempt;
mod faults;
mod gate;
mod health;
mod lane;
mod lease;
mod limit;
mod message;
#[cfg(feature = "metrics")]
mod metrics;
mod moving;
mod observer;
mod policy;
mod pool;
mod probe;
mod pulse;
mod random;
mod retry;
mod statements;
mod supported;
mod telling;
mod transaction;
mod trend;
mod typical;
mod usual;

#[doc = include_str!("../SETTINGS.md")]
pub mod settings {}

pub use cluster::{Cluster, ClusterPolicy, Server, ServerHealth, View};
pub use connection::Connection;
pub use db::Db;
pub use error::{CommitRefused, Constraint, ConstraintKind, DbError};
pub use faults::{Fault, Faults, Injected, Struck};
pub use health::{Condition, Health, PoolNumbers, ProbeReport, RoleHealth};
pub use message::Message;
#[cfg(feature = "metrics")]
pub use metrics::CountMetrics;
pub use observer::{
    CallEnded, Contended, ContentionCluster, Ending, LogChanges, Observer, Observers, Refusal, SlowStatement,
};
pub use policy::Policy;
pub use probe::ProbeAnswer;
pub use resilient_core::{breaker, failure};
pub use statements::{
    ClusterRule, Contention, ContentionNumbers, LONGEST_SHAPE, Measuring, StatementNumbers, StatementsReport, Syntax,
    shape_of,
};
#[cfg(feature = "mysql")]
pub use supported::MySqlServer;
pub use supported::{Options, PoolSize, Purpose, Replication, Role, Supported};
pub use transaction::{End, OnUnknownCommit};
pub use trend::{Trend, TrendChange, Trends};
