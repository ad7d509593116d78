//! What pages and health endpoints are told of the state of things, from cached probes alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::monitoring::port::{Condition, DependencyState, DraftsState, Monitor};
use resilient_db::{Db, Health, RoleHealth, Supported};
use serde_json::{Value, json};

use crate::drafts::DraftService;

/// Watches one database.
pub struct DatabaseMonitor<S: Supported> {
    db: Db<S>,
    kind: &'static str,
    /// The own tables are there and the schema is known: before that nothing can be saved.
    prepared: Arc<AtomicBool>,
    drafts: Arc<DraftService>,
}

impl<S: Supported> DatabaseMonitor<S> {
    pub fn new(db: Db<S>, kind: &'static str, prepared: Arc<AtomicBool>, drafts: Arc<DraftService>) -> Self {
        Self {
            db,
            kind,
            prepared,
            drafts,
        }
    }
}

impl<S: Supported> Monitor for DatabaseMonitor<S> {
    fn condition(&self) -> Condition {
        let health = self.db.health();
        let database = match health.condition {
            _ if !self.prepared.load(Ordering::Acquire) => DependencyState::Down,
            resilient_db::Condition::Up => DependencyState::Up,
            resilient_db::Condition::Slow => DependencyState::Slow,
            resilient_db::Condition::Down => DependencyState::Down,
        };
        let drafts_state = self.drafts.state();
        Condition {
            database,
            database_kind: self.kind,
            drafts: match drafts_state {
                DraftsState::Unavailable => DependencyState::Down,
                _ => DependencyState::Up,
            },
            drafts_state,
            retry_after_ms: health.retry_after.map(|wait| wait.as_millis() as u64),
        }
    }

    fn details(&self) -> Value {
        details(&self.db.health())
    }
}

fn details(health: &Health) -> Value {
    json!({
        "read": role(&health.read),
        "write": role(&health.write),
        "cause": health.cause,
        "last_probe": health.last_probe.as_ref().map(|probe| json!({
            "succeeded": probe.succeeded,
            "took_ms": probe.took.as_millis() as u64,
            "age_ms": probe.age.as_millis() as u64,
        })),
    })
}

fn role(role: &RoleHealth) -> Value {
    json!({
        "breaker": role.breaker.name(),
        "pool": {
            "size": role.pool.size,
            "in_use": role.pool.in_use,
            "idle": role.pool.idle,
            "running": role.pool.running,
            "waiting": role.pool.waiting,
            "max": role.pool.max,
        },
    })
}
