//! The last errors, by kind: what failed and when, never with what. No text of a driver and no value
//! comes in here.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use app::monitoring::model::NotedError;
use resilient_core::failure::Severity;
use resilient_db::{CallEnded, Ending, Observer};

use crate::clock::now_ms;
use crate::request_id;

/// Entries kept.
const AT_MOST: usize = 100;
/// The same again within this is the same entry: an outage refuses by the hundred.
const SAME_WITHIN_MS: u64 = 30_000;

#[derive(Debug, Default)]
pub struct ErrorHistory {
    noted: Mutex<VecDeque<NotedError>>,
}

impl ErrorHistory {
    /// `what` comes from the code or the route table.
    pub fn note(&self, kind: &'static str, what: &str) {
        self.note_at(kind, what, request_id::current(), now_ms());
    }

    fn note_at(&self, kind: &'static str, what: &str, request_id: Option<String>, now_ms: u64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |entry: &&mut NotedError| {
            entry.kind == kind && entry.what == what && now_ms.saturating_sub(entry.last_at_ms) < SAME_WITHIN_MS
        };
        if let Some(entry) = noted.iter_mut().rev().find(is_same) {
            entry.times += 1;
            entry.last_at_ms = now_ms;
            entry.request_id = request_id.or(entry.request_id.take());
            return;
        }
        if noted.len() == AT_MOST {
            noted.pop_front();
        }
        noted.push_back(NotedError {
            kind,
            what: what.to_owned(),
            times: 1,
            first_at_ms: now_ms,
            last_at_ms: now_ms,
            request_id,
        });
    }

    /// The latest first.
    pub fn recent(&self) -> Vec<NotedError> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent: Vec<_> = noted.iter().cloned().collect();
        recent.sort_by_key(|entry| std::cmp::Reverse(entry.last_at_ms));
        recent
    }
}

/// A person's mistake is no error of ours, and contention is expected until it is given up.
impl Observer for ErrorHistory {
    fn call_ended(&self, call: &CallEnded) {
        if let Ending::Failed(error) = call.ending
            && error.class.severity > Severity::Input
        {
            self.note(error.class.kind.name(), call.name);
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
            history.note_at(
                "unreachable",
                "list",
                Some(format!("r{second}")),
                1_000_000 + second * 100,
            );
        }
        let recent = history.recent();
        assert_eq!((recent.len(), recent[0].times), (1, 200));
        assert_eq!(recent[0].request_id.as_deref(), Some("r199"));
        assert_eq!(recent[0].last_at_ms - recent[0].first_at_ms, 19_900);

        for minute in 1..=300u64 {
            history.note_at("timed_out", "save", None, 1_100_000 + minute * 60_000);
        }
        let recent = history.recent();
        assert_eq!(recent.len(), AT_MOST);
        assert!(recent.iter().all(|entry| entry.kind == "timed_out" && entry.times == 1));
        assert!(recent[0].last_at_ms > recent[99].last_at_ms);
    }
}
