//! What is kept while somebody types, and when.

use super::*;

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
        matches!(&page.orders[..], [Effect::TypedBack { .. }, Effect::DropLocally { .. }]),
        "{:?}",
        page.orders
    );
    assert_eq!(page.form.state(), FormState::Clean);
    assert!(!page.form.guard());
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
fn a_draft_names_the_secrets_typed_with_it_until_they_are_saved() {
    let with_secret = |writer: &str| {
        let mut page = Drawn {
            writer: writer.into(),
            revision: revision(0, writer),
            ..drawn()
        };
        for values in [&mut page.base, &mut page.drawn, &mut page.live] {
            values.insert("pin".into(), text(""));
        }
        page
    };
    let mut page = Page::open(with_secret("w"), Found::default());
    page.types("pin", "1234").types("name", "a").after(300);
    let kept = page.kept_drafts()[0].clone();
    assert_eq!(kept.secrets, ["pin"]);
    assert!(!format!("{kept:?}").contains("1234"));

    let found = Found {
        drafts: vec![kept],
        ..Found::default()
    };
    let mut page = Page::open(with_secret("x"), found);
    assert_eq!(page.form.restored().expect("a draft").secrets, ["pin"]);
    page.types("name", "ab").after(300);
    assert_eq!(page.kept_drafts()[0].secrets, ["pin"], "nobody has typed it again");
    page.types("pin", "1234").types("name", "abc").after(300);
    assert_eq!(page.kept_drafts()[0].secrets, ["pin"], "once, typed again or not");
    let id = page.presses_save().id;
    page.answer(&id, saved("v2")).types("name", "abcd").after(300);
    assert!(page.kept_drafts()[0].secrets.is_empty());
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
fn text_discarded_in_another_tab_stays_in_the_fields_of_this_one_and_is_kept_nowhere_until_somebody_goes_on() {
    let mut page = Page::drawn();
    page.types("name", "typed")
        .after(2_000)
        .tell(Event::KeptLocally(revision(1, "w")));
    page.tell(Event::DraftStored(revision(1, "w")));
    page.tell(Event::DiscardedElsewhere(revision(1, "w")));
    assert!(page.announced(&Announcement::DiscardedElsewhere));
    page.after(5_000).tell(Event::PageHidden).tell(Event::PageLeft);
    assert!(page.orders.is_empty(), "{:?}", page.orders);
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Dirty));
    assert!(page.form.view().discarded_elsewhere && page.form.words().contains("in this page only"));

    page.tell(Event::KeepPressed).after(300);
    let kept = page.kept_drafts();
    assert_eq!(kept[0].draft.values, values(&[("name", "typed")]));
    assert!(
        kept[0].draft.revision.seq > 1 && kept[0].lineage.is_empty(),
        "a text of its own: {kept:?}"
    );
}

#[test]
fn a_discarded_draft_is_remembered_as_such_with_all_that_it_was_built_on() {
    let mut page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "typed")],
            ..Found::default()
        },
    );
    page.types("name", "typed on").tell(Event::DiscardPressed);
    let buried = page.orders.iter().find_map(|effect| match effect {
        Effect::BuryLocally { revisions, .. } => Some(revisions.clone()),
        _ => None,
    });
    assert_eq!(buried, Some(vec![revision(4, "w"), revision(3, "old")]));
}

#[test]
fn where_the_device_cannot_keep_what_was_pressed_the_page_says_so_while_it_waits() {
    let mut page = Page::drawn();
    page.types("name", "a").tell(Event::SavePressed {
        errors: BTreeMap::new(),
    });
    page.tell(Event::OutboxRefused { id: "id-1".into() });
    assert!(page.form.words().contains("Not protected"), "{}", page.form.words());
    page.tell(Event::Unanswered { id: "id-1".into() });
    assert!(page.form.words().contains("Not protected"), "{}", page.form.words());
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
fn what_the_device_refused_is_offered_again_when_it_opens_or_field_or_page_is_left_and_not_before() {
    let keeps = |page: &Page| {
        let is_kept = |order: &Effect| matches!(order, Effect::KeepLocally(_));
        page.orders.iter().any(is_kept)
    };
    for leaves in [
        Event::DeviceOpened,
        Event::FieldLeft,
        Event::PageHidden,
        Event::PageLeft,
    ] {
        let mut page = Page::drawn();
        page.types("name", "a")
            .after(300)
            .tell(Event::LocalRefused(revision(1, "w")));
        page.after(60_000);
        assert!(!keeps(&page), "by itself it would be refused again and again");
        page.tell(leaves.clone());
        assert!(keeps(&page), "{leaves:?}");
        page.tell(Event::KeptLocally(revision(1, "w")));
        assert!(!page.form.guard());
        assert!(!page.form.words().contains("Not protected"), "{}", page.form.words());
        page.tell(leaves);
        assert!(!keeps(&page), "what is kept is not written again");
    }
}

#[test]
fn half_composed_text_is_not_offered_when_the_device_opens() {
    let mut page = Page::drawn();
    page.types("name", "a")
        .after(300)
        .tell(Event::LocalRefused(revision(1, "w")));
    page.tell(Event::CompositionStarted).tell(Event::DeviceOpened);
    assert!(page.orders.is_empty(), "{:?}", page.orders);
    page.tell(Event::CompositionEnded).tell(Event::DeviceOpened);
    assert_eq!(page.kept_drafts().len(), 1);
}

#[test]
fn what_the_device_refused_and_somebody_discarded_elsewhere_is_not_offered_again() {
    let mut page = Page::drawn();
    page.types("name", "typed")
        .after(2_000)
        .tell(Event::LocalRefused(revision(1, "w")));
    page.tell(Event::DraftStored(revision(1, "w")));
    page.tell(Event::DiscardedElsewhere(revision(1, "w")));
    for leaves in [
        Event::DeviceOpened,
        Event::FieldLeft,
        Event::PageHidden,
        Event::PageLeft,
    ] {
        page.tell(leaves);
        assert!(page.orders.is_empty(), "{:?}", page.orders);
    }
    page.tell(Event::KeepPressed).after(300);
    assert_eq!(page.kept_drafts()[0].draft.values, values(&[("name", "typed")]));
}

#[test]
fn a_restored_text_is_not_written_where_one_put_aside_was_refused() {
    let mut page = Page::open(
        drawn(),
        Found {
            drafts: vec![device_draft("old", 3, "typed")],
            ..Found::default()
        },
    );
    page.tell(Event::LocalRefused(revision(7, "aside")));
    page.tell(Event::DeviceOpened);
    assert!(page.kept_drafts().is_empty(), "{:?}", page.orders);
}

#[test]
fn half_composed_text_is_not_kept_anywhere() {
    let keeps = |page: &Page| {
        let keeps = |order: &&Effect| matches!(order, Effect::KeepLocally(_) | Effect::SaveDraft(_));
        page.orders.iter().filter(keeps).count()
    };
    let mut page = Page::drawn();
    page.tell(Event::CompositionStarted).types("name", "に").after(5_000);
    assert_eq!((keeps(&page), page.form.next_wake()), (0, None));
    page.tell(Event::CompositionEnded);
    assert_eq!(keeps(&page), 2, "{:?}", page.orders);

    page.tell(Event::CompositionStarted).types("name", "にほ");
    page.tell(Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Stored(Some(Box::new(device_draft("other", 3, "theirs").draft))),
    });
    let goes_beside = |order: &Effect| matches!(order, Effect::SaveDraftBeside(_));
    assert!(!page.orders.iter().any(goes_beside), "{:?}", page.orders);
    page.after(5_000).tell(Event::FieldLeft);
    assert!(page.orders.iter().any(goes_beside), "{:?}", page.orders);
}

#[test]
fn dropping_a_text_beside_says_nothing_of_what_the_server_has_of_the_form() {
    let beside = device_draft("old", 3, "beside");
    let drafts = vec![beside.clone(), device_draft("other", 4, "restored")];
    let mut page = Page::open(
        drawn(),
        Found {
            drafts,
            ..Found::default()
        },
    );
    page.types("name", "mine").after(2_000);
    page.tell(Event::KeptLocally(revision(5, "w")));
    page.tell(Event::DraftStored(revision(5, "w")));
    assert!(page.form.view().kept_on_server);
    page.tell(Event::AsideDiscarded(beside.draft.revision.clone()));
    page.tell(Event::DraftDropped(beside.draft.revision.clone()));
    assert!(page.form.view().kept_on_server, "{}", page.form.words());

    page.types("name", "mine, more").after(2_000);
    let order = |page: &Page| {
        let draft = |order: &Effect| match order {
            Effect::SaveDraft(draft) => Some(draft.clone()),
            _ => None,
        };
        page.orders.iter().find_map(draft)
    };
    let on = order(&page).expect("a draft on its way").on;
    assert_eq!(on, Some(revision(5, "w")));
    page.tell(Event::DraftDropped(beside.draft.revision));
    page.types("name", "mine, and more").after(2_000);
    assert_eq!(order(&page), None, "one order at a time");
}

#[test]
fn a_text_discarded_from_beside_the_form_is_dropped_again_until_the_server_has_heard() {
    let beside = device_draft("old", 3, "beside").draft.revision;
    let drafts = vec![device_draft("old", 3, "beside"), device_draft("other", 4, "restored")];
    let mut page = Page::open(
        drawn(),
        Found {
            drafts,
            ..Found::default()
        },
    );
    let unanswered = || Event::DraftRefused {
        revision: revision(3, "old"),
        why: DraftRefusal::Unanswered,
    };
    let drop = Effect::DropDraft(beside.clone());
    page.tell(Event::AsideDiscarded(beside.clone()));
    assert!(page.orders.contains(&drop));

    page.tell(unanswered());
    assert!(!page.orders.contains(&drop), "without a pause");
    let stored = Box::new(device_draft("old", 3, "beside").draft);
    page.tell(Event::DraftRefused {
        revision: revision(4, "other"),
        why: DraftRefusal::Stored(Some(stored)),
    });
    assert!(page.form.aside().is_empty(), "it came back: {:?}", page.form.aside());
    let due = page.form.next_wake().expect("a next try");
    assert!(due > page.now);
    page.after(60_000);
    assert!(page.orders.contains(&drop), "{:?}", page.orders);

    page.tell(unanswered()).tell(Event::ServerReady);
    assert!(page.orders.contains(&drop), "at once where the server is back");

    page.tell(unanswered()).tell(Event::SignedOut).after(60_000);
    assert!(!page.orders.contains(&drop), "nobody is signed in");
    page.tell(Event::SignedIn);
    assert!(page.orders.contains(&drop));

    page.tell(Event::DraftDropped(beside)).after(60_000);
    assert!(!page.orders.contains(&drop));
}

#[test]
fn a_discard_of_text_that_the_server_may_have_stored_without_an_answer_is_said_again() {
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    let unanswered = || Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Unanswered,
    };
    page.tell(unanswered()).tell(Event::DiscardPressed).tell(unanswered());
    page.after(60_000);
    assert!(page.orders.contains(&Effect::DropDraft(revision(1, "w"))));
}

#[test]
fn what_was_removed_by_signing_out_elsewhere_is_not_said_to_be_kept_and_storage_is_not_blamed() {
    let mut page = Page::drawn();
    page.types("name", "a")
        .after(300)
        .tell(Event::KeptLocally(revision(1, "w")));
    assert!(page.form.words().contains("kept on this device"));
    page.tell(Event::SignedOut).tell(Event::GoneLocally(revision(1, "w")));
    assert_eq!(page.form.words(), "Signed out. Unsaved changes");
    assert!(page.form.guard());
    assert!(!page.announced(&Announcement::NotProtected));
}

#[test]
fn a_text_too_large_for_the_server_is_not_offered_again_until_it_is_another() {
    let offered = |page: &Page| page.orders.iter().any(|order| matches!(order, Effect::SaveDraft(_)));
    let refused = |why| Event::DraftRefused {
        revision: revision(1, "w"),
        why,
    };
    let mut page = Page::drawn();
    page.types("name", "a")
        .after(2_000)
        .tell(refused(DraftRefusal::TooLarge));
    assert!(!offered(page.tell(Event::PageHidden)));
    assert!(offered(page.types("name", "shorter").after(2_000)));

    let mut page = Page::drawn();
    page.types("name", "a")
        .after(2_000)
        .tell(refused(DraftRefusal::Refused));
    assert!(
        !offered(page.types("name", "shorter").after(2_000)),
        "it takes none at all"
    );
}

#[test]
fn a_page_that_goes_sends_the_server_what_it_has_not_got_and_nothing_else() {
    let sent_on_leaving = |page: &mut Page| {
        let beacon = |order: &Effect| match order {
            Effect::BeaconDraft(draft) => Some(draft.clone()),
            _ => None,
        };
        page.tell(Event::PageLeft).orders.iter().find_map(beacon)
    };
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    page.tell(Event::DraftStored(revision(1, "w")));
    assert_eq!(sent_on_leaving(&mut page), None, "the server has it");
    let without_drafts = Drawn {
        has_server_drafts: false,
        ..drawn()
    };
    let mut nowhere = Page::open(without_drafts, Found::default());
    assert_eq!(sent_on_leaving(nowhere.types("name", "a")), None, "it keeps none");
    let mut signed_out = Page::drawn();
    signed_out.types("name", "a").tell(Event::SignedOut);
    assert_eq!(sent_on_leaving(&mut signed_out), None, "somebody else may be signed in");
    let conflicting = Drawn {
        base: values(&[("name", "theirs"), ("note", "")]),
        conflicts: vec![Conflict {
            column: "name".into(),
            base: None,
            mine: text("Pump"),
            theirs: text("theirs"),
        }],
        ..drawn()
    };
    let mut nameless = Page::open(conflicting, Found::default());
    assert_eq!(
        sent_on_leaving(nameless.types("note", "a")),
        None,
        "it names no version"
    );
    let newer = sent_on_leaving(page.types("name", "b")).expect("the newest text");
    assert_eq!(
        (newer.values, newer.on),
        (values(&[("name", "b")]), Some(revision(1, "w")))
    );
}

#[test]
fn what_the_server_says_of_a_text_beside_says_nothing_of_the_text_in_the_form() {
    let beside = device_draft("old", 3, "beside").draft.revision;
    let found = Found {
        drafts: vec![device_draft("old", 3, "beside"), device_draft("other", 4, "restored")],
        ..Found::default()
    };
    let saved_on = |page: &Page| {
        let on = |order: &Effect| match order {
            Effect::SaveDraft(draft) => Some(draft.on.clone()),
            _ => None,
        };
        page.orders.iter().find_map(on)
    };
    let mut page = Page::open(drawn(), found);
    page.types("name", "mine").after(2_000);
    assert_eq!(saved_on(&page), Some(None));
    page.tell(Event::DraftStored(beside));
    page.types("name", "mine, more").after(2_000);
    assert_eq!(saved_on(&page), None, "the first has no answer yet");
    page.tell(Event::DraftStored(revision(5, "w")));
    assert_eq!(
        saved_on(&page),
        Some(Some(revision(5, "w"))),
        "upon what it took the place of"
    );
}

#[test]
fn a_text_beside_that_was_discarded_elsewhere_goes_from_here_too_and_one_without_an_answer_stays() {
    let beside = revision(3, "old");
    let found = Found {
        drafts: vec![device_draft("old", 3, "beside"), device_draft("other", 4, "restored")],
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found);
    let refused = |why| Event::DraftRefused {
        revision: revision(3, "old"),
        why,
    };
    let is_buried = |page: &Page| {
        let buries = |order: &Effect| matches!(order, Effect::BuryLocally { revisions, .. } if *revisions == [revision(3, "old")]);
        page.orders.iter().any(buries)
    };
    page.tell(refused(DraftRefusal::Unanswered));
    assert_eq!((page.form.view().aside, is_buried(&page)), (vec![beside], false));
    page.tell(refused(DraftRefusal::Discarded));
    assert_eq!((page.form.view().aside, is_buried(&page)), (Vec::new(), true));
}

#[test]
fn of_what_was_discarded_without_an_answer_four_texts_with_all_they_were_built_on_are_remembered() {
    let discarded = |page: &mut Page, count: usize| {
        for seq in 1..=count as u64 {
            page.tell(Event::AsideDiscarded(revision(seq, "old")));
        }
        page.tell(Event::DraftRefused {
            revision: revision(count as u64, "old"),
            why: DraftRefusal::Unanswered,
        });
        let drops = |order: &&Effect| matches!(order, Effect::DropDraft(_));
        page.after(60_000).orders.iter().filter(drops).count()
    };
    let most = 4 * LINEAGE;
    assert_eq!(discarded(&mut Page::drawn(), most), most);
    assert_eq!(discarded(&mut Page::drawn(), most + 9), most, "there is an end to it");
}

#[test]
fn a_discard_in_another_tab_takes_nothing_back_that_is_on_its_way() {
    let mut page = Page::drawn();
    let sent = page.types("name", "typed").presses_save();
    page.tell(Event::DiscardedElsewhere(sent.revision));
    assert!(!page.announced(&Announcement::DiscardedElsewhere));
    assert!(!page.form.view().discarded_elsewhere);
    page.answer(&sent.id, saved("v2"));
    assert_eq!((page.field("name"), page.form.state()), ("typed", FormState::Saved));
}

#[test]
fn a_draft_without_an_answer_is_sent_again_after_a_pause_and_not_in_it() {
    let is_sent = |page: &Page| page.orders.iter().any(|order| matches!(order, Effect::SaveDraft(_)));
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000).tell(Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Unanswered,
    });
    assert!(!is_sent(&page));
    assert!(!is_sent(page.tell(Event::PageHidden)), "not even as the page is hidden");
    assert!(is_sent(page.after(60_000)));
}

#[test]
fn a_draft_without_an_answer_says_nothing_of_what_is_being_dropped() {
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    page.tell(Event::AsideDiscarded(revision(3, "old")));
    page.tell(Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Unanswered,
    });
    page.after(60_000);
    assert!(
        !page.orders.iter().any(|order| matches!(order, Effect::DropDraft(_))),
        "{:?}",
        page.orders
    );
}

#[test]
fn a_draft_that_arrives_after_its_text_was_saved_is_dropped_again() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").after(2_000).presses_save().id;
    page.answer(&id, saved("v2"));
    page.tell(Event::DraftStored(revision(1, "w"))).after(2_000);
    assert_eq!(page.orders, [Effect::DropDraft(revision(1, "w"))]);
}

#[test]
fn a_page_whose_draft_was_stored_without_an_answer_goes_on_over_it() {
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    let stored = page.orders.iter().find_map(|order| match order {
        Effect::SaveDraft(draft) => Some(draft.clone()),
        _ => None,
    });
    page.tell(Event::DraftRefused {
        revision: revision(1, "w"),
        why: DraftRefusal::Unanswered,
    });
    page.types("name", "b").after(60_000);
    page.tell(Event::DraftRefused {
        revision: revision(2, "w"),
        why: DraftRefusal::Stored(stored.map(Box::new)),
    });
    let goes_on = |order: &Effect| matches!(order, Effect::SaveDraft(draft) if draft.on == Some(revision(1, "w")));
    assert!(page.orders.iter().any(goes_on), "{:?}", page.orders);
    assert_eq!(page.form.view().aside, [], "its own text is no other one");
}

#[test]
fn a_discard_of_another_text_in_another_tab_leaves_this_one() {
    let mut page = Page::drawn();
    page.types("name", "typed")
        .tell(Event::DiscardedElsewhere(revision(3, "old")));
    assert!(!page.form.view().discarded_elsewhere);
    assert_eq!(page.after(300).kept_drafts().len(), 1);
}

#[test]
fn a_text_beside_that_was_discarded_in_another_tab_is_no_longer_offered_and_the_others_are() {
    let drafts = vec![
        device_draft("one", 2, "beside"),
        device_draft("other", 3, "beside, too"),
        device_draft("old", 4, "restored"),
    ];
    let found = Found {
        drafts,
        ..Found::default()
    };
    let mut page = Page::open(drawn(), found);
    page.tell(Event::DiscardedElsewhere(revision(2, "one")));
    assert_eq!(page.form.view().aside, [revision(3, "other")]);
    assert_eq!(page.form.view().restored, Some(revision(4, "old")));
}

#[test]
fn who_signs_in_again_has_the_server_given_what_it_has_not_got_and_no_other_form_is_woken() {
    let mut page = Page::drawn();
    page.tell(Event::SignedOut).tell(Event::SignedIn);
    assert_eq!(page.form.next_wake(), None, "nothing is typed");

    page.types("name", "a").after(2_000);
    page.tell(Event::KeptLocally(revision(1, "w")));
    page.tell(Event::DraftStored(revision(1, "w"))).after(2_000);
    page.tell(Event::SignedOut).tell(Event::SignedIn);
    assert_eq!(page.form.next_wake(), None, "the server has it");

    page.tell(Event::SignedOut).types("name", "b").after(2_000);
    let is_sent = |page: &Page| page.orders.iter().any(|order| matches!(order, Effect::SaveDraft(_)));
    assert!(!is_sent(&page));
    assert!(is_sent(page.tell(Event::SignedIn)), "it was due long ago");
}
