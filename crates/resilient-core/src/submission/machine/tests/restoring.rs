//! What is there again when a page is opened.

use super::*;

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
        ..Found::default()
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
fn a_drawn_draft_that_was_discarded_here_is_not_shown_and_its_discard_is_said_again() {
    let with_draft = || {
        let mut with_draft = drawn();
        for values in [&mut with_draft.drawn, &mut with_draft.live] {
            values.insert("name".into(), text("thrown away"));
        }
        with_draft.revision = revision(3, "old");
        with_draft
    };
    let found = || Found {
        drawn_was_discarded: true,
        ..Found::default()
    };
    let page = Page::open(with_draft(), found());
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert!(page.orders.contains(&Effect::DropDraft(revision(3, "old"))));
    assert!(!page.announced(&Announcement::Restored));

    let mut typed_over = with_draft();
    typed_over.live.insert("note".into(), text("typed before the script"));
    typed_over.touched.insert("note".into());
    let page = Page::open(typed_over, found());
    assert_eq!(
        (page.field("name"), page.field("note")),
        ("thrown away", "typed before the script")
    );
}

#[test]
fn a_drawn_draft_that_was_typed_back_here_is_not_restored_unless_another_tab_has_it() {
    let mut page = Page::drawn();
    page.types("name", "in between")
        .after(300)
        .types("name", "Pump")
        .after(300);
    let own = page.form.hidden().3.to_owned();
    assert!(page.orders.iter().any(
        |order| matches!(order, Effect::TypedBack { revisions, .. } if revisions.iter().any(|back| back.writer == own))
    ));

    let mut with_draft = drawn();
    for values in [&mut with_draft.drawn, &mut with_draft.live] {
        values.insert("name".into(), text("in between"));
    }
    with_draft.revision = revision(3, "old");
    let found = |drafts| Found {
        drafts,
        drawn_was_typed_back: true,
        ..Found::default()
    };
    let page = Page::open(with_draft.clone(), found(Vec::new()));
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert!(page.orders.contains(&Effect::DropDraft(revision(3, "old"))));
    let page = Page::open(with_draft, found(vec![device_draft("old", 3, "in between")]));
    assert_eq!(
        (page.field("name"), page.form.state()),
        ("in between", FormState::Dirty)
    );
}

#[test]
fn a_drawn_draft_that_this_device_does_not_have_can_be_undone_all_the_same() {
    let mut page = Page::open(drawn_with(&revision(4, "phone"), "from the phone"), Found::default());
    assert!(page.announced(&Announcement::Restored));
    assert_eq!(page.form.view().restored, Some(revision(4, "phone")));
    page.tell(Event::UndoPressed);
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));
    assert_eq!(page.form.view().aside, [revision(4, "phone")]);
}

#[test]
fn what_a_plain_post_brought_back_is_no_draft_that_was_restored() {
    let page = Page::open(drawn_with(&revision(0, "w"), "refused"), Found::default());
    assert!(!page.announced(&Announcement::Restored));
    assert_eq!(page.form.view().restored, None);
    assert_eq!((page.field("name"), page.form.state()), ("refused", FormState::Dirty));
}

#[test]
fn a_draft_that_is_drawn_and_lies_on_this_device_is_in_both_places() {
    let found = Found {
        drafts: vec![device_draft("old", 4, "typed")],
        ..Found::default()
    };
    let page = Page::open(drawn_with(&revision(4, "old"), "typed"), found);
    assert_eq!(page.form.words(), "Unsaved changes, kept on this device and the server");
    assert_eq!(page.form.view().aside, []);
}

#[test]
fn an_earlier_state_of_the_drawn_draft_on_this_device_is_no_text_of_its_own() {
    let found = Found {
        drafts: vec![device_draft("old", 3, "typ")],
        ..Found::default()
    };
    let page = Page::open(drawn_with(&revision(4, "old"), "typed"), found);
    assert_eq!(
        (page.field("name"), page.form.words().as_str()),
        ("typed", "Unsaved changes, kept on the server")
    );
    assert_eq!(page.form.view().aside, []);
}

#[test]
fn a_draft_with_an_open_choice_asks_again_after_the_next_reload() {
    let changed = || {
        let mut changed = drawn();
        for values in [&mut changed.base, &mut changed.drawn, &mut changed.live] {
            values.insert("name".into(), text("by somebody else"));
        }
        changed
    };
    let found = |draft| Found {
        drafts: vec![draft],
        ..Found::default()
    };
    let mut page = Page::open(changed(), found(device_draft("old", 3, "mine")));
    let kept = page.types("note", "x").after(300).kept_drafts()[0].clone();
    assert_eq!(kept.draft.version, "v0", "what it was typed into");
    let page = Page::open(changed(), found(kept));
    assert_eq!((page.form.state(), page.field("name")), (FormState::Conflict, "mine"));
}

#[test]
fn a_restored_text_of_another_page_stays_as_it_is_kept_when_an_older_press_is_saved() {
    let mut others = device_draft("other", 5, "");
    others.draft.values = values(&[("note", "typed elsewhere")]);
    others.draft.base = values(&[("note", "")]);
    let found = Found {
        drafts: vec![others],
        outbox: vec![left_behind("first")],
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found);
    page.answer("id-0", saved("v2"));
    assert_eq!(
        (page.field("note"), page.form.state()),
        ("typed elsewhere", FormState::Dirty)
    );
    assert_eq!(
        page.kept_drafts(),
        Vec::<&DeviceDraft>::new(),
        "it would be there twice"
    );
    assert_eq!(page.form.revisions(), [revision(5, "other")]);
}

#[test]
fn a_save_that_a_draft_was_not_built_on_leaves_it_as_it_is_kept() {
    let save = |version: &str| JustSaved {
        submission: Submission {
            version: version.into(),
            values: values(&[("note", "saved")]),
            revision: revision(2, "another"),
            ..left_behind("").submission
        },
        base: values(&[("note", "before")]),
        answer: saved("v1"),
    };
    let opened = |save| {
        let found = Found {
            drafts: vec![device_draft("old", 3, "typed")],
            just_saved: vec![save],
            ..Found::default()
        };
        let page = Page::open(drawn(), found);
        assert_eq!(page.field("name"), "typed");
        (page.kept_drafts().len(), page.form.revisions()[0].clone())
    };
    assert_eq!(opened(save("of another version")), (0, revision(3, "old")));
    assert_eq!(
        opened(save("v0")),
        (1, revision(4, "w")),
        "that one is put on what was saved"
    );
    let mut of_nothing = save("v0");
    of_nothing.submission.values.clear();
    assert_eq!(opened(of_nothing), (0, revision(3, "old")));
}

#[test]
fn text_beside_the_form_is_handed_to_a_server_that_keeps_drafts_where_it_names_its_version() {
    let handed_over = |has_server_drafts| {
        let mut nameless = device_draft("undecided", 2, "mine");
        nameless.draft.version.clear();
        let drafts = vec![
            nameless,
            device_draft("beside", 3, "beside"),
            device_draft("old", 4, "restored"),
        ];
        let drawn = Drawn {
            has_server_drafts,
            ..drawn()
        };
        let found = Found {
            drafts,
            ..Found::default()
        };
        let page = Page::open(drawn, found);
        assert_eq!(page.form.view().aside.len(), 2);
        let beside = |order: &Effect| match order {
            Effect::SaveDraftBeside(draft) => Some(draft.revision.clone()),
            _ => None,
        };
        page.orders.iter().filter_map(beside).collect::<Vec<_>>()
    };
    assert_eq!(handed_over(true), [revision(3, "beside")]);
    assert_eq!(handed_over(false), []);
}

#[test]
fn a_text_that_grew_from_a_save_stays_somebody_elses_conflict_where_it_found_another_text_than_the_press() {
    let grown = |base: &[(&str, &str)]| {
        let mut draft = device_draft("old", 5, "newer");
        draft.draft.version = "v9".into();
        draft.draft.base = values(base);
        draft
    };
    let save = JustSaved {
        submission: left_behind("sent").submission,
        base: values(&[("name", "Pump")]),
        answer: saved("v1"),
    };
    let moved = |base: &[(&str, &str)], save: &JustSaved| {
        let mut draft = grown(base);
        (rebase(&mut draft, save), draft.draft.base)
    };
    assert_eq!(moved(&[("name", "Pump")], &save), (true, values(&[("name", "sent")])));
    assert_eq!(moved(&[("name", "hers")], &save), (false, values(&[("name", "hers")])));
    assert_eq!(moved(&[], &save), (false, values(&[])));
    let of_unknown_base = JustSaved {
        base: Values::new(),
        ..save
    };
    assert_eq!(
        moved(&[], &of_unknown_base),
        (false, values(&[])),
        "nobody knows what either found"
    );
}

#[test]
fn undo_takes_the_choices_of_what_was_restored_along_and_leaves_those_of_the_rest() {
    let mut changed = drawn();
    for values in [&mut changed.base, &mut changed.drawn, &mut changed.live] {
        values.insert("name".into(), text("by somebody else"));
    }
    let found = |draft| Found {
        drafts: vec![draft],
        ..Found::default()
    };
    let mut page = Page::open(changed, found(device_draft("old", 3, "mine")));
    assert_eq!((page.form.state(), page.form.hidden().1), (FormState::Conflict, "v0"));
    page.tell(Event::UndoPressed);
    assert_eq!((page.form.state(), page.form.hidden().1), (FormState::Clean, "v1"));

    let mut page = Page::open(drawn(), found(device_draft("old", 3, "restored")));
    let id = page.types("note", "mine").presses_save().id;
    page.answer(&id, conflict_over(&[("note", "")]));
    page.tell(Event::UndoPressed);
    assert_eq!((page.field("name"), page.field("note")), ("Pump", "mine"));
    assert_eq!(page.form.state(), FormState::Conflict, "nobody has chosen for the note");
}

#[test]
fn what_is_typed_after_undo_does_not_take_the_place_of_what_was_restored() {
    let mut page = Page::open(drawn_with(&revision(4, "phone"), "from the phone"), Found::default());
    page.tell(Event::UndoPressed).types("note", "mine").after(2_000);
    let sent = page.orders.iter().find_map(|order| match order {
        Effect::SaveDraft(draft) => Some(draft.clone()),
        _ => None,
    });
    let sent = sent.expect("a draft");
    assert_eq!((sent.on, sent.values), (None, values(&[("note", "mine")])));
}

#[test]
fn a_draft_whose_base_nobody_knows_is_no_conflict_where_it_names_its_version() {
    let found = || {
        let mut draft = device_draft("old", 3, "mine");
        draft.draft.base.clear();
        draft
    };
    let opened = |draft, is_new| {
        let found = Found {
            drafts: vec![draft],
            ..Found::default()
        };
        let drawn = Drawn { is_new, ..drawn() };
        let page = Page::open(drawn, found);
        assert_eq!(page.field("name"), "mine");
        page.form.state()
    };
    assert_eq!(opened(found(), false), FormState::Dirty);
    let mut nameless = found();
    nameless.draft.version.clear();
    assert_eq!(opened(nameless.clone(), false), FormState::Conflict, "it was undecided");
    assert_eq!(
        opened(nameless, true),
        FormState::Dirty,
        "a new record has nobody else's text"
    );
}

#[test]
fn a_form_without_drafts_on_a_server_has_none_there_that_was_typed_back() {
    let orders_after_typing_back = |has_server_drafts| {
        let drawn = Drawn {
            has_server_drafts,
            ..drawn()
        };
        let mut page = Page::open(drawn, Found::default());
        page.types("name", "a").after(300).types("name", "Pump").after(300);
        let typed_back = |order: &Effect| matches!(order, Effect::TypedBack { .. });
        page.orders.iter().any(typed_back)
    };
    assert!(orders_after_typing_back(true));
    assert!(!orders_after_typing_back(false));
}

#[test]
fn undo_shows_what_the_page_would_have_shown_without_the_draft() {
    let undone = |drawn: Drawn, draft| {
        let found = Found {
            drafts: vec![draft],
            ..Found::default()
        };
        let mut page = Page::open(drawn, found);
        page.tell(Event::UndoPressed);
        page.field("name").to_owned()
    };
    let drawn = || drawn_with(&revision(4, "old"), "on the server");
    assert_eq!(undone(drawn(), device_draft("old", 4, "on the server")), "Pump");
    assert_eq!(undone(drawn(), device_draft("old", 9, "newer")), "on the server");
}
