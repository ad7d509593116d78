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

fn refused(seq: u64, why: DraftRefusal) -> Event {
    Event::DraftRefused {
        revision: revision(seq, "w"),
        why,
    }
}

#[test]
fn a_text_that_the_server_had_no_place_for_twice_was_ended_by_somebody_else() {
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    page.tell(refused(1, DraftRefusal::Stored(None)));
    assert!(page.announced(&Announcement::DiscardedElsewhere));
    assert_eq!((page.field("name"), page.form.view().discarded_elsewhere), ("a", true));

    let mut page = Page::drawn();
    page.types("name", "a").after(2_000);
    page.tell(Event::DraftStored(revision(1, "w")));
    page.types("name", "b").after(2_000);
    page.tell(refused(2, DraftRefusal::Stored(None)));
    let anew = |order: &Effect| matches!(order, Effect::SaveDraft(draft) if draft.on.is_none());
    assert!(
        page.orders.iter().any(anew),
        "only what it was built on has gone: {:?}",
        page.orders
    );
    assert!(!page.form.view().discarded_elsewhere);
}

#[test]
fn what_was_typed_since_a_text_was_discarded_elsewhere_is_a_text_of_its_own() {
    let mut page = Page::drawn();
    page.types("name", "a").after(2_000).types("name", "b");
    page.tell(refused(1, DraftRefusal::Discarded));
    assert!(!page.announced(&Announcement::DiscardedElsewhere));
    assert!(!page.form.view().discarded_elsewhere);
    let sent = page.after(2_000).orders.iter().find_map(|order| match order {
        Effect::SaveDraft(draft) => Some(draft.clone()),
        _ => None,
    });
    let sent = sent.expect("a draft");
    assert_eq!((sent.values, sent.on), (values(&[("name", "b")]), None));
}
