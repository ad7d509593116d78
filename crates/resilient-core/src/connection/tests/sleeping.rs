//! A page that stood still for hours.

use super::*;

#[test]
fn awake_after_eight_hours_the_page_asks_once_and_at_once() {
    for (server, status) in [
        (Server::Up, Status::Online),
        (Server::Refuses, Status::Offline),
        (Server::Frozen, Status::Offline),
    ] {
        for has_stream in [true, false] {
            // Asleep between two probes, or while one is under way.
            for offset in (0..1_000).step_by(STEP_MS as usize) {
                let mut page = Page::new(has_stream);
                page.after(5_000 + offset);
                page.now = page.now + Duration::from_secs(8 * 60 * 60);
                (page.server, page.streaming) = (server, false);
                let before = page.probes;
                if page.probe_left.take().is_some() {
                    page.tell(Event::ProbeFailed);
                }
                for event in [
                    Event::Woke,
                    Event::StreamEnded,
                    Event::PageShown,
                    Event::NetworkHinted,
                    Event::Woke,
                ] {
                    page.tell(event);
                }
                assert_eq!(page.probes - before, 1, "{server:?} {has_stream} {offset}");
                assert!(page.probe_left.is_some());
                assert_eq!(page.after(3_000).status(), status, "{server:?} {has_stream} {offset}");
            }
        }
    }
}
