//! A page that stood still for hours: no timer of it ran, and then all of them are due.

use super::*;

fn times(orders: &[Effect], is_it: impl Fn(&Effect) -> bool) -> usize {
    orders.iter().filter(|order| is_it(order)).count()
}

#[test]
fn awake_after_eight_hours_each_thing_that_waited_is_done_once() {
    let mut page = Page::drawn();
    let id = page.types("name", "pressed").presses_save().id;
    page.tell(Event::Unanswered { id });
    page.types("name", "typed after it");

    page.now = page.now + Duration::from_secs(8 * 60 * 60);
    let mut orders = Vec::new();
    // The browser tells a page that wakes all of this, and its own timers more than once.
    for event in [
        Event::Woke,
        Event::ServerReady,
        Event::Woke,
        Event::PageHidden,
        Event::FieldLeft,
        Event::Woke,
    ] {
        orders.append(&mut page.tell(event).orders);
    }
    assert_eq!(times(&orders, |order| matches!(order, Effect::Send(_))), 1);
    assert_eq!(times(&orders, |order| matches!(order, Effect::KeepLocally(_))), 1);
    assert_eq!(times(&orders, |order| matches!(order, Effect::SaveDraft(_))), 1);
    assert_eq!(
        (page.form.state(), page.field("name")),
        (FormState::Saving, "typed after it")
    );
    assert_eq!(page.form.next_wake(), None, "nothing is left to be done in a burst");
}
