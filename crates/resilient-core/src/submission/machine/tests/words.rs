//! What the words beside Save, the leave guard and announcements say.

use super::*;

fn with_secret() -> Drawn {
    let mut page = drawn();
    for values in [&mut page.base, &mut page.drawn, &mut page.live] {
        values.insert("pin".into(), text(""));
    }
    page
}

fn press() -> Event {
    Event::SavePressed {
        errors: BTreeMap::new(),
    }
}

#[test]
fn a_form_for_a_new_record_does_not_say_that_it_is_saved() {
    let new = Drawn {
        is_new: true,
        ..drawn()
    };
    let mut page = Page::open(new, Found::default());
    assert_eq!(page.form.words(), "");
    page.types("name", "a").types("name", "Pump");
    assert_eq!(page.form.words(), "", "typed back");
    assert_eq!(Page::drawn().form.words(), "All changes saved");
}

#[test]
fn a_page_with_a_secret_is_not_left_without_a_word_though_the_rest_is_kept() {
    let mut page = Page::open(with_secret(), Found::default());
    page.types("name", "a").types("pin", "1234").after(300);
    page.tell(Event::KeptLocally(revision(2, "w")));
    assert!(page.form.guard());
    assert_eq!(
        page.form.words(),
        "Unsaved changes, kept on this device. Secrets are kept in this page only"
    );
    page.types("pin", "").after(300);
    page.tell(Event::KeptLocally(revision(3, "w")));
    assert!(!page.form.guard());
}

#[test]
fn while_a_press_is_under_way_the_page_says_whether_the_device_has_it() {
    let words_while_saving = |typed: &str, settled: Event| {
        let mut page = Page::open(with_secret(), Found::default());
        page.types(typed, "1234").tell(press()).tell(settled);
        assert_eq!(page.form.state(), FormState::Saving);
        page.form.words()
    };
    let id = || "id-1".to_owned();
    assert_eq!(words_while_saving("name", Event::OutboxWritten { id: id() }), "Saving…");
    assert_eq!(
        words_while_saving("name", Event::OutboxRefused { id: id() }),
        "Saving… Not protected on this device: keep this page open until it is saved"
    );
    assert_eq!(
        words_while_saving("pin", Event::OutboxRefused { id: id() }),
        "Saving…",
        "a secret is never kept: the device did not fail"
    );
}

#[test]
fn a_press_that_waits_speaks_of_newer_text_only_where_there_is_some() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.tell(Event::Unanswered { id });
    assert_eq!(
        page.form.words(),
        "Queued: will be saved when the server can be reached"
    );
    page.types("note", "newer");
    assert_eq!(
        page.form.words(),
        "Queued: will be saved when the server can be reached. Newer text: Unsaved changes"
    );

    let mut page = Page::open(with_secret(), Found::default());
    let id = page.types("pin", "1234").presses_save().id;
    page.tell(Event::Unanswered { id });
    assert_eq!(
        page.form.words(),
        "Queued: will be saved when the server can be reached. Kept in this page only: it has a secret"
    );
}

#[test]
fn that_a_save_came_is_said_in_one_way() {
    let said = |page: &Page| {
        let said = |order: &Effect| match order {
            Effect::Announce(said) => Some(said.clone()),
            _ => None,
        };
        page.orders.iter().filter_map(said).collect::<Vec<_>>()
    };
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.tell(Event::Unanswered { id: id.clone() });
    page.types("note", "typed on").after(60_000).answer(&id, saved("v2"));
    assert_eq!(said(&page), [Announcement::SavedAfterQueue]);

    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    let columns = vec!["other".to_owned()];
    let merged = Answer {
        merged: columns.clone(),
        ..saved("v2")
    };
    page.types("note", "typed on").answer(&id, merged);
    assert_eq!(said(&page), [Announcement::Merged { columns }]);
}

#[test]
fn the_words_name_each_place_that_has_the_newest_text_and_a_device_that_refuses_it() {
    let words = |on_device: bool, on_server: bool| {
        let mut page = Page::drawn();
        page.types("name", "a").after(2_000).tell(if on_device {
            Event::KeptLocally(revision(1, "w"))
        } else {
            Event::LocalRefused(revision(1, "w"))
        });
        if on_server {
            page.tell(Event::DraftStored(revision(1, "w")));
        }
        page.form.words()
    };
    assert_eq!(words(true, true), "Unsaved changes, kept on this device and the server");
    assert_eq!(words(true, false), "Unsaved changes, kept on this device");
    assert_eq!(
        words(false, true),
        "Unsaved changes, kept on the server. Not protected on this device"
    );
    assert_eq!(words(false, false), "Unsaved changes. Not protected on this device");
}
