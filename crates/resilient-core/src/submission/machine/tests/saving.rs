//! What pressing Save does, answer by answer.

use super::*;

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
fn a_page_may_be_closed_only_where_the_server_said_that_it_sends_the_save_again() {
    let words = |server_retries, reason: &str| {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.answer(
            &id,
            Answer {
                server_retries,
                reason: Some(reason.to_owned()),
                ..Answer::new(Outcome::Kept)
            },
        );
        let kept = page.form.words();
        // Typed since: that is in no line.
        page.types("name", "b");
        let typed_on = page.form.words();
        page.after(60_000).tell(Event::Unanswered { id });
        (kept, typed_on, page.form.words())
    };
    let (kept, typed_on, unanswered) = words(true, "database");
    let queued = "Queued: will be saved when the database is back, even if you close this page";
    assert_eq!(kept, queued);
    assert!(
        typed_on.starts_with(&format!("{queued}. Newer text: Unsaved changes")),
        "{typed_on}"
    );
    assert!(
        unanswered.starts_with("Queued: will be saved when the server can be reached. "),
        "{unanswered}"
    );
    assert_eq!(
        words(false, "database").0,
        "Queued: will be saved when the database is back"
    );
    assert_eq!(words(true, "unknown").0, "Queued: we are checking whether it was saved");
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
    assert_eq!(page.form.form_key(), "equipment/8");
    assert_eq!(page.types("note", "x").presses_save().form_key, "equipment/8");
}

#[test]
fn a_save_takes_along_the_draft_that_it_was_built_on() {
    let mut page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "typed")],
            ..Found::default()
        },
    );
    let id = page.types("name", "typed on").presses_save().id;
    page.answer(&id, saved("v2"));
    assert!(
        page.orders.contains(&Effect::DropDraft(revision(3, "old"))),
        "{:?}",
        page.orders
    );
}

#[test]
fn a_conflict_after_a_press_takes_the_person_to_the_choice_and_nobody_who_went_on_typing() {
    let conflict = || Answer {
        version: Some("v2".into()),
        conflicts: vec![Conflict {
            column: "name".into(),
            base: None,
            mine: text("mine"),
            theirs: text("theirs"),
        }],
        ..Answer::new(Outcome::Conflict)
    };
    let focused = |page: &Page| page.orders.contains(&Effect::FocusField("name".into()));
    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    assert!(focused(page.answer(&id, conflict())));

    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    page.types("note", "going on");
    assert!(!focused(page.answer(&id, conflict())));
}

#[test]
fn a_save_that_another_tab_had_answered_is_shown_here_without_a_word() {
    let mut page = Page::drawn();
    let sent = page.types("name", "mine").presses_save();
    page.tell(Event::Unanswered { id: sent.id.clone() });
    let saved = super::super::effects::JustSaved {
        submission: sent.clone(),
        base: values(&[("name", "Pump")]),
        answer: saved("v2"),
    };
    page.tell(Event::SavedElsewhere(Box::new(saved)));
    assert_eq!((page.field("name"), page.form.state()), ("mine", FormState::Saved));
    assert!(!page.announced(&Announcement::SavedAfterQueue));
    let remembers = |effect: &Effect| matches!(effect, Effect::RememberSaved(_));
    assert!(
        !page.orders.iter().any(remembers),
        "tabs would tell each other for ever"
    );
}

#[test]
fn a_clean_page_is_told_that_another_tab_saved_the_record_and_a_dirty_one_keeps_its_text() {
    let saved = |value: &str| super::super::effects::JustSaved {
        submission: Submission {
            id: "elsewhere".into(),
            form_key: "equipment/7".into(),
            version: "v1b".into(),
            values: values(&[("name", value)]),
            revision: revision(2, "other"),
        },
        base: values(&[("name", "Pump")]),
        answer: saved("v2"),
    };
    let mut page = Page::drawn();
    page.tell(Event::SavedElsewhere(Box::new(saved("hers"))));
    assert_eq!(page.form.view().outdated_by.as_deref(), Some(""));
    assert_eq!((page.field("name"), page.form.state()), ("Pump", FormState::Clean));

    let mut page = Page::drawn();
    page.types("note", "mine")
        .tell(Event::SavedElsewhere(Box::new(saved("hers"))));
    assert_eq!((page.field("note"), page.form.state()), ("mine", FormState::Dirty));
    assert!(page.form.view().outdated_by.is_some());
    let changed = page.form.view().changed;
    assert_eq!(
        changed,
        ["note".to_owned()].into(),
        "hers is not taken back by the next Save"
    );
}

#[test]
fn a_text_shown_here_and_saved_by_a_page_of_another_version_leaves_this_page_its_own() {
    let drafts = vec![super::device_draft("other", 2, "typed elsewhere")];
    let mut page = Page::open(
        super::drawn(),
        Found {
            drafts,
            ..Found::default()
        },
    );
    let saved = super::super::effects::JustSaved {
        submission: Submission {
            id: "elsewhere".into(),
            form_key: "equipment/7".into(),
            version: "later".into(),
            values: values(&[("name", "typed elsewhere")]),
            revision: revision(2, "other"),
        },
        base: values(&[("name", "Pump")]),
        answer: saved("latest"),
    };
    let own_version = page.form.hidden().1.to_owned();
    page.tell(Event::SavedElsewhere(Box::new(saved)));
    assert_eq!(
        (page.field("name"), page.form.state()),
        ("typed elsewhere", FormState::Clean)
    );
    assert_eq!(
        page.form.hidden().1,
        own_version,
        "what else was saved meanwhile is still somebody else's change"
    );
    assert_eq!(page.form.view().outdated_by.as_deref(), Some(""));
}

/// Two submissions that an earlier page left behind, the first of them `first`.
fn with_two_left_behind(first: OutboxEntry) -> Page {
    let mut second = left_behind("later");
    second.submission.id = "id-0b".into();
    second.submission.revision = revision(4, "old");
    Page::open(
        drawn(),
        Found {
            outbox: vec![first, second],
            ..Found::default()
        },
    )
}

#[test]
fn save_pressed_while_several_wait_goes_once_they_are_through() {
    let asked = OutboxEntry {
        incomplete: true,
        ..left_behind("typed")
    };
    let refused = Answer::new(Outcome::Forbidden);
    let firsts = [
        (left_behind("typed"), Event::answered("id-0".into(), saved("v2"))),
        (left_behind("typed"), Event::answered("id-0".into(), refused)),
        (asked, Event::NeverSaved { id: "id-0".into() }),
    ];
    for (first, event) in firsts {
        let mut page = with_two_left_behind(first);
        page.types("note", "mine").tell(Event::SavePressed {
            errors: BTreeMap::new(),
        });
        page.tell(event);
        assert_eq!(page.sent().map(|sent| sent.id), Some("id-0b".into()));
        page.answer("id-0b", saved("v3"));
        let pressed = page.orders.iter().find_map(|order| match order {
            Effect::WriteOutbox(entry) => Some(entry.submission.values.clone()),
            _ => None,
        });
        let pressed = pressed.expect("the press is not forgotten");
        assert_eq!(pressed["note"], text("mine"));
    }
}

#[test]
fn save_pressed_while_a_lost_secret_is_asked_for_is_not_forgotten() {
    let outbox = vec![OutboxEntry {
        incomplete: true,
        ..left_behind("typed")
    }];
    let mut page = Page::open(
        drawn(),
        Found {
            outbox,
            ..Found::default()
        },
    );
    page.types("note", "mine").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    page.tell(Event::NeverSaved { id: "id-0".into() });
    assert!(page.announced(&Announcement::SecretLost));
    assert_eq!(page.form.state(), FormState::Saving);
}

#[test]
fn a_save_that_is_heard_of_twice_is_one() {
    let mut page = Page::drawn();
    let sent = page.types("name", "mine").presses_save();
    let heard = || {
        let saved = super::super::effects::JustSaved {
            submission: sent.clone(),
            base: values(&[("name", "Pump")]),
            answer: saved("v2"),
        };
        Event::SavedElsewhere(Box::new(saved))
    };
    page.tell(heard()).tell(heard());
    assert_eq!((page.field("name"), page.form.state()), ("mine", FormState::Saved));
    assert_eq!(page.form.view().outdated_by, None, "this page has that version");
    page.types("note", "typed since").tell(heard());
    assert_eq!(
        (page.field("note"), page.form.state()),
        ("typed since", FormState::Dirty)
    );
}

#[test]
fn what_will_not_change_by_trying_again_is_said_with_its_reason() {
    let said = |outcome| {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.answer(&id, Answer::new(outcome));
        page.form.view().message.expect("a message").words
    };
    let without_a_reason = said(Outcome::Invalid);
    let refusals = [
        Outcome::Gone,
        Outcome::Expired,
        Outcome::Forbidden,
        Outcome::TooLarge,
        Outcome::Malformed,
        Outcome::Mismatch,
    ];
    let mut reasons: Vec<String> = refusals.map(said).into();
    reasons.push(without_a_reason);
    assert!(
        reasons.iter().all(|words| words.starts_with("Your text is kept")),
        "{reasons:?}"
    );
    reasons.sort();
    reasons.dedup();
    assert_eq!(reasons.len(), refusals.len() + 1, "{reasons:?}");
}

#[test]
fn a_refused_save_is_in_this_page_only_where_neither_device_nor_server_has_its_text() {
    let said = |is_on_server| {
        let mut page = Page::drawn();
        page.types("name", "a").after(2_000);
        page.tell(Event::LocalRefused(revision(1, "w")));
        if is_on_server {
            page.tell(Event::DraftStored(revision(1, "w")));
        }
        let id = page.presses_save().id;
        page.answer(&id, Answer::new(Outcome::Forbidden));
        page.form.view().message.expect("a message").words
    };
    assert!(said(true).starts_with("Your text is kept."), "{}", said(true));
    assert!(
        said(false).starts_with("Your text is in this page only."),
        "{}",
        said(false)
    );
}

#[test]
fn what_the_server_made_null_is_empty_in_a_field_that_cannot_say_null() {
    let saved_as_null = |nullable: &[&str]| {
        let drawn = Drawn {
            nullable: nullable.iter().map(|column| (*column).to_owned()).collect(),
            ..drawn()
        };
        let mut page = Page::open(drawn, Found::default());
        let id = page.types("note", " ").presses_save().id;
        let current = [("note".to_owned(), None)].into();
        page.answer(&id, Answer { current, ..saved("v2") });
        assert_eq!(page.form.state(), FormState::Saved);
        page.form.content().fields["note"].clone()
    };
    assert_eq!(saved_as_null(&[]), text(""));
    assert_eq!(saved_as_null(&["note"]), None);
}

#[test]
fn while_one_field_waits_for_a_choice_what_was_chosen_for_another_is_kept_with_it() {
    let mut page = Page::drawn();
    let id = page.types("name", "mine").types("note", "mine").presses_save().id;
    page.answer(&id, conflict_over(&[("name", "Pump"), ("note", "")]));
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Theirs,
    });
    let kept = page.after(300).kept_drafts()[0].draft.clone();
    assert_eq!(kept.values, values(&[("name", "theirs"), ("note", "mine")]));
    assert_eq!(
        (kept.version.as_str(), kept.base),
        ("v1", values(&[("name", "Pump"), ("note", "")]))
    );
}

#[test]
fn discard_takes_back_a_press_that_only_met_a_locked_door_and_none_that_may_have_arrived() {
    let taken_back = |arrives: bool| {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        if arrives {
            page.tell(Event::Unanswered { id: id.clone() }).after(60_000);
        }
        page.answer(&id, Answer::new(Outcome::Unauthenticated));
        page.tell(Event::DiscardPressed);
        (
            page.orders.contains(&Effect::RemoveOutbox(id)),
            page.field("name").to_owned(),
        )
    };
    assert_eq!(taken_back(false), (true, "Pump".to_owned()));
    assert_eq!(taken_back(true), (false, "a".to_owned()));
}

#[test]
fn the_press_that_waits_is_the_one_that_is_sent_again() {
    let mut page = Page::drawn();
    let sent = page.types("name", "a").presses_save();
    assert_eq!(page.form.waiting(), None, "it is on its way");
    page.tell(Event::Unanswered { id: sent.id.clone() });
    assert_eq!(page.form.waiting(), Some(&sent));
    assert_eq!(page.after(60_000).sent(), Some(sent));
    assert_eq!(page.form.waiting(), None);
}

#[test]
fn states_of_a_form_are_told_apart_by_their_names() {
    let states = [
        FormState::SignedOut,
        FormState::Conflict,
        FormState::Invalid,
        FormState::Saving,
        FormState::Queued,
        FormState::Dirty,
        FormState::Saved,
        FormState::Clean,
    ];
    let names: std::collections::BTreeSet<_> = states.map(FormState::name).into();
    assert_eq!(names.len(), states.len(), "{names:?}");
}

#[test]
fn the_device_forgets_a_press_after_all_that_follows_from_its_answer_is_kept() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.types("note", "newer").answer(&id, saved("v2"));
    let keeps = |order: &Effect| matches!(order, Effect::KeepLocally(_) | Effect::RememberSaved(_));
    assert_eq!(page.orders.iter().filter(|order| keeps(order)).count(), 2);
    assert_eq!(
        page.orders.last(),
        Some(&Effect::RemoveOutbox(id)),
        "a page may end between any two"
    );
}

#[test]
fn what_was_refused_is_looked_at_before_a_later_press_goes() {
    let pressed = |page: &Page| page.orders.iter().any(|order| matches!(order, Effect::WriteOutbox(_)));
    let presses_again = |page: &mut Page| {
        page.types("note", "newer").tell(Event::SavePressed {
            errors: BTreeMap::new(),
        });
    };
    for outcome in [Outcome::Forbidden, Outcome::Mismatch] {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        presses_again(&mut page);
        page.answer(&id, Answer::new(outcome));
        assert!(!pressed(&page), "{outcome:?}: {:?}", page.orders);
    }
    let mut page = with_two_left_behind(left_behind("typed"));
    presses_again(&mut page);
    page.answer("id-0", Answer::new(Outcome::Mismatch));
    page.answer("id-0b", saved("v3"));
    assert!(!pressed(&page), "{:?}", page.orders);
}

#[test]
fn what_waits_in_line_and_was_answered_in_another_tab_is_not_sent_again() {
    let saved_elsewhere = |id: &str| {
        let mut submission = left_behind("later").submission;
        submission.id = id.into();
        let saved = JustSaved {
            submission,
            base: values(&[("name", "Pump")]),
            answer: saved("v2"),
        };
        Event::SavedElsewhere(Box::new(saved))
    };
    let sent_after = |event| {
        let mut page = with_two_left_behind(left_behind("typed"));
        page.tell(event).answer("id-0", saved("v3"));
        page.sent().map(|sent| sent.id)
    };
    assert_eq!(sent_after(saved_elsewhere("id-0b")), None);
    assert_eq!(sent_after(saved_elsewhere("another")).as_deref(), Some("id-0b"));
}

#[test]
fn what_a_save_was_built_on_is_dropped_where_a_server_keeps_it_and_not_while_it_is_writing() {
    let drops_when_saved = |has_server_drafts, is_writing: bool| {
        let drawn = Drawn {
            has_server_drafts,
            ..drawn()
        };
        let found = Found {
            drafts: vec![device_draft("old", 3, "restored")],
            ..Found::default()
        };
        let mut page = Page::open(drawn, found);
        page.types("name", "typed on").after(if is_writing { 2_000 } else { 0 });
        let id = page.presses_save().id;
        page.answer(&id, saved("v2"));
        let drops = |order: &Effect| matches!(order, Effect::DropDraft(_));
        page.orders.iter().any(drops)
    };
    assert!(drops_when_saved(true, false));
    assert!(!drops_when_saved(true, true), "one order at a time");
    assert!(!drops_when_saved(false, false));
}
