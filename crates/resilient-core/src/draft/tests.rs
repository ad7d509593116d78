//! What people with several tabs and devices see, and that no order of events loses text.

use proptest::prelude::*;

use super::lineage::Lineage;
use super::replacement::*;
use super::*;

fn at(writer: &str, seq: u64) -> Revision {
    Revision {
        seq,
        writer: writer.to_owned(),
    }
}

fn draft(writer: &str, seq: u64, on: Option<Revision>, text: &str) -> Draft {
    let values = [("note".to_owned(), Some(text.to_owned()))].into();
    Draft {
        version: "v1".to_owned(),
        base: Values::new(),
        values,
        revision: at(writer, seq),
        on,
    }
}

/// What the server keeps of one form: the rules with a memory.
#[derive(Default)]
struct Form {
    stored: Vec<Kept>,
    ended: Lineage,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Accepted { revision: Revision, replaced: Vec<Kept> },
    SameAgain(Revision),
    Stale(Revision),
    Diverged(Option<Revision>),
    Ended,
}

impl Form {
    fn send(&mut self, draft: &Draft, mode: &Mode) -> Told {
        let name = |kept: &Kept| kept.draft.revision.clone();
        let (kept, replaces) = match decide(&self.stored, &self.ended, draft, mode) {
            Decision::Accept { kept, replaces } => (kept, replaces),
            Decision::SameAgain(kept) => return Told::SameAgain(name(kept)),
            Decision::Stale(kept) => return Told::Stale(name(kept)),
            Decision::Diverged(kept) => return Told::Diverged(kept.map(name)),
            Decision::Ended => return Told::Ended,
        };
        let revision = kept.draft.revision.clone();
        let (replaced, rest) = self
            .stored
            .drain(..)
            .partition(|old| replaces.contains(&old.draft.revision));
        self.stored = rest;
        self.stored.insert(0, kept);
        Told::Accepted { revision, replaced }
    }

    fn end(&mut self, revision: &Revision) -> Vec<Kept> {
        let ending = ending(&self.stored, revision);
        self.ended.join(&ending);
        let (ended, rest) = self
            .stored
            .drain(..)
            .partition(|kept| ending.covers(&kept.draft.revision));
        self.stored = rest;
        ended
    }

    fn names(&self) -> Vec<Revision> {
        self.stored.iter().map(|kept| kept.draft.revision.clone()).collect()
    }

    fn write(&mut self, writer: &str, seq: u64, on: Option<Revision>) -> Told {
        self.send(&draft(writer, seq, on, &format!("{writer}{seq}")), &Mode::Chained)
    }
}

#[test]
fn a_page_replaces_its_own_draft_and_may_repeat_itself() {
    let mut form = Form::default();
    assert!(matches!(form.write("a", 1, None), Told::Accepted { .. }));
    assert!(matches!(form.write("a", 3, Some(at("a", 1))), Told::Accepted { .. }));
    assert_eq!(form.write("a", 3, Some(at("a", 1))), Told::SameAgain(at("a", 3)));
    assert_eq!(form.write("a", 2, Some(at("a", 1))), Told::Stale(at("a", 3)));
    assert_eq!(form.names(), [at("a", 3)]);
}

#[test]
fn a_page_whose_answers_were_lost_goes_on_all_the_same() {
    let mut form = Form::default();
    form.write("b", 9, None);
    form.write("a", 1, Some(at("b", 9)));
    assert!(matches!(form.write("a", 2, Some(at("b", 9))), Told::Accepted { .. }));
    assert!(matches!(form.write("a", 5, Some(at("a", 4))), Told::Accepted { .. }));
    assert!(matches!(form.write("a", 6, None), Told::Accepted { .. }));
    assert_eq!(form.write("b", 9, None), Told::Stale(at("a", 6)));
}

#[test]
fn of_two_tabs_the_second_is_told_and_nothing_is_replaced() {
    let mut form = Form::default();
    form.write("a", 4, None);
    assert_eq!(form.write("b", 1, None), Told::Diverged(Some(at("a", 4))));
    // The person takes the other tab's text over, and goes on from there.
    assert!(matches!(form.write("b", 2, Some(at("a", 4))), Told::Accepted { .. }));
    assert_eq!(form.write("a", 5, Some(at("a", 4))), Told::Diverged(Some(at("b", 2))));
    assert_eq!(form.names(), [at("b", 2)]);
}

#[test]
fn a_page_goes_on_from_its_own_text_only_however_much_was_typed_in_it() {
    let mut form = Form::default();
    form.write("a", 4, None);
    assert_eq!(form.write("b", 9, None), Told::Diverged(Some(at("a", 4))));
    assert_eq!(form.names(), [at("a", 4)]);
}

#[test]
fn the_same_revision_with_another_text_is_not_the_same_write() {
    let mut form = Form::default();
    form.write("a", 1, None);
    assert_eq!(
        form.send(&draft("a", 1, None, "other"), &Mode::Chained),
        Told::Diverged(Some(at("a", 1)))
    );
}

#[test]
fn a_failed_save_that_would_diverge_is_stored_beside_and_both_end_in_one() {
    let mut form = Form::default();
    form.write("a", 4, None);
    form.send(&draft("b", 1, None, "b1"), &Mode::FailedPost);
    assert_eq!(form.names(), [at("b", 1), at("a", 4)]);
    assert!(matches!(form.write("b", 2, Some(at("a", 4))), Told::Accepted { .. }));
    assert_eq!(form.names(), [at("b", 2)]);
}

#[test]
fn a_repeated_submission_does_not_bring_back_what_its_page_has_left_behind() {
    let mut form = Form::default();
    form.write("a", 7, None);
    assert_eq!(
        form.send(&draft("a", 3, None, "a3"), &Mode::FailedPost),
        Told::Stale(at("a", 7))
    );
    assert_eq!(
        form.send(&draft("a", 7, None, "a 7"), &Mode::FailedPost),
        Told::SameAgain(at("a", 7))
    );
}

#[test]
fn what_was_discarded_stays_away_and_what_was_typed_later_does_not() {
    let mut form = Form::default();
    form.write("a", 5, None);
    form.write("b", 2, Some(at("a", 5)));
    form.end(&at("b", 2));
    assert!(form.names().is_empty());
    assert_eq!(form.write("a", 5, None), Told::Ended);
    assert_eq!(form.write("b", 1, None), Told::Ended);
    assert_eq!(form.write("a", 6, Some(at("a", 5))), Told::Diverged(None));
    assert!(matches!(form.write("a", 6, None), Told::Accepted { .. }));
}

#[test]
fn discarding_an_older_state_leaves_the_later_one() {
    let mut form = Form::default();
    form.write("a", 5, None);
    assert!(form.end(&at("a", 3)).is_empty());
    assert_eq!(form.names(), [at("a", 5)]);
}

#[test]
fn a_save_that_overtakes_its_own_drafts_ends_them_too() {
    let mut form = Form::default();
    form.write("a", 2, None);
    form.end(&at("a", 4));
    assert!(form.names().is_empty());
    assert_eq!(form.write("a", 3, None), Told::Ended, "it was still on its way");
}

#[test]
fn without_script_each_press_is_a_draft_built_on_the_one_the_page_was_drawn_from() {
    let mut form = Form::default();
    let press = |form: &mut Form, drawn: Revision, text: &str, fresh: &str| {
        let posted = Draft {
            revision: drawn,
            ..draft("", 0, None, text)
        };
        form.send(&posted, &Mode::FailedPostWithoutScript { fresh: at(fresh, 1) })
    };
    press(&mut form, at("page", 0), "one", "f1");
    assert_eq!(
        press(&mut form, at("page", 0), "one", "f2"),
        Told::SameAgain(at("f1", 1)),
        "the reload button"
    );
    // The page came back drawn from f1; the text was changed and Save pressed again.
    press(&mut form, at("f1", 1), "two", "f3");
    assert_eq!(form.names(), [at("f3", 1)]);
    // Back to the very first page, another text: it holds nothing of the others.
    press(&mut form, at("page", 0), "three", "f4");
    assert_eq!(form.names(), [at("f4", 1), at("f3", 1)]);
    form.end(&at("f4", 1));
    assert_eq!(form.names(), [at("f3", 1)]);
}

#[test]
fn a_page_that_knows_of_another_text_is_stored_beside_it_and_goes_on_there() {
    let mut form = Form::default();
    form.write("a", 4, None);
    assert_eq!(form.write("b", 1, None), Told::Diverged(Some(at("a", 4))));
    form.send(&draft("b", 1, None, "b1"), &Mode::Beside);
    assert_eq!(form.names(), [at("b", 1), at("a", 4)]);
    // From then on each writes its own, and neither is told of the other again.
    assert!(matches!(form.write("b", 2, Some(at("b", 1))), Told::Accepted { .. }));
    assert!(matches!(form.write("a", 5, Some(at("a", 4))), Told::Accepted { .. }));
    assert_eq!(form.names(), [at("a", 5), at("b", 2)]);
    // Choosing one over the other leaves one.
    form.end(&at("a", 5));
    assert_eq!(form.send(&draft("a", 5, None, "a5"), &Mode::Beside), Told::Ended);
    assert_eq!(form.names(), [at("b", 2)]);
}

#[test]
fn a_form_of_which_nothing_ended_has_nothing_to_remember_of_it() {
    let mut form = Form::default();
    assert!(form.ended.is_empty());
    form.write("a", 1, None);
    form.end(&at("a", 1));
    assert!(!form.ended.is_empty());
    assert!(form.ended.revisions().eq([at("a", 1)]));
}

/// One open page. Everything typed gets a name of its own, so that it can be seen whether it is lost.
#[derive(Clone)]
struct Page {
    writer: String,
    seq: u64,
    /// What the page believes to be stored.
    on: Option<Revision>,
    values: Values,
}

impl Page {
    fn draft(&self) -> Draft {
        let revision = at(&self.writer, self.seq);
        Draft {
            version: "v".into(),
            base: Values::new(),
            values: self.values.clone(),
            revision,
            on: self.on.clone(),
        }
    }

    fn typed(&mut self, atom: usize) {
        self.seq += 1;
        self.values.insert(format!("t{atom}"), Some(String::new()));
    }
}

/// (what happens, in which page, with which of the drafts or messages)
fn events() -> impl Strategy<Value = Vec<(u8, usize, usize)>> {
    proptest::collection::vec((0..13u8, 0..3usize, 0..8usize), 1..60)
}

struct World {
    form: Form,
    pages: Vec<Page>,
    sent: Vec<Draft>,
    saved_or_discarded: Vec<Revision>,
    count: usize,
}

impl World {
    fn new() -> Self {
        let page = |n| Page {
            writer: format!("p{n}"),
            seq: 0,
            on: None,
            values: Values::new(),
        };
        let pages = (0..3).map(page).collect();
        Self {
            form: Form::default(),
            pages,
            sent: vec![],
            saved_or_discarded: vec![],
            count: 3,
        }
    }

    /// Sends, and checks that whatever is replaced or refused as old is held by what is stored.
    fn send(&mut self, draft: &Draft, mode: &Mode) -> Told {
        let told = self.form.send(draft, mode);
        let holds = |revision: &Revision, values: &Values| {
            let kept = self
                .form
                .stored
                .iter()
                .find(|kept| kept.draft.revision == *revision)
                .unwrap();
            values.keys().all(|name| kept.draft.values.contains_key(name))
        };
        match &told {
            Told::Accepted { revision, replaced } => {
                assert!(
                    replaced.iter().all(|old| holds(revision, &old.draft.values)),
                    "{replaced:?} is lost"
                );
                assert!(!self.saved_or_discarded.contains(revision), "{revision:?} came back");
                assert!(holds(revision, &draft.values));
                let alone = !replaced.is_empty() || self.form.stored.len() == 1;
                assert!(
                    alone || *mode != Mode::Chained,
                    "a page put {revision:?} beside another draft unasked"
                );
                let again = self.form.send(draft, mode);
                assert!(matches!(again, Told::SameAgain(_)), "twice is once, not {again:?}");
            }
            Told::SameAgain(revision) | Told::Stale(revision) => assert!(holds(revision, &draft.values)),
            Told::Diverged(_) | Told::Ended => {}
        }
        told
    }

    fn write(&mut self, page: usize, answer_arrives: bool) {
        let draft = self.pages[page].draft();
        self.sent.push(draft.clone());
        match self.send(&draft, &Mode::Chained) {
            Told::Accepted { revision, .. } if answer_arrives => self.pages[page].on = Some(revision),
            Told::Diverged(None) if answer_arrives => self.pages[page].on = None,
            _ => {}
        }
    }

    /// The person takes a stored draft over into an open page.
    fn adopt(&mut self, page: usize, which: usize) {
        self.count += 1;
        let Some(kept) = self.form.stored.get(which) else {
            return;
        };
        let page = &mut self.pages[page];
        page.on = Some(kept.draft.revision.clone());
        page.values.extend(kept.draft.values.clone());
        page.typed(self.count);
    }

    fn reload(&mut self, page: usize) {
        self.count += 1;
        let drawn = self.form.stored.first().map(|kept| kept.draft.clone());
        let (on, values) = drawn.map_or((None, Values::new()), |draft| (Some(draft.revision), draft.values));
        self.pages[page] = Page {
            writer: format!("p{}", self.count),
            seq: 0,
            on,
            values,
        };
    }

    fn end(&mut self, revision: &Revision, values: &Values) {
        let ended = self.form.end(revision);
        for kept in &ended {
            let held = kept.draft.values.keys().all(|name| values.contains_key(name));
            assert!(held, "{kept:?} went with {revision:?}, which does not hold it");
        }
        self.saved_or_discarded
            .extend(ended.into_iter().map(|kept| kept.draft.revision));
        self.saved_or_discarded.push(revision.clone());
    }

    fn press_without_script(&mut self, page: usize) {
        self.count += 2;
        let page = &self.pages[page];
        // The page was drawn from what it is on, and the person typed more.
        let drawn = page.on.clone().unwrap_or_else(|| at(&format!("{}n", page.writer), 0));
        let drawn_values = self.form.stored.iter().find(|kept| kept.draft.revision == drawn);
        let mut values = drawn_values.map_or_else(Values::new, |kept| kept.draft.values.clone());
        values.insert(format!("t{}", self.count), Some(String::new()));
        let draft = Draft {
            revision: drawn,
            values,
            on: None,
            ..page.draft()
        };
        let fresh = at(&format!("f{}", self.count), 1);
        self.send(&draft, &Mode::FailedPostWithoutScript { fresh });
    }

    fn happen(&mut self, (event, page, which): (u8, usize, usize)) {
        self.count += 1;
        let (count, unsaved) = (self.count, self.pages[page].seq > 0);
        match event {
            0..=2 => self.pages[page].typed(count),
            3 | 4 if unsaved => self.write(page, true),
            5 if unsaved => self.write(page, false),
            6 => self.adopt(page, which),
            7 => self.reload(page),
            8 if unsaved => {
                let draft = Draft {
                    on: None,
                    ..self.pages[page].draft()
                };
                self.sent.push(draft.clone());
                self.send(&draft, &Mode::FailedPost);
            }
            9 => self.press_without_script(page),
            10 => {
                if let Some(Draft { revision, values, .. }) = self.form.stored.get(which).map(|kept| kept.draft.clone())
                {
                    self.end(&revision, &values);
                } else if unsaved {
                    let Draft { revision, values, .. } = self.pages[page].draft();
                    self.end(&revision, &values);
                    self.pages[page].values.clear();
                    self.pages[page].on = None;
                }
            }
            11 if unsaved => {
                let draft = self.pages[page].draft();
                self.sent.push(draft.clone());
                let told = self.send(&draft, &Mode::Beside);
                assert!(!matches!(told, Told::Diverged(_)), "{told:?}");
                if let Told::Accepted { revision, .. } = told {
                    self.pages[page].on = Some(revision);
                }
            }
            // A message that was still on its way, or is sent again, arrives now.
            _ => {
                if let Some(late) = self.sent.get(which).cloned() {
                    self.send(&late, &Mode::Chained);
                }
            }
        }
        let stored = &self.form.stored;
        for (n, kept) in stored.iter().enumerate() {
            let others = stored.iter().enumerate().filter(|(m, _)| *m != n);
            assert!(
                others
                    .clone()
                    .all(|(_, other)| !kept.lineage.covers(&other.draft.revision))
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn no_order_of_events_loses_text_or_brings_it_back(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
    }

    #[test]
    fn whatever_order_one_page_s_writes_arrive_in_its_last_one_stays(
        order in Just((1..7u64).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let mut form = Form::default();
        for seq in order {
            form.write("a", seq, (seq > 1).then(|| at("a", seq - 1)).filter(|_| !form.stored.is_empty()));
        }
        prop_assert_eq!(form.names(), [at("a", 6)]);
    }

    #[test]
    fn lineages_join_in_any_order(
        one in proptest::collection::btree_map("[ab]", 0..4u64, 0..3), other in proptest::collection::btree_map("[ab]", 0..4u64, 0..3)
    ) {
        let lineage = |map: &std::collections::BTreeMap<String, u64>| {
            map.iter().map(|(writer, seq)| at(writer, *seq)).collect::<Lineage>()
        };
        let (one, other) = (lineage(&one), lineage(&other));
        let joined = |first: &Lineage, second: &Lineage| {
            let mut lineage = first.clone();
            lineage.join(second);
            lineage
        };
        prop_assert_eq!(joined(&one, &other), joined(&other, &one));
        prop_assert_eq!(joined(&one, &one), one.clone());
        prop_assert!(one.revisions().all(|revision| joined(&one, &other).covers(&revision)));
    }
}
