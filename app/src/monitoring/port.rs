//! What pages and health endpoints need to know of the state of things.

/// The state of one thing this process depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyState {
    Up,
    Slow,
    Down,
}

/// A snapshot from cached probes; taking it touches nothing.
#[derive(Clone, Debug)]
pub struct Condition {
    pub database: DependencyState,
    /// What kind of database: `PostgreSQL`, `SQLite`.
    pub database_kind: &'static str,
    pub drafts: DependencyState,
    /// Milliseconds until the next probe while the database is down.
    pub retry_after_ms: Option<u64>,
}

pub trait Monitor: Send + Sync {
    fn condition(&self) -> Condition;

    /// Pool numbers, breakers and the last probe as JSON, for operators.
    fn details(&self) -> serde_json::Value;
}
