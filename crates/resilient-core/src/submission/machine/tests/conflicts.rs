//! What becomes of a form that met somebody else's changes.

use super::*;

#[test]
fn in_a_conflict_what_nobody_disputes_is_as_somebody_else_left_it() {
    let mut page = Page::drawn();
    let id = page.types("name", "mine").presses_save().id;
    let conflict = Conflict {
        column: "name".into(),
        base: Some(text("Pump")),
        mine: text("mine"),
        theirs: text("theirs"),
    };
    page.answer(
        &id,
        Answer {
            version: Some("v2".into()),
            conflicts: vec![conflict],
            current: values(&[("name", "theirs"), ("note", "hers")]),
            ..Answer::new(Outcome::Conflict)
        },
    );
    assert_eq!((page.field("name"), page.field("note")), ("mine", "hers"));
    page.tell(Event::Chosen {
        column: "name".into(),
        side: Side::Mine,
    });
    assert_eq!(page.presses_save().values, values(&[("name", "mine")]));
}
