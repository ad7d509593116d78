//! What people's presses of Save came to during a drill, one by one: so that each can be looked for afterwards.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resilient_core::submission::answer::Outcome;

/// Saves written down one by one, done and kept each. What comes after is counted, and not looked for.
const AT_MOST: usize = 10_000;

/// Account and submission id.
pub type SaveId = (String, String);

/// Open from a drill's start until it has been checked; closed, it costs a look.
#[derive(Debug, Default)]
pub struct Ledger {
    open: Mutex<Option<Entries>>,
}

#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// Answered "saved", with an id that is stored.
    pub accepted: BTreeSet<SaveId>,
    /// Answered "kept" at least once.
    pub kept: BTreeSet<SaveId>,
    /// Beyond what is written down.
    pub beyond: u64,
    /// The longest that anybody waited for "kept".
    pub slowest_kept: Option<Duration>,
    ended: Option<Instant>,
    /// From the drill's end to the first save that was done.
    pub first_done_after: Option<Duration>,
}

impl Entries {
    fn add(entries: &mut BTreeSet<SaveId>, beyond: &mut u64, account: &str, id: &str) {
        let entry = (account.to_owned(), id.to_owned());
        if entries.len() < AT_MOST || entries.contains(&entry) {
            entries.insert(entry);
        } else {
            *beyond += 1;
        }
    }
}

impl Ledger {
    pub fn open_anew(&self) {
        *self.entries() = Some(Entries::default());
    }

    /// The fault is over; what is done from now on shows that saving works again.
    pub fn fault_ended(&self) {
        if let Some(entries) = &mut *self.entries() {
            entries.ended = Some(Instant::now());
        }
    }

    /// A save is about to be answered "saved", and its id is in the database.
    pub fn accepted(&self, account: &str, id: &str) {
        if let Some(entries) = &mut *self.entries() {
            Entries::add(&mut entries.accepted, &mut entries.beyond, account, id);
            if let Some(ended) = entries.ended {
                entries.first_done_after.get_or_insert_with(|| ended.elapsed());
            }
        }
    }

    /// How a press of Save was answered, and after what time.
    pub fn answered(&self, account: &str, id: Option<&str>, outcome: Outcome, took: Duration) {
        if let (Outcome::Kept, Some(id), Some(entries)) = (outcome, id, &mut *self.entries()) {
            Entries::add(&mut entries.kept, &mut entries.beyond, account, id);
            entries.slowest_kept = entries.slowest_kept.max(Some(took));
        }
    }

    /// So far.
    pub fn seen(&self) -> Entries {
        self.entries().clone().unwrap_or_default()
    }

    pub fn close(&self) {
        *self.entries() = None;
    }

    fn entries(&self) -> MutexGuard<'_, Option<Entries>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_an_open_ledger_takes_anything_and_each_save_once() {
        let ledger = Ledger::default();
        ledger.accepted("mira", "early");
        ledger.open_anew();
        for took in [SECOND, 3 * SECOND, 2 * SECOND] {
            ledger.answered("mira", Some("s"), Outcome::Kept, took);
        }
        ledger.answered("mira", Some("s"), Outcome::Saved, 9 * SECOND);
        assert_eq!(ledger.seen().first_done_after, None);
        for _ in 0..2 {
            ledger.accepted("mira", "s");
        }
        ledger.fault_ended();
        ledger.accepted("noor", "s");
        let seen = ledger.seen();
        assert_eq!((seen.accepted.len(), seen.kept.len(), seen.beyond), (2, 1, 0));
        assert_eq!(seen.slowest_kept, Some(3 * SECOND));
        assert!(seen.first_done_after.is_some());
        ledger.close();
        assert!(ledger.seen().accepted.is_empty());
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let ledger = Ledger::default();
        ledger.open_anew();
        for at in 0..AT_MOST + 7 {
            ledger.accepted("mira", &at.to_string());
        }
        ledger.accepted("mira", "0");
        assert_eq!((ledger.seen().accepted.len(), ledger.seen().beyond), (AT_MOST, 7));
    }
}
