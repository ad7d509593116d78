//! The machine: what is known of the way to the server.

use std::time::Duration;

use super::{
    Database, DraftStore, Effect, Event, PROBE_EVERY, PROBE_LIMIT, Report, SILENCE, SLOW_PROBE, SLOW_REQUEST, Status,
    Transition,
};
use crate::backoff::{Backoff, Jitter};
use crate::collections::BTreeMap;
use crate::time::{Moment, share};

/// In an outage the next probe comes this much later at most: pages do not return all at once.
const OUTAGE_SPREAD: Duration = Duration::from_millis(800);
/// A stream that is refused is begun again after this, then twice as long, up to the most.
const STREAM_PAUSE: Backoff = Backoff {
    base: Duration::from_millis(1_500),
    cap: Duration::from_secs(30),
    jitter: Jitter::None,
};

/// What the last answers said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// `failures`: probes that failed since (0 or 1).
    Reached { report: Report, slow: bool, failures: u8 },
    /// Two probes failed.
    Lost,
    /// Lost, and one answer has come since, or somebody asked to try now.
    ComingBack { answered: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    knowledge: Knowledge,
    visible: bool,
    /// When the probe that is under way left.
    probing: Option<Moment>,
    next_probe: Moment,
    /// When the stream last said something; `None` where it is known to have ended.
    heard: Option<Moment>,
    /// What it last said of the server.
    told: Report,
    /// Not before then is a silent stream begun again, after so many times in vain.
    next_stream: Moment,
    begun_in_vain: u32,
    /// When the server tries its database again.
    retry_at: Option<Moment>,
    /// The page's own requests without an answer.
    requests: BTreeMap<u32, Moment>,
    /// Queued work was told that the server is ready.
    told_ready: bool,
}

impl Connection {
    /// Just after the page was loaded: the server has answered, or there would be no page. A stream is
    /// being begun.
    pub fn new(now: Moment) -> Self {
        let knowledge = Knowledge::Reached {
            report: Report::ALL_UP,
            slow: false,
            failures: 0,
        };
        Self {
            knowledge,
            visible: true,
            probing: None,
            next_probe: now + SILENCE,
            heard: Some(now),
            told: Report::ALL_UP,
            next_stream: now,
            begun_in_vain: 0,
            retry_at: None,
            requests: BTreeMap::new(),
            told_ready: false,
        }
    }

    /// The next state and what is to be done. `random` is uniform over its type.
    pub fn handle(mut self, event: Event, now: Moment, random: u64) -> (Self, Vec<Effect>) {
        let before = self.knowledge;
        let says_all = matches!(event, Event::ProbeAnswered { .. } | Event::Told(_));
        let mut effects = Vec::new();
        match event {
            Event::ProbeAnswered { took, report } => {
                self.probing = None;
                self.answered(report, took >= SLOW_PROBE, now);
                effects.extend(self.begin_stream(now));
            }
            Event::ProbeFailed => {
                let left = self.probing.take().unwrap_or(now);
                self.failed(left, now, random);
            }
            Event::Told(report) => self.told(report, now),
            Event::Ticked => self.heard_the_stream(now),
            Event::StreamEnded => {
                self.heard = None;
                self.next_probe = now;
            }
            Event::RequestLeft { id } => drop(self.requests.insert(id, now)),
            Event::RequestAnswered { id } => {
                let left = self.requests.remove(&id);
                self.heard_of_the_server(now);
                self.was_slow(left.is_some_and(|left| now.since(left) >= SLOW_REQUEST), now);
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
        let is_back = !matches!(before, Knowledge::Reached { .. });
        self.order(before, says_all || is_back, now, &mut effects);
        (self, effects)
    }

    pub fn status(&self, now: Moment) -> Status {
        let waits_long = self.requests.values().any(|left| now.since(*left) >= SLOW_REQUEST);
        match self.knowledge {
            Knowledge::Reached { report, .. } if !report.can_save() || report.drafts != DraftStore::InPlace => {
                Status::Degraded
            }
            Knowledge::Reached { report, slow, .. } if slow || waits_long || report.database == Database::Slow => {
                Status::Slow
            }
            Knowledge::Reached { .. } => Status::Online,
            Knowledge::ComingBack { .. } => Status::Reconnecting,
            Knowledge::Lost => Status::Offline,
        }
    }

    /// What the server last said of itself, while it can be reached.
    pub fn report(&self) -> Option<Report> {
        match self.knowledge {
            Knowledge::Reached { report, .. } => Some(report),
            _ => None,
        }
    }

    /// When the next attempt comes that could end the trouble: the server's own, or this page's.
    pub fn next_try(&self) -> Option<Moment> {
        match self.report() {
            Some(report) if report.can_save() => None,
            Some(_) if self.retry_at.is_some() => self.retry_at,
            _ => self.next_probe(),
        }
    }

    /// When the next probe leaves; `None`: one is under way, or the page is hidden.
    pub fn next_probe(&self) -> Option<Moment> {
        (self.visible && self.probing.is_none()).then_some(self.next_probe)
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

    /// Whether the stream has said something lately.
    pub fn hears_the_stream(&self, now: Moment) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) < SILENCE)
    }

    fn answered(&mut self, report: Report, slow: bool, now: Moment) {
        let quiet_until = self.heard.filter(|_| self.hears_the_stream(now) && !slow);
        self.next_probe = quiet_until.map_or(now + PROBE_EVERY, |heard| heard + SILENCE);
        self.retry_at = report.retry_after.map(|wait| now + wait);
        self.knowledge = match self.knowledge {
            Knowledge::Lost | Knowledge::ComingBack { answered: false } => {
                self.next_probe = now;
                Knowledge::ComingBack { answered: true }
            }
            Knowledge::ComingBack { answered: true } | Knowledge::Reached { .. } => Knowledge::Reached {
                report,
                slow,
                failures: 0,
            },
        };
    }

    /// The way is there and the stream is not: this page's, or the one another tab reads for it.
    fn begin_stream(&mut self, now: Moment) -> Option<Effect> {
        let reached = matches!(self.knowledge, Knowledge::Reached { .. });
        if !reached || self.hears_the_stream(now) || self.next_stream > now {
            return None;
        }
        self.begun_in_vain = self.begun_in_vain.saturating_add(1);
        self.next_stream = now + STREAM_PAUSE.ceiling(self.begun_in_vain);
        Some(Effect::BeginStream)
    }

    fn told(&mut self, told: Report, now: Moment) {
        self.told = told;
        self.heard_the_stream(now);
        // Also where it counts only with the next tick.
        self.retry_at = told.retry_after.map(|wait| now + wait);
        if let Knowledge::Reached { report, .. } = &mut self.knowledge {
            *report = told;
        }
    }

    fn heard_the_stream(&mut self, now: Moment) {
        let goes_on = self.hears_the_stream(now);
        self.heard = Some(now);
        self.next_stream = now;
        self.begun_in_vain = 0;
        match &mut self.knowledge {
            Knowledge::Reached { failures, slow, .. } => {
                *failures = 0;
                if !*slow {
                    self.next_probe = now + SILENCE;
                }
            }
            // It ticks: on a way so slow that no probe is in time, that has to do.
            Knowledge::ComingBack { answered: true } if goes_on => {
                self.next_probe = now + SILENCE;
                self.knowledge = Knowledge::Reached {
                    report: self.told,
                    slow: false,
                    failures: 0,
                };
            }
            Knowledge::Lost | Knowledge::ComingBack { .. } => self.heard_of_the_server(now),
        }
    }

    /// An answer to something else proves the way, and says nothing of the database.
    fn heard_of_the_server(&mut self, now: Moment) {
        match &mut self.knowledge {
            Knowledge::Reached { failures, report, .. } => {
                *failures = 0;
                if !report.can_save() {
                    self.next_probe = now;
                }
            }
            Knowledge::Lost | Knowledge::ComingBack { .. } => {
                self.knowledge = Knowledge::ComingBack { answered: true };
                self.next_probe = now;
            }
        }
    }

    /// Until a probe is quick again.
    fn was_slow(&mut self, was_slow: bool, now: Moment) {
        if let (true, Knowledge::Reached { slow, .. }) = (was_slow, &mut self.knowledge) {
            *slow = true;
            self.next_probe = now;
        }
    }

    fn failed(&mut self, left: Moment, now: Moment, random: u64) {
        if let Some(heard) = self.heard.filter(|_| self.hears_the_stream(now)) {
            // The stream goes on: whatever went wrong with the probe, the way is there.
            self.next_probe = heard + SILENCE;
            return;
        }
        let spread = share(OUTAGE_SPREAD, random as f64 / u64::MAX as f64);
        self.next_probe = now + PROBE_EVERY + spread;
        self.knowledge = match self.knowledge {
            Knowledge::Reached {
                report,
                slow,
                failures: 0,
            } => {
                // A refusal comes at once: a server that is back in a moment is not missed.
                self.next_probe = now.max(left + PROBE_LIMIT);
                Knowledge::Reached {
                    report,
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

    fn order(&mut self, before: Knowledge, proven: bool, now: Moment, effects: &mut Vec<Effect>) {
        if self.visible && self.probing.is_none() && self.next_probe <= now {
            self.probing = Some(now);
            effects.push(Effect::Probe);
        }
        let can_save = self.report().is_some_and(|report| report.can_save());
        if !can_save {
            self.told_ready = false;
        } else if !self.told_ready && proven {
            self.told_ready = true;
            effects.push(Effect::ServerReady);
        }
        effects.extend(transition(before, self.knowledge).map(Effect::Announce));
    }
}

/// Told once each way: from when two probes failed to when the way is proven again.
fn transition(before: Knowledge, after: Knowledge) -> Option<Transition> {
    use Knowledge::{ComingBack, Lost, Reached};
    match (before, after) {
        (Reached { .. }, Lost) => Some(Transition::Lost),
        (ComingBack { .. }, Reached { report, .. }) if report.can_save() => Some(Transition::Back),
        (ComingBack { .. }, Reached { .. }) => Some(Transition::Degraded),
        (Reached { report: before, .. }, Reached { report: after, .. }) => {
            match (before.can_save(), after.can_save()) {
                (true, false) => Some(Transition::Degraded),
                (false, true) => Some(Transition::Recovered),
                _ if before.drafts == after.drafts => None,
                _ if after.drafts == DraftStore::InPlace => Some(Transition::DraftsBack),
                _ => Some(Transition::DraftsElsewhere(after.drafts)),
            }
        }
        _ => None,
    }
}
