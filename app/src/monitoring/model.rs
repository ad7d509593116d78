//! How the server fares, as the pages for staff show it.

use super::port::Condition;

/// Everything `/monitoring` shows, from memory alone.
#[derive(Clone, Debug)]
pub struct Report {
    pub version: &'static str,
    pub uptime_ms: u64,
    /// Unix time of this report.
    pub now_ms: u64,
    pub condition: Condition,
    pub database: DatabaseNumbers,
    /// Presses of Save since the start, by outcome.
    pub saves: Vec<(&'static str, u64)>,
    /// Forms, of everybody, whose save is kept and not yet done.
    pub waiting: u64,
    /// While numbers of requests and errors are not gathered: by whose wish.
    pub paused: Option<Paused>,
    /// What calls of the database met on their way since the start, the most frequent first.
    pub met: Vec<MetOnTheWay>,
    /// Of the last 24 hours.
    pub errors_by_kind: Vec<(&'static str, u64)>,
    pub errors_by_severity: Vec<(&'static str, u64)>,
    /// The latest first.
    pub errors: Vec<NotedError>,
    /// The most asked for first.
    pub routes: Vec<RouteNumbers>,
    /// `None` until a moment after the start.
    pub machine: Option<MachineNumbers>,
    pub backups: BackupNumbers,
}

/// Copies of the database and of unsaved text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupNumbers {
    /// `None`: only on command.
    pub every_ms: Option<u64>,
    pub running: bool,
    pub last_good: Option<LastBackup>,
    pub next_due_ms: Option<u64>,
    /// Scheduled ones, since the start.
    pub failures: u64,
    /// When, and for the want of what: `tool`, `disk_full`, `database`, ….
    pub last_failure: Option<(u64, &'static str)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastBackup {
    pub name: String,
    pub made_at_ms: u64,
    pub took_ms: u64,
    pub bytes: u64,
}

/// Calls that were repeated or refused, or had to be given more connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetOnTheWay {
    /// `read` or `write`.
    pub role: &'static str,
    /// `repeated`, `refused` or `overflowed`.
    pub what: &'static str,
    /// The kind of failure, or the reason of the refusal.
    pub why: Option<&'static str>,
    pub times: u64,
}

/// What this process takes, and what its machine has left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineNumbers {
    pub process_memory_bytes: Option<u64>,
    /// Of one processor: two busy threads are 200.
    pub process_cpu_percent: Option<f64>,
    pub processors: u64,
    /// Of all processors together.
    pub cpu_percent: f64,
    pub memory_total_bytes: u64,
    pub memory_available_bytes: u64,
    /// Of the disk that holds the data directory: in all, and what is left.
    pub disk_bytes: Option<(u64, u64)>,
}

#[derive(Clone, Debug)]
pub struct DatabaseNumbers {
    pub read: RoleNumbers,
    pub write: RoleNumbers,
    pub last_probe: Option<ProbeNumbers>,
    /// The last failed probe in the driver's words: for operators.
    pub cause: Option<String>,
}

/// Breaker and pool for reading, or for writing.
#[derive(Clone, Copy, Debug)]
pub struct RoleNumbers {
    /// `closed`, `half_open`, `open`.
    pub breaker: &'static str,
    /// Open connections.
    pub size: u32,
    pub in_use: u32,
    pub idle: u32,
    /// Of the burst, among those in use.
    pub overflow: u32,
    pub max: u32,
    pub running: u32,
    pub waiting: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct ProbeNumbers {
    pub succeeded: bool,
    pub took_ms: u64,
    /// How long ago it ended.
    pub age_ms: u64,
}

/// Somebody has switched the gathering of numbers off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The account, or that it was a program.
    pub by: String,
    pub since_ms: u64,
}

/// The same failure, as often as it came in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedError {
    pub kind: &'static str,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: &'static str,
    /// The call or route that failed; never with what.
    pub what: String,
    pub times: u64,
    pub first_at_ms: u64,
    pub last_at_ms: u64,
    /// Of the last one: finds it in the log.
    pub request_id: Option<String>,
}

/// Requests of one route since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteNumbers {
    /// The template of the route table.
    pub route: String,
    pub method: &'static str,
    pub count: u64,
    /// Answered with 500 or above.
    pub failed: u64,
    pub p50_ms: u64,
    pub p95_ms: u64,
    pub p99_ms: u64,
}

/// What the database can be made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrillKind {
    Refuse,
    Hang,
    Slow,
    Deadlock,
}

impl DrillKind {
    pub const ALL: [Self; 4] = [Self::Refuse, Self::Hang, Self::Slow, Self::Deadlock];

    /// As the form posts it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::Deadlock => "deadlock",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Shortest and longest drill, in seconds.
pub const DRILL_SECONDS: std::ops::RangeInclusive<u64> = 1..=120;

/// Where drills are switched on.
#[derive(Clone, Debug, Default)]
pub struct DrillsView {
    pub running: Option<RunningDrill>,
    pub last: Option<DrillReport>,
}

#[derive(Clone, Debug)]
pub struct RunningDrill {
    pub kind: DrillKind,
    /// The account that began it.
    pub by: String,
    pub lasting_ms: u64,
    pub remaining_ms: u64,
}

/// What people met during a drill.
#[derive(Clone, Debug)]
pub struct DrillReport {
    pub kind: DrillKind,
    pub by: String,
    pub started_at_ms: u64,
    pub lasted_ms: u64,
    /// Requests answered meanwhile; of these `late` after the deadline.
    pub answered: u64,
    pub late: u64,
    pub slowest_ms: u64,
    pub saved: u64,
    /// Saves answered with "kept"; the same form may have asked several times.
    pub kept: u64,
    /// Forms that began to wait since then and are not saved yet, as of now.
    pub still_waiting: u64,
}
