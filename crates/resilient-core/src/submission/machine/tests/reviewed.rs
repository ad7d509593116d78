//! What somebody lost, or was told wrongly, before it was mended.

use super::*;

fn with_draft(draft: DeviceDraft) -> Found {
    Found {
        drafts: vec![draft],
        ..Found::default()
    }
}

fn of_gone_column() -> DeviceDraft {
    let mut draft = device_draft("old", 3, "");
    draft.draft.values = values(&[("gone", "long text")]);
    draft.draft.base = values(&[("gone", "was")]);
    draft
}

#[test]
fn restored_text_whose_field_is_gone_stays_on_the_device_until_it_is_discarded() {
    let mut page = Page::open(drawn(), with_draft(of_gone_column()));
    assert!(!page.drops("equipment/7", &revision(3, "old")), "{:?}", page.orders);
    page.types("name", "typed on").after(300);
    let kept = page.kept_drafts()[0].draft.clone();
    assert_eq!(kept.values, values(&[("gone", "long text"), ("name", "typed on")]));
    assert_eq!(kept.base, values(&[("gone", "was"), ("name", "Pump")]));
    let id = page.presses_save().id;
    page.answer(&id, saved("v2"));
    assert_eq!(page.kept_drafts()[0].draft.values, values(&[("gone", "long text")]));
    assert_eq!(page.form.state(), FormState::Saved);
    page.tell(Event::DiscardPressed);
    assert!(page.form.view().unfit.is_empty());
    assert!(
        page.orders
            .iter()
            .any(|effect| matches!(effect, Effect::DropLocally { .. }))
    );
}

#[test]
fn undo_after_typing_leaves_the_restored_text_on_the_device() {
    let mut page = Page::open(drawn(), with_draft(device_draft("old", 3, "restored")));
    page.types("note", "x").after(300);
    page.tell(Event::KeptLocally(revision(4, "w")));
    assert!(page.drops("equipment/7", &revision(3, "old")));
    page.tell(Event::UndoPressed);
    let kept = page.kept_drafts();
    assert!(
        kept.iter()
            .any(|kept| kept.draft.values == values(&[("name", "restored")]))
    );
    page.tell(Event::KeptLocally(revision(3, "old"))).after(300);
    page.tell(Event::KeptLocally(revision(5, "w")));
    assert!(!page.drops("equipment/7", &revision(3, "old")));
}

#[test]
fn a_save_carried_out_after_the_page_was_drawn_is_what_the_page_shows() {
    let answer = Answer {
        replayed: true,
        ..saved("v1b")
    };
    let found = Found {
        resolved: vec![(left_behind("typed").submission, answer)],
        ..with_draft(device_draft("old", 3, "typed"))
    };
    let page = Page::open(drawn(), found);
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Saved));
    assert_eq!(page.form.content().version, "v1b");
}

#[test]
fn a_save_whose_draft_is_gone_already_is_still_what_a_page_drawn_before_it_shows() {
    let left = left_behind("typed");
    let mut found = Found {
        resolved: vec![(
            left.submission.clone(),
            Answer {
                replayed: true,
                ..saved("v1b")
            },
        )],
        ..Found::default()
    };
    found.bases.insert(left.submission.id.clone(), left.base.clone());
    let page = Page::open(drawn(), found);
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Saved));
    assert!(
        page.orders
            .iter()
            .any(|order| matches!(order, Effect::PutValue { column, .. } if column == "name"))
    );
}

#[test]
fn newer_text_over_a_save_that_the_page_did_not_show_yet_is_no_conflict() {
    let answer = Answer {
        replayed: true,
        ..saved("v1b")
    };
    let found = Found {
        resolved: vec![(left_behind("typed").submission, answer)],
        ..with_draft(device_draft("old", 5, "newer"))
    };
    let page = Page::open(drawn(), found);
    assert_eq!((page.field("name"), page.form.state()), ("newer", FormState::Dirty));
    assert_eq!(page.form.content().base["name"], text("typed"));
}

#[test]
fn discard_while_a_save_is_under_way_shows_what_will_be_in_the_record() {
    let mut page = Page::drawn();
    let id = page.types("name", "sent").presses_save().id;
    page.types("name", "newer").types("note", "newer");
    page.tell(Event::DiscardPressed);
    assert!(!page.orders.contains(&Effect::RemoveOutbox(id.clone())));
    assert_eq!((page.field("name"), page.field("note")), ("sent", ""));
    assert_eq!(page.form.state(), FormState::Saving);
    assert!(page.form.view().message.is_some());
    page.answer(&id, saved("v2"));
    assert_eq!((page.field("name"), page.form.state()), ("sent", FormState::Saved));
    assert!(page.form.view().message.is_none());
}

#[test]
fn discard_while_a_save_is_under_way_does_not_have_the_server_forget_that_save() {
    let mut page = Page::drawn();
    let sent = page.types("name", "sent").presses_save().revision;
    page.types("name", "newer").after(2_000);
    page.tell(Event::DraftStored(revision(2, "w")));
    page.tell(Event::DiscardPressed);
    let dropped = page.orders.iter().find(|order| matches!(order, Effect::DropDraft(_)));
    assert_eq!(dropped, None, "it would take {sent:?} with it");
    let written = page.orders.iter().find_map(|order| match order {
        Effect::SaveDraft(draft) => Some(draft.clone()),
        _ => None,
    });
    let written = written.expect("what is in the fields takes the place of what was discarded");
    assert_eq!(written.values, values(&[("name", "sent")]));
    assert_eq!(written.on, Some(revision(2, "w")));
}

#[test]
fn discard_while_a_save_is_under_way_has_the_server_drop_what_that_save_was_built_on() {
    let mut page = Page::open(drawn(), with_draft(device_draft("old", 3, "restored")));
    page.types("name", "sent").presses_save();
    page.types("name", "newer").tell(Event::DiscardPressed);
    let drops = |order: &&Effect| matches!(order, Effect::DropDraft(_));
    let dropped: Vec<&Effect> = page.orders.iter().filter(drops).collect();
    assert_eq!(dropped, [&Effect::DropDraft(revision(3, "old"))]);
}

#[test]
fn discard_before_the_save_has_left_forgets_it() {
    let mut page = Page::drawn();
    page.types("name", "sent").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    page.tell(Event::DiscardPressed);
    assert!(page.orders.contains(&Effect::RemoveOutbox("id-1".into())));
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert!(page.tell(Event::OutboxWritten { id: "id-1".into() }).sent().is_none());
}

#[test]
fn a_conflict_of_a_plain_post_is_asked_again_after_typing_and_a_reload() {
    let mut conflicting = drawn();
    conflicting.base.insert("name".into(), text("theirs"));
    conflicting.drawn.insert("name".into(), text("mine"));
    conflicting.live.insert("name".into(), text("mine"));
    conflicting.conflicts = vec![Conflict {
        column: "name".into(),
        base: None,
        mine: text("mine"),
        theirs: text("theirs"),
    }];
    let mut page = Page::open(conflicting, Found::default());
    assert_eq!(page.form.state(), FormState::Conflict);
    page.types("note", "x").after(3_000);
    assert!(!page.orders.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));
    let kept = page.kept_drafts()[0].clone();
    let mut present = drawn();
    for values in [&mut present.base, &mut present.drawn, &mut present.live] {
        values.insert("name".into(), text("theirs"));
    }
    let mut page = Page::open(present, with_draft(kept));
    assert_eq!((page.form.state(), page.field("name")), (FormState::Conflict, "mine"));
    assert_eq!(page.form.hidden().1, "v1");
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Mine,
    });
    assert_eq!(page.after(300).kept_drafts()[0].draft.version, "v1");
}

#[test]
fn an_automatic_retry_never_takes_the_focus() {
    for outcome in [Outcome::Invalid, Outcome::Unauthenticated] {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.tell(Event::Unanswered { id: id.clone() }).after(60_000);
        assert!(page.sent().is_some());
        let errors = BTreeMap::from([("name".to_string(), "Give it another name.".to_string())]);
        page.answer(
            &id,
            Answer {
                errors,
                ..Answer::new(outcome)
            },
        );
        let takes_focus = |effect: &Effect| matches!(effect, Effect::FocusField(_) | Effect::AskSignIn);
        assert!(!page.orders.iter().any(takes_focus), "{:?}", page.orders);
    }
}

#[test]
fn a_queued_save_that_the_device_refused_is_not_called_protected() {
    let mut page = Page::drawn();
    page.types("name", "a").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    page.tell(Event::LocalRefused(revision(1, "w")));
    page.tell(Event::OutboxRefused { id: "id-1".into() });
    page.tell(Event::Unanswered { id: "id-1".into() });
    page.tell(Event::OutboxRefused { id: "id-1".into() });
    assert_eq!(page.form.state(), FormState::Queued);
    assert!(page.form.words().contains("Not protected"), "{}", page.form.words());
    page.after(60_000).answer("id-1", Answer::new(Outcome::Forbidden));
    let message = page.form.view().message.expect("a message").words;
    assert!(!message.contains("is kept"), "{message}");
}

#[test]
fn text_typed_while_a_create_is_saved_is_under_the_records_key_before_the_old_copy_goes() {
    let create = Drawn {
        is_new: true,
        form_key: "equipment/new-1".into(),
        ..drawn()
    };
    let mut page = Page::open(create, Found::default());
    let id = page.types("name", "Valve").presses_save().id;
    page.types("note", "newer").after(300);
    page.tell(Event::KeptLocally(revision(2, "w")));
    page.answer(&id, saved("v1"));
    assert!(!page.drops("equipment/new-1", &revision(2, "w")), "{:?}", page.orders);
    assert_eq!(page.kept_drafts()[0].form_key, "equipment/7");
    page.tell(Event::KeptLocally(revision(3, "w")));
    assert!(page.drops("equipment/new-1", &revision(3, "w")), "{:?}", page.orders);
}

#[test]
fn a_foreign_draft_with_the_highest_seq_does_not_end_the_page() {
    let mut page = Page::open(drawn(), with_draft(device_draft("old", u64::MAX, "typed")));
    assert_eq!(page.types("name", "typed on").form.state(), FormState::Dirty);
}

#[test]
fn after_a_save_the_server_is_asked_again_to_keep_drafts() {
    let mut page = Page::drawn();
    let other = device_draft("phone", 9, "phone's").draft;
    page.types("name", "a").after(2_000).tell(Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Stored(Some(Box::new(other))),
    });
    assert_eq!(page.form.aside().len(), 1, "the phone's text is shown");
    let beside = |effect: &Effect| matches!(effect, Effect::SaveDraftBeside(draft) if draft.on.is_none());
    assert!(page.orders.iter().any(beside), "and this one is kept beside it");
    page.tell(Event::DraftStored(revision(1, "w")));
    let id = page.presses_save().id;
    page.answer(&id, saved("v2"));
    page.types("name", "b").after(2_000);
    assert!(page.orders.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));
}

#[test]
fn that_a_text_is_too_large_for_the_server_is_said_once() {
    let mut page = Page::drawn();
    let refused = |seq| Event::DraftRefused {
        revision: revision(seq, "w"),
        why: DraftRefusal::TooLarge,
    };
    page.types("name", "a").after(2_000).tell(refused(1));
    assert!(page.announced(&Announcement::TooLargeForServer));
    page.types("name", "b").after(2_000).tell(refused(2));
    assert!(!page.announced(&Announcement::TooLargeForServer));
    assert!(page.form.words().contains("Too large for the server"));
}

/// A form for a new record whose create is found to be saved while the page opens, drawn with `draft` of `seq`.
fn created_while_drawn(seq: u64, draft: &[(&str, &str)], drafts: Vec<DeviceDraft>) -> Page {
    let mut page = drawn();
    page.is_new = true;
    page.drawn.extend(values(draft));
    page.live.clone_from(&page.drawn);
    page.revision = revision(seq, if seq > 0 { "old" } else { "w" });
    let resolved = vec![(left_behind("typed").submission, saved("v2"))];
    Page::open(
        page,
        Found {
            drafts,
            resolved,
            ..Found::default()
        },
    )
}

fn put(page: &Page, column: &str) -> Vec<Text> {
    let value = |order: &Effect| match order {
        Effect::PutValue { column: put, value } if put == column => Some(value.clone()),
        _ => None,
    };
    page.orders.iter().filter_map(value).collect()
}

#[test]
fn a_create_that_is_settled_while_its_page_opens_is_put_into_the_controls() {
    let page = created_while_drawn(0, &[], Vec::new());
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Saved));
    assert_eq!(put(&page, "name"), [text("typed")]);

    let page = created_while_drawn(2, &[("name", "typ"), ("note", "typed back")], Vec::new());
    assert_eq!(
        page.form.state(),
        FormState::Saved,
        "an earlier state of what was saved"
    );
    assert_eq!(
        (put(&page, "name"), put(&page, "note")),
        (vec![text("typed")], vec![text("")])
    );

    let page = created_while_drawn(4, &[("name", "typed on")], Vec::new());
    assert_eq!(
        (page.field("name"), page.form.state()),
        ("typed on", FormState::Dirty),
        "drawn is what was typed after the press"
    );
}

#[test]
fn a_newer_draft_that_says_what_was_just_saved_is_in_the_controls_too() {
    let mut newer = device_draft("old", 5, "typed");
    newer.draft.values.insert("note".into(), text("more"));
    let page = created_while_drawn(0, &[], vec![newer]);
    assert_eq!((page.field("name"), page.field("note")), ("typed", "more"));
    assert_eq!(
        (put(&page, "name"), put(&page, "note")),
        (vec![text("typed")], vec![text("more")])
    );
}

#[test]
fn typing_over_theirs_leaves_mine_to_be_chosen_again() {
    let mut page = Page::drawn();
    let id = page.types("name", "a long text of mine").presses_save().id;
    let conflict = Conflict {
        column: "name".into(),
        base: Some(text("Pump")),
        mine: text("a long text of mine"),
        theirs: text("Theirs"),
    };
    page.answer(
        &id,
        Answer {
            version: Some("v2".into()),
            conflicts: vec![conflict],
            ..Answer::new(Outcome::Conflict)
        },
    );
    let chooses = |page: &mut Page, side| {
        let column = "name".to_string();
        page.tell(Event::Chosen { column, side });
    };
    chooses(&mut page, Side::Theirs);
    page.types("name", "Theirs!");
    assert_eq!((page.field("name"), page.form.state()), ("Theirs!", FormState::Dirty));
    chooses(&mut page, Side::Mine);
    assert_eq!(page.field("name"), "a long text of mine");
}

#[test]
fn a_form_without_changes_speaks_of_none() {
    let mut page = Page::drawn();
    page.tell(Event::SignedOut);
    assert_eq!(page.form.words(), "Signed out.");
    page.types("name", "a");
    assert_eq!(page.form.words(), "Signed out. Unsaved changes");

    let errors = BTreeMap::from([("name".to_string(), "Too short".to_string())]);
    let mut page = Page::drawn();
    page.tell(Event::SavePressed { errors });
    assert_eq!(page.form.words(), "Not saved: see the marked fields.");
}
