//! After which saves this process asks by itself: nobody has heard how they ended, and what was typed is kept.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilient_core::draft::Revision;

/// At the same time. What is asked after no more is only shown once too often.
const MOST: usize = 1_000;

/// The account, the submission, and the draft that was kept of it, by `seq` and `writer`.
type Kept = (String, String, u64, String);

#[derive(Clone, Debug, Default)]
pub struct AskedAfter(Arc<Mutex<HashSet<Kept>>>);

/// Dropped when the answer is there, or is waited for no more.
#[derive(Debug)]
pub struct Asking {
    asked_after: AskedAfter,
    kept: Kept,
}

impl AskedAfter {
    /// `None` where somebody asks already, or enough are asked after.
    pub fn begin(&self, account: &str, id: &str, kept: &Revision) -> Option<Asking> {
        let kept = (account.to_owned(), id.to_owned(), kept.seq, kept.writer.clone());
        let mut all = self.all();
        if all.len() >= MOST {
            tracing::warn!("too many saves have no known end: this one is not asked after");
            return None;
        }
        all.insert(kept.clone()).then(|| Asking {
            asked_after: self.clone(),
            kept,
        })
    }

    fn all(&self) -> MutexGuard<'_, HashSet<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.asked_after.all().remove(&self.kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(seq: u64) -> Revision {
        Revision {
            seq,
            writer: "page".to_owned(),
        }
    }

    #[test]
    fn a_save_that_is_sent_again_is_asked_after_once() {
        let asked_after = AskedAfter::default();
        let asking = asked_after.begin("ann", "save", &draft(1)).expect("the first");
        assert!(asked_after.begin("ann", "save", &draft(1)).is_none(), "it is the same");
        let others = [("bob", "save", 1), ("ann", "other", 1), ("ann", "save", 2)];
        let begun = others.map(|(account, id, seq)| asked_after.begin(account, id, &draft(seq)));
        assert!(begun.iter().all(Option::is_some), "another person, save or text");
        drop(asking);
        assert!(
            asked_after.begin("ann", "save", &draft(1)).is_some(),
            "its end was heard"
        );
    }

    #[test]
    fn only_so_many_are_asked_after() {
        let asked_after = AskedAfter::default();
        let begin = |seq| asked_after.begin("ann", "save", &draft(seq));
        let mut all: Vec<_> = (0..MOST as u64).map(begin).collect();
        assert!(all.iter().all(Option::is_some) && begin(MOST as u64).is_none());
        all.pop();
        assert!(begin(MOST as u64).is_some(), "there is room again");
    }
}
