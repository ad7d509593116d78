//! The machine: what is known of the way to the server.

use std::time::Duration;

use super::{Effect, Event, PROBE_EVERY, SLOW_PROBE, SLOW_REQUEST, Status, Transition};
use crate::collections::BTreeMap;
use crate::time::Moment;

/// In an outage the next probe comes this much later at most: pages do not return all at once.
const OUTAGE_SPREAD: Duration = Duration::from_millis(800);

/// What the last answers said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// `failures`: probes that failed since (0 or 1).
    Reached { ready: bool, slow: bool, failures: u8 },
    /// Two probes failed.
    Lost,
    /// Lost, and one answer has come since, or somebody asked to try now.
    ComingBack { answered: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    knowledge: Knowledge,
    visible: bool,
    probing: bool,
    next_probe: Moment,
    /// The page's own requests without an answer.
    requests: BTreeMap<u32, Moment>,
    /// Queued work was told that the server is ready.
    told_ready: bool,
}

impl Connection {
    /// Just after the page was loaded: the server has answered, or there would be no page.
    pub fn new(now: Moment) -> Self {
        let knowledge = Knowledge::Reached {
            ready: true,
            slow: false,
            failures: 0,
        };
        Self {
            knowledge,
            visible: true,
            probing: false,
            next_probe: now,
            requests: BTreeMap::new(),
            told_ready: false,
        }
    }

    /// The next state and what is to be done. `random` is uniform over its type.
    pub fn handle(mut self, event: Event, now: Moment, random: u64) -> (Self, Vec<Effect>) {
        let before = self.knowledge;
        let proven = matches!(event, Event::ProbeAnswered { .. });
        match event {
            Event::ProbeAnswered { took, ready } => {
                self.probing = false;
                self.next_probe = now + PROBE_EVERY;
                self.answered(ready, took >= SLOW_PROBE, now);
            }
            Event::ProbeFailed => {
                self.probing = false;
                self.failed(now, random);
            }
            Event::RequestLeft { id } => drop(self.requests.insert(id, now)),
            Event::RequestAnswered { id } => {
                self.requests.remove(&id);
                self.heard_of_the_server(now);
            }
            Event::RequestFailed { id } => {
                self.requests.remove(&id);
                self.next_probe = now;
            }
            Event::SaveKept | Event::NetworkHinted => self.next_probe = now,
            Event::PageShown => {
                self.visible = true;
                self.next_probe = now;
            }
            Event::PageHidden => self.visible = false,
            Event::RetryPressed => self.try_now(now),
            Event::Woke => {}
        }
        let effects = self.orders(before, proven, now);
        (self, effects)
    }

    pub fn status(&self, now: Moment) -> Status {
        let waits_long = self.requests.values().any(|left| now.since(*left) >= SLOW_REQUEST);
        match self.knowledge {
            Knowledge::Reached { ready: false, .. } => Status::Degraded,
            Knowledge::Reached { slow, .. } if slow || waits_long => Status::Slow,
            Knowledge::Reached { .. } => Status::Online,
            Knowledge::ComingBack { .. } => Status::Reconnecting,
            Knowledge::Lost => Status::Offline,
        }
    }

    /// When the next probe leaves; `None`: one is under way, or the page is hidden.
    pub fn next_probe(&self) -> Option<Moment> {
        (self.visible && !self.probing).then_some(self.next_probe)
    }

    /// When `Woke` should come.
    pub fn next_wake(&self, now: Moment) -> Option<Moment> {
        let becomes_slow = self
            .requests
            .values()
            .map(|left| *left + SLOW_REQUEST)
            .filter(|at| *at > now);
        self.next_probe().into_iter().chain(becomes_slow).min()
    }

    fn answered(&mut self, ready: bool, slow: bool, now: Moment) {
        self.knowledge = match self.knowledge {
            Knowledge::Lost | Knowledge::ComingBack { answered: false } => {
                self.next_probe = now;
                Knowledge::ComingBack { answered: true }
            }
            Knowledge::ComingBack { answered: true } | Knowledge::Reached { .. } => Knowledge::Reached {
                ready,
                slow,
                failures: 0,
            },
        };
    }

    /// An answer to something else proves the way, and says nothing of the database.
    fn heard_of_the_server(&mut self, now: Moment) {
        match &mut self.knowledge {
            Knowledge::Reached { failures, ready, .. } => {
                *failures = 0;
                if !*ready {
                    self.next_probe = now;
                }
            }
            Knowledge::Lost | Knowledge::ComingBack { .. } => {
                self.knowledge = Knowledge::ComingBack { answered: true };
                self.next_probe = now;
            }
        }
    }

    fn failed(&mut self, now: Moment, random: u64) {
        let spread = OUTAGE_SPREAD.mul_f64(random as f64 / u64::MAX as f64);
        self.next_probe = now + PROBE_EVERY + spread;
        self.knowledge = match self.knowledge {
            Knowledge::Reached {
                ready,
                slow,
                failures: 0,
            } => {
                self.next_probe = now;
                Knowledge::Reached {
                    ready,
                    slow,
                    failures: 1,
                }
            }
            _ => Knowledge::Lost,
        };
    }

    fn try_now(&mut self, now: Moment) {
        self.next_probe = now;
        if self.knowledge == Knowledge::Lost {
            self.knowledge = Knowledge::ComingBack { answered: false };
        }
    }

    fn orders(&mut self, before: Knowledge, proven: bool, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.visible && !self.probing && self.next_probe <= now {
            self.probing = true;
            effects.push(Effect::Probe);
        }
        if !matches!(self.knowledge, Knowledge::Reached { ready: true, .. }) {
            self.told_ready = false;
        } else if !self.told_ready && proven {
            self.told_ready = true;
            effects.push(Effect::ServerReady);
        }
        effects.extend(transition(before, self.knowledge).map(Effect::Announce));
        effects
    }
}

/// Told once each way: from when two probes failed to when the way is proven again.
fn transition(before: Knowledge, after: Knowledge) -> Option<Transition> {
    use Knowledge::{ComingBack, Lost, Reached};
    match (before, after) {
        (Reached { .. }, Lost) => Some(Transition::Lost),
        (ComingBack { .. }, Reached { ready: true, .. }) => Some(Transition::Back),
        (ComingBack { .. } | Reached { ready: true, .. }, Reached { ready: false, .. }) => Some(Transition::Degraded),
        (Reached { ready: false, .. }, Reached { ready: true, .. }) => Some(Transition::Recovered),
        _ => None,
    }
}
