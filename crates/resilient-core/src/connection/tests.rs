//! What a person sees of the connection.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::time::Moment;

/// A page beside a server that is up, degraded, slow or gone, in steps of 50 ms.
struct Page {
    connection: Connection,
    now: Moment,
    probe_left: Option<Moment>,
    server: Server,
    told: Vec<Transition>,
    readies: u32,
    glitches: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Server {
    Up,
    Degraded,
    Late,
    Refuses,
    Frozen,
}

impl Page {
    fn new() -> Self {
        let now = Moment::START;
        let connection = Connection::new(now);
        Self {
            connection,
            now,
            probe_left: None,
            server: Server::Up,
            told: Vec::new(),
            readies: 0,
            glitches: 0,
        }
    }

    fn tell(&mut self, event: Event) {
        let (connection, effects) = self.connection.clone().handle(event, self.now, u64::MAX);
        self.connection = connection;
        for effect in effects {
            match effect {
                Effect::Probe => {
                    assert!(self.probe_left.is_none(), "two probes at once");
                    self.probe_left = Some(self.now);
                }
                Effect::ServerReady => self.readies += 1,
                Effect::Announce(transition) => self.told.push(transition),
            }
        }
    }

    fn after(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 50 {
            self.now = self.now + Duration::from_millis(50);
            self.answer_probe();
            if self.connection.next_wake(self.now).is_some_and(|at| at <= self.now) {
                self.tell(Event::Woke);
            }
        }
        self
    }

    fn answer_probe(&mut self) {
        let Some(left) = self.probe_left else { return };
        let took = self.now.since(left);
        let answered = match self.server {
            Server::Up => Some(true),
            Server::Degraded => Some(false),
            Server::Late if took >= Duration::from_millis(500) => Some(true),
            _ => None,
        };
        let failed = self.server == Server::Refuses || took >= PROBE_LIMIT || self.glitches > 0;
        if failed {
            self.glitches = self.glitches.saturating_sub(1);
            self.probe_left = None;
            self.tell(Event::ProbeFailed);
        } else if let Some(ready) = answered {
            self.probe_left = None;
            self.tell(Event::ProbeAnswered { took, ready });
        }
    }

    fn status(&self) -> Status {
        self.connection.status(self.now)
    }
}

#[test]
fn a_server_that_refuses_or_freezes_is_offline_within_3_s_and_back_within_3_s() {
    for gone in [Server::Refuses, Server::Frozen] {
        let mut page = Page::new();
        page.after(5_350).server = gone;
        assert_eq!(page.after(3_000).status(), Status::Offline, "{gone:?}");
        page.after(20_000).server = Server::Up;
        assert_eq!(page.after(3_000).status(), Status::Online, "{gone:?}");
        assert_eq!(page.told, [Transition::Lost, Transition::Back]);
        assert_eq!(page.readies, 2, "at the start and when it was back");
    }
}

#[test]
fn one_failed_probe_is_no_outage() {
    let mut page = Page::new();
    page.after(4_000).glitches = 1;
    for _ in 0..60 {
        assert_eq!(page.after(50).status(), Status::Online);
    }
    assert!(page.told.is_empty());
}

#[test]
fn a_database_that_is_gone_is_degraded_not_offline() {
    let mut page = Page::new();
    page.after(2_000).server = Server::Degraded;
    assert_eq!(page.after(2_000).status(), Status::Degraded);
    page.server = Server::Up;
    assert_eq!(page.after(2_000).status(), Status::Online);
    assert_eq!(page.told, [Transition::Degraded, Transition::Recovered]);
}

#[test]
fn late_answers_and_a_request_that_hangs_are_slow() {
    let mut page = Page::new();
    page.server = Server::Late;
    assert_eq!(page.after(3_000).status(), Status::Slow);
    page.server = Server::Up;
    assert_eq!(page.after(2_000).status(), Status::Online);
    page.tell(Event::RequestLeft { id: 1 });
    assert_eq!(page.after(3_000).status(), Status::Slow);
    page.tell(Event::RequestAnswered { id: 1 });
    assert_eq!(page.status(), Status::Online);
}

#[test]
fn what_the_browser_believes_changes_nothing_while_requests_succeed() {
    let mut page = Page::new();
    page.after(2_000).tell(Event::NetworkHinted);
    assert_eq!(page.after(1_000).status(), Status::Online);
}

#[test]
fn a_hidden_page_does_not_probe_and_asks_once_when_it_is_shown() {
    let mut page = Page::new();
    page.after(2_000).tell(Event::PageHidden);
    page.server = Server::Refuses;
    page.after(60_000);
    assert_eq!(page.connection.next_probe(), None);
    page.tell(Event::PageShown);
    assert!(page.probe_left.is_some());
    assert_eq!(page.after(1_000).status(), Status::Offline);
}

#[test]
fn somebody_who_cannot_wait_sees_that_a_try_is_under_way() {
    let mut page = Page::new();
    page.server = Server::Frozen;
    page.after(6_000);
    page.tell(Event::RetryPressed);
    assert_eq!(page.status(), Status::Reconnecting);
    assert_eq!(page.after(2_000).status(), Status::Offline);
}

proptest! {
    #[test]
    fn three_seconds_after_any_change_the_status_is_right(changes in proptest::collection::vec((0..5_u8, 1..200_u64), 1..12)) {
        let mut page = Page::new();
        for (server, steps) in changes {
            page.server = [Server::Up, Server::Degraded, Server::Late, Server::Refuses, Server::Frozen][server as usize];
            page.after(steps * 50);
            if steps * 50 >= 3_000 {
                let right = match page.server {
                    Server::Up => [Status::Online, Status::Online],
                    Server::Degraded => [Status::Degraded, Status::Degraded],
                    Server::Late => [Status::Slow, Status::Reconnecting],
                    Server::Refuses | Server::Frozen => [Status::Offline, Status::Offline],
                };
                prop_assert!(right.contains(&page.status()), "{:?} is {:?}", page.server, page.status());
            }
        }
    }
}
