//! The drafts of one form while a store decides about them.

use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::{Decision, Kept, Mode, covered_by, decide, ending};
use resilient_core::draft::{Draft, Revision};

use crate::{End, Ended, StoredDraft, Written};

/// One draft of a form, as a store holds it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kept: Kept,
    pub changed_at_ms: u64,
}

/// Everything that is known of one form, latest change first.
#[derive(Default)]
pub struct Form {
    pub key: String,
    pub entries: Vec<Entry>,
    pub ended: Vec<(Revision, End)>,
}

/// What a store has to do to make a decision true.
pub struct Change {
    pub remove: Vec<Revision>,
    pub insert: Kept,
}

impl Form {
    /// What becomes of `draft`, and what has to change for it.
    pub fn receive(&self, draft: &Draft, mode: &Mode, now_ms: u64) -> (Written, Option<Change>) {
        let stored = self.kept();
        let ended: Lineage = self.ended.iter().map(|(revision, _)| revision.clone()).collect();
        let told = match decide(&stored, &ended, draft, mode) {
            Decision::Accept { kept, replaces } => {
                let told = self.stored(&kept, now_ms);
                return (
                    Written::Stored(told),
                    Some(Change {
                        remove: replaces,
                        insert: kept,
                    }),
                );
            }
            Decision::SameAgain(kept) => Written::SameAgain(self.as_stored(kept)),
            Decision::Stale(kept) => Written::Stale(self.as_stored(kept)),
            Decision::Diverged(kept) => Written::Diverged(kept.map(|kept| self.as_stored(kept))),
            Decision::Ended => Written::Ended(self.how_ended(&draft.revision)),
        };
        (told, None)
    }

    /// All that ends with `revision`, and the drafts to remove for it.
    pub fn ending(&self, revision: &Revision) -> (Lineage, Vec<Revision>) {
        let stored = self.kept();
        let ending = ending(&stored, revision);
        let remove = covered_by(&stored, &ending)
            .into_iter()
            .map(|kept| kept.draft.revision.clone())
            .collect();
        (ending, remove)
    }

    /// What is to be told of an [`ending`](Self::ending) once it has happened.
    pub fn after(&self, ending: &Revision, removed: &[Revision]) -> Ended {
        let holds_it =
            |entry: &&Entry| entry.kept.lineage.covers(ending) && !removed.contains(&entry.kept.draft.revision);
        Ended {
            removed: removed.len(),
            later: self
                .entries
                .iter()
                .find(holds_it)
                .map(|entry| self.stored(&entry.kept, entry.changed_at_ms)),
            left: self.without(removed),
        }
    }

    fn how_ended(&self, revision: &Revision) -> End {
        let covering = |(ended, _): &&(Revision, End)| Lineage::of(ended).covers(revision);
        self.ended
            .iter()
            .rev()
            .find(covering)
            .map_or(End::Discarded, |(_, end)| *end)
    }

    /// The drafts, without those named.
    pub fn without(&self, removed: &[Revision]) -> Vec<StoredDraft> {
        let left = self
            .entries
            .iter()
            .filter(|entry| !removed.contains(&entry.kept.draft.revision));
        left.map(|entry| self.stored(&entry.kept, entry.changed_at_ms))
            .collect()
    }

    fn kept(&self) -> Vec<Kept> {
        self.entries.iter().map(|entry| entry.kept.clone()).collect()
    }

    fn as_stored(&self, kept: &Kept) -> StoredDraft {
        let same = |entry: &&Entry| entry.kept.draft.revision == kept.draft.revision;
        let changed_at_ms = self.entries.iter().find(same).map_or(0, |entry| entry.changed_at_ms);
        self.stored(kept, changed_at_ms)
    }

    fn stored(&self, kept: &Kept, changed_at_ms: u64) -> StoredDraft {
        StoredDraft {
            form_key: self.key.clone(),
            draft: kept.draft.clone(),
            changed_at_ms,
        }
    }
}
