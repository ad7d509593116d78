//! What is discarded, here or elsewhere, until everybody has heard of it.

use super::*;

fn dropped(page: &Page) -> Vec<Revision> {
    let dropped = |order: &Effect| match order {
        Effect::DropDraft(revision) => Some(revision.clone()),
        _ => None,
    };
    page.orders.iter().filter_map(dropped).collect()
}

#[test]
fn of_several_texts_that_were_discarded_only_what_the_server_has_not_dropped_is_named_again() {
    let mut page = Page::drawn();
    for seq in [1, 2] {
        page.tell(Event::AsideDiscarded(revision(seq, "old")));
    }
    page.tell(Event::DraftDropped(revision(1, "old")));
    page.tell(Event::DraftRefused {
        revision: revision(2, "old"),
        why: DraftRefusal::Unanswered,
    });
    assert_eq!(dropped(page.after(60_000)), [revision(2, "old")]);
}
