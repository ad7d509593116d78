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
    last: Option<DrillReport>,
}

struct Running {
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
        self.stop(account);
        tracing::warn!(
            account,
            kind = kind.word(),
            seconds = lasting.as_secs(),
            "a drill begins"
        );
        let started_at_ms = now_ms();
        let running = Running {
            drill: RunningDrill {
                kind,
                by: account.to_owned(),
                lasting_ms: lasting.as_millis() as u64,
                remaining_ms: lasting.as_millis() as u64,
            },
            started_at_ms,
            before: self.counts(self.observations.traffic.watch_anew()),
        };
        self.state().running = Some(running);
        self.faults.inject(fault(kind), lasting);
        let drills = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(lasting).await;
            drills.end(started_at_ms);
        });
    }

    /// Ends what runs, now.
    pub fn stop(&self, account: &str) {
        let Some(started_at_ms) = self.state().running.as_ref().map(|running| running.started_at_ms) else {
            return;
        };
        tracing::info!(account, "a drill is stopped");
        self.faults.stop();
        self.end(started_at_ms);
    }

    /// The drill that began then is over.
    fn end(&self, started_at_ms: u64) {
        let counts = self.counts(self.observations.traffic.totals());
        let mut state = self.state();
        let Some(running) = state.running.take_if(|running| running.started_at_ms == started_at_ms) else {
            return;
        };
        let Counts { requests, saved, kept } = running.before;
        let report = DrillReport {
            kind: running.drill.kind,
            by: running.drill.by,
            started_at_ms,
            lasted_ms: now_ms().saturating_sub(started_at_ms),
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
