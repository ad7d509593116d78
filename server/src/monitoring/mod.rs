//! What pages and health endpoints are told of the state of things, from cached probes and from memory.

mod breakers;
mod details;
pub mod drills;
mod errors;
pub mod machine;
pub mod own_tables;
mod probes;
pub mod prometheus;
mod recording;
mod saves;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use app::monitoring::model::{DatabaseNumbers, DrillsView, ProbeNumbers, Report, RoleNumbers};
use app::monitoring::port::{Condition, DependencyState, DraftsState, Monitor};
use async_trait::async_trait;
use resilient_db::{Db, Health, Observer, RoleHealth, Supported};
use serde_json::Value;

pub use self::breakers::{BreakerHistory, NoteBreakers};
use self::drills::Drills;
pub use self::errors::{ErrorHistory, ErrorStatistics};
use self::machine::Machine;
use self::own_tables::OwnTablesSeen;
use self::probes::ProbeTimes;
pub use self::recording::Recording;
pub use self::saves::{Saves, Waiting};
pub use self::traffic::Traffic;
use crate::backup::BackupsSeen;
use crate::clock::now_ms;
use crate::drafts::DraftService;

/// Errors that the page shows; programs get all.
const ERRORS_ON_PAGE: usize = 100;

/// What this process has seen since its start.
#[derive(Debug)]
pub struct Observations {
    pub started: Instant,
    pub recording: Arc<Recording>,
    pub traffic: Traffic,
    pub saves: Arc<Saves>,
    pub errors: Arc<ErrorHistory>,
    pub breakers: Arc<BreakerHistory>,
    pub probes: Arc<ProbeTimes>,
    pub machine: Arc<Machine>,
    pub own_tables: Arc<OwnTablesSeen>,
    pub backups: Arc<BackupsSeen>,
}

impl Default for Observations {
    fn default() -> Self {
        let recording = Arc::<Recording>::default();
        Self {
            started: Instant::now(),
            traffic: Traffic::new(Arc::clone(&recording)),
            saves: Arc::default(),
            errors: Arc::new(ErrorHistory::new(Arc::clone(&recording))),
            breakers: Arc::default(),
            probes: Arc::default(),
            machine: Arc::default(),
            own_tables: Arc::default(),
            backups: Arc::default(),
            recording,
        }
    }
}

impl Observations {
    /// Those of them who are to be told what becomes of a database's calls, probes and breakers.
    pub fn observers<S: Supported>(&self) -> Vec<Arc<dyn Observer>> {
        vec![
            self.errors.clone(),
            self.probes.clone(),
            Arc::new(NoteBreakers::<S>::new(Arc::clone(&self.breakers))),
        ]
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
        details::details(&self.db.health(), &self.observations)
    }

    fn report(&self) -> Report {
        let Observations {
            started,
            recording,
            traffic,
            saves,
            errors,
            backups,
            ..
        } = &*self.observations;
        Report {
            version: env!("CARGO_PKG_VERSION"),
            uptime_ms: started.elapsed().as_millis() as u64,
            now_ms: now_ms(),
            condition: self.condition(),
            database: database_numbers(&self.db.health()),
            saves: saves.by_outcome(),
            waiting: saves.waiting_since(0),
            paused: recording.paused(),
            errors: errors.recent(ERRORS_ON_PAGE),
            routes: traffic.routes(),
            backups: backups.numbers(),
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
