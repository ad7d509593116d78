//! What is known of the database without asking it.

use std::time::Duration;

use resilient_core::breaker::State;

use crate::trend::Trends;

/// From the cached probe, the breakers and the pools' counters; taking it touches nothing.
#[derive(Clone, Debug)]
pub struct Health {
    pub condition: Condition,
    /// `Some` while the breaker is open: when another try makes sense.
    pub retry_after: Option<Duration>,
    /// Why it is not up: the last failed probe, in the driver's words. For the log and for
    /// operators, not for people.
    pub cause: Option<String>,
    /// `None` until the first probe has ended.
    pub last_probe: Option<ProbeReport>,
    pub read: RoleHealth,
    pub write: RoleHealth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Up,
    /// The last probe took more than half its limit, or writing alone is not possible.
    Slow,
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    pub succeeded: bool,
    pub took: Duration,
    /// How long ago it ended.
    pub age: Duration,
}

/// One role's breaker and pool.
#[derive(Clone, Copy, Debug)]
pub struct RoleHealth {
    pub breaker: State,
    pub pool: PoolNumbers,
    pub trends: Trends,
}

impl RoleHealth {
    /// The breaker lets calls through.
    pub fn is_closed(&self) -> bool {
        self.breaker == State::Closed
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolNumbers {
    /// Open connections, idle or not, those of the burst included.
    pub size: u32,
    pub idle: u32,
    pub in_use: u32,
    /// Calls holding a place of the bulkhead.
    pub running: u32,
    /// Calls waiting for one.
    pub waiting: u32,
    /// Connections at most but for the burst's, as the policy has it; also the number of ordinary places, where
    /// [`Policy::adaptive`](crate::Policy::adaptive) is off, and the one it begins with, where it is on.
    pub max: u32,
    /// Ordinary places now.
    pub limit: u32,
    /// The limit is never below this; `max` where it does not move.
    pub least: u32,
    /// The limit is never above this, nor is it together with the burst; `max` where it does not move.
    pub most: u32,
    /// Connections of the burst. They are in use, and closed after it.
    pub overflow: u32,
}
