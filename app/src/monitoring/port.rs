//! What pages and health endpoints need to know of the state of things.

use async_trait::async_trait;

use super::model::{DrillsView, Report};
use super::statements::{Activity, Hints, StatementsView};

/// The state of one thing this process depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyState {
    Up,
    Slow,
    Down,
}

/// Where unsaved work goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftsState {
    /// To Redis, as configured.
    Redis,
    /// Redis is away: to this server's own file, and from there to Redis when it is back.
    Spill,
    /// To this server's own file; no Redis is configured.
    Embedded,
    /// Nowhere on the server: only the device keeps it.
    Unavailable,
}

impl DraftsState {
    /// As health reports and events write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Spill => "spill",
            Self::Embedded => "server",
            Self::Unavailable => "down",
        }
    }
}

/// A snapshot from cached probes; taking it touches nothing.
#[derive(Clone, Debug)]
pub struct Condition {
    pub database: DependencyState,
    /// Whether a save would be tried. A database that only answers questions is slow, not down.
    pub can_save: bool,
    /// What kind of database: `PostgreSQL`, `SQLite`.
    pub database_kind: &'static str,
    /// Whether the server keeps drafts at all.
    pub drafts: DependencyState,
    pub drafts_state: DraftsState,
    /// Milliseconds until the next probe while the database is down.
    pub retry_after_ms: Option<u64>,
}

impl Condition {
    /// The database as open forms have to know it: one that cannot save is down to them, though lists may open.
    pub fn database_for_saving(&self) -> DependencyState {
        match self.can_save {
            true => self.database,
            false => DependencyState::Down,
        }
    }
}

#[async_trait]
pub trait Monitor: Send + Sync {
    fn condition(&self) -> Condition;

    /// The condition after asking the database, unless it was asked just now.
    async fn condition_now(&self) -> Condition;

    /// The same after leaving every connection that is open.
    async fn reconnect(&self) -> Condition;

    /// Pool numbers, breakers and the last probe as JSON, for operators.
    fn details(&self) -> serde_json::Value;

    /// The same and more for the page; asks nothing either.
    fn report(&self) -> Report;

    /// Somebody has looked: what this database server holds is what counts, though another history was suspected.
    /// Whether there is a server of that name.
    fn trust(&self, server: &str) -> bool;
    /// What statements have come to; `None` where they are not measured. Asks nothing.
    fn statements(&self) -> Option<StatementsView>;

    /// What the database does now; asks it, within 8 seconds. In words for people where it does not tell.
    async fn activity(&self) -> Result<Activity, &'static str>;

    /// What would make slow statements quicker, by the database's plans; asks it, unless it was asked lately.
    async fn hints(&self) -> Result<Hints, &'static str>;

    /// `None` unless this server was started with drills.
    fn drills(&self) -> Option<DrillsView>;
}
