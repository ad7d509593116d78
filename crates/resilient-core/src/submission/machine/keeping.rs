//! Keeping what is typed: when the device and the server get the next draft, and what they hold.

use std::time::Duration;

use super::Given;
use super::delivery::pause_before_retry;
use super::effects::LINEAGE;
use crate::draft::Revision;
use crate::time::Moment;

/// The device is written this long after the first unwritten input (at most 300 ms are promised).
pub const DEVICE_PAUSE: Duration = Duration::from_millis(200);
/// The server gets it this long after the first unsent input (at most 2 s are promised).
pub const SERVER_PAUSE: Duration = Duration::from_millis(1_000);

/// One of the two places a draft is kept in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    /// What lies there of this form's text: the present revision or an ancestor of it.
    pub held: Option<Revision>,
    /// When the first change that has not been handed over was made.
    pub unwritten_since: Option<Moment>,
    /// An order is under way (server only; device writes may overlap).
    pub busy: Option<Revision>,
    /// Not before this, after a failure.
    pub not_before: Option<Moment>,
    pub failures: u32,
    /// It will not take drafts: storage forbidden, too large, not a server for drafts.
    pub refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    NoRoom,
    TooLarge,
    Never,
}

impl Shelf {
    pub fn changed(&mut self, now: Moment) {
        self.unwritten_since.get_or_insert(now);
    }

    /// When the next order is due, if something is to be handed over.
    pub fn due(&self, pause: Duration) -> Option<Moment> {
        let due = self.unwritten_since? + pause;
        Some(self.not_before.map_or(due, |not_before| due.max(not_before)))
    }

    /// An order had no answer: the next comes after a pause that grows.
    pub fn failed(&mut self, given: Given) {
        self.failures = self.failures.saturating_add(1);
        let least = Duration::from_millis(500);
        let pause = pause_before_retry(self.failures, Some(least), given.random as u64);
        self.not_before = Some(given.now + pause);
        self.changed(given.now);
    }

    /// Remembers what lies there now. Of one writer's revisions the later counts.
    pub fn holds(&mut self, revision: Revision) {
        let later = matches!(&self.held, Some(held) if held.writer == revision.writer && held.seq > revision.seq);
        if !later {
            self.held = Some(revision);
        }
        self.refused = None;
        self.failures = 0;
        self.not_before = None;
    }
}

/// What this form's text goes by, and what it was built on.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// This page load.
    pub writer: String,
    /// The present text's revision; before the first edit it is that of what was drawn or restored.
    pub present: Revision,
    /// What it was built on, the latest first.
    pub lineage: Vec<Revision>,
}

impl Chain {
    /// The text changed: a new revision of this page load.
    pub fn advance(&mut self) {
        let seq = self.present.seq.saturating_add(1);
        if self.present.writer != self.writer {
            let present = self.present.clone();
            self.built_on(present);
        }
        self.present = Revision {
            seq,
            writer: self.writer.clone(),
        };
    }

    /// Adds an ancestor. Revision 0 is the record itself and no draft.
    pub fn built_on(&mut self, revision: Revision) {
        if revision.seq > 0 && !self.lineage.contains(&revision) {
            self.lineage.insert(0, revision);
            self.lineage.truncate(LINEAGE);
        }
    }

    /// The text is no longer built on `revision`: it was put aside.
    pub fn leave(&mut self, revision: &Revision) {
        self.lineage.retain(|ancestor| ancestor.writer != revision.writer);
        if self.present.writer == revision.writer {
            self.present.writer = self.writer.clone();
        }
    }

    /// Whether `revision` is the present text or something it was built on.
    pub fn covers(&self, revision: &Revision) -> bool {
        covers(&self.present, &self.lineage, revision)
    }

    /// The present revision and everything it was built on.
    pub fn all(&self) -> Vec<Revision> {
        let present = (self.present.seq > 0).then(|| self.present.clone());
        present.into_iter().chain(self.lineage.iter().cloned()).collect()
    }
}

/// Whether a draft of revision `newest`, built on `lineage`, has `earlier` in it.
pub fn covers(newest: &Revision, lineage: &[Revision], earlier: &Revision) -> bool {
    std::iter::once(newest)
        .chain(lineage)
        .any(|one| one.writer == earlier.writer && one.seq >= earlier.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(seq: u64, writer: &str) -> Revision {
        Revision {
            seq,
            writer: writer.into(),
        }
    }

    #[test]
    fn text_typed_over_a_restored_draft_covers_that_draft_and_nothing_else() {
        let mut chain = Chain {
            writer: "b".into(),
            present: revision(4, "a"),
            lineage: Vec::new(),
        };
        chain.advance();
        assert_eq!(chain.present, revision(5, "b"));
        assert!(chain.covers(&revision(3, "a")));
        assert!(chain.covers(&revision(4, "a")));
        assert!(!chain.covers(&revision(5, "a")), "the other page went on typing");
        assert!(!chain.covers(&revision(1, "c")));
    }

    #[test]
    fn a_late_acknowledgement_of_an_earlier_revision_does_not_hide_a_later_one() {
        let mut shelf = Shelf::default();
        shelf.holds(revision(5, "a"));
        shelf.holds(revision(4, "a"));
        assert_eq!(shelf.held, Some(revision(5, "a")));
    }

    #[test]
    fn text_is_no_longer_built_on_what_was_put_aside_and_still_on_everything_else() {
        let mut chain = Chain {
            writer: "b".into(),
            present: revision(5, "b"),
            lineage: vec![revision(4, "a"), revision(2, "c")],
        };
        chain.leave(&revision(4, "a"));
        assert!(!chain.covers(&revision(4, "a")));
        assert!(chain.covers(&revision(2, "c")));
        assert_eq!(chain.all(), [revision(5, "b"), revision(2, "c")]);
    }

    #[test]
    fn the_record_itself_is_no_draft() {
        let mut chain = Chain {
            writer: "b".into(),
            present: revision(0, "b"),
            lineage: Vec::new(),
        };
        assert_eq!(chain.all(), []);
        chain.advance();
        assert_eq!(chain.all(), [revision(1, "b")]);
    }

    #[test]
    fn what_a_text_was_built_on_is_named_once_and_the_record_not_at_all() {
        let mut chain = Chain {
            writer: "b".into(),
            present: revision(1, "b"),
            lineage: Vec::new(),
        };
        for earlier in [revision(4, "a"), revision(0, "c"), revision(4, "a")] {
            chain.built_on(earlier);
        }
        assert_eq!(chain.all(), [revision(1, "b"), revision(4, "a")]);
    }
}
