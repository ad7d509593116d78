//! Outages on purpose, on a running system: one at a time, for a bounded time, with a report of what
//! people met meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::monitoring::model::{DrillKind, DrillReport, DrillsView, RunningDrill};
use resilient_core::submission::answer::Outcome;
use resilient_db::{Fault, Faults};

use super::Observations;
use super::traffic::Totals;
use crate::clock::now_ms;

/// How much later everything is answered in a slow drill: longer than a probe waits, well within the
/// deadlines.
const SLOW: Duration = Duration::from_millis(1_500);

pub struct Drills {
    faults: Faults,
    observations: Arc<Observations>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// So many were started: what a drill is known by.
    started: u64,
    last: Option<DrillReport>,
}

struct Running {
    number: u64,
    drill: RunningDrill,
    started_at_ms: u64,
    before: Counts,
}

/// What a report is the difference of.
#[derive(Clone, Copy)]
struct Counts {
    requests: Totals,
    saved: u64,
    kept: u64,
}

impl Drills {
    pub fn new(faults: Faults, observations: Arc<Observations>) -> Self {
        Self {
            faults,
            observations,
            state: Mutex::default(),
        }
    }

    /// Ends what runs, and begins this one; it ends by itself.
    pub fn start(self: &Arc<Self>, kind: DrillKind, lasting: Duration, account: &str) {
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
        state.running = Some(Running {
            number,
            drill: RunningDrill {
                kind,
                by: account.to_owned(),
                lasting_ms: lasting.as_millis() as u64,
                remaining_ms: lasting.as_millis() as u64,
            },
            started_at_ms: now_ms(),
            before: self.counts(self.observations.traffic.watch_anew()),
        });
        self.faults.inject(fault(kind), lasting);
        drop(state);
        let drills = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(lasting).await;
            drills.time_is_up(number);
        });
    }

    /// Ends the drill of this number, unless it was stopped before: by now another may run.
    fn time_is_up(&self, number: u64) {
        let mut state = self.state();
        if state.running.as_ref().is_some_and(|running| running.number == number) {
            self.end(&mut state);
        }
    }

    /// Ends what runs, now.
    pub fn stop(&self, account: &str) {
        self.stop_in(&mut self.state(), account);
    }

    fn stop_in(&self, state: &mut State, account: &str) {
        // Whatever is known of a drill: after a press of Stop no fault is in force.
        self.faults.stop();
        if state.running.is_some() {
            tracing::info!(account, "a drill is stopped");
            self.end(state);
        }
    }

    /// What runs is over.
    fn end(&self, state: &mut State) {
        let Some(running) = state.running.take() else { return };
        let counts = self.counts(self.observations.traffic.totals());
        let Counts { requests, saved, kept } = running.before;
        let report = DrillReport {
            kind: running.drill.kind,
            by: running.drill.by,
            started_at_ms: running.started_at_ms,
            lasted_ms: now_ms().saturating_sub(running.started_at_ms),
            answered: counts.requests.answered - requests.answered,
            late: counts.requests.late - requests.late,
            slowest_ms: counts.requests.slowest.as_millis() as u64,
            saved: counts.saved - saved,
            kept: counts.kept - kept,
            still_waiting: 0,
        };
        tracing::warn!(
            kind = report.kind.word(),
            lasted_ms = report.lasted_ms,
            answered = report.answered,
            late = report.late,
            saved = report.saved,
            kept = report.kept,
            "a drill is over"
        );
        state.last = Some(report);
    }

    pub fn view(&self) -> DrillsView {
        let state = self.state();
        let running = state.running.as_ref().map(|running| RunningDrill {
            remaining_ms: (running.started_at_ms + running.drill.lasting_ms).saturating_sub(now_ms()),
            ..running.drill.clone()
        });
        let last = state.last.clone().map(|report| DrillReport {
            still_waiting: self.observations.saves.waiting_since(report.started_at_ms),
            ..report
        });
        DrillsView { running, last }
    }

    fn counts(&self, requests: Totals) -> Counts {
        let saves = &self.observations.saves;
        Counts {
            requests,
            saved: saves.count(Outcome::Saved),
            kept: saves.count(Outcome::Kept),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(kind: DrillKind) -> Fault {
    match kind {
        DrillKind::Refuse => Fault::Refuse,
        DrillKind::Hang => Fault::Hang,
        DrillKind::Slow => Fault::Slow(SLOW),
        DrillKind::Deadlock => Fault::Deadlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_clock_of_an_earlier_drill_does_not_end_a_later_one() {
        let faults = Faults::default();
        let drills = Arc::new(Drills::new(faults.clone(), Arc::default()));
        // Within one millisecond of the wall clock, which does not tell them apart.
        drills.start(DrillKind::Refuse, MINUTE, "mira");
        drills.start(DrillKind::Hang, 2 * MINUTE, "noor");
        drills.time_is_up(1);
        let running = drills.view().running.map(|running| (running.kind, running.by));
        assert_eq!(running, Some((DrillKind::Hang, "noor".to_owned())));
        drills.time_is_up(2);
        assert_eq!(drills.view().running.map(|running| running.by), None);
        assert_eq!(drills.view().last.map(|last| last.kind), Some(DrillKind::Hang));
    }

    #[tokio::test]
    async fn after_stop_no_fault_is_in_force_whoever_began_it() {
        let faults = Faults::default();
        let drills = Arc::new(Drills::new(faults.clone(), Arc::default()));
        drills.start(DrillKind::Refuse, MINUTE, "mira");
        assert!(faults.current().is_some());
        drills.stop("mira");
        assert_eq!(faults.current(), None);
        faults.inject(Fault::Hang, MINUTE);
        drills.stop("mira");
        assert_eq!(faults.current(), None);
    }
}
