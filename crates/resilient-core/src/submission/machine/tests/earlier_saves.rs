//! What earlier pages saved: shown once, and never over what was typed.

use super::*;

#[test]
fn a_save_that_is_settled_while_its_page_opens_leaves_a_control_alone_that_was_touched() {
    let put = |touched: &[&str], live: &str| {
        let mut drawn = drawn();
        drawn.live.insert("name".into(), text(live));
        drawn.touched = touched.iter().map(|column| (*column).to_owned()).collect();
        let left = left_behind("typed");
        let found = Found {
            bases: [(left.submission.id.clone(), left.base)].into(),
            resolved: vec![(left.submission, saved("v1b"))],
            ..Found::default()
        };
        let page = Page::open(drawn, found);
        let put = |order: &Effect| matches!(order, Effect::PutValue { column, .. } if column == "name");
        (page.orders.iter().any(put), page.field("name").to_owned())
    };
    assert_eq!(put(&[], "Pump"), (true, "typed".to_owned()));
    assert_eq!(put(&["name"], "early"), (false, "early".to_owned()));
    assert_eq!(put(&["name"], "Pump"), (false, "Pump".to_owned()), "typed back early");
    assert_eq!(put(&[], "by the browser"), (false, "by the browser".to_owned()));
}

#[test]
fn what_the_server_made_of_a_save_is_shown_under_newer_text_in_other_fields() {
    let mut page = drawn_with(&revision(4, "old"), "typed");
    for values in [&mut page.drawn, &mut page.live] {
        values.insert("note".into(), text("newer"));
    }
    let left = left_behind("typed");
    let current = values(&[("name", "Typed")]);
    let found = Found {
        bases: [(left.submission.id.clone(), left.base)].into(),
        resolved: vec![(
            left.submission,
            Answer {
                current,
                ..saved("v1b")
            },
        )],
        ..Found::default()
    };
    let page = Page::open(page, found);
    assert_eq!((page.field("name"), page.field("note")), ("Typed", "newer"));
    assert_eq!(page.form.view().changed, ["note".to_owned()].into());
}

#[test]
fn a_save_that_somebody_has_written_over_since_is_not_what_the_page_shows() {
    let drawn = drawn_as_named("hers");
    let left = left_behind("typed");
    let answer = Answer {
        replayed: true,
        ..saved("v0b")
    };
    let found = Found {
        bases: [(left.submission.id.clone(), left.base)].into(),
        resolved: vec![(left.submission, answer)],
        ..Found::default()
    };
    let page = Page::open(drawn, found);
    assert_eq!((page.field("name"), page.form.state()), ("hers", FormState::Saved));
    assert_eq!(page.form.hidden().1, "v1", "of what is shown");
}

#[test]
fn newer_text_is_kept_upon_what_an_earlier_press_saved_whichever_page_it_was_typed_in() {
    let kept_after_the_save = |mut page: Page, column: &str| {
        page.answer("id-0", saved("v2"));
        let kept = page.kept_drafts();
        let newest = |kept: &&DeviceDraft| (kept.draft.version.clone(), kept.draft.values[column].clone());
        kept.iter().map(newest).collect::<Vec<_>>()
    };
    let found = |drafts| Found {
        drafts,
        outbox: vec![left_behind("first")],
        ..Found::default()
    };
    let mut typed_here = Page::open(drawn(), found(Vec::new()));
    typed_here.types("note", "mine").after(300);
    assert_eq!(
        kept_after_the_save(typed_here, "note"),
        [("v2".to_owned(), text("mine"))]
    );
    let typed_there = Page::open(drawn(), found(vec![device_draft("old", 5, "second")]));
    assert_eq!(
        kept_after_the_save(typed_there, "name"),
        [("v2".to_owned(), text("second"))]
    );
}

#[test]
fn what_was_pressed_is_in_the_fields_until_it_is_answered_also_where_no_draft_of_it_is_left() {
    let found = || Found {
        outbox: vec![left_behind("first")],
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found());
    assert_eq!((page.field("name"), page.form.state()), ("first", FormState::Saving));
    let kept = page.kept_drafts();
    assert_eq!(kept.len(), 1, "the device has it as a draft again: {:?}", page.orders);
    assert_eq!(
        (&kept[0].draft.values, &kept[0].lineage[0]),
        (&values(&[("name", "first")]), &revision(3, "old"))
    );
    page.tell(Event::KeptLocally(kept[0].draft.revision.clone()));
    page.answer("id-0", saved("v2"));
    assert_eq!((page.field("name"), page.form.state()), ("first", FormState::Saved));
    page.after(60_000);
    assert!(
        page.kept_drafts().is_empty(),
        "the record's older text is nobody's change: {:?}",
        page.orders
    );

    // Typed back before the answer, it is the person's.
    let mut page = Page::open(drawn(), found());
    page.types("name", "Pump").after(300);
    page.answer("id-0", saved("v2"));
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Dirty));

    // Saved before the page was drawn, and changed by somebody since.
    let mut page = Page::open(drawn_as_named("hers"), found());
    page.answer(
        "id-0",
        Answer {
            replayed: true,
            current: values(&[("name", "hers")]),
            ..saved("v1")
        },
    );
    assert_eq!((page.field("name"), page.form.state()), ("hers", FormState::Saved));
}

#[test]
fn what_was_pressed_and_refused_is_kept_as_a_draft_also_where_none_of_it_was_left() {
    for outcome in [Outcome::Invalid, Outcome::Forbidden, Outcome::Gone, Outcome::Mismatch] {
        let mut page = Page::open(
            drawn(),
            Found {
                outbox: vec![left_behind("first")],
                ..Found::default()
            },
        );
        let kept = page.kept_drafts().remove(0).clone();
        assert!(page.form.guard(), "until the device has it");
        page.tell(Event::KeptLocally(kept.draft.revision.clone()));
        assert!(!page.form.guard());
        page.answer("id-0", Answer::new(outcome));
        assert_eq!(page.field("name"), "first", "{outcome:?}");
        let drops = |order: &Effect| matches!(order, Effect::DropLocally { revisions, .. } if revisions.contains(&kept.draft.revision));
        assert!(!page.orders.iter().any(drops), "{outcome:?}: {:?}", page.orders);
    }
}

#[test]
fn a_press_without_a_draft_is_not_put_beside_the_draft_that_the_server_draws() {
    let found = Found {
        outbox: vec![left_behind("first")],
        ..Found::default()
    };
    let page = Page::open(drawn_with(&revision(4, "elsewhere"), "and more"), found);
    assert_eq!(page.field("name"), "and more");
    assert!(page.form.aside().is_empty(), "{:?}", page.form.aside());
}

#[test]
fn a_discarded_text_is_not_shown_again_for_its_press_that_may_have_arrived() {
    let found = Found {
        outbox: vec![left_behind("first")],
        press_was_discarded: true,
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found);
    assert_eq!(page.field("name"), "Pump");
    // Nothing was typed here that the device could take.
    page.tell(Event::LocalRefused(revision(7, "aside")));
    page.tell(Event::DeviceOpened);
    assert!(page.kept_drafts().is_empty(), "{:?}", page.orders);
}

#[test]
fn presses_in_a_line_without_drafts_are_shown_as_one_text() {
    let of = |id: &str, seq, column: &str, value: &str| {
        let mut entry = left_behind(value);
        entry.submission.id = id.into();
        entry.submission.values = values(&[(column, value)]);
        entry.submission.revision = revision(seq, "old");
        entry.base = values(&[(column, "before")]);
        entry
    };
    let found = Found {
        outbox: vec![
            of("id-0", 1, "name", "first"),
            of("id-1", 2, "note", "second"),
            of("id-2", 3, "name", "third"),
        ],
        ..Found::default()
    };
    let page = Page::open(drawn(), found);
    assert_eq!((page.field("name"), page.field("note")), ("third", "second"));
    let lineage = &page.kept_drafts()[0].lineage;
    assert_eq!(*lineage, [revision(3, "old"), revision(2, "old"), revision(1, "old")]);
}

#[test]
fn what_an_earlier_page_saved_before_this_one_was_drawn_without_it_is_shown_once_it_is_answered() {
    let found = Found {
        drafts: vec![device_draft("old", 3, "typed")],
        outbox: vec![left_behind("typed")],
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found);
    page.answer(
        "id-0",
        Answer {
            replayed: true,
            ..saved("v1b")
        },
    );
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Saved));
    assert_eq!(page.form.hidden().1, "v1b");
}

#[test]
fn a_draft_of_the_version_that_was_saved_on_goes_upon_that_save_also_where_its_base_is_not_known() {
    let mut draft = device_draft("other", 5, "mine");
    draft.draft.base.clear();
    let save = JustSaved {
        submission: left_behind("sent").submission,
        base: values(&[("name", "Pump")]),
        answer: saved("v1"),
    };
    assert!(rebase(&mut draft, &save));
    assert_eq!(
        (draft.draft.version.as_str(), draft.draft.base),
        ("v1", values(&[("name", "sent")]))
    );
}

#[test]
fn a_draft_that_was_saved_does_not_come_back_and_one_of_another_page_does() {
    let restored = |draft: DeviceDraft| {
        let drawn = drawn_as_named("written over since");
        let found = Found {
            drafts: vec![draft],
            resolved: vec![(left_behind("typed").submission, saved("v0b"))],
            ..Found::default()
        };
        Page::open(drawn, found).form.view().restored
    };
    assert_eq!(restored(device_draft("old", 3, "typed")), None);
    let mut others = device_draft("other", 2, "");
    others.draft.values = values(&[("note", "mine")]);
    assert_eq!(restored(others), Some(revision(2, "other")));
}
