//! Outages on purpose, on a running system: one at a time, for a bounded time, with a report of what
//! people met meanwhile, and a look whether anything was lost.

mod check;
mod ledger;
mod own_saves;
mod witness;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::monitoring::model::{DrillCheck, DrillKind, DrillReport, DrillsView, OwnSaves, RunningDrill};
use resilient_db::{Fault, Faults};
use tokio::time::Instant;

use self::check::{Check, Found};
pub use self::ledger::Ledger;
use self::own_saves::OwnLoad;
pub use self::witness::{DatabaseWitness, Witness};
use super::Observations;
use super::traffic::Totals;
use crate::clock::now_ms;

/// How much later everything is answered in a slow drill: longer than a probe waits, well within the
/// deadlines.
const SLOW: Duration = Duration::from_millis(1_500);
/// Reports kept.
const AT_MOST: usize = 20;
/// A server may still do what it was sent before its client was gone; longer than any call takes.
const LATEST_COMMIT: Duration = Duration::from_secs(5);
/// So often what a drill has left is tried to be forgotten. What stays goes with the other old ids.
const FORGETTING_TRIES: usize = 100;
/// Whoever follows a drill asks every half second, and may have to wait for an answer.
const UNASKED_FOR: Duration = Duration::from_secs(15);

pub struct Drills {
    faults: Faults,
    witness: Arc<dyn Witness>,
    observations: Arc<Observations>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// So many were started: what a drill is known by.
    started: u64,
    /// The latest is the last.
    reports: VecDeque<DrillReport>,
}

struct Running {
    drill: RunningDrill,
    started_at_ms: u64,
    before: Counts,
    load: Arc<OwnLoad>,
    /// Somebody wanted to know how far it is.
    asked_at: Instant,
}

/// What a report is the difference of.
struct Counts {
    requests: Totals,
    saves: Vec<(&'static str, u64)>,
}

/// Where a drill stands.
pub enum DrillState {
    Running(RunningDrill),
    /// Over; whether it has been checked stands in it.
    Over(Box<DrillReport>),
}

impl Drills {
    pub fn new(faults: Faults, witness: Arc<dyn Witness>, observations: Arc<Observations>) -> Self {
        Self {
            faults,
            witness,
            observations,
            state: Mutex::default(),
        }
    }

    /// Ends what runs, and begins this one; it ends by itself. Its number.
    pub fn start(self: &Arc<Self>, kind: DrillKind, lasting: Duration, account: &str) -> u64 {
        // Held until the fault is in force: of two who start at once, one comes after the other.
        let mut state = self.state();
        self.stop_in(&mut state, account);
        tracing::warn!(
            account,
            kind = kind.word(),
            seconds = lasting.as_secs(),
            "a drill begins"
        );
        state.started += 1;
        let number = state.started;
        let load = OwnLoad::new(Arc::clone(&self.witness));
        self.observations.saves.drill.open_anew();
        let before = self.counts(self.observations.traffic.watch_anew());
        self.faults.inject(fault(kind), lasting);
        state.running = Some(Running {
            drill: RunningDrill {
                number,
                kind,
                by: account.to_owned(),
                lasting_ms: lasting.as_millis() as u64,
                remaining_ms: lasting.as_millis() as u64,
            },
            started_at_ms: now_ms(),
            before,
            load: Arc::clone(&load),
            asked_at: Instant::now(),
        });
        drop(state);
        // Where nobody can save there is nothing to try.
        if self.witness.can_look() {
            tokio::spawn(load.run());
        }
        let drills = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(lasting).await;
            drills.time_is_up(number);
        });
        number
    }

    /// The same for somebody who follows it, and of whom it may not be known that they are gone: it ends as well when
    /// nobody asks for it any more.
    pub fn start_followed(self: &Arc<Self>, kind: DrillKind, lasting: Duration, account: &str) -> u64 {
        let number = self.start(kind, lasting, account);
        let drills = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(asked_at) = drills.asked_at(number) {
                if asked_at.elapsed() >= UNASKED_FOR {
                    tracing::warn!(drill = number, "nobody asks for this drill any more");
                    drills.time_is_up(number);
                    return;
                }
                tokio::time::sleep_until(asked_at + UNASKED_FOR).await;
            }
        });
        number
    }

    /// Of the one that runs.
    fn asked_at(&self, number: u64) -> Option<Instant> {
        let state = self.state();
        let running = state.running.as_ref().filter(|running| running.drill.number == number);
        running.map(|running| running.asked_at)
    }

    /// Ends the drill of this number, unless it was stopped before: by now another may run.
    fn time_is_up(self: &Arc<Self>, number: u64) {
        let mut state = self.state();
        if state
            .running
            .as_ref()
            .is_some_and(|running| running.drill.number == number)
        {
            self.end(&mut state);
        }
    }

    /// Ends what runs, now.
    pub fn stop(self: &Arc<Self>, account: &str) {
        self.stop_in(&mut self.state(), account);
    }

    /// Ends this one, if it is the one that runs. Whether there ever was one of this number.
    pub fn stop_this(self: &Arc<Self>, number: u64, account: &str) -> bool {
        let mut state = self.state();
        if state
            .running
            .as_ref()
            .is_some_and(|running| running.drill.number == number)
        {
            self.stop_in(&mut state, account);
        }
        (1..=state.started).contains(&number)
    }

    fn stop_in(self: &Arc<Self>, state: &mut State, account: &str) {
        // Whatever is known of a drill: after a press of Stop no fault is in force.
        self.faults.stop();
        if state.running.is_some() {
            tracing::info!(account, "a drill is stopped");
            self.end(state);
        }
    }

    /// What runs is over, and is checked from here on.
    fn end(self: &Arc<Self>, state: &mut State) {
        let Some(running) = state.running.take() else { return };
        self.faults.stop();
        running.load.stop();
        self.observations.saves.drill.fault_ended();
        let report = self.report(&running);
        tracing::warn!(
            kind = report.kind.word(),
            lasted_ms = report.lasted_ms,
            answered = report.answered,
            late = report.late,
            saves = ?report.saves,
            "a drill is over"
        );
        if state.reports.len() == AT_MOST {
            state.reports.pop_front();
        }
        state.reports.push_back(report);
        let drills = Arc::clone(self);
        tokio::spawn(async move { drills.check(running).await });
    }

    fn report(&self, running: &Running) -> DrillReport {
        let counts = self.counts(self.observations.traffic.totals());
        let (now, before) = (&counts.requests, &running.before.requests);
        let struck = self.faults.struck();
        let earlier = |outcome| {
            let found = running.before.saves.iter().find(|(known, _)| *known == outcome);
            found.map_or(0, |(_, count)| *count)
        };
        let saves = counts
            .saves
            .iter()
            .map(|(outcome, count)| (*outcome, count - earlier(*outcome)));
        DrillReport {
            number: running.drill.number,
            kind: running.drill.kind,
            by: running.drill.by.clone(),
            started_at_ms: running.started_at_ms,
            lasted_ms: now_ms().saturating_sub(running.started_at_ms),
            answered: now.answered - before.answered,
            by_status: std::array::from_fn(|class| now.by_status[class] - before.by_status[class]),
            late: now.late - before.late,
            slowest_ms: now.slowest.as_millis() as u64,
            struck: struck.attempts,
            commits_cut: struck.commits,
            saves: saves.filter(|(_, count)| *count > 0).collect(),
            slowest_kept_ms: None,
            own: OwnSaves::default(),
            still_waiting: 0,
            took_changes_after_ms: None,
            check: DrillCheck::UnderWay,
        }
    }

    async fn check(self: Arc<Self>, running: Running) {
        let number = running.drill.number;
        let saves = Arc::clone(&self.observations.saves);
        let is_overtaken = || self.state().started != number;
        let check = Check {
            witness: &*self.witness,
            load: &running.load,
            ledger: &saves.drill,
            saves: &saves,
            started_at_ms: running.started_at_ms,
            is_overtaken: &is_overtaken,
        };
        let found = check.run().await;
        // Before it is told: whoever looks afterwards finds nothing of the drill's.
        if self.witness.can_look() {
            self.witness.forget(&running.load.account).await;
        }
        self.note_found(&running, found);
        // But what a COMMIT has left that was still under way, and was given up; and then the next drill may be in force.
        for _ in 0..FORGETTING_TRIES {
            tokio::time::sleep(LATEST_COMMIT).await;
            if self.witness.can_look() && self.witness.forget(&running.load.account).await {
                return;
            }
        }
    }

    fn note_found(&self, running: &Running, found: Found) {
        let number = running.drill.number;
        let mut state = self.state();
        if state.started == number {
            self.observations.saves.drill.close();
        }
        let Some(report) = state.reports.iter_mut().find(|report| report.number == number) else {
            return;
        };
        let milliseconds = |span: Duration| span.as_millis() as u64;
        report.own = running.load.seen().numbers();
        report.took_changes_after_ms = found.took_changes_after.map(milliseconds);
        report.slowest_kept_ms = found.slowest_kept.map(milliseconds);
        report.check = found.check;
        tracing::warn!(drill = number, verdict = report.verdict().word(), check = ?report.check, "a drill is checked");
    }

    pub fn view(&self) -> DrillsView {
        let state = self.state();
        DrillsView {
            running: state.running.as_ref().map(as_of_now),
            last: state.reports.back().map(|report| self.with_waiting(report)),
        }
    }

    /// `None` where there was none of this number, or its report is forgotten.
    pub fn find(&self, number: u64) -> Option<DrillState> {
        let mut state = self.state();
        let running = state.running.as_mut().filter(|running| running.drill.number == number);
        if let Some(running) = running {
            running.asked_at = Instant::now();
            return Some(DrillState::Running(as_of_now(running)));
        }
        let report = state.reports.iter().find(|report| report.number == number)?;
        Some(DrillState::Over(Box::new(self.with_waiting(report))))
    }

    fn with_waiting(&self, report: &DrillReport) -> DrillReport {
        DrillReport {
            still_waiting: self.observations.saves.waiting_since(report.started_at_ms),
            ..report.clone()
        }
    }

    fn counts(&self, requests: Totals) -> Counts {
        let saves = self.observations.saves.by_outcome();
        Counts { requests, saves }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_of_now(running: &Running) -> RunningDrill {
    RunningDrill {
        remaining_ms: (running.started_at_ms + running.drill.lasting_ms).saturating_sub(now_ms()),
        ..running.drill.clone()
    }
}

fn fault(kind: DrillKind) -> Fault {
    match kind {
        DrillKind::Refuse => Fault::Refuse,
        DrillKind::Hang => Fault::Hang,
        DrillKind::Slow => Fault::Slow(SLOW),
        DrillKind::Deadlock => Fault::Deadlock,
        DrillKind::Kill => Fault::Kill,
        DrillKind::ReadOnly => Fault::ReadOnly,
        DrillKind::Full => Fault::Full,
    }
}

#[cfg(test)]
mod tests;
