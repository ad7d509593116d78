//! What pages and health endpoints are told of the state of things, from cached probes and from memory.

pub mod drills;
mod errors;
mod latency;
pub mod prometheus;
mod saves;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use app::monitoring::model::{DatabaseNumbers, DrillsView, ProbeNumbers, Report, RoleNumbers};
use app::monitoring::port::{Condition, DependencyState, DraftsState, Monitor};
use async_trait::async_trait;
use resilient_db::{Db, Health, RoleHealth, Supported};
use serde_json::{Value, json};

use self::drills::Drills;
pub use self::errors::ErrorHistory;
pub use self::saves::{Saves, Waiting};
pub use self::traffic::Traffic;
use crate::clock::now_ms;
use crate::drafts::DraftService;

/// What this process has seen since its start.
#[derive(Debug)]
pub struct Observations {
    pub started: Instant,
    pub traffic: Traffic,
    pub saves: Arc<Saves>,
    pub errors: Arc<ErrorHistory>,
}

impl Default for Observations {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            traffic: Traffic::default(),
            saves: Arc::default(),
            errors: Arc::default(),
        }
    }
}

/// Watches one database.
pub struct DatabaseMonitor<S: Supported> {
    db: Db<S>,
    kind: &'static str,
    /// The own tables are there and the schema is known: before that nothing can be saved.
    prepared: Arc<AtomicBool>,
    drafts: Arc<DraftService>,
    observations: Arc<Observations>,
    drills: Option<Arc<Drills>>,
}

impl<S: Supported> DatabaseMonitor<S> {
    pub fn new(
        db: Db<S>,
        kind: &'static str,
        prepared: Arc<AtomicBool>,
        drafts: Arc<DraftService>,
        observations: Arc<Observations>,
        drills: Option<Arc<Drills>>,
    ) -> Self {
        Self {
            db,
            kind,
            prepared,
            drafts,
            observations,
            drills,
        }
    }
}

#[async_trait]
impl<S: Supported> Monitor for DatabaseMonitor<S> {
    fn condition(&self) -> Condition {
        let health = self.db.health();
        let prepared = self.prepared.load(Ordering::Acquire);
        let database = match health.condition {
            _ if !prepared => DependencyState::Down,
            resilient_db::Condition::Up => DependencyState::Up,
            resilient_db::Condition::Slow => DependencyState::Slow,
            resilient_db::Condition::Down => DependencyState::Down,
        };
        let drafts_state = self.drafts.state();
        Condition {
            database,
            can_save: prepared && health.read.is_closed() && health.write.is_closed(),
            database_kind: self.kind,
            drafts: match drafts_state {
                DraftsState::Unavailable => DependencyState::Down,
                _ => DependencyState::Up,
            },
            drafts_state,
            retry_after_ms: health.retry_after.map(|wait| wait.as_millis() as u64),
        }
    }

    async fn condition_now(&self) -> Condition {
        self.db.probe_now().await;
        self.condition()
    }

    fn details(&self) -> Value {
        details(&self.db.health())
    }

    fn report(&self) -> Report {
        let Observations {
            started,
            traffic,
            saves,
            errors,
        } = &*self.observations;
        Report {
            version: env!("CARGO_PKG_VERSION"),
            uptime_ms: started.elapsed().as_millis() as u64,
            now_ms: now_ms(),
            condition: self.condition(),
            database: database_numbers(&self.db.health()),
            saves: saves.by_outcome(),
            waiting: saves.waiting_since(0),
            errors: errors.recent(),
            routes: traffic.routes(),
        }
    }

    fn drills(&self) -> Option<DrillsView> {
        self.drills.as_ref().map(|drills| drills.view())
    }
}

fn database_numbers(health: &Health) -> DatabaseNumbers {
    DatabaseNumbers {
        read: role_numbers(&health.read),
        write: role_numbers(&health.write),
        last_probe: health.last_probe.map(|probe| ProbeNumbers {
            succeeded: probe.succeeded,
            took_ms: probe.took.as_millis() as u64,
            age_ms: probe.age.as_millis() as u64,
        }),
        cause: health.cause.clone(),
    }
}

fn role_numbers(role: &RoleHealth) -> RoleNumbers {
    RoleNumbers {
        breaker: role.breaker.name(),
        in_use: role.pool.in_use,
        idle: role.pool.idle,
        max: role.pool.max,
        running: role.pool.running,
        waiting: role.pool.waiting,
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
