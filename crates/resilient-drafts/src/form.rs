//! The drafts of one form while a store decides about them.
//!
//! Every method is pure: a store loads a form, asks it what becomes of a call, and makes the
//! [`Difference`] to the form afterwards true in one step.

#[cfg(feature = "redis")]
use resilient_core::draft::joining::{decide_unseen, join};
use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::{Decision, Kept, Mode, covered_by, decide, ending};
use resilient_core::draft::{Draft, Revision};

use crate::{End, Ended, Place, Seen, StoredDraft, Unreadable, Written};

/// One draft of a form, as a store holds it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kept: Kept,
    pub changed_at_ms: u64,
    pub place: Place,
}

/// A draft that was saved or discarded, and with it all that its writer had written before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub revision: Revision,
    pub end: End,
    pub at_ms: u64,
}

/// Everything that is known of one form.
#[derive(Clone, Debug)]
pub struct Form {
    pub key: String,
    /// Where it is about to be stored.
    pub place: Place,
    /// Latest change first.
    pub entries: Vec<Entry>,
    /// At most one of each writer.
    pub ended: Vec<Mark>,
    /// Drafts that no key opens, and that nothing else here is known to hold.
    pub unreadable: Vec<Unreadable>,
}

/// What a store has to do to get from one form to another.
#[derive(Debug, Default)]
pub struct Difference {
    pub remove: Vec<Revision>,
    pub insert: Vec<Entry>,
    pub marks: Vec<Mark>,
}

impl Form {
    pub fn empty(key: &str, place: Place) -> Self {
        Self {
            key: key.to_owned(),
            place,
            entries: Vec::new(),
            ended: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Whether there is neither a draft nor the memory of one.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.ended.is_empty() && self.unreadable.is_empty()
    }

    /// What becomes of `draft`, and the form afterwards.
    pub fn receive(&self, draft: &Draft, mode: &Mode, now_ms: u64) -> (Written, Self) {
        let stored = self.kept();
        self.follow(decide(&stored, &self.all_ended(), draft, mode), draft, now_ms)
    }

    /// The same while another store, which may hold more of this form, cannot be asked.
    #[cfg(feature = "redis")]
    pub fn receive_unseen(&self, draft: &Draft, mode: &Mode, now_ms: u64) -> (Written, Self) {
        let stored = self.kept();
        self.follow(decide_unseen(&stored, &self.all_ended(), draft, mode), draft, now_ms)
    }

    fn follow(&self, decision: Decision, draft: &Draft, now_ms: u64) -> (Written, Self) {
        let mut after = self.clone();
        let told = match decision {
            Decision::Accept { kept, replaces } => {
                let entry = Entry {
                    kept,
                    changed_at_ms: now_ms,
                    place: self.place,
                };
                after.remove(&replaces);
                after.entries.insert(0, entry.clone());
                after.sort();
                after.drop_what_is_held();
                Written::Stored(self.stored(&entry))
            }
            Decision::SameAgain(kept) => Written::SameAgain(self.as_stored(kept)),
            Decision::Stale(kept) => Written::Stale(self.as_stored(kept)),
            Decision::Diverged(kept) => Written::Diverged(kept.map(|kept| self.as_stored(kept))),
            Decision::Ended => Written::Ended(self.how_ended(&draft.revision)),
        };
        (told, after)
    }

    /// Ends `revision` and what it was built on.
    pub fn end(&self, revision: &Revision, end: End, now_ms: u64) -> (Ended, Self) {
        let stored = self.kept();
        let ending = ending(&stored, revision);
        let removed: Vec<Revision> = covered_by(&stored, &ending)
            .into_iter()
            .map(|kept| kept.draft.revision.clone())
            .collect();
        let mut after = self.clone();
        after.remove(&removed);
        for revision in ending.revisions() {
            after.remember(Mark {
                revision,
                end,
                at_ms: now_ms,
            });
        }
        let unreadable = after.unreadable.len();
        after.drop_what_is_held();
        let later = after
            .entries
            .iter()
            .find(|entry| entry.kept.lineage.covers(revision))
            .map(|entry| self.stored(entry));
        let ended = Ended {
            removed: removed.len() + unreadable - after.unreadable.len(),
            lineage: ending,
            later,
            left: after.drafts(),
        };
        (ended, after)
    }

    /// This store's knowledge and another one's as one. What one of them was told by somebody who could not read
    /// all of it is made one as well.
    #[cfg(feature = "redis")]
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        if other.is_empty() && self.entries.len() + self.ended.len() < 2 {
            return joined;
        }
        let mut all: Vec<&Entry> = self.entries.iter().chain(&other.entries).collect();
        // Of the same text the latest stays, whichever store it is in.
        all.sort_by(|one, other| {
            let order = |entry: &&Entry| (entry.changed_at_ms, entry.kept.draft.revision.seq);
            let by_name = one.kept.draft.revision.writer.cmp(&other.kept.draft.revision.writer);
            order(other).cmp(&order(one)).then(by_name)
        });
        let copies: Vec<Kept> = all.iter().map(|entry| entry.kept.clone()).collect();
        // What has ended in one store takes along what it was built on in the other one.
        for mark in self.ended.iter().chain(&other.ended) {
            for revision in ending(&copies, &mark.revision).revisions() {
                joined.remember_latest(Mark {
                    revision,
                    ..mark.clone()
                });
            }
        }
        let at = |kept: Kept| {
            let same = all
                .iter()
                .find(|entry| entry.kept.draft.revision == kept.draft.revision);
            let Entry {
                changed_at_ms, place, ..
            } = **same.expect("joining makes no drafts");
            Entry {
                kept,
                changed_at_ms,
                place,
            }
        };
        joined.entries = join(copies, &joined.all_ended()).into_iter().map(at).collect();
        joined.sort();
        joined.unreadable.extend(other.unreadable.iter().cloned());
        joined.drop_what_is_held();
        joined
    }

    /// As far as it is known what holds what.
    #[cfg(feature = "redis")]
    pub fn settled(self) -> Self {
        self.joined(&Self::empty(&self.key, self.place))
    }

    /// The same where all of it is about to be stored in one place.
    #[cfg(feature = "redis")]
    pub fn all_here(mut self) -> Self {
        let place = self.place;
        self.entries.iter_mut().for_each(|entry| entry.place = place);
        self
    }

    /// What has to change for `after` to be true.
    pub fn difference(&self, after: &Self) -> Difference {
        let of = |entries: &[Entry], revision: &Revision| {
            entries
                .iter()
                .find(|entry| entry.kept.draft.revision == *revision)
                .cloned()
        };
        let remove = self.entries.iter().map(|entry| &entry.kept.draft.revision);
        // Where one of the same name is written, it takes the unreadable one's place.
        let is_dropped = |unreadable: &&Unreadable| !after.unreadable.contains(unreadable);
        let dropped = self
            .unreadable
            .iter()
            .filter(is_dropped)
            .map(|dropped| &dropped.revision);
        let remove = remove
            .chain(dropped)
            .filter(|revision| of(&after.entries, revision).is_none())
            .cloned();
        let is_new = |entry: &&Entry| {
            of(&self.entries, &entry.kept.draft.revision).is_none_or(|before| before.kept.lineage != entry.kept.lineage)
        };
        Difference {
            remove: remove.collect(),
            insert: after.entries.iter().filter(is_new).cloned().collect(),
            marks: after
                .ended
                .iter()
                .filter(|mark| !self.ended.contains(mark))
                .cloned()
                .collect(),
        }
    }

    /// Whether there is a draft that is kept still.
    pub fn is_unsaved(&self, too_old_ms: u64) -> bool {
        let unreadable = |draft: &Unreadable| {
            draft
                .changed_at_ms
                .is_none_or(|changed_at_ms| changed_at_ms > too_old_ms)
        };
        self.entries.iter().any(|entry| entry.changed_at_ms > too_old_ms) || self.unreadable.iter().any(unreadable)
    }

    /// All of it, for whoever asks.
    pub fn seen(self, complete: bool) -> Seen {
        Seen {
            drafts: self.drafts(),
            unreadable: self.unreadable,
            complete,
        }
    }

    /// The drafts, latest change first.
    pub fn drafts(&self) -> Vec<StoredDraft> {
        self.entries.iter().map(|entry| self.stored(entry)).collect()
    }

    /// Latest change first, and of two at the same moment the one that was there first last.
    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| std::cmp::Reverse(entry.changed_at_ms));
    }

    fn remove(&mut self, revisions: &[Revision]) {
        self.entries
            .retain(|entry| !revisions.contains(&entry.kept.draft.revision));
    }

    fn remember(&mut self, mark: Mark) {
        match self
            .ended
            .iter_mut()
            .find(|known| known.revision.writer == mark.revision.writer)
        {
            Some(known) => {
                let seq = known.revision.seq.max(mark.revision.seq);
                *known = mark;
                known.revision.seq = seq;
            }
            None => self.ended.push(mark),
        }
    }

    /// Like [`remember`](Self::remember), for marks of which none is known to be the newer one.
    #[cfg(feature = "redis")]
    fn remember_latest(&mut self, mark: Mark) {
        let known = self
            .ended
            .iter()
            .find(|known| known.revision.writer == mark.revision.writer);
        if known.is_none_or(|known| known.revision.seq < mark.revision.seq) {
            self.remember(mark);
        }
    }

    /// An unreadable draft whose text is known to be in another one, or to be over, is nobody's loss.
    fn drop_what_is_held(&mut self) {
        let ended = self.all_ended();
        let entries = &self.entries;
        let is_held = |revision: &Revision| {
            ended.covers(revision) || entries.iter().any(|entry| entry.kept.lineage.covers(revision))
        };
        self.unreadable.retain(|unreadable| !is_held(&unreadable.revision));
    }

    fn all_ended(&self) -> Lineage {
        self.ended.iter().map(|mark| mark.revision.clone()).collect()
    }

    /// Whether that draft was saved or discarded.
    pub fn ended(&self, revision: &Revision) -> Option<End> {
        self.all_ended().covers(revision).then(|| self.how_ended(revision))
    }

    fn how_ended(&self, revision: &Revision) -> End {
        let covering = |mark: &&Mark| Lineage::of(&mark.revision).covers(revision);
        self.ended.iter().find(covering).map_or(End::Discarded, |mark| mark.end)
    }

    fn kept(&self) -> Vec<Kept> {
        self.entries.iter().map(|entry| entry.kept.clone()).collect()
    }

    fn as_stored(&self, kept: &Kept) -> StoredDraft {
        let same = |entry: &&Entry| entry.kept.draft.revision == kept.draft.revision;
        let entry = self.entries.iter().find(same).expect("decisions name what is stored");
        self.stored(entry)
    }

    fn stored(&self, entry: &Entry) -> StoredDraft {
        StoredDraft {
            form_key: self.key.clone(),
            draft: entry.kept.draft.clone(),
            changed_at_ms: entry.changed_at_ms,
            kept_in: entry.place,
        }
    }
}

/// The drafts of several forms, latest change first.
pub fn latest_first(forms: Vec<Form>, complete: bool) -> Seen {
    let mut seen = Seen {
        complete,
        ..Seen::all(Vec::new())
    };
    for form in forms {
        seen.drafts.extend(form.drafts());
        seen.unreadable.extend(form.unreadable);
    }
    seen.drafts
        .sort_by_key(|stored| std::cmp::Reverse(stored.changed_at_ms));
    seen.unreadable
        .sort_by_key(|unreadable| std::cmp::Reverse(unreadable.changed_at_ms));
    seen
}

impl Difference {
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.insert.is_empty() && self.marks.is_empty()
    }

    /// Whether there are more drafts afterwards.
    pub fn adds_drafts(&self) -> bool {
        let again = |entry: &&Entry| self.remove.contains(&entry.kept.draft.revision);
        self.insert.iter().filter(|entry| !again(entry)).count() > self.remove.len()
    }
}
