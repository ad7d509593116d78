//! Which draft takes the place of which.
//!
//! A draft is replaced only by one that holds everything that went into it. Whatever would lose
//! typed text is refused with the draft that is stored, or stored beside it.

use super::lineage::Lineage;
use super::{Draft, Revision};

/// A draft with all that went into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub draft: Draft,
    pub lineage: Lineage,
}

/// How a draft came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The page wrote it and says what it builds on: taken only where that is what is stored.
    Chained,
    /// The page wrote it and knows that it is one of several: stored beside whatever it would not
    /// replace, so that each of them is kept and listed until the person has chosen.
    Beside,
    /// A submission of a page with script failed. It names its revision, not what that builds on:
    /// stored beside whatever it would not replace.
    FailedPost,
    /// A submission of a page without script failed. Its revision is the one that the page was
    /// *drawn* with, whatever was typed since, so the draft gets a revision of its own.
    FailedPostWithoutScript {
        /// `seq` 1 of a random writer.
        fresh: Revision,
    },
}

/// What is to be done with a draft that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Store it, and remove the drafts that it holds.
    Accept { kept: Kept, replaces: Vec<Revision> },
    /// It is stored already: nothing to do.
    SameAgain(&'a Kept),
    /// What is stored was built on it, or its writer has gone on: it is of the past.
    Stale(&'a Kept),
    /// What it builds on is not what is stored (`None`: nothing is).
    Diverged(Option<&'a Kept>),
    /// It was discarded, or saved, and must not come back.
    Ended,
}

/// Decides about `incoming`.
///
/// `stored` are the form's drafts, latest change first; none of them covers another one. `ended` is
/// all that was discarded or saved (see [`ending`]).
pub fn decide<'a>(stored: &'a [Kept], ended: &Lineage, incoming: &Draft, mode: &Mode) -> Decision<'a> {
    if let Mode::FailedPostWithoutScript { fresh } = mode {
        return without_script(stored, incoming, fresh);
    }
    if let Some(same) = find(stored, &incoming.revision) {
        // A submission's values are worked out by the server and may be written differently.
        let same_again = *mode == Mode::FailedPost || same_text(&same.draft, incoming);
        return if same_again {
            Decision::SameAgain(same)
        } else {
            Decision::Diverged(Some(same))
        };
    }
    if ended.covers(&incoming.revision) {
        return Decision::Ended;
    }
    if let Some(later) = stored.iter().find(|kept| kept.lineage.covers(&incoming.revision)) {
        return Decision::Stale(later);
    }
    let named = incoming.on.as_ref().and_then(|on| find(stored, on));
    if *mode == Mode::Chained && named.is_none() && !leads_here(stored, incoming) {
        return Decision::Diverged(stored.first());
    }
    accept(stored, incoming.clone())
}

/// All that ends with `revision`: it, what it was built on, and the lower `seq`s of those writers.
/// Later drafts and those of other writers are not in it.
pub fn ending(stored: &[Kept], revision: &Revision) -> Lineage {
    with_all_below(stored, Lineage::of(revision))
}

/// The drafts that are in `lineage`.
pub fn covered_by<'a>(stored: &'a [Kept], lineage: &Lineage) -> Vec<&'a Kept> {
    stored
        .iter()
        .filter(|kept| lineage.covers(&kept.draft.revision))
        .collect()
}

/// Whether a draft that does not name a stored one may still be taken: nothing is there and it is
/// built on nothing, or it goes on from its own writer's.
fn leads_here(stored: &[Kept], incoming: &Draft) -> bool {
    let first = stored.is_empty() && incoming.on.is_none();
    first || stored.iter().any(|kept| goes_on(kept, incoming))
}

/// Whether `incoming` is the same page's later change, and what it builds on leads to `kept`: the
/// answers to the writes in between were lost, so the page names an older one, or none.
fn goes_on(kept: &Kept, incoming: &Draft) -> bool {
    let Revision { seq, writer } = &kept.draft.revision;
    let later = incoming.revision.writer == *writer && incoming.revision.seq > *seq;
    later
        && incoming
            .on
            .as_ref()
            .is_none_or(|on| on.writer == *writer || kept.lineage.covers(on))
}

fn without_script<'a>(stored: &'a [Kept], incoming: &Draft, fresh: &Revision) -> Decision<'a> {
    if let Some(same) = stored.iter().find(|kept| same_text(&kept.draft, incoming)) {
        return Decision::SameAgain(same);
    }
    let drawn_from = find(stored, &incoming.revision);
    let draft = Draft {
        revision: fresh.clone(),
        on: drawn_from.map(|kept| kept.draft.revision.clone()),
        ..incoming.clone()
    };
    accept(stored, draft)
}

fn accept(stored: &[Kept], draft: Draft) -> Decision<'_> {
    // What it was built on may lie in another store: it went into it all the same.
    let own = [draft.revision.clone()].into_iter().chain(draft.on.clone());
    let lineage = with_all_below(stored, own.collect());
    let replaces = covered_by(stored, &lineage)
        .into_iter()
        .map(|kept| kept.draft.revision.clone())
        .collect();
    Decision::Accept {
        kept: Kept { draft, lineage },
        replaces,
    }
}

/// Adds what went into the drafts that `lineage` covers.
fn with_all_below(stored: &[Kept], mut lineage: Lineage) -> Lineage {
    // What is joined may cover another draft in turn; each round but the last adds at least one.
    for _ in stored {
        for kept in covered_by(stored, &lineage) {
            lineage.join(&kept.lineage);
        }
    }
    lineage
}

fn find<'a>(stored: &'a [Kept], revision: &Revision) -> Option<&'a Kept> {
    stored.iter().find(|kept| kept.draft.revision == *revision)
}

pub(super) fn same_text(one: &Draft, other: &Draft) -> bool {
    // A failed save that was kept under the same revision knows no bases: they do not make it another text.
    one.version == other.version && one.values == other.values
}
