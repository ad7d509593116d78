//! How the server fares, as the pages for staff show it.

use std::borrow::Cow;

use resilient_core::submission::queue::Numbers;

use super::port::Condition;

/// Everything `/monitoring` shows, from memory alone.
#[derive(Clone, Debug)]
pub struct Report {
    pub version: &'static str,
    pub uptime_ms: u64,
    /// Unix time of this report.
    pub now_ms: u64,
    pub condition: Condition,
    /// Of the server that takes changes, where there are several.
    pub database: DatabaseNumbers,
    /// In the order of the settings; one of them where there are no others.
    pub servers: Vec<ServerNumbers>,
    /// Presses of Save since the start, by outcome.
    pub saves: Vec<(&'static str, u64)>,
    /// Forms, of everybody, whose save is kept and not yet done.
    pub waiting: u64,
    pub sent: SentNumbers,
    /// While numbers of requests and errors are not gathered: by whose wish.
    pub paused: Option<Paused>,
    pub degraded: Option<Degraded>,
    /// What calls of the database met on their way since the start, the most frequent first.
    pub met: Vec<MetOnTheWay>,
    /// Of the last 24 hours.
    pub errors_by_kind: Vec<(String, u64)>,
    pub errors_by_severity: Vec<(String, u64)>,
    /// The latest first.
    pub errors: Vec<NotedError>,
    /// They are in the database as well, with those of other servers, and outlive this process.
    pub errors_are_stored: bool,
    /// The most asked for first.
    pub routes: Vec<RouteNumbers>,
    /// `None` until a moment after the start.
    pub machine: Option<MachineNumbers>,
    pub backups: BackupNumbers,
}

/// Saves that the server sends again by itself, of everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentNumbers {
    /// This server sends what waits.
    pub works: bool,
    /// As of the last look; `None` before the first.
    pub numbers: Option<Numbers>,
    /// Since that look nobody could: there may be more or less by now. Else it was at most half a minute ago.
    pub out_of_sight_since_ms: Option<u64>,
    /// The newest of what could not be saved.
    pub failed: Vec<FailedSave>,
}

/// Names only: what was typed is its person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSave {
    pub account: String,
    /// In the `~HH` writing.
    pub table: String,
    pub pressed_at_ms: u64,
    /// As answers write it: `conflict`, `account_off`, `failed_too_often`, ….
    pub reason: &'static str,
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

/// One database server among several.
#[derive(Clone, Debug)]
pub struct ServerNumbers {
    pub name: &'static str,
    /// Host and port.
    pub place: String,
    pub answers: bool,
    pub takes_changes: bool,
    pub is_read_from: bool,
    /// It would take changes as well, and is not given any.
    pub is_rival: bool,
    /// Not written to before it follows the primary again, or somebody says that it counts.
    pub is_barred: bool,
    pub lag_ms: Option<u64>,
    /// Of reading and of writing.
    pub breakers: [&'static str; 2],
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
    /// Calls that may run at once now.
    pub limit: u32,
    /// More calls fail than usual, though they go through.
    pub failing: bool,
    /// Calls take longer than usual.
    pub slowing: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct ProbeNumbers {
    pub succeeded: bool,
    pub took_ms: u64,
    /// How long ago it ended.
    pub age_ms: u64,
}

/// What is inessential is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    pub by: DegradedBy,
    pub since_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DegradedBy {
    /// The database is in trouble: `database_away`, `no_changes_taken`, `database_slow`.
    Itself(&'static str),
    /// Somebody wants it so, for a while.
    Hand {
        who: String,
        reason: String,
        remaining_ms: u64,
    },
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
    pub kind: Cow<'static, str>,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: Cow<'static, str>,
    /// The call or route that failed; never with what.
    pub what: String,
    pub times: u64,
    pub first_at_ms: u64,
    pub last_at_ms: u64,
    /// Of the last one: finds it in the log.
    pub request_id: Option<String>,
    /// On another server, or on this one before it was started.
    pub elsewhere: bool,
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
    Kill,
    ReadOnly,
    Full,
}

impl DrillKind {
    pub const ALL: [Self; 7] = [
        Self::Refuse,
        Self::Hang,
        Self::Slow,
        Self::Deadlock,
        Self::Kill,
        Self::ReadOnly,
        Self::Full,
    ];

    /// As the form posts it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::Deadlock => "deadlock",
            Self::Kill => "kill",
            Self::ReadOnly => "readonly",
            Self::Full => "full",
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
    /// Counts up from the server's start.
    pub number: u64,
    pub kind: DrillKind,
    /// The account that began it.
    pub by: String,
    pub lasting_ms: u64,
    pub remaining_ms: u64,
}

/// What people met during a drill, and what became of their saves.
#[derive(Clone, Debug)]
pub struct DrillReport {
    /// Counts up from the server's start.
    pub number: u64,
    pub kind: DrillKind,
    pub by: String,
    pub started_at_ms: u64,
    pub lasted_ms: u64,
    /// Requests answered meanwhile; of these `late` after the deadline.
    pub answered: u64,
    /// The same by the first digit of the status, from 1.
    pub by_status: [u64; 5],
    pub late: u64,
    pub slowest_ms: u64,
    /// How often the fault was met, by whatever asked the database.
    pub struck: u64,
    /// COMMITs whose answer was lost.
    pub commits_cut: u64,
    /// Presses of Save by outcome; the same form may have asked several times.
    pub saves: Vec<(&'static str, u64)>,
    /// The longest that anybody waited to be told that a save is kept. Known once it was checked.
    pub slowest_kept_ms: Option<u64>,
    /// Known once it was checked.
    pub own: OwnSaves,
    /// Forms that began to wait since then and are not saved yet, as of now.
    pub still_waiting: u64,
    /// From the end to the first change that was taken.
    pub took_changes_after_ms: Option<u64>,
    pub check: DrillCheck,
}

/// Saves of the drill's own, of nobody's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnSaves {
    pub done: u64,
    pub refused: u64,
    /// The answer to their COMMIT was lost, and the database did not say in time what became of it.
    pub unknown: u64,
    pub slowest_refusal_ms: Option<u64>,
}

/// Whether all saves were looked for after a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrillCheck {
    UnderWay,
    /// Why not, in a sentence.
    NotDone(&'static str),
    Done(Checked),
}

/// What was found in the database after a drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// People's saves that were answered "saved" and that were looked for.
    pub saves: u64,
    /// The same of the drill's own.
    pub own: u64,
    /// Of both: not there.
    pub missing: u64,
    /// Changed a record more than once.
    pub twice: u64,
    /// Own saves that were refused, and are there.
    pub refused_and_there: u64,
    /// People's saves that were answered "kept"; of these done by now.
    pub kept: u64,
    pub kept_and_done: u64,
    /// Forms whose text was said to be kept on the server, and is not there.
    pub without_text: u64,
    /// Too many to be looked for.
    pub beyond: u64,
}

impl Checked {
    pub fn nothing_is_lost(&self) -> bool {
        self.missing == 0 && self.twice == 0 && self.refused_and_there == 0 && self.without_text == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pending,
    Healthy,
    Lost,
    NotChecked,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Healthy => "healthy",
            Self::Lost => "lost",
            Self::NotChecked => "not_checked",
        }
    }
}

impl DrillReport {
    pub fn verdict(&self) -> Verdict {
        match &self.check {
            DrillCheck::UnderWay => Verdict::Pending,
            DrillCheck::NotDone(_) => Verdict::NotChecked,
            DrillCheck::Done(checked) if checked.nothing_is_lost() => Verdict::Healthy,
            DrillCheck::Done(_) => Verdict::Lost,
        }
    }

    /// Presses of Save that ended like this.
    pub fn ended(&self, outcome: &str) -> u64 {
        let found = self.saves.iter().find(|(known, _)| *known == outcome);
        found.map_or(0, |(_, count)| *count)
    }
}
