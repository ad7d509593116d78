//! Saves of which it is not known whether they were done: if so, nobody has been told.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of more than this the oldest are forgotten: an open page then learns of that save when it saves itself.
const AT_MOST: usize = 1_000;

/// Account and submission id of each, oldest first.
#[derive(Debug, Default)]
pub struct Unheard(Mutex<VecDeque<(String, String)>>);

impl Unheard {
    pub fn note(&self, account: &str, id: &str) {
        let entry = (account.to_owned(), id.to_owned());
        let mut entries = self.entries();
        if entries.contains(&entry) {
            return;
        }
        if entries.len() >= AT_MOST {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// Whether it was one of them; it is no more.
    pub fn take(&self, account: &str, id: &str) -> bool {
        let mut entries = self.entries();
        let place = entries.iter().position(|(who, what)| who == account && what == id);
        place.is_some_and(|place| entries.remove(place).is_some())
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_only_so_many_are_kept() {
        let unheard = Unheard::default();
        for _ in 0..2 {
            unheard.note("mira", "s");
        }
        assert!(!unheard.take("noor", "s") && !unheard.take("mira", "t"));
        assert!(unheard.take("mira", "s") && !unheard.take("mira", "s"));
        for n in 0..=AT_MOST {
            unheard.note("mira", &n.to_string());
        }
        assert!(!unheard.take("mira", "0") && unheard.take("mira", "1"));
    }
}
