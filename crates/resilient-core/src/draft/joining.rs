//! Two stores' drafts of one form: decided about while only one can be seen, and made one later.
//!
//! Of two copies one goes, and of two drafts of the same text; what went into another draft, or has
//! ended, goes; everything else stays.
//! So the order of joining does not matter, and joining twice is joining once.

use super::lineage::Lineage;
use super::replacement::{Decision, Kept, Mode, decide, same_text};
use super::{Draft, Revision};

/// Decides about `incoming` as [`decide`] does, where another store, which may hold more of this
/// form, cannot be asked: what builds on nothing that is here may build on what is there, so it is
/// taken.
pub fn decide_unseen<'a>(stored: &'a [Kept], ended: &Lineage, incoming: &Draft, mode: &Mode) -> Decision<'a> {
    let is_here = |revision: &Revision| stored.iter().any(|kept| kept.lineage.covers(revision));
    let builds_elsewhere = |on: &Revision| !is_here(on) && !ended.covers(on) && !is_here(&incoming.revision);
    let unseen = stored.is_empty() || incoming.on.as_ref().is_some_and(builds_elsewhere);
    let mode = match mode {
        Mode::Chained if unseen => &Mode::FailedPost,
        mode => mode,
    };
    let mut decision = decide(stored, ended, incoming, mode);
    if let (Decision::Accept { kept, .. }, Mode::FailedPostWithoutScript { .. }) = (&mut decision, mode)
        && incoming.revision.seq > 0
    {
        // What the page was drawn with is there, if it is not here.
        kept.draft.on = Some(incoming.revision.clone());
        kept.lineage.add(&incoming.revision);
    }
    decision
}

/// What is left of `copies`, in their order, where all of `ended` is over. Of two of the same text the first
/// one stays: that should be the one a page was drawn with last.
pub fn join(copies: impl IntoIterator<Item = Kept>, ended: &Lineage) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::new();
    for copy in copies {
        match kept.iter_mut().find(|kept| kept.draft.revision == copy.draft.revision) {
            Some(same) => same.lineage.join(&copy.lineage),
            None => kept.push(copy),
        }
    }
    kept.retain(|kept| !ended.covers(&kept.draft.revision));
    while let Some((held, holder)) = held_by_another(&kept) {
        let lineage = kept[held].lineage.clone();
        kept[holder].lineage.join(&lineage);
        kept.remove(held);
    }
    while let Some((first, second)) = same_as_another(&kept) {
        let second = kept.remove(second);
        let first = &mut kept[first];
        first.lineage.join(&second.lineage);
        // A failed save that was kept knows no bases; the page that typed the same does.
        for (column, base) in second.draft.base {
            first.draft.base.entry(column).or_insert(base);
        }
    }
    kept
}

/// The same press of Save, kept in both stores while neither could be seen from the other: one text under
/// two names.
fn same_as_another(kept: &[Kept]) -> Option<(usize, usize)> {
    let mut pairs = (0..kept.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    pairs.find(|(first, second)| same_text(&kept[*first].draft, &kept[*second].draft))
}

/// A draft that went into another one. Two that each claim to hold the other are both kept: no
/// honest page writes them, and a lie must not cost text.
fn held_by_another(kept: &[Kept]) -> Option<(usize, usize)> {
    let holds = |one: &Kept, other: &Kept| one.lineage.covers(&other.draft.revision);
    let pairs = (0..kept.len()).flat_map(|held| (0..kept.len()).map(move |holder| (held, holder)));
    pairs
        .filter(|(held, holder)| held != holder)
        .find(|(held, holder)| holds(&kept[*holder], &kept[*held]) && !holds(&kept[*held], &kept[*holder]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::draft::Revision;

    /// What pages write while one or the other store takes it: page, predecessor known to it, store, text.
    type History = Vec<(u8, u8, bool, u8)>;

    /// No text twice.
    fn any_history() -> impl Strategy<Value = History> {
        let write = (0..3u8, 0..4u8, any::<bool>());
        proptest::collection::vec(write, 1..12).prop_map(|writes| {
            let texts = (0..).zip(writes);
            texts
                .map(|(text, (page, on, second))| (page, on, second, text))
                .collect()
        })
    }

    /// Few texts, so that some are written again.
    fn any_repetitive_history() -> impl Strategy<Value = History> {
        proptest::collection::vec((0..3u8, 0..4u8, any::<bool>(), 0..4u8), 1..12)
    }

    /// Each write goes to one of two stores that do not see each other; all drafts ever written.
    fn written(history: &History) -> ([Vec<Kept>; 2], Vec<Draft>) {
        let mut stores = [Vec::new(), Vec::new()];
        let mut all: Vec<Draft> = Vec::new();
        for (seq, (page, on, second, text)) in (1..).zip(history) {
            let draft = Draft {
                version: "v".to_owned(),
                base: Default::default(),
                values: [("note".to_owned(), Some(text.to_string()))].into(),
                revision: Revision {
                    seq,
                    writer: format!("page{page}"),
                },
                on: all
                    .iter()
                    .rev()
                    .nth(usize::from(*on))
                    .map(|draft| draft.revision.clone()),
            };
            let store: &mut Vec<Kept> = &mut stores[usize::from(*second)];
            let decided = decide_unseen(store, &Lineage::default(), &draft, &Mode::Chained);
            if let Decision::Accept { kept, replaces } = decided {
                store.retain(|kept| !replaces.contains(&kept.draft.revision));
                store.insert(0, kept);
                all.push(draft);
            }
        }
        (stores, all)
    }

    fn as_set(kept: &[Kept]) -> BTreeSet<(String, u64)> {
        kept.iter()
            .map(|kept| (kept.draft.revision.writer.clone(), kept.draft.revision.seq))
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_there_twice(history in any_history()) {
            let ([one, other], all) = written(&history);
            let joined = join(one.into_iter().chain(other), &Lineage::default());
            for draft in &all {
                prop_assert!(joined.iter().any(|kept| kept.lineage.covers(&draft.revision)), "{:?}", draft.revision);
            }
            for (at, kept) in joined.iter().enumerate() {
                let held = |other: &Kept| other.lineage.covers(&kept.draft.revision);
                prop_assert!(!joined.iter().enumerate().any(|(other_at, other)| other_at != at && held(other)));
            }
        }

        #[test]
        fn the_order_does_not_matter_and_twice_is_once(history in any_history()) {
            let ([one, other], _) = written(&history);
            let ended = Lineage::default();
            let there = join(one.iter().chain(&other).cloned(), &ended);
            let back = join(other.iter().chain(&one).cloned(), &ended);
            prop_assert_eq!(as_set(&there), as_set(&back));
            let again = join(there.iter().chain(&one).chain(&other).cloned(), &ended);
            prop_assert_eq!(as_set(&again), as_set(&there));
        }

        #[test]
        fn what_has_ended_is_gone_whichever_store_it_was_in(history in any_history(), end in 1..12u64, page in 0..3u8) {
            let ([one, other], _) = written(&history);
            let ended = Lineage::of(&Revision { seq: end, writer: format!("page{page}") });
            let joined = join(one.into_iter().chain(other), &ended);
            prop_assert!(joined.iter().all(|kept| !ended.covers(&kept.draft.revision)));
        }
    }

    fn texts(kept: &[Kept]) -> BTreeSet<String> {
        let texts = kept.iter().flat_map(|kept| kept.draft.values.values().flatten());
        texts.cloned().collect()
    }

    proptest! {
        #[test]
        fn every_text_is_there_once(history in any_repetitive_history()) {
            let ([one, other], all) = written(&history);
            let ended = Lineage::default();
            let there = join(one.iter().chain(&other).cloned(), &ended);
            let back = join(other.iter().chain(&one).cloned(), &ended);
            prop_assert_eq!(texts(&there), texts(&back));
            prop_assert_eq!(texts(&there).len(), there.len());
            for draft in &all {
                prop_assert!(there.iter().any(|kept| kept.lineage.covers(&draft.revision)), "{:?}", draft.revision);
            }
            // A text goes only into one that was built on it, or is the same.
            let left = one.iter().chain(&other);
            for kept in left {
                let holds = |other: &Kept| same_text(&other.draft, &kept.draft) || other.lineage.covers(&kept.draft.revision);
                prop_assert!(there.iter().any(holds));
            }
            let again = join(there.iter().chain(&one).chain(&other).cloned(), &ended);
            prop_assert_eq!(texts(&again), texts(&there));
        }
    }

    #[test]
    fn a_press_kept_in_both_stores_is_one_text_with_the_bases_that_either_knows() {
        let kept = |writer: &str, base: &[(&str, &str)], text: &str| {
            let revision = Revision {
                seq: 1,
                writer: writer.to_owned(),
            };
            Kept {
                lineage: Lineage::of(&revision),
                draft: Draft {
                    version: "v".to_owned(),
                    base: base
                        .iter()
                        .map(|(column, text)| ((*column).to_owned(), Some((*text).to_owned())))
                        .collect(),
                    values: [("note".to_owned(), Some(text.to_owned()))].into(),
                    revision,
                    on: None,
                },
            }
        };
        let copies = [
            kept("later", &[], "same"),
            kept("page", &[("note", "before")], "same"),
            kept("other", &[], "another"),
        ];
        let joined = join(copies.clone(), &Lineage::default());
        let writers: Vec<_> = joined.iter().map(|kept| kept.draft.revision.writer.as_str()).collect();
        assert_eq!(writers, ["later", "other"]);
        assert_eq!(joined[0].draft.base, copies[1].draft.base);
        assert!(joined[0].lineage.covers(&copies[1].draft.revision));
        let mut of_another_version = copies[1].clone();
        of_another_version.draft.version = "w".to_owned();
        let joined = join([copies[0].clone(), of_another_version], &Lineage::default());
        assert_eq!(joined.len(), 2, "typed into another state of the record");
    }

    #[test]
    fn two_that_claim_to_hold_each_other_both_stay() {
        let lying = |writer: &str, other: &str| Kept {
            draft: Draft {
                version: "v".to_owned(),
                base: Default::default(),
                values: [("note".to_owned(), Some(writer.to_owned()))].into(),
                revision: Revision {
                    seq: 1,
                    writer: writer.to_owned(),
                },
                on: None,
            },
            lineage: [writer, other]
                .map(|writer| Revision {
                    seq: 1,
                    writer: writer.to_owned(),
                })
                .into_iter()
                .collect(),
        };
        assert_eq!(join([lying("a", "b"), lying("b", "a")], &Lineage::default()).len(), 2);
    }

    fn at(writer: &str, seq: u64) -> Revision {
        Revision {
            seq,
            writer: writer.to_owned(),
        }
    }

    #[test]
    fn what_builds_on_a_draft_that_only_the_other_store_has_is_taken_beside_what_is_here() {
        let draft = |revision: Revision, on| Draft {
            version: "v".to_owned(),
            base: Default::default(),
            values: [("note".to_owned(), Some(revision.writer.clone()))].into(),
            revision,
            on,
        };
        let here = at("here", 2);
        let stored = [Kept {
            draft: draft(here.clone(), None),
            lineage: Lineage::of(&here),
        }];
        let ended = Lineage::of(&at("ended", 2));
        let decided = |on| decide_unseen(&stored, &ended, &draft(at("page", 1), on), &Mode::Chained);
        let taken = decided(Some(at("there", 4)));
        assert!(
            matches!(&taken, Decision::Accept { replaces, .. } if replaces.is_empty()),
            "{taken:?}"
        );
        let again = decide_unseen(
            &stored,
            &ended,
            &Draft {
                values: Default::default(),
                ..draft(here.clone(), Some(at("there", 4)))
            },
            &Mode::Chained,
        );
        assert_eq!(
            again,
            Decision::Diverged(stored.first()),
            "another text under the same name"
        );
        for on in [None, Some(at("here", 1)), Some(at("ended", 1))] {
            assert_eq!(
                decided(on),
                Decision::Diverged(stored.first()),
                "the page is told of what is here"
            );
        }
    }

    #[test]
    fn a_save_without_script_takes_the_place_of_what_its_page_was_drawn_with_in_the_other_store() {
        let posted = |drawn: Revision, text: &str| Draft {
            version: "v".to_owned(),
            base: Default::default(),
            values: [("note".to_owned(), Some(text.to_owned()))].into(),
            revision: drawn,
            on: None,
        };
        let decided = |drawn: Revision| {
            let mode = Mode::FailedPostWithoutScript { fresh: at("fresh", 1) };
            match decide_unseen(&[], &Lineage::default(), &posted(drawn, "typed on"), &mode) {
                Decision::Accept { kept, .. } => kept,
                other => panic!("{other:?}"),
            }
        };
        let there = Kept {
            draft: posted(at("there", 4), "typed"),
            lineage: Lineage::of(&at("there", 4)),
        };
        let taken = decided(at("there", 4));
        assert_eq!(taken.draft.on, Some(at("there", 4)));
        assert_eq!(join([there.clone(), taken.clone()], &Lineage::default()), [taken]);
        // Drawn with the record itself: that is no draft.
        let of_the_record = decided(at("page", 0));
        assert_eq!(of_the_record.draft.on, None);
        assert_eq!(of_the_record.lineage, Lineage::of(&at("fresh", 1)));
    }
}
