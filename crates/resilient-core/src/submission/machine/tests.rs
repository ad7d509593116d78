//! What a person sees, event by event.

use std::collections::BTreeMap;
use std::time::Duration;

use super::effects::{Announcement, DeviceDraft, Effect, OutboxEntry};
use super::events::{DraftRefusal, Event, Side};
use super::{Drawn, FormMachine, FormState, Found, Given};
use crate::draft::{Draft, Revision, Text, Values};
use crate::submission::Submission;
use crate::submission::answer::{Answer, Conflict, Outcome};
use crate::time::Moment;

fn text(text: &str) -> Text {
    Some(text.to_owned())
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(column, value)| (column.to_string(), text(value)))
        .collect()
}

fn revision(seq: u64, writer: &str) -> Revision {
    Revision {
        seq,
        writer: writer.into(),
    }
}

fn drawn() -> Drawn {
    let base = values(&[("name", "Pump"), ("note", "")]);
    Drawn {
        form_key: "equipment/7".into(),
        is_new: false,
        id: "id-1".into(),
        version: "v1".into(),
        base: base.clone(),
        drawn: base.clone(),
        live: base,
        touched: Default::default(),
        secrets: ["pin".to_string()].into(),
        nullable: Default::default(),
        writer: "w".into(),
        revision: revision(0, "w"),
        on: None,
        has_server_drafts: true,
        was_saved: false,
        errors: BTreeMap::new(),
        conflicts: Vec::new(),
    }
}

/// A form, the orders it gave last, and a clock that somebody else moves.
struct Page {
    form: FormMachine,
    orders: Vec<Effect>,
    now: Moment,
}

impl Page {
    fn open(drawn: Drawn, found: Found) -> Self {
        let (form, orders) = FormMachine::open(
            drawn,
            found,
            Given {
                now: Moment::START,
                random: 7,
            },
        );
        Self {
            form,
            orders,
            now: Moment::START,
        }
    }

    fn drawn() -> Self {
        Self::open(drawn(), Found::default())
    }

    fn tell(&mut self, event: Event) -> &mut Self {
        let (form, orders) = self.form.clone().handle(
            event,
            Given {
                now: self.now,
                random: u128::MAX / 3,
            },
        );
        (self.form, self.orders) = (form, orders);
        self
    }

    fn types(&mut self, column: &str, value: &str) -> &mut Self {
        self.tell(Event::Edited {
            column: column.into(),
            value: text(value),
        })
    }

    fn after(&mut self, ms: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(ms);
        self.tell(Event::Woke)
    }

    /// Presses Save and lets the submission leave.
    fn presses_save(&mut self) -> Submission {
        self.tell(Event::SavePressed {
            errors: BTreeMap::new(),
        });
        let id = self.form.hidden().0.to_owned();
        self.tell(Event::OutboxWritten { id });
        self.sent().expect("a submission")
    }

    fn sent(&self) -> Option<Submission> {
        self.orders.iter().find_map(|effect| match effect {
            Effect::Send(submission) => Some(submission.clone()),
            _ => None,
        })
    }

    fn answer(&mut self, id: &str, answer: Answer) -> &mut Self {
        self.tell(Event::Answered { id: id.into(), answer })
    }

    fn field(&self, column: &str) -> &str {
        self.form.content().fields[column].as_deref().expect("a text")
    }

    fn announced(&self, announcement: &Announcement) -> bool {
        self.orders
            .iter()
            .any(|effect| matches!(effect, Effect::Announce(said) if said == announcement))
    }
}

fn saved(version: &str) -> Answer {
    Answer {
        version: Some(version.into()),
        key: Some("7".into()),
        ..Answer::new(Outcome::Saved)
    }
}

fn device_draft(writer: &str, seq: u64, value: &str) -> DeviceDraft {
    let draft = Draft {
        version: "v0".into(),
        base: values(&[("name", "Pump")]),
        values: values(&[("name", value)]),
        revision: revision(seq, writer),
        on: None,
    };
    DeviceDraft {
        form_key: "equipment/7".into(),
        draft,
        lineage: Vec::new(),
    }
}

fn left_behind(value: &str) -> OutboxEntry {
    let submission = Submission {
        id: "id-0".into(),
        form_key: "equipment/7".into(),
        version: "v0".into(),
        values: values(&[("name", value)]),
        revision: revision(3, "old"),
    };
    OutboxEntry {
        submission,
        base: values(&[("name", "Pump")]),
        incomplete: false,
        attempts: 2,
        wait_ms: 0,
    }
}

#[test]
fn the_device_has_what_is_typed_within_300_ms_of_the_first_key_even_while_typing_goes_on() {
    let mut page = Page::drawn();
    let mut kept_at = None;
    for (ms, name) in [(0, "P"), (90, "Pu"), (90, "Pum"), (90, "Pump "), (90, "Pump 2")] {
        page.after(ms);
        if page
            .orders
            .iter()
            .any(|effect| matches!(effect, Effect::KeepLocally(_)))
        {
            kept_at.get_or_insert(page.now);
        }
        page.types("name", name);
    }
    assert!(kept_at.is_some_and(|at| at.since(Moment::START) <= Duration::from_millis(300)));
}

#[test]
fn the_leave_guard_is_armed_until_the_newest_text_is_kept_somewhere() {
    let mut page = Page::drawn();
    assert!(!page.form.guard());
    page.types("name", "a").types("name", "b");
    assert!(page.form.guard());
    page.tell(Event::KeptLocally(revision(1, "w")));
    assert!(page.form.guard(), "an earlier revision is kept");
    page.tell(Event::KeptLocally(revision(2, "w")));
    assert!(!page.form.guard());
    assert_eq!(page.form.words(), "Unsaved changes, kept on this device");
    page.tell(Event::DraftStored(revision(2, "w")));
    assert_eq!(page.form.words(), "Unsaved changes, kept on this device and the server");
}

#[test]
fn typing_the_old_text_again_removes_the_draft() {
    let mut page = Page::drawn();
    page.types("name", "a")
        .after(300)
        .tell(Event::KeptLocally(revision(1, "w")));
    page.types("name", "Pump").after(300);
    assert!(
        matches!(&page.orders[..], [Effect::DropLocally { .. }]),
        "{:?}",
        page.orders
    );
    assert_eq!(page.form.state(), FormState::Clean);
    assert!(!page.form.guard());
}

#[test]
fn a_submission_is_on_the_device_before_it_leaves() {
    let mut page = Page::drawn();
    page.types("name", "a").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    assert!(page.sent().is_none());
    assert!(
        page.orders
            .iter()
            .any(|effect| matches!(effect, Effect::WriteOutbox(_)))
    );
    assert_eq!(
        page.tell(Event::OutboxRefused { id: "id-1".into() })
            .sent()
            .expect("sent")
            .id,
        "id-1"
    );
}

#[test]
fn two_presses_of_save_in_a_row_are_one_submission() {
    let mut page = Page::drawn();
    page.types("name", "a").presses_save();
    page.tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    assert!(page.orders.is_empty());
    page.answer("id-1", saved("v2"));
    assert!(page.sent().is_none());
    assert_eq!(page.form.state(), FormState::Saved);
    assert_eq!(page.form.words(), "All changes saved");
}

#[test]
fn no_answer_is_a_queued_save_that_goes_again_under_the_same_id() {
    let mut page = Page::drawn();
    let first = page.types("name", "a").presses_save();
    page.tell(Event::Unanswered { id: first.id.clone() });
    assert_eq!(page.form.state(), FormState::Queued);
    assert!(
        page.orders
            .iter()
            .any(|effect| matches!(effect, Effect::Announce(Announcement::Queued { .. })))
    );
    page.after(30_000);
    assert_eq!(page.sent().expect("again"), first);
    page.answer(
        "id-1",
        Answer {
            replayed: true,
            ..saved("v2")
        },
    );
    assert_eq!(page.form.state(), FormState::Saved);
    assert!(page.announced(&Announcement::SavedAfterQueue));
}

#[test]
fn a_retry_waits_as_long_as_the_server_asks() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.answer(
        &id,
        Answer {
            retry_after_ms: Some(45_000),
            ..Answer::new(Outcome::RateLimited)
        },
    );
    assert!(page.after(44_000).sent().is_none());
    assert!(page.tell(Event::RetryPressed).sent().is_none(), "not even when asked");
    assert!(page.after(3_000).sent().is_some());
}

#[test]
fn newer_text_goes_as_a_submission_of_its_own_once_the_first_is_resolved() {
    let mut page = Page::drawn();
    let first = page.types("name", "a").presses_save();
    page.types("note", "more").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    assert!(page.sent().is_none());
    page.answer(&first.id, saved("v2"));
    assert_eq!(page.form.state(), FormState::Saving);
    let id = page.form.hidden().0.to_owned();
    assert_ne!(id, first.id);
    let second = page.tell(Event::OutboxWritten { id }).sent().expect("the newer text");
    assert_eq!(
        (second.version.as_str(), &second.values),
        ("v2", &values(&[("note", "more")]))
    );
}

#[test]
fn an_answer_never_overwrites_a_field_touched_since_the_request_left() {
    let mut page = Page::drawn();
    let id = page.types("name", " a ").presses_save().id;
    page.types("note", "typing on");
    let current = values(&[("name", "a"), ("note", "by trigger")]);
    page.answer(&id, Answer { current, ..saved("v2") });
    assert_eq!((page.field("name"), page.field("note")), ("a", "typing on"));
    assert_eq!(page.form.state(), FormState::Dirty);
}

#[test]
fn somebody_elses_merged_change_to_a_field_touched_meanwhile_is_a_conflict_to_choose() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.types("note", "mine");
    page.answer(
        &id,
        Answer {
            current: values(&[("note", "theirs")]),
            merged: vec!["note".into()],
            ..saved("v2")
        },
    );
    assert_eq!(page.form.state(), FormState::Conflict);
    assert_eq!(page.field("note"), "mine");
}

#[test]
fn a_conflict_keeps_mine_in_the_field_and_is_not_sent_before_a_choice() {
    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    let conflicts = vec![Conflict {
        column: "name".into(),
        base: None,
        mine: text("mine"),
        theirs: text("theirs"),
    }];
    page.answer(
        &id,
        Answer {
            conflicts,
            version: Some("v2".into()),
            ..Answer::new(Outcome::Conflict)
        },
    );
    assert_eq!((page.form.state(), page.field("name")), (FormState::Conflict, "mine"));
    assert_eq!(page.form.hidden().1, "v1", "a plain POST would meet the conflict again");
    assert_eq!(page.form.view().conflicts["name"].base, Some(text("Pump")));
    page.tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    assert_eq!(page.orders, [Effect::FocusField("name".into())]);
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Theirs,
    });
    assert_eq!((page.form.state(), page.field("name")), (FormState::Clean, "theirs"));
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Mine,
    });
    let again = page.presses_save();
    assert_eq!(
        (again.version.as_str(), &again.values),
        ("v2", &values(&[("name", "mine")]))
    );
    assert_ne!(again.id, id);
}

#[test]
fn a_draft_made_during_a_conflict_still_names_the_old_version() {
    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    let conflicts = vec![Conflict {
        column: "name".into(),
        base: None,
        mine: text("mine"),
        theirs: text("theirs"),
    }];
    page.answer(
        &id,
        Answer {
            conflicts,
            version: Some("v2".into()),
            ..Answer::new(Outcome::Conflict)
        },
    )
    .after(300);
    let kept = page.orders.iter().find_map(|effect| match effect {
        Effect::KeepLocally(kept) => Some(&kept.draft),
        _ => None,
    });
    let kept = kept.expect("a draft");
    assert_eq!(
        (kept.version.as_str(), &kept.base),
        ("v1", &values(&[("name", "Pump")]))
    );
}

#[test]
fn what_is_invalid_is_said_at_its_field_and_not_tried_again() {
    let mut page = Page::drawn();
    let id = page.types("name", "").presses_save().id;
    let errors = BTreeMap::from([("name".to_string(), "Give it a name.".to_string())]);
    page.answer(
        &id,
        Answer {
            errors,
            ..Answer::new(Outcome::Invalid)
        },
    );
    assert_eq!(page.form.state(), FormState::Invalid);
    assert!(page.after(60_000).sent().is_none());
    page.types("name", "Valve");
    assert_eq!(page.form.state(), FormState::Dirty);
    assert_ne!(page.presses_save().id, id);
}

#[test]
fn signed_out_in_the_middle_resumes_under_the_same_id() {
    let mut page = Page::drawn();
    let first = page.types("name", "a").presses_save();
    page.answer(&first.id, Answer::new(Outcome::Unauthenticated));
    assert_eq!(page.form.state(), FormState::SignedOut);
    assert!(page.orders.contains(&Effect::AskSignIn));
    assert_eq!(page.tell(Event::SignedIn).sent(), Some(first));
}

#[test]
fn a_secret_is_sent_but_never_stored() {
    let mut page = Page::drawn();
    let mut with_secret = drawn();
    for values in [&mut with_secret.base, &mut with_secret.drawn, &mut with_secret.live] {
        values.insert("pin".into(), text(""));
    }
    page = Page {
        form: FormMachine::open(
            with_secret,
            Found::default(),
            Given {
                now: page.now,
                random: 1,
            },
        )
        .0,
        ..page
    };
    page.types("pin", "1234").types("name", "a").after(2_000);
    assert!(!format!("{:?}", page.orders).contains("1234"));
    assert!(page.form.guard(), "the secret is in this page only");
    page.tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    assert!(!format!("{:?}", page.orders).contains("1234"));
    let sent = page
        .tell(Event::OutboxWritten { id: "id-1".into() })
        .sent()
        .expect("sent");
    assert_eq!(sent.values["pin"], text("1234"));
    page.answer("id-1", saved("v2"));
    assert_eq!(page.field("pin"), "");
    assert_eq!(page.form.state(), FormState::Saved);
}

#[test]
fn a_draft_on_the_device_comes_back_after_a_reload_and_can_be_undone_without_losing_it() {
    let mut page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "typed")],
            ..Found::default()
        },
    );
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Dirty));
    assert!(page.announced(&Announcement::Restored));
    page.tell(Event::UndoPressed).after(3_000);
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert!(!page.orders.iter().any(
        |effect| matches!(effect, Effect::DropLocally { revisions, .. } if revisions.contains(&revision(3, "old")))
    ));
    page.tell(Event::AsideTaken(revision(3, "old")));
    assert_eq!(page.field("name"), "typed");
}

#[test]
fn a_draft_equal_to_the_record_is_removed_without_a_word() {
    let page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "Pump")],
            ..Found::default()
        },
    );
    assert_eq!(page.form.state(), FormState::Clean);
    assert!(
        page.orders
            .iter()
            .any(|effect| matches!(effect, Effect::DropLocally { .. }))
    );
    assert!(!page.announced(&Announcement::Restored));
}

#[test]
fn a_record_changed_since_the_draft_is_a_choice_not_an_overwrite() {
    let mut changed = drawn();
    for values in [&mut changed.base, &mut changed.drawn, &mut changed.live] {
        values.insert("name".into(), text("by somebody else"));
    }
    let page = Page::open(
        changed,
        Found {
            drafts: vec![device_draft("old", 3, "mine")],
            ..Found::default()
        },
    );
    assert_eq!((page.form.state(), page.field("name")), (FormState::Conflict, "mine"));
}

#[test]
fn my_own_earlier_save_is_never_somebody_elses_change() {
    let mut changed = drawn();
    for values in [&mut changed.base, &mut changed.drawn, &mut changed.live] {
        values.insert("name".into(), text("first"));
    }
    let found = Found {
        drafts: vec![device_draft("old", 5, "second")],
        outbox: vec![left_behind("first")],
        ..Found::default()
    };
    let mut page = Page::open(changed, found);
    assert_eq!(page.form.state(), FormState::Saving);
    assert_eq!(page.sent().expect("the old id first").id, "id-0");
    page.answer(
        "id-0",
        Answer {
            replayed: true,
            ..saved("v1b")
        },
    );
    assert_eq!((page.form.state(), page.field("name")), (FormState::Dirty, "second"));
}

#[test]
fn a_submission_that_was_saved_before_the_reload_takes_its_draft_along() {
    let entry = left_behind("typed");
    let answer = Answer {
        replayed: true,
        ..saved("v1")
    };
    let mut after = drawn();
    for values in [&mut after.base, &mut after.drawn, &mut after.live] {
        values.insert("name".into(), text("typed"));
    }
    let found = Found {
        drafts: vec![device_draft("old", 3, "typed")],
        outbox: vec![],
        resolved: vec![(entry.submission, answer)],
    };
    let page = Page::open(after, found);
    assert_eq!(page.form.state(), FormState::Saved);
    assert!(page.orders.contains(&Effect::RemoveOutbox("id-0".into())));
    assert!(
        page.orders.iter().any(
            |effect| matches!(effect, Effect::DropLocally { revisions, .. } if revisions == &[revision(3, "old")])
        )
    );
}

#[test]
fn text_typed_before_the_script_ran_stays_over_a_draft() {
    let mut early = drawn();
    early.touched.insert("name".into());
    early.live.insert("name".into(), text("typed early"));
    let page = Page::open(
        early,
        Found {
            drafts: vec![device_draft("old", 3, "older")],
            ..Found::default()
        },
    );
    assert_eq!(
        (page.field("name"), page.form.state()),
        ("typed early", FormState::Dirty)
    );
    assert!(
        !page
            .orders
            .iter()
            .any(|effect| matches!(effect, Effect::PutValue { column, .. } if column == "name"))
    );
}

#[test]
fn a_diverged_draft_stands_beside_and_is_kept() {
    let mut with_server_draft = drawn();
    with_server_draft.drawn.insert("name".into(), text("server's"));
    with_server_draft.live = with_server_draft.drawn.clone();
    with_server_draft.revision = revision(4, "phone");
    let found = Found {
        drafts: vec![device_draft("laptop", 9, "laptop's")],
        ..Found::default()
    };
    let page = Page::open(with_server_draft, found);
    assert_eq!((page.field("name"), page.form.state()), ("server's", FormState::Dirty));
    assert_eq!(page.form.view().aside.len(), 1);
}

#[test]
fn a_draft_built_on_what_the_server_has_goes_over_it() {
    let mut with_server_draft = drawn();
    with_server_draft.drawn.insert("name".into(), text("server's"));
    with_server_draft.live = with_server_draft.drawn.clone();
    with_server_draft.revision = revision(4, "laptop");
    let found = Found {
        drafts: vec![device_draft("laptop", 9, "newer")],
        ..Found::default()
    };
    assert_eq!(Page::open(with_server_draft, found).field("name"), "newer");
}

#[test]
fn text_discarded_in_another_tab_does_not_come_back() {
    let mut page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "typed")],
            ..Found::default()
        },
    );
    page.after(3_000);
    assert!(page.orders.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));
    page.tell(Event::DraftRefused {
        revision: revision(3, "old"),
        why: DraftRefusal::Discarded,
    });
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert!(page.announced(&Announcement::DiscardedElsewhere));
}

#[test]
fn without_room_on_the_device_the_page_says_so_and_the_server_still_gets_the_draft() {
    let mut page = Page::drawn();
    page.types("name", "a")
        .after(300)
        .tell(Event::LocalRefused(revision(1, "w")));
    assert!(page.announced(&Announcement::NotProtected));
    assert!(page.form.words().contains("Not protected"));
    assert!(page.form.guard());
    page.after(2_000);
    assert!(page.orders.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));
    page.tell(Event::DraftStored(revision(1, "w")));
    assert!(!page.form.guard());
}

#[test]
fn half_composed_text_is_not_kept() {
    let mut page = Page::drawn();
    page.tell(Event::CompositionStarted).types("name", "に").after(500);
    assert!(
        !page
            .orders
            .iter()
            .any(|effect| matches!(effect, Effect::KeepLocally(_)))
    );
    page.tell(Event::CompositionEnded);
    assert!(
        page.orders
            .iter()
            .any(|effect| matches!(effect, Effect::KeepLocally(_)))
    );
}

#[test]
fn a_saved_create_goes_on_as_the_record_it_made() {
    let mut page = Page::open(
        Drawn {
            is_new: true,
            form_key: "equipment/new-1".into(),
            ..drawn()
        },
        Found::default(),
    );
    let id = page.types("name", "Valve").presses_save().id;
    page.answer(
        &id,
        Answer {
            key: Some("8".into()),
            ..saved("v1")
        },
    );
    assert!(page.orders.contains(&Effect::BecomeRecord {
        key: "8".into(),
        form_key: "equipment/8".into()
    }));
    assert_eq!(page.types("note", "x").presses_save().form_key, "equipment/8");
}
