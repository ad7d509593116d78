//! What became of the presses of Save, and whose are still waiting.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::{KEPT_FOR, Revision};
use resilient_core::submission::answer::{Answer, Outcome};

use super::drills::Ledger;
use crate::clock::now_ms;

/// Waiting forms remembered; more people than this have other worries.
const AT_MOST: usize = 10_000;
const AT_MOST_OF_ONE: usize = 200;
/// In bytes: a form's key comes from outside, and this is memory.
const LONGEST_FORM_KEY: usize = 2_048;
/// As long as a draft lives.
const REMEMBERED_MS: u64 = KEPT_FOR.as_millis() as u64;

/// Since the start of this process: what is stored is the drafts' to know.
#[derive(Debug, Default)]
pub struct Saves {
    /// Of what is done and kept during a drill.
    pub drill: Ledger,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    by_outcome: BTreeMap<&'static str, u64>,
    waiting: BTreeMap<(String, String), Waiting>,
}

/// A form whose last save was kept instead of done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub form_key: String,
    /// Unix time of the first save that was kept.
    pub since_ms: u64,
    /// `database`, `overload`, `timeout`, `unknown`.
    pub reason: Option<String>,
    /// Where the server keeps it; nowhere means that only the device does.
    pub kept_in: Option<String>,
    /// Under which name what was typed is kept.
    pub revision: Revision,
}

impl Counted {
    fn has_room_for(&mut self, key: &(String, String), now_ms: u64) -> bool {
        if self.waiting.contains_key(key) {
            return true;
        }
        self.forget_old(now_ms);
        let (account, form_key) = key;
        let own = self.waiting.range((account.clone(), String::new())..);
        let own = own.take_while(|((owner, _), _)| owner == account).count();
        form_key.len() <= LONGEST_FORM_KEY && own < AT_MOST_OF_ONE && self.waiting.len() < AT_MOST
    }

    fn forget_old(&mut self, now_ms: u64) {
        self.waiting
            .retain(|_, waiting| now_ms.saturating_sub(waiting.since_ms) < REMEMBERED_MS);
    }
}

impl Saves {
    pub fn ended(&self, account: &str, form_key: &str, answer: &Answer) {
        metrics::counter!("inkfast_saves_total", "outcome" => answer.outcome.code()).increment(1);
        let mut counted = self.counted();
        *counted.by_outcome.entry(answer.outcome.code()).or_default() += 1;
        let key = (account.to_owned(), form_key.to_owned());
        match answer.outcome {
            Outcome::Kept if counted.has_room_for(&key, now_ms()) => {
                let waiting = counted.waiting.entry(key).or_insert_with(|| Waiting {
                    form_key: form_key.to_owned(),
                    since_ms: now_ms(),
                    reason: None,
                    kept_in: None,
                    revision: Revision {
                        seq: answer.seq,
                        writer: answer.writer.clone(),
                    },
                });
                waiting.reason.clone_from(&answer.reason);
                waiting.kept_in.clone_from(&answer.kept_in);
                waiting.revision.seq = answer.seq;
                waiting.revision.writer.clone_from(&answer.writer);
            }
            // Nothing is settled yet.
            Outcome::Kept | Outcome::InProgress | Outcome::RateLimited | Outcome::Unauthenticated => {}
            _ => drop(counted.waiting.remove(&key)),
        }
    }

    /// This person's, oldest first.
    pub fn waiting_of(&self, account: &str) -> Vec<Waiting> {
        let mut counted = self.counted();
        counted.forget_old(now_ms());
        let own = counted.waiting.iter().filter(|((owner, _), _)| owner == account);
        let mut own: Vec<_> = own.map(|(_, waiting)| waiting.clone()).collect();
        own.sort_by_key(|waiting| waiting.since_ms);
        own
    }

    /// What was typed up to `revision` was thrown away: a save of that is no longer waited for. One that a
    /// device sends again all the same waits again, if that fails.
    pub fn discarded(&self, account: &str, form_key: &str, revision: &Revision) {
        let key = (account.to_owned(), form_key.to_owned());
        let mut counted = self.counted();
        let waiting = counted.waiting.get(&key);
        if waiting.is_some_and(|waiting| Lineage::of(revision).covers(&waiting.revision)) {
            counted.waiting.remove(&key);
        }
    }

    /// It is no longer waited for: nothing of it is kept.
    pub fn forget(&self, account: &str, form_key: &str) {
        let key = (account.to_owned(), form_key.to_owned());
        self.counted().waiting.remove(&key);
    }

    /// Whose they are, of those that began to wait at `since_ms` or later.
    pub fn waiting_of_all_since(&self, since_ms: u64) -> Vec<(String, Waiting)> {
        let counted = self.counted();
        let waiting = counted
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.since_ms >= since_ms);
        waiting
            .map(|((account, _), waiting)| (account.clone(), waiting.clone()))
            .collect()
    }

    /// Everybody's that began to wait at `since_ms` or later.
    pub fn waiting_since(&self, since_ms: u64) -> u64 {
        let mut counted = self.counted();
        counted.forget_old(now_ms());
        counted
            .waiting
            .values()
            .filter(|waiting| waiting.since_ms >= since_ms)
            .count() as u64
    }

    pub fn by_outcome(&self) -> Vec<(&'static str, u64)> {
        let counted = self.counted();
        counted
            .by_outcome
            .iter()
            .map(|(outcome, count)| (*outcome, *count))
            .collect()
    }

    pub fn count(&self, outcome: Outcome) -> u64 {
        self.counted().by_outcome.get(outcome.code()).copied().unwrap_or(0)
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: Outcome) -> Answer {
        Answer::new(outcome)
    }

    #[test]
    fn a_kept_save_waits_from_its_first_try_until_it_is_settled() {
        let saves = Saves::default();
        saves.ended("mira", "site/1", &answer(Outcome::Kept));
        let since = saves.waiting_of("mira")[0].since_ms;
        saves.ended("mira", "site/1", &answer(Outcome::InProgress));
        saves.ended("mira", "site/1", &answer(Outcome::Kept));
        assert_eq!(saves.waiting_of("mira").len(), 1);
        assert_eq!(saves.waiting_of("mira")[0].since_ms, since);
        assert!(saves.waiting_of("noor").is_empty(), "nobody sees another's");
        assert_eq!(saves.waiting_since(since), 1);
        assert_eq!(saves.waiting_since(since + 1), 0);
        saves.ended("noor", "site/1", &answer(Outcome::Saved));
        assert_eq!(saves.waiting_of("mira").len(), 1);
        saves.ended("mira", "site/1", &answer(Outcome::Saved));
        assert!(saves.waiting_of("mira").is_empty());
        assert_eq!((saves.count(Outcome::Kept), saves.count(Outcome::Saved)), (2, 2));
    }

    #[test]
    fn a_save_whose_text_was_discarded_waits_no_more_and_one_of_another_text_does() {
        let saves = Saves::default();
        let kept = Answer {
            seq: 3,
            writer: "page".to_owned(),
            ..answer(Outcome::Kept)
        };
        saves.ended("mira", "site/1", &kept);
        for (account, seq, writer) in [("mira", 2, "page"), ("mira", 9, "other"), ("noor", 3, "page")] {
            let writer = writer.to_owned();
            saves.discarded(account, "site/1", &Revision { seq, writer });
            assert_eq!(saves.waiting_since(0), 1, "{account} {seq}");
        }
        let later = Revision {
            seq: 4,
            writer: "page".to_owned(),
        };
        saves.discarded("mira", "site/1", &later);
        assert_eq!(saves.waiting_since(0), 0, "what was typed since goes with it");
    }

    #[test]
    fn what_waits_takes_only_so_much_memory() {
        let saves = Saves::default();
        let long = format!("site/{}", "k".repeat(LONGEST_FORM_KEY));
        saves.ended("mira", &long, &answer(Outcome::Kept));
        assert!(saves.waiting_of("mira").is_empty());
        for at in 0..=AT_MOST_OF_ONE {
            saves.ended("mira", &format!("site/{at}"), &answer(Outcome::Kept));
        }
        assert_eq!(saves.waiting_of("mira").len(), AT_MOST_OF_ONE);
        saves.ended("noor", "site/1", &answer(Outcome::Kept));
        assert_eq!(saves.waiting_of("noor").len(), 1, "one person takes nobody's place");
        saves.counted().forget_old(now_ms() + REMEMBERED_MS);
        assert_eq!(saves.waiting_since(0), 0);
    }
}
