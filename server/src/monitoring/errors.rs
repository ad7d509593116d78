//! The last errors, by kind: what failed and when, never with what. No text of a driver and no value
//! comes in here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::monitoring::model::NotedError;
use resilient_core::failure::Severity;
use resilient_db::{CallEnded, Ending, Observer};

use super::recording::Recording;
use crate::clock::now_ms;
use crate::request_id;

/// Entries kept.
const AT_MOST: usize = 1_000;
/// The same again within this is the same entry: an outage refuses by the hundred.
const SAME_WITHIN_MS: u64 = 30_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
/// Hours that are counted; the present one is the last of them.
const HOURS: u64 = 24;

#[derive(Debug, Default)]
pub struct ErrorHistory {
    recording: Arc<Recording>,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    entries: VecDeque<NotedError>,
    /// By the hour since 1970 in which they came.
    hours: BTreeMap<u64, Counts>,
}

/// How many of each kind and severity. Both are words of the code, so there are few.
type Counts = BTreeMap<(&'static str, &'static str), u64>;

/// Of the last 24 hours, each error counted, however often it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorStatistics {
    pub total: u64,
    pub by_kind: BTreeMap<&'static str, u64>,
    pub by_severity: BTreeMap<&'static str, u64>,
    /// Unix time at which the hour begins, and how many came in it; the present hour is the last.
    pub by_hour: Vec<(u64, u64)>,
}

impl ErrorHistory {
    pub fn new(recording: Arc<Recording>) -> Self {
        Self {
            recording,
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
        let mut recent: Vec<_> = self.noted().entries.iter().cloned().collect();
        recent.sort_by_key(|entry| std::cmp::Reverse(entry.last_at_ms));
        recent.truncate(at_most);
        recent
    }

    pub fn statistics(&self) -> ErrorStatistics {
        self.noted().statistics(now_ms())
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn add(&mut self, kind: &'static str, severity: &'static str, what: &str, request_id: Option<String>, now_ms: u64) {
        self.count(kind, severity, now_ms);
        let is_same = |entry: &&mut NotedError| {
            entry.kind == kind && entry.what == what && now_ms.saturating_sub(entry.last_at_ms) < SAME_WITHIN_MS
        };
        if let Some(entry) = self.entries.iter_mut().rev().find(is_same) {
            entry.times += 1;
            entry.last_at_ms = now_ms;
            entry.request_id = request_id.or(entry.request_id.take());
            return;
        }
        if self.entries.len() == AT_MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(NotedError {
            kind,
            severity,
            what: what.to_owned(),
            times: 1,
            first_at_ms: now_ms,
            last_at_ms: now_ms,
            request_id,
        });
    }

    fn count(&mut self, kind: &'static str, severity: &'static str, now_ms: u64) {
        let hour = now_ms / HOUR_MS;
        *self.hours.entry(hour).or_default().entry((kind, severity)).or_default() += 1;
        self.hours = self.hours.split_off(&(hour + 1).saturating_sub(HOURS));
    }

    fn statistics(&self, now_ms: u64) -> ErrorStatistics {
        let last = now_ms / HOUR_MS;
        let mut statistics = ErrorStatistics::default();
        for hour in (last + 1).saturating_sub(HOURS)..=last {
            let mut in_hour = 0;
            for ((kind, severity), times) in self.hours.get(&hour).into_iter().flatten() {
                in_hour += times;
                *statistics.by_kind.entry(kind).or_default() += times;
                *statistics.by_severity.entry(severity).or_default() += times;
            }
            statistics.total += in_hour;
            statistics.by_hour.push((hour * HOUR_MS, in_hour));
        }
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

/// A person's mistake is no error of ours, and contention is expected until it is given up.
impl Observer for ErrorHistory {
    fn call_ended(&self, call: &CallEnded) {
        if let Ending::Failed(error) = call.ending
            && error.class.severity > Severity::Input
        {
            self.note(error.class.kind.name(), error.class.severity, call.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_one_entry_and_the_oldest_make_room() {
        let history = ErrorHistory::default();
        for second in 0..200 {
            let id = Some(format!("r{second}"));
            history
                .noted()
                .add("unreachable", "high", "list", id, 1_000_000 + second * 100);
        }
        let recent = history.recent(usize::MAX);
        assert_eq!((recent.len(), recent[0].times), (1, 200));
        assert_eq!(recent[0].request_id.as_deref(), Some("r199"));
        assert_eq!(recent[0].last_at_ms - recent[0].first_at_ms, 19_900);

        for minute in 1..=3_000u64 {
            history
                .noted()
                .add("timed_out", "medium", "save", None, 1_100_000 + minute * 60_000);
        }
        let recent = history.recent(usize::MAX);
        assert_eq!(recent.len(), 1_000);
        assert!(recent.iter().all(|entry| entry.kind == "timed_out" && entry.times == 1));
        assert!(recent[0].last_at_ms > recent[999].last_at_ms);
        assert_eq!(history.recent(7), recent[..7], "the latest of them");
    }

    #[test]
    fn a_day_is_counted_by_kind_severity_and_hour_and_what_is_older_is_not() {
        let mut noted = Noted::default();
        let start = 500_000 * HOUR_MS;
        for hour in 0..48 {
            // The same within seconds: one entry, and counted all the same.
            for _ in 0..=hour {
                noted.add("unreachable", "high", "list", None, start + hour * HOUR_MS);
            }
        }
        let now = start + 47 * HOUR_MS + HOUR_MS / 2;
        noted.add("busy", "medium", "save", None, now);
        let statistics = noted.statistics(now);
        // Hours 24 to 47 had one more error each than their number.
        let expected: u64 = (25..=48).sum();
        assert_eq!(statistics.by_kind["unreachable"], expected);
        assert_eq!(statistics.by_severity, [("high", expected), ("medium", 1)].into());
        assert_eq!(statistics.total, expected + 1);
        assert_eq!(statistics.by_hour.len(), 24);
        assert_eq!(statistics.by_hour[0], (start + 24 * HOUR_MS, 25));
        assert_eq!(statistics.by_hour[23], (start + 47 * HOUR_MS, 49));
        let later = noted.statistics(now + 23 * HOUR_MS);
        assert_eq!(
            (later.total, later.by_hour[0].1),
            (49, 49),
            "hours go by without errors too"
        );
        assert_eq!(noted.statistics(now + 24 * HOUR_MS).total, 0);
    }

    #[test]
    fn while_it_is_switched_off_nothing_is_noted() {
        let recording = Arc::new(Recording::default());
        let history = ErrorHistory::new(Arc::clone(&recording));
        recording.switch(Some(false), "mira");
        history.note("busy", Severity::Degraded, "list");
        assert_eq!((history.recent(9).len(), history.statistics().total), (0, 0));
        recording.switch(Some(true), "mira");
        history.note("busy", Severity::Degraded, "list");
        assert_eq!((history.recent(9).len(), history.statistics().total), (1, 1));
    }
}
