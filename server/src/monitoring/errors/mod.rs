//! The last errors, by kind: what failed and when, never with what. No text of a driver and no value
//! comes in here. They are in memory, and where Inkfast has tables of its own, there as well.

mod keeping;
mod stored;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::monitoring::model::NotedError;
use resilient_core::failure::Severity;
use resilient_db::{CallEnded, Ending, Observer};

pub use self::keeping::keep;
use super::recording::Recording;
use crate::clock::now_ms;
use crate::request_id;

/// Entries kept, here and in the database.
const AT_MOST: usize = 1_000;
/// The same again within this is the same entry: an outage refuses by the hundred.
const SAME_WITHIN_MS: u64 = 30_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
/// Hours that are counted; the present one is the last of them.
const HOURS: u64 = 24;

#[derive(Debug)]
pub struct ErrorHistory {
    recording: Arc<Recording>,
    /// What entries of this process are known by in the database.
    instance: String,
    noted: Mutex<Noted>,
}

/// Where errors are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptIn {
    /// Here until the database has been reached.
    #[default]
    NotYetKnown,
    /// Here alone: there are no tables of Inkfast's own.
    Memory,
    Database,
}

impl KeptIn {
    pub fn word(self) -> &'static str {
        match self {
            Self::NotYetKnown | Self::Memory => "memory",
            Self::Database => "database",
        }
    }
}

#[derive(Debug, Default)]
struct Noted {
    entries: VecDeque<Entry>,
    /// Entries so far.
    numbered: u64,
    /// By the hour since 1970 in which they came.
    hours: BTreeMap<u64, Counts>,
    /// Of other servers, and of this one before it was started; the latest first.
    elsewhere: Vec<NotedError>,
    kept_in: KeptIn,
    /// Entries that made room for others before they were in the database.
    not_written: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    error: NotedError,
    /// As it is in the database: so many times.
    written: u64,
}

/// How many of each kind and severity. Both are words of the code, so there are few.
type Counts = BTreeMap<(&'static str, &'static str), u64>;

/// Of the last 24 hours, each error counted, however often it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorStatistics {
    pub total: u64,
    pub by_kind: BTreeMap<String, u64>,
    pub by_severity: BTreeMap<String, u64>,
    /// Unix time at which the hour begins, and how many came in it; the present hour is the last.
    pub by_hour: Vec<(u64, u64)>,
}

impl Default for ErrorHistory {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl ErrorHistory {
    pub fn new(recording: Arc<Recording>) -> Self {
        Self {
            recording,
            instance: request_id::fresh(),
            noted: Mutex::default(),
        }
    }

    /// `what` comes from the code or the route table.
    pub fn note(&self, kind: &'static str, severity: Severity, what: &str) {
        if self.recording.is_on() {
            self.noted()
                .add(kind, severity_word(severity), what, request_id::current(), now_ms());
        }
    }

    /// The latest first, so many at most.
    pub fn recent(&self, at_most: usize) -> Vec<NotedError> {
        let noted = self.noted();
        let own = noted.entries.iter().map(|entry| &entry.error);
        let mut recent: Vec<_> = own.chain(&noted.elsewhere).cloned().collect();
        recent.sort_by_key(|entry| std::cmp::Reverse(entry.last_at_ms));
        recent.truncate(at_most.min(AT_MOST));
        recent
    }

    pub fn statistics(&self) -> ErrorStatistics {
        self.noted().statistics(now_ms())
    }

    pub fn kept_in(&self) -> KeptIn {
        self.noted().kept_in
    }

    /// Errors that came too quickly to be written down in the database.
    pub fn not_written(&self) -> u64 {
        self.noted().not_written
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn add(&mut self, kind: &'static str, severity: &'static str, what: &str, request_id: Option<String>, now_ms: u64) {
        self.count(kind, severity, now_ms);
        let is_same = |entry: &&mut Entry| {
            let error = &entry.error;
            let is_of_this_hour = error.last_at_ms / HOUR_MS == now_ms / HOUR_MS;
            let is_recent = now_ms.saturating_sub(error.last_at_ms) < SAME_WITHIN_MS;
            error.kind == kind && error.what == what && is_recent && is_of_this_hour
        };
        if let Some(entry) = self.entries.iter_mut().rev().find(is_same) {
            let error = &mut entry.error;
            error.times += 1;
            error.last_at_ms = now_ms;
            error.request_id = request_id.or(error.request_id.take());
            return;
        }
        if self.entries.len() == AT_MOST {
            let oldest = self.entries.pop_front();
            let is_lost = oldest.is_some_and(|entry| entry.written < entry.error.times);
            if is_lost && self.kept_in != KeptIn::Memory {
                self.not_written += 1;
                metrics::counter!("inkfast_errors_not_written_total").increment(1);
            }
        }
        self.numbered += 1;
        self.entries.push_back(Entry {
            number: self.numbered,
            written: 0,
            error: NotedError {
                kind: Cow::Borrowed(kind),
                severity: Cow::Borrowed(severity),
                what: what.to_owned(),
                times: 1,
                first_at_ms: now_ms,
                last_at_ms: now_ms,
                request_id,
                elsewhere: false,
            },
        });
    }

    fn count(&mut self, kind: &'static str, severity: &'static str, now_ms: u64) {
        let hour = now_ms / HOUR_MS;
        *self.hours.entry(hour).or_default().entry((kind, severity)).or_default() += 1;
        self.hours = self.hours.split_off(&(hour + 1).saturating_sub(HOURS));
    }

    fn statistics(&self, now_ms: u64) -> ErrorStatistics {
        let last = now_ms / HOUR_MS;
        let first = (last + 1).saturating_sub(HOURS);
        let mut statistics = ErrorStatistics::default();
        let mut by_hour: BTreeMap<u64, u64> = (first..=last).map(|hour| (hour, 0)).collect();
        let mut add = |hour, kind: &str, severity: &str, times: u64| {
            let Some(in_hour) = by_hour.get_mut(&hour) else { return };
            *in_hour += times;
            statistics.total += times;
            *statistics.by_kind.entry(kind.to_owned()).or_default() += times;
            *statistics.by_severity.entry(severity.to_owned()).or_default() += times;
        };
        for (hour, counts) in &self.hours {
            for ((kind, severity), times) in counts {
                add(*hour, kind, severity, *times);
            }
        }
        for error in &self.elsewhere {
            add(error.last_at_ms / HOUR_MS, &error.kind, &error.severity, error.times);
        }
        statistics.by_hour = by_hour
            .into_iter()
            .map(|(hour, count)| (hour * HOUR_MS, count))
            .collect();
        statistics
    }
}

/// For people: who has to do something about it.
fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Input | Severity::Contention => "low",
        Severity::Degraded => "medium",
        Severity::Outage => "high",
        Severity::Critical => "critical",
    }
}

impl Observer for ErrorHistory {
    fn call_ended(&self, call: &CallEnded) {
        if let Ending::Failed(error) = call.ending
            && is_worth_noting(call.name, error.class.severity)
        {
            self.note(error.class.kind.name(), error.class.severity, call.name);
        }
    }
}

/// A person's mistake is no error of ours, and contention is expected until it is given up. What fails while errors
/// are written down is none either: it would be written down.
fn is_worth_noting(call: &str, severity: Severity) -> bool {
    severity > Severity::Input && !keeping::is_own_call(call)
}

#[cfg(test)]
mod tests;
