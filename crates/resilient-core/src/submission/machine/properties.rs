//! A small world around the machine: a server that loses answers, a device, and pages that are
//! loaded again at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::effects::{DeviceDraft, Effect, JustSaved, OutboxEntry};
use super::events::{DraftRefusal, Event};
use super::{Drawn, FormMachine, FormState, Found, Given};
use crate::draft::{Draft, Revision, Text, Values};
use crate::submission::Submission;
use crate::submission::answer::{Answer, Outcome};
use crate::time::Moment;

const COLUMNS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Type {
        column: usize,
        text: u8,
    },
    Save,
    /// The request under way reaches the server, and its answer the page.
    Arrive,
    /// It is carried out, but the answer is lost.
    LoseAnswer,
    LoseRequest,
    Keep,
    Refuse,
    Pass {
        ms: u64,
    },
    Reload,
    ServerReady,
    Hide,
    Undo,
    Discard,
    /// The page is drawn, then what is under way is carried out, then the page is opened.
    ReloadAcross,
    /// The page is drawn, then the one before it has its answer, then the page is opened.
    ReloadAnswered,
    /// The device refuses to store from now on, or takes it again.
    Storage {
        refuses: bool,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..COLUMNS.len(), 0..4_u8).prop_map(|(column, text)| Step::Type { column, text }),
        3 => Just(Step::Save),
        3 => Just(Step::Arrive),
        2 => Just(Step::LoseAnswer),
        1 => Just(Step::LoseRequest),
        1 => Just(Step::Keep),
        1 => Just(Step::Refuse),
        3 => (0..4_000_u64).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Reload),
        1 => Just(Step::ServerReady),
        1 => Just(Step::Hide),
    ]
}

/// The same with all that a person and a browser may do besides.
fn any_trouble() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_step(),
        1 => Just(Step::Undo),
        1 => Just(Step::Discard),
        1 => Just(Step::ReloadAcross),
        1 => Just(Step::ReloadAnswered),
    ]
}

/// A device that refuses to store at times. A page that is drawn before a save which no outbox had is not among
/// these steps: nothing on the device tells the next page of such a save.
fn any_refusal() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_step(),
        1 => any::<bool>().prop_map(|refuses| Step::Storage { refuses }),
    ]
}

/// The server's side: the record, how often it was written, and the answers by id.
#[derive(Default)]
struct Server {
    record: Values,
    version: u64,
    answers: BTreeMap<String, (Submission, Answer)>,
    draft: Option<Draft>,
}

impl Server {
    fn save(&mut self, submission: &Submission) -> Answer {
        if let Some((before, answer)) = self.answers.get(&submission.id) {
            assert_eq!(before, submission, "an id was used for two different bodies");
            return Answer {
                replayed: true,
                ..answer.clone()
            };
        }
        self.record.extend(submission.values.clone());
        self.version += 1;
        let answer = Answer {
            version: Some(self.version.to_string()),
            key: Some("1".into()),
            ..Answer::new(Outcome::Saved)
        };
        self.answers
            .insert(submission.id.clone(), (submission.clone(), answer.clone()));
        if self
            .draft
            .as_ref()
            .is_some_and(|draft| draft.revision == submission.revision)
        {
            self.draft = None;
        }
        answer
    }

    fn store(&mut self, draft: Draft) -> Result<(), Option<Box<Draft>>> {
        let stored = self.draft.as_ref().map(|stored| stored.revision.clone());
        if stored == draft.on || stored.as_ref() == Some(&draft.revision) {
            self.draft = Some(draft);
            return Ok(());
        }
        Err(self.draft.clone().map(Box::new))
    }
}

struct World {
    page: FormMachine,
    page_loads: u32,
    now: Moment,
    random: u128,
    server: Server,
    device: BTreeMap<String, DeviceDraft>,
    outbox: BTreeMap<String, (u32, OutboxEntry)>,
    pressed: u32,
    under_way: Vec<Submission>,
    typed: Values,
    refuses: bool,
    refused: BTreeSet<String>,
    just_saved: Vec<JustSaved>,
}

impl World {
    fn new() -> Self {
        let record = COLUMNS.map(|column| (column.to_string(), Some("0".to_string()))).into();
        let server = Server {
            record,
            ..Server::default()
        };
        let (page, _) = FormMachine::open(
            drawn(&server, 0),
            Found::default(),
            Given {
                now: Moment::START,
                random: 0,
            },
        );
        Self {
            page,
            page_loads: 0,
            now: Moment::START,
            random: 1,
            typed: server.record.clone(),
            server,
            device: BTreeMap::new(),
            refuses: false,
            refused: BTreeSet::new(),
            just_saved: Vec::new(),
            outbox: BTreeMap::new(),
            pressed: 0,
            under_way: Vec::new(),
        }
    }

    fn given(&mut self) -> Given {
        self.random = self
            .random
            .wrapping_mul(0x2545_f491_4f6c_dd1d_9e37_79b9_7f4a_7c15)
            .wrapping_add(0x1234_5678_9abc_def1);
        Given {
            now: self.now,
            random: self.random,
        }
    }

    fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let given = self.given();
            let (page, effects) = self.page.clone().handle(event, given);
            self.page = page;
            for effect in effects {
                events.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            // The only page there is writes.
            Effect::KeepLocally(draft) | Effect::PutBackLocally(draft) => {
                let revision = draft.draft.revision.clone();
                if self.refuses {
                    return Some(Event::LocalRefused(revision));
                }
                self.device.insert(revision.writer.clone(), draft);
                return Some(Event::KeptLocally(revision));
            }
            Effect::DropLocally { revisions, .. } => {
                for revision in revisions {
                    self.device.retain(|writer, stored| {
                        *writer != revision.writer || stored.draft.revision.seq > revision.seq
                    });
                }
            }
            Effect::SaveDraft(draft) => {
                let revision = draft.revision.clone();
                return Some(match self.server.store(draft) {
                    Ok(()) => Event::DraftStored(revision),
                    Err(stored) => Event::DraftRefused {
                        revision,
                        why: DraftRefusal::Stored(stored),
                    },
                });
            }
            Effect::DropDraft(revision) => {
                if self
                    .server
                    .draft
                    .as_ref()
                    .is_some_and(|draft| draft.revision == revision)
                {
                    self.server.draft = None;
                }
                return Some(Event::DraftDropped(revision));
            }
            Effect::WriteOutbox(entry) => {
                self.pressed += 1;
                let id = entry.submission.id.clone();
                if self.refuses {
                    self.refused.insert(id.clone());
                    return Some(Event::OutboxRefused { id });
                }
                let pressed = self.outbox.get(&id).map_or(self.pressed, |(pressed, _)| *pressed);
                self.outbox.insert(id.clone(), (pressed, entry));
                return Some(Event::OutboxWritten { id });
            }
            Effect::RemoveOutbox(id) => {
                self.outbox.remove(&id);
            }
            Effect::RememberSaved(saved) => self.just_saved.push(*saved),
            Effect::Send(submission) => {
                let settled = self.outbox.contains_key(&submission.id) || self.refused.contains(&submission.id);
                assert!(settled, "sent before it was stored");
                self.under_way.push(submission);
                assert!(self.under_way.len() < 2, "two submissions under way");
            }
            _ => {}
        }
        None
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Type { column, text } => {
                let (column, value) = (COLUMNS[column].to_string(), Some(text.to_string()));
                self.typed.insert(column.clone(), value.clone());
                self.tell(Event::Edited { column, value });
            }
            Step::Save => self.tell(Event::SavePressed {
                errors: BTreeMap::new(),
            }),
            Step::Pass { ms } => self.pass(ms),
            Step::Reload => self.reload(&Step::Reload),
            Step::ReloadAcross => self.reload(&Step::ReloadAcross),
            Step::ReloadAnswered => self.reload(&Step::ReloadAnswered),
            Step::Undo => self.tell(Event::UndoPressed),
            Step::Discard => {
                self.tell(Event::DiscardPressed);
                self.typed.clear();
            }
            Step::Storage { refuses } => self.refuses = refuses,
            Step::ServerReady => self.tell(Event::ServerReady),
            Step::Hide => self.tell(Event::PageHidden),
            way => {
                let Some(submission) = self.under_way.pop() else { return };
                let id = submission.id.clone();
                let retry_after_ms = Some(500);
                let event = match way {
                    Step::Arrive => Event::answered(id, self.server.save(&submission)),
                    Step::LoseAnswer => {
                        self.server.save(&submission);
                        Event::Unanswered { id }
                    }
                    Step::Keep => Event::answered(
                        id,
                        Answer {
                            retry_after_ms,
                            ..Answer::new(Outcome::Kept)
                        },
                    ),
                    Step::Refuse if !self.server.answers.contains_key(&id) => {
                        Event::answered(id, Answer::new(Outcome::Forbidden))
                    }
                    _ => Event::Unanswered { id },
                };
                self.tell(event);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.tell(Event::Woke);
    }

    fn reload(&mut self, how: &Step) {
        self.tell(Event::PageLeft);
        let (_, _, seq, writer) = self.page.hidden();
        let is_kept = self
            .device
            .get(writer)
            .is_some_and(|kept| kept.draft.revision.seq == seq);
        if self.page.is_changed() && !is_kept {
            // Not protected on this device, and the person heeds it.
            return;
        }
        self.page_loads += 1;
        let drawn = drawn(&self.server, self.page_loads);
        // What was answered before the page was asked for is no news to it.
        self.just_saved.clear();
        if matches!(how, Step::ReloadAnswered) {
            self.step(Step::Arrive);
            self.tell(Event::PageLeft);
        }
        for submission in std::mem::take(&mut self.under_way) {
            if matches!(how, Step::ReloadAcross) {
                self.server.save(&submission);
            }
        }
        let mut waiting: Vec<(u32, OutboxEntry)> = self.outbox.values().cloned().collect();
        waiting.sort_by_key(|(pressed, _)| *pressed);
        let (resolved, outbox) = waiting
            .into_iter()
            .map(|(_, entry)| entry)
            .partition::<Vec<_>, _>(|entry| self.server.answers.contains_key(&entry.submission.id));
        let bases = resolved
            .iter()
            .map(|entry| (entry.submission.id.clone(), entry.base.clone()))
            .collect();
        let resolved = resolved
            .iter()
            .map(|entry| self.server.answers[&entry.submission.id].clone())
            .collect();
        let found = Found {
            drafts: self.device.values().cloned().collect(),
            outbox,
            resolved,
            just_saved: self.just_saved.clone(),
            bases,
            ..Found::default()
        };
        let given = self.given();
        let live = drawn.live.clone();
        let (page, effects) = FormMachine::open(drawn, found, given);
        assert_eq!(controls(&live, &effects), page.content().fields, "the controls");
        self.page = page;
        for effect in effects {
            if let Some(event) = self.perform(effect) {
                self.tell(event);
            }
        }
        if matches!(how, Step::ReloadAnswered) {
            assert_eq!(
                self.page.content().base,
                self.server.record,
                "shows the record as it was"
            );
        }
    }

    fn in_form(&self, column: &str) -> Text {
        self.page.content().fields[column].clone()
    }

    /// What was typed is in the form, beside it, on the device, on its way or was saved.
    fn check_nothing_is_lost(&mut self) {
        // What was saved once may be replaced by what is saved after an Undo; what the record has by
        // all that the page knows needs no keeping.
        let records = [&self.server.record, &self.page.content().base];
        self.typed
            .retain(|column, typed| records.iter().all(|record| record.get(column) != Some(typed)));
        for (column, typed) in &self.typed {
            let beside = self.page.aside().iter().chain(self.device.values());
            let kept = beside.map(|draft| &draft.draft.values);
            let queued = self.outbox.values().map(|(_, entry)| &entry.submission.values);
            let mut places = kept.chain(queued).chain([&self.page.content().fields]);
            assert!(
                places.any(|place| place.get(column) == Some(typed)),
                "what was typed into {column} is nowhere"
            );
        }
        if self.page.state() == FormState::Saved {
            assert_eq!(self.page.content().fields, self.server.record, "says saved");
        }
    }

    fn check(&self) {
        for (column, typed) in &self.typed {
            assert_eq!(
                self.in_form(column),
                *typed,
                "what was typed into {column} is not in the form"
            );
        }
        if self.page.state() == FormState::Saved {
            assert_eq!(self.page.content().fields, self.server.record, "says saved");
        }
    }
}

fn drawn(server: &Server, load: u32) -> Drawn {
    let writer = format!("w{load}");
    Drawn {
        form_key: "t/1".into(),
        is_new: false,
        id: super::submission_id(u128::from(load) << 90),
        version: server.version.to_string(),
        base: server.record.clone(),
        drawn: server.record.clone(),
        live: server.record.clone(),
        touched: Default::default(),
        secrets: Default::default(),
        nullable: Default::default(),
        revision: Revision {
            seq: 0,
            writer: writer.clone(),
        },
        writer,
        on: None,
        has_server_drafts: true,
        was_saved: false,
        errors: BTreeMap::new(),
        conflicts: Vec::new(),
    }
}

/// The controls after the orders that opened a page are carried out.
pub(super) fn controls(live: &Values, orders: &[Effect]) -> Values {
    let mut controls = live.clone();
    for order in orders {
        if let Effect::PutValue { column, value } = order {
            controls.insert(column.clone(), value.clone());
        }
    }
    controls
}

fn any_texts() -> impl Strategy<Value = Values> {
    let texts = proptest::collection::btree_map(0..COLUMNS.len(), 0..3_u8, 0..=COLUMNS.len());
    texts.prop_map(|texts| {
        let named = |(column, text): (usize, u8)| (COLUMNS[column].to_string(), Some(text.to_string()));
        texts.into_iter().map(named).collect()
    })
}

/// A form that was drawn, perhaps for a new record and perhaps with a draft, before its save was settled.
#[derive(Clone, Debug)]
struct Crossed {
    is_new: bool,
    /// The `seq` of the drawn draft; 0: none is drawn.
    drawn_seq: u64,
    drawn_texts: Values,
    sent: Values,
    current: Values,
    newer: Option<Values>,
    live: Values,
    touched: bool,
    in_another_page: bool,
}

fn any_crossed() -> impl Strategy<Value = Crossed> {
    let texts = (any_texts(), any_texts(), any_texts(), any_texts());
    let options = (any::<bool>(), 0..4_u64, any::<bool>(), any::<bool>());
    (texts, proptest::option::of(any_texts()), options).prop_map(|(texts, newer, options)| {
        let (drawn_texts, sent, current, live) = texts;
        let (is_new, drawn_seq, touched, in_another_page) = options;
        Crossed {
            is_new,
            drawn_seq,
            drawn_texts,
            sent,
            current,
            newer,
            live,
            touched,
            in_another_page,
        }
    })
}

impl Crossed {
    fn drawn(&self) -> Drawn {
        let mut drawn = drawn(&World::new().server, 1);
        drawn.is_new = self.is_new;
        if self.drawn_seq > 0 {
            drawn.revision = Self::revision(self.drawn_seq);
            drawn.drawn.extend(self.drawn_texts.clone());
        }
        drawn.live.clone_from(&drawn.drawn);
        drawn.live.extend(self.live.clone());
        if self.touched {
            drawn.touched = self.live.keys().cloned().collect();
        }
        drawn
    }

    fn revision(seq: u64) -> Revision {
        let writer = "w0".to_string();
        Revision { seq, writer }
    }

    fn found(&self, drawn: &Drawn) -> Found {
        let submission = Submission {
            id: "id-0".into(),
            form_key: drawn.form_key.clone(),
            version: drawn.version.clone(),
            values: self.sent.clone(),
            revision: Self::revision(2),
        };
        let answer = Answer {
            version: Some("1".into()),
            key: Some("1".into()),
            current: self.current.clone(),
            ..Answer::new(Outcome::Saved)
        };
        let draft = |values: &Values| DeviceDraft {
            form_key: drawn.form_key.clone(),
            draft: Draft {
                version: drawn.version.clone(),
                base: drawn.base.clone(),
                values: values.clone(),
                revision: Self::revision(3),
                on: None,
            },
            lineage: Vec::new(),
            secrets: Vec::new(),
        };
        let mut found = Found {
            drafts: self.newer.iter().map(draft).collect(),
            bases: [("id-0".to_string(), drawn.base.clone())].into(),
            ..Found::default()
        };
        if self.in_another_page {
            let base = drawn.base.clone();
            found.just_saved.push(JustSaved {
                submission,
                base,
                answer,
            });
        } else {
            found.resolved.push((submission, answer));
        }
        found
    }
}

proptest! {
    #[test]
    fn whatever_was_settled_while_a_page_opened_its_controls_show_what_the_form_takes_for_their_text(crossed in any_crossed()) {
        let drawn = crossed.drawn();
        let (live, found) = (drawn.live.clone(), crossed.found(&drawn));
        let (now, random) = (Moment::START, 1);
        let (page, orders) = FormMachine::open(drawn, found, Given { now, random });
        prop_assert_eq!(&controls(&live, &orders), &page.content().fields);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_typed_is_dropped_and_saved_is_true(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check();
        }
    }

    #[test]
    fn whatever_the_person_and_the_browser_do_nothing_is_lost_and_saved_is_true(steps in proptest::collection::vec(any_trouble(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check_nothing_is_lost();
        }
    }

    #[test]
    fn where_storage_is_refused_nothing_is_lost_and_saved_is_true(steps in proptest::collection::vec(any_refusal(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check_nothing_is_lost();
        }
    }

    #[test]
    fn once_the_way_is_clear_everything_pressed_is_saved_exactly(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        for _ in 0..12 {
            world.step(Step::Save);
            world.step(Step::Arrive);
            world.step(Step::Pass { ms: 60_000 });
            world.step(Step::Arrive);
        }
        prop_assert_eq!(&world.server.record, &world.typed);
        prop_assert!(world.outbox.is_empty());
        prop_assert!(world.device.is_empty(), "left on the device: {:?}", world.device);
        prop_assert!(!world.page.guard());
    }
}
