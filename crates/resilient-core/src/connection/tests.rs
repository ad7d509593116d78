//! What a person sees of the connection.

mod crowds;
mod sleeping;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::time::Moment;

const STEP_MS: u64 = 50;

/// A page beside a server that is up, degraded, slow or gone, in steps of 50 ms. With a stream, the
/// server tells its condition when it changes and ticks every second.
struct Page {
    connection: Connection,
    now: Moment,
    steps: u64,
    probe_left: Option<Moment>,
    server: Server,
    has_stream: bool,
    /// This tab reads the stream, or hears of it.
    streaming: bool,
    last_told: Option<Server>,
    told: Vec<Transition>,
    probes: u32,
    streams: u32,
    readies: u32,
    glitches: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Server {
    Up,
    Degraded,
    Spilling,
    Late,
    Refuses,
    Frozen,
}

impl Server {
    fn report(self) -> Report {
        match self {
            Self::Degraded => Report::read("down", "redis", Some(4_000)),
            Self::Spilling => Report::read("up", "spill", None),
            _ => Report::ALL_UP,
        }
    }

    fn is_there(self) -> bool {
        !matches!(self, Self::Refuses | Self::Frozen)
    }
}

impl Page {
    fn new(has_stream: bool) -> Self {
        let now = Moment::START;
        Self {
            connection: Connection::new(now),
            now,
            steps: 0,
            probe_left: None,
            server: Server::Up,
            has_stream,
            streaming: has_stream,
            last_told: None,
            told: Vec::new(),
            probes: 0,
            streams: 0,
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
                    self.probes += 1;
                }
                Effect::BeginStream => {
                    self.streams += 1;
                    self.streaming = self.has_stream;
                    self.last_told = None;
                }
                Effect::ServerReady => self.readies += 1,
                Effect::Announce(transition) => self.told.push(transition),
            }
        }
    }

    fn after(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / STEP_MS {
            self.now = self.now + Duration::from_millis(STEP_MS);
            self.steps += 1;
            self.stream();
            self.answer_probe();
            if self.connection.next_wake(self.now).is_some_and(|at| at <= self.now) {
                self.tell(Event::Woke);
            }
        }
        self
    }

    fn stream(&mut self) {
        if !self.streaming {
            return;
        }
        match self.server {
            Server::Refuses => {
                self.streaming = false;
                self.tell(Event::StreamEnded);
            }
            Server::Frozen => {}
            there if self.last_told != Some(there) => {
                self.last_told = Some(there);
                self.tell(Event::Told(there.report()));
            }
            _ if self.steps.is_multiple_of(1_000 / STEP_MS) => self.tell(Event::Ticked),
            _ => {}
        }
    }

    fn answer_probe(&mut self) {
        let Some(left) = self.probe_left else { return };
        let took = self.now.since(left);
        let late = self.server == Server::Late && took < Duration::from_millis(500);
        let failed = self.server == Server::Refuses || took >= PROBE_LIMIT || self.glitches > 0;
        if failed {
            self.glitches = self.glitches.saturating_sub(1);
            self.probe_left = None;
            self.tell(Event::ProbeFailed);
        } else if self.server.is_there() && !late {
            self.probe_left = None;
            let report = self.server.report();
            self.tell(Event::ProbeAnswered { took, report });
        }
    }

    fn status(&self) -> Status {
        self.connection.status(self.now)
    }
}

#[test]
fn a_server_that_refuses_or_freezes_is_offline_within_3_s_and_back_within_3_s() {
    for (gone, has_stream) in [
        (Server::Refuses, true),
        (Server::Frozen, true),
        (Server::Refuses, false),
        (Server::Frozen, false),
    ] {
        // Whenever it happens between two ticks.
        for offset in (0..1_000).step_by(STEP_MS as usize) {
            let mut page = Page::new(has_stream);
            page.after(5_000 + offset).server = gone;
            assert_eq!(page.after(2_750).status(), Status::Offline, "{gone:?} {has_stream}");
            page.after(20_000).server = Server::Up;
            assert_eq!(page.after(2_500).status(), Status::Online, "{gone:?} {has_stream}");
            assert_eq!(page.told, [Transition::Lost, Transition::Back]);
            assert_eq!(page.readies, 2, "at the start and when it was back");
        }
    }
}

#[test]
fn nothing_is_asked_while_the_stream_ticks() {
    let mut page = Page::new(true);
    page.after(60_000);
    assert_eq!((page.probes, page.streams, page.readies), (0, 0, 1));
}

#[test]
fn without_a_stream_the_page_asks_every_second_and_seldom_tries_for_one() {
    let mut page = Page::new(false);
    page.after(60_000);
    assert!((50..=62).contains(&page.probes), "{}", page.probes);
    assert!((3..=6).contains(&page.streams), "{}", page.streams);
    assert_eq!((page.status(), page.readies), (Status::Online, 1));
}

#[test]
fn a_stream_that_falls_silent_beside_a_server_that_answers_is_begun_again() {
    let mut page = Page::new(true);
    page.after(5_000).streaming = false;
    page.after(1_600);
    assert_eq!((page.probes, page.streams, page.status()), (1, 1, Status::Online));
    page.after(10_000);
    assert_eq!(page.probes, 1, "it ticks again");
    assert!(page.told.is_empty());
}

#[test]
fn a_stream_that_ended_is_begun_again_with_the_very_next_answer() {
    let mut page = Page::new(true);
    page.after(5_000).tell(Event::Ticked);
    page.tell(Event::StreamEnded);
    assert_eq!((page.probes, page.streams), (1, 0));
    page.probe_left = None;
    let (took, report) = (Duration::ZERO, Report::ALL_UP);
    page.tell(Event::ProbeAnswered { took, report });
    assert_eq!(page.streams, 1);
}

#[test]
fn one_failed_probe_is_no_outage() {
    for has_stream in [true, false] {
        let mut page = Page::new(has_stream);
        page.after(4_000).glitches = 1;
        page.tell(Event::NetworkHinted);
        for _ in 0..60 {
            assert_eq!(page.after(STEP_MS).status(), Status::Online);
        }
        assert!(page.told.is_empty());
    }
}

#[test]
fn a_server_that_is_gone_for_half_a_second_was_not_missed() {
    for has_stream in [true, false] {
        for offset in (0..1_000).step_by(STEP_MS as usize) {
            let mut page = Page::new(has_stream);
            page.after(5_000 + offset).server = Server::Refuses;
            page.after(500).server = Server::Up;
            for _ in 0..60 {
                assert_eq!(page.after(STEP_MS).status(), Status::Online);
            }
            assert!(page.told.is_empty());
        }
    }
}

#[test]
fn a_way_too_slow_for_any_probe_is_back_when_the_stream_ticks() {
    let mut page = Page::new(true);
    page.after(5_000).server = Server::Frozen;
    assert_eq!(page.after(10_000).status(), Status::Offline);
    page.glitches = u32::MAX;
    page.server = Server::Degraded;
    assert_eq!(page.after(3_000).status(), Status::Degraded);
    page.server = Server::Up;
    assert_eq!(page.after(1_000).status(), Status::Online);
    assert_eq!(
        page.told,
        [Transition::Lost, Transition::Degraded, Transition::Recovered]
    );
    assert_eq!(page.readies, 2);
}

#[test]
fn failed_probes_mean_nothing_while_the_stream_ticks() {
    let mut page = Page::new(true);
    page.after(5_000).glitches = 10;
    for _ in 0..10 {
        page.tell(Event::NetworkHinted);
        assert_eq!(page.after(400).status(), Status::Online);
    }
    assert!(page.told.is_empty());
}

#[test]
fn a_database_that_is_gone_is_degraded_not_offline() {
    for has_stream in [true, false] {
        let mut page = Page::new(has_stream);
        page.after(3_000).server = Server::Degraded;
        assert_eq!(page.after(1_500).status(), Status::Degraded);
        assert!(page.connection.next_try().is_some(), "when the server tries again");
        assert_eq!(page.readies, 1);
        page.server = Server::Up;
        assert_eq!(page.after(1_500).status(), Status::Online);
        assert_eq!(page.told, [Transition::Degraded, Transition::Recovered]);
        assert_eq!(page.readies, 2, "queued saves go out");
    }
}

#[test]
fn a_server_that_does_not_say_when_it_tries_again_is_asked_by_the_page() {
    let mut page = Page::new(true);
    page.after(3_000).tell(Event::Told(Report::read("down", "redis", None)));
    assert_eq!(page.status(), Status::Degraded);
    assert!(page.connection.next_try().is_some());
    assert_eq!(page.connection.next_try(), page.connection.next_probe());
}

#[test]
fn an_answered_request_asks_after_a_database_that_was_gone_and_not_after_one_that_was_there() {
    let answered = |page: &mut Page| {
        page.tell(Event::RequestLeft { id: 1 });
        page.tell(Event::RequestAnswered { id: 1 });
        page.probes
    };
    let mut page = Page::new(true);
    assert_eq!(answered(page.after(3_000)), 0);
    page.server = Server::Degraded;
    assert_eq!(answered(page.after(500)), 1);
}

#[test]
fn the_first_tick_after_an_outage_says_nothing_of_the_database() {
    let mut page = Page::new(true);
    page.after(5_000).server = Server::Frozen;
    assert_eq!(page.after(10_000).status(), Status::Offline);
    page.streaming = false;
    page.tell(Event::RequestAnswered { id: 1 });
    page.tell(Event::Ticked);
    assert_eq!((page.status(), page.readies), (Status::Reconnecting, 1));
    page.after(500).tell(Event::Ticked);
    assert_eq!((page.status(), page.readies), (Status::Online, 2), "it goes on");
}

#[test]
fn a_retry_that_was_told_before_an_outage_is_not_the_next_one_after_it() {
    let mut page = Page::new(true);
    page.after(3_000).server = Server::Degraded;
    page.after(500);
    let before = page.connection.next_try();
    assert!(before.is_some_and(|at| at > page.now), "{before:?}");
    page.server = Server::Frozen;
    assert_eq!(page.after(20_000).status(), Status::Offline);
    // The way is too slow for any probe: the stream alone says that it is back.
    page.streaming = false;
    page.tell(Event::Told(Server::Degraded.report()));
    page.after(500).tell(Event::Ticked);
    assert_eq!(page.status(), Status::Degraded);
    let after = page.connection.next_try();
    assert!(after.is_some_and(|at| at > page.now), "{after:?} at {:?}", page.now);
}

#[test]
fn a_slow_database_is_slow_and_saves_all_the_same() {
    let mut page = Page::new(true);
    page.after(3_000).tell(Event::Told(Report::read("slow", "redis", None)));
    assert_eq!((page.status(), page.connection.next_try()), (Status::Slow, None));
    assert_eq!(page.told, [], "it is no outage");
}

#[test]
fn what_the_page_says_of_the_connection_is_told_apart_by_name() {
    let statuses = [
        Status::Online,
        Status::Slow,
        Status::Degraded,
        Status::Reconnecting,
        Status::Offline,
    ];
    let names: std::collections::BTreeSet<_> = statuses.map(Status::name).into();
    assert_eq!(names.len(), statuses.len(), "{names:?}");
}

#[test]
fn drafts_kept_elsewhere_are_told_apart_and_stop_no_save() {
    let mut page = Page::new(true);
    page.after(3_000).server = Server::Spilling;
    assert_eq!(page.after(500).status(), Status::Degraded);
    assert_eq!(
        page.connection
            .report()
            .map(|report| (report.drafts, report.can_save())),
        Some((DraftStore::Spill, true))
    );
    assert_eq!(page.connection.next_try(), None, "there is nothing to wait for");
    page.server = Server::Up;
    assert_eq!(page.after(500).status(), Status::Online);
    assert_eq!(
        page.told,
        [Transition::DraftsElsewhere(DraftStore::Spill), Transition::DraftsBack]
    );
    assert_eq!(page.readies, 1, "saves went on");
}

#[test]
fn late_answers_and_a_request_that_hangs_are_slow() {
    let mut page = Page::new(false);
    page.server = Server::Late;
    assert_eq!(page.after(4_000).status(), Status::Slow);
    page.server = Server::Up;
    assert_eq!(page.after(2_000).status(), Status::Online);
    page.tell(Event::RequestLeft { id: 1 });
    assert_eq!(page.after(3_000).status(), Status::Slow);
    page.tell(Event::RequestAnswered { id: 1 });
    assert_eq!(page.after(1_500).status(), Status::Online, "a quick probe ends it");
}

#[test]
fn a_page_wakes_when_its_request_becomes_slow_and_once() {
    let mut page = Page::new(true);
    page.tell(Event::PageHidden);
    page.tell(Event::RequestLeft { id: 1 });
    assert_eq!(page.connection.next_wake(page.now), Some(page.now + SLOW_REQUEST));
    page.now = page.now + SLOW_REQUEST;
    assert_eq!(page.status(), Status::Slow);
    assert_eq!(page.connection.next_wake(page.now), None);
}

#[test]
fn a_request_that_took_long_is_slow_until_a_quick_answer_though_the_stream_ticks() {
    let mut page = Page::new(true);
    page.after(2_000).server = Server::Late;
    page.tell(Event::RequestLeft { id: 1 });
    page.after(2_500).tell(Event::RequestAnswered { id: 1 });
    assert_eq!(page.after(10_000).status(), Status::Slow);
    page.server = Server::Up;
    assert_eq!(page.after(2_000).status(), Status::Online);
    let probes = page.probes;
    page.after(10_000);
    assert_eq!(page.probes, probes, "quick again: nothing is asked");
}

#[test]
fn after_a_slow_answer_the_page_asks_again_in_a_second_and_after_a_quick_one_once_the_stream_is_silent() {
    let next_after = |took| {
        let mut page = Page::new(true);
        page.after(2_500).tell(Event::NetworkHinted);
        page.probe_left = None;
        let report = Report::ALL_UP;
        page.tell(Event::ProbeAnswered { took, report });
        let next = page.connection.next_probe().expect("a probe");
        next.since(page.now)
    };
    assert_eq!(next_after(SLOW_PROBE), PROBE_EVERY);
    let since_the_tick = Duration::from_millis(500);
    assert_eq!(next_after(Duration::ZERO), SILENCE - since_the_tick);
}

#[test]
fn what_the_browser_believes_changes_nothing_while_requests_succeed() {
    let mut page = Page::new(true);
    page.after(2_000).tell(Event::NetworkHinted);
    assert_eq!(page.after(1_000).status(), Status::Online);
    assert_eq!(
        (page.probes, page.streams),
        (1, 0),
        "asked once, and the stream goes on"
    );
}

#[test]
fn a_hidden_page_does_not_probe_and_asks_once_when_it_is_shown() {
    let mut page = Page::new(true);
    page.after(2_000).tell(Event::PageHidden);
    page.server = Server::Refuses;
    page.after(60_000);
    assert_eq!(page.connection.next_probe(), None);
    assert_eq!(
        page.connection.next_wake(page.now),
        None,
        "nothing waits for time to pass"
    );
    page.tell(Event::PageShown);
    assert!(page.probe_left.is_some());
    assert_eq!(page.after(1_000).status(), Status::Offline);
}

#[test]
fn somebody_who_cannot_wait_sees_that_a_try_is_under_way() {
    let mut page = Page::new(true);
    page.server = Server::Frozen;
    page.after(6_000);
    page.tell(Event::RetryPressed);
    assert_eq!(page.status(), Status::Reconnecting);
    assert_eq!(page.after(2_000).status(), Status::Offline);
}

proptest! {
    #[test]
    fn three_seconds_after_any_change_the_status_is_right(
        changes in proptest::collection::vec((0..6_u8, 1..200_u64), 1..12),
        has_stream: bool,
    ) {
        let mut page = Page::new(has_stream);
        for (server, steps) in changes {
            page.server = [
                Server::Up, Server::Degraded, Server::Spilling, Server::Late, Server::Refuses, Server::Frozen,
            ][server as usize];
            page.after(steps * STEP_MS);
            if steps * STEP_MS >= 3_000 {
                let right = match page.server {
                    Server::Up => [Status::Online, Status::Online],
                    Server::Degraded | Server::Spilling => [Status::Degraded, Status::Degraded],
                    // With a stream, being late is seen by requests.
                    Server::Late if has_stream => [Status::Slow, Status::Online],
                    Server::Late => [Status::Slow, Status::Reconnecting],
                    Server::Refuses | Server::Frozen => [Status::Offline, Status::Offline],
                };
                prop_assert!(right.contains(&page.status()), "{:?} is {:?}", page.server, page.status());
            }
        }
    }
}
