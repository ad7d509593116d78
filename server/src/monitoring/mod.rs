//! What pages and health endpoints are told of the state of things, from cached probes and from memory.

mod breakers;
pub mod degradation;
mod details;
pub mod drills;
mod errors;
pub mod machine;
pub mod own_tables;
mod probes;
pub mod prometheus;
mod recording;
mod repetitions;
mod saves;
mod secrets;
pub mod statements;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use app::monitoring::model::{
    DatabaseNumbers, DrillsView, FailedSave, ProbeNumbers, Report, RoleNumbers, SentNumbers, ServerNumbers,
};
use app::monitoring::port::{Condition, DependencyState, DraftsState, Monitor};
use app::monitoring::statements::{Activity, Hints, StatementsView};
use app::records::address::read_form_key;
use async_trait::async_trait;
use resilient_db::{Health, Observer, RoleHealth, ServerHealth, Supported};
use serde_json::Value;

pub use self::breakers::{BreakerHistory, NoteBreakers};
use self::degradation::Degradation;
use self::drills::Drills;
pub use self::errors::{ErrorHistory, ErrorStatistics, KeptIn, keep as keep_errors};
use self::machine::Machine;
use self::own_tables::OwnTablesSeen;
use self::probes::ProbeTimes;
pub use self::recording::Recording;
pub use self::repetitions::Repetitions;
pub use self::saves::{Saves, Waiting};
pub use self::secrets::SecretsSeen;
pub use self::traffic::Traffic;
use crate::backup::BackupsSeen;
use crate::clock::now_ms;
use crate::database::{Database, Readiness};
use crate::drafts::DraftService;
use crate::replay::Looked;
use crate::reports::{NotTold, Reports};

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
    pub repetitions: Arc<Repetitions>,
    pub machine: Arc<Machine>,
    pub own_tables: Arc<OwnTablesSeen>,
    pub backups: Arc<BackupsSeen>,
    pub degradation: Arc<Degradation>,
    pub secrets: Arc<SecretsSeen>,
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
            repetitions: Arc::default(),
            machine: Arc::default(),
            own_tables: Arc::default(),
            backups: Arc::default(),
            degradation: Arc::default(),
            secrets: Arc::default(),
            recording,
        }
    }
}

impl Observations {
    /// Those of them who are to be told what becomes of a database server's calls, probes and breakers.
    pub fn observers<S: Supported>(&self, server: &'static str) -> Vec<Arc<dyn Observer>> {
        vec![
            self.errors.clone(),
            self.probes.clone(),
            self.repetitions.clone(),
            Arc::new(NoteBreakers::<S>::new(Arc::clone(&self.breakers), server)),
        ]
    }
}

/// Watches the database, of however many servers it is.
pub struct DatabaseMonitor<S: Supported> {
    pub db: Database<S>,
    pub kind: &'static str,
    /// The own tables are there and the schema is known: before that nothing can be saved.
    pub prepared: Arc<AtomicBool>,
    pub drafts: Arc<DraftService>,
    pub observations: Arc<Observations>,
    pub drills: Option<Arc<Drills>>,
    /// Host and port of each server, in the order of the settings.
    pub places: Vec<String>,
    pub reports: Arc<dyn Reports>,
}

#[async_trait]
impl<S: Supported> Monitor for DatabaseMonitor<S> {
    fn condition(&self) -> Condition {
        let state = self.db.state();
        let prepared = self.prepared.load(Ordering::Acquire);
        let database = match state.readiness {
            _ if !prepared => DependencyState::Down,
            Readiness::Up => DependencyState::Up,
            Readiness::Slow => DependencyState::Slow,
            Readiness::Down => DependencyState::Down,
        };
        let drafts_state = self.drafts.state();
        Condition {
            database,
            can_save: prepared && state.can_save && !self.observations.own_tables.are_away(),
            database_kind: self.kind,
            drafts: match drafts_state {
                DraftsState::Unavailable => DependencyState::Down,
                _ => DependencyState::Up,
            },
            drafts_state,
            retry_after_ms: state.retry_after.map(|wait| wait.as_millis() as u64),
        }
    }

    async fn condition_now(&self) -> Condition {
        self.db.probe_now().await;
        self.condition()
    }

    async fn reconnect(&self) -> Condition {
        self.db.reconnect().await;
        self.condition()
    }

    fn details(&self) -> Value {
        details::details(&self.db.state(), &self.observations)
    }

    fn report(&self) -> Report {
        let Observations {
            started,
            recording,
            traffic,
            saves,
            errors,
            backups,
            degradation,
            repetitions,
            machine,
            ..
        } = &*self.observations;
        let state = self.db.state();
        let statistics = errors.statistics();
        Report {
            version: env!("CARGO_PKG_VERSION"),
            uptime_ms: started.elapsed().as_millis() as u64,
            now_ms: now_ms(),
            condition: self.condition(),
            database: database_numbers(&state.leading().health),
            servers: state.servers.iter().zip(&self.places).map(server_numbers).collect(),
            saves: saves.by_outcome(),
            waiting: saves.waiting_since(0),
            sent: sent_numbers(&self.drafts),
            paused: recording.paused(),
            degraded: degradation.current(),
            met: repetitions.report(),
            errors_by_kind: most_first(statistics.by_kind),
            errors_by_severity: most_first(statistics.by_severity),
            errors: errors.recent(ERRORS_ON_PAGE),
            errors_are_stored: errors.kept_in() == KeptIn::Database,
            routes: traffic.routes(),
            backups: backups.numbers(),
            machine: machine.numbers(),
        }
    }

    fn trust(&self, server: &str) -> bool {
        self.db.trust(server)
    }

    fn statements(&self) -> Option<StatementsView> {
        self.db.statements().map(|report| statements::view(&report))
    }

    async fn activity(&self) -> Result<Activity, &'static str> {
        self.reachable()?;
        self.reports.activity().await.map_err(NotTold::words)
    }

    async fn hints(&self) -> Result<Hints, &'static str> {
        self.reachable()?;
        let slow = self.db.statements().map(|report| report.statements).unwrap_or_default();
        self.reports.hints(&slow).await.map_err(NotTold::words)
    }

    fn drills(&self) -> Option<DrillsView> {
        self.drills.as_ref().map(|drills| drills.view())
    }
}

impl<S: Supported> DatabaseMonitor<S> {
    /// What is known to be away is not waited for.
    fn reachable(&self) -> Result<(), &'static str> {
        match self.db.state().readiness {
            Readiness::Down => Err(NotTold::Unreachable.words()),
            _ => Ok(()),
        }
    }
}

fn sent_numbers(drafts: &DraftService) -> SentNumbers {
    let Looked {
        numbers,
        out_of_sight_since_ms,
        failed,
    } = drafts.waiting().looked();
    let named = failed.into_iter().map(|(account, entry)| FailedSave {
        account,
        table: read_form_key(&entry.form_key).map_or_else(String::new, |(table, _)| table),
        pressed_at_ms: entry.pressed_at_ms,
        reason: entry.why_code(),
    });
    SentNumbers {
        works: drafts.waiting().works(),
        numbers,
        out_of_sight_since_ms,
        failed: named.collect(),
    }
}

fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
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

fn server_numbers((server, place): (&ServerHealth, &String)) -> ServerNumbers {
    let health = &server.health;
    ServerNumbers {
        name: server.name,
        place: place.clone(),
        answers: health.condition != resilient_db::Condition::Down,
        takes_changes: server.is_writer,
        is_read_from: server.is_reader,
        is_rival: server.is_rival,
        is_barred: server.is_barred,
        lag_ms: server.lag.map(|lag| lag.as_millis() as u64),
        breakers: [health.read.breaker.name(), health.write.breaker.name()],
    }
}

fn role_numbers(role: &RoleHealth) -> RoleNumbers {
    RoleNumbers {
        breaker: role.breaker.name(),
        size: role.pool.size,
        in_use: role.pool.in_use,
        idle: role.pool.idle,
        overflow: role.pool.overflow,
        max: role.pool.max,
        running: role.pool.running,
        waiting: role.pool.waiting,
        limit: role.pool.limit,
        failing: role.trends.failing,
        slowing: role.trends.slowing,
    }
}
