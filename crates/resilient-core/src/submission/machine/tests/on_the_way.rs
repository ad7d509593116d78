//! What something on the way to the server says to a press of Save.

use super::*;

/// A proxy's answer.
fn proxys(outcome: Outcome, retry_after_ms: Option<u64>) -> Answer {
    Answer {
        on_the_way: true,
        retry_after_ms,
        ..Answer::new(outcome)
    }
}

fn queued(page: &Page) -> bool {
    page.orders
        .iter()
        .any(|order| matches!(order, Effect::Announce(Announcement::Queued { .. })))
}

fn ends(page: &Page, id: &str) -> bool {
    page.orders.contains(&Effect::RemoveOutbox(id.to_owned()))
}

#[test]
fn a_first_attempt_that_a_proxy_finds_too_large_is_over() {
    for before in [None, Some(Outcome::RateLimited)] {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        if let Some(before) = before {
            // It went no further, either.
            page.answer(&id, proxys(before, None)).after(60_000);
        }
        page.answer(&id, proxys(Outcome::TooLarge, None));
        assert!(ends(&page, &id));
        assert_eq!(page.form.state(), FormState::Dirty);
    }
}

#[test]
fn kept_or_unanswered_then_a_proxys_413_goes_on_under_the_same_id() {
    let kept = Answer {
        server_retries: true,
        ..Answer::new(Outcome::Kept)
    };
    let before = |id: String| {
        [
            Event::answered(id.clone(), kept.clone()),
            Event::answered(id.clone(), Answer::new(Outcome::InProgress)),
            Event::Unanswered { id },
        ]
    };
    for first in before("id-1".into()) {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.tell(first).after(60_000);
        assert_eq!(page.sent().map(|sent| sent.id), Some(id.clone()));
        page.answer(&id, proxys(Outcome::TooLarge, None));
        assert!(!ends(&page, &id), "the first attempt may have been carried out");
        assert_eq!(page.form.state(), FormState::Queued);
        assert_eq!(page.after(60_000).sent().map(|sent| sent.id), Some(id.clone()));
        // Of the server's own word it is over.
        page.answer(&id, Answer::new(Outcome::TooLarge));
        assert!(ends(&page, &id));
    }
}

#[test]
fn what_an_earlier_page_left_behind_is_not_ended_by_a_proxys_413() {
    let outbox = vec![OutboxEntry {
        attempts: 0,
        ..left_behind("typed")
    }];
    let mut page = Page::open(
        drawn(),
        Found {
            outbox,
            ..Found::default()
        },
    );
    page.answer("id-0", proxys(Outcome::TooLarge, None));
    assert!(!ends(&page, "id-0"));
    assert_eq!(page.after(60_000).sent().map(|sent| sent.id), Some("id-0".into()));
}

#[test]
fn a_proxy_can_hold_a_save_back_for_minutes_and_not_for_days() {
    for asked in [86_400_000, u64::MAX] {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.answer(&id, proxys(Outcome::RateLimited, Some(asked)));
        assert!(page.after(299_000).sent().is_none());
        assert!(page.after(3_000).sent().is_some());
    }
}

#[test]
fn who_presses_save_or_retry_now_does_not_wait_for_a_proxys_time() {
    let save = Event::SavePressed {
        errors: BTreeMap::new(),
    };
    for press in [save, Event::RetryPressed] {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        page.answer(&id, proxys(Outcome::RateLimited, Some(200_000)));
        page.tell(Event::ServerReady).after(10_000);
        assert!(page.sent().is_none(), "by itself it waits as long as it is asked to");
        assert_eq!(page.tell(press).sent().map(|sent| sent.id), Some(id));
    }
}

#[test]
fn that_a_press_waits_is_said_once_whatever_it_waits_for() {
    let answers = [Outcome::Kept, Outcome::InProgress, Outcome::RateLimited].map(Answer::new);
    for answer in answers.into_iter().chain([proxys(Outcome::RateLimited, None)]) {
        let mut page = Page::drawn();
        let id = page.types("name", "a").presses_save().id;
        assert!(queued(page.answer(&id, answer.clone())), "{:?}", answer.outcome);
        page.after(60_000);
        assert!(!queued(page.answer(&id, answer)));
    }
}

#[test]
fn a_save_that_comes_while_somebody_types_on_is_said() {
    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.types("note", "typed on").answer(&id, saved("v2"));
    assert_eq!(page.form.state(), FormState::Dirty);
    assert!(page.announced(&Announcement::SavedWhileTyping));

    let mut page = Page::drawn();
    let id = page.types("name", "a").presses_save().id;
    page.answer(&id, saved("v2"));
    assert!(
        !page.announced(&Announcement::SavedWhileTyping),
        "the words beside Save say it"
    );
}
