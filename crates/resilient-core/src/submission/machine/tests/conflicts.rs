//! What becomes of a form that met somebody else's changes.

use super::*;

#[test]
fn in_a_conflict_what_nobody_disputes_is_as_somebody_else_left_it() {
    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    page.answer(
        &id,
        Answer {
            current: values(&[("name", "theirs"), ("note", "hers")]),
            ..conflict_over(&[("name", "Pump")])
        },
    );
    assert_eq!((page.field("name"), page.field("note")), ("mine", "hers"));
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Mine,
    });
    assert_eq!(page.presses_save().values, values(&[("name", "mine")]));
}

#[test]
fn a_text_from_beside_the_form_is_a_choice_where_the_record_has_changed_since() {
    let mut restored = device_draft("other", 4, "");
    restored.draft.values = values(&[("note", "restored")]);
    restored.draft.base = values(&[("note", "")]);
    let found = Found {
        drafts: vec![device_draft("old", 3, "mine"), restored],
        ..Found::default()
    };
    let mut page = Page::open(drawn_as_named("hers"), found);
    assert_eq!(page.form.state(), FormState::Dirty);
    page.tell(Event::AsideTaken(revision(3, "old")));
    assert_eq!((page.form.state(), page.field("name")), (FormState::Conflict, "mine"));
}

#[test]
fn an_earlier_save_that_somebody_has_written_over_since_leaves_the_fields_once_it_is_answered() {
    let opened = || {
        let found = Found {
            drafts: vec![device_draft("old", 3, "typed")],
            outbox: vec![left_behind("typed")],
            ..Found::default()
        };
        Page::open(drawn_as_named("hers"), found)
    };
    let answer = || Answer {
        replayed: true,
        ..saved("v0b")
    };
    let mut page = opened();
    page.answer("id-0", answer());
    assert_eq!((page.field("name"), page.form.state()), ("hers", FormState::Saved));

    let mut page = opened();
    page.types("name", "other")
        .types("name", "typed")
        .answer("id-0", answer());
    assert_eq!(page.field("name"), "typed", "typed again since");
}
