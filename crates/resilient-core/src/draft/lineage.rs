//! What a draft holds of earlier drafts.

use serde::{Deserialize, Serialize};

use super::Revision;
use crate::collections::BTreeMap;

/// All revisions that went into a draft: for each writer the highest `seq`.
///
/// The changes of one writer follow each other in one page, so its `seq` 5 holds whatever its
/// `seq` 3 held. With that, *was built on* is a comparison of two numbers, and a set of such
/// vectors can be joined in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(BTreeMap<String, u64>);

impl Lineage {
    /// The lineage of a draft that was built on nothing.
    pub fn of(revision: &Revision) -> Self {
        let mut lineage = Self::default();
        lineage.add(revision);
        lineage
    }

    pub fn add(&mut self, revision: &Revision) {
        let seq = self.0.entry(revision.writer.clone()).or_insert(revision.seq);
        *seq = revision.seq.max(*seq);
    }

    pub fn join(&mut self, other: &Self) {
        other.revisions().for_each(|revision| self.add(&revision));
    }

    /// Whether `revision` went into this: it is this draft, or one that it was built on.
    pub fn covers(&self, revision: &Revision) -> bool {
        self.0.get(&revision.writer).is_some_and(|seq| *seq >= revision.seq)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For each writer its latest revision in here.
    pub fn revisions(&self) -> impl Iterator<Item = Revision> + '_ {
        self.0.iter().map(|(writer, seq)| Revision {
            seq: *seq,
            writer: writer.clone(),
        })
    }
}

impl FromIterator<Revision> for Lineage {
    fn from_iter<I: IntoIterator<Item = Revision>>(revisions: I) -> Self {
        let mut lineage = Self::default();
        revisions.into_iter().for_each(|revision| lineage.add(&revision));
        lineage
    }
}
