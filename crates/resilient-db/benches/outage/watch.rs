//! What the library tells of itself while the load runs.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resilient_db::breaker::{State, Transition};
use resilient_db::failure::Kind;
use resilient_db::{CallEnded, Ending, Observer, ProbeReport, Role};

#[derive(Debug, Default)]
pub struct Watch {
    calls: Mutex<Vec<Call>>,
    changes: Mutex<Vec<Change>>,
    pub probes: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
pub struct Call {
    role: Role,
    began: Instant,
    took: Duration,
    attempts: u32,
    refused_by_breaker: bool,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    role: Role,
    at: Instant,
    open: bool,
}

impl Observer for Watch {
    fn call_ended(&self, call: &CallEnded) {
        let refused = |failed: &Ending| matches!(failed, Ending::Failed(error) if error.class.kind != Kind::Busy);
        locked(&self.calls).push(Call {
            role: call.role,
            began: Instant::now() - call.took,
            took: call.took,
            attempts: call.attempts,
            refused_by_breaker: call.attempts == 0 && refused(&call.ending),
        });
    }

    fn breaker_changed(&self, role: Role, change: &Transition, _cause: Option<&sqlx::Error>) {
        locked(&self.changes).push(Change {
            role,
            at: Instant::now(),
            open: change.to != State::Closed,
        });
    }

    fn probed(&self, _probe: &ProbeReport) {
        self.probes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Watch {
    /// How long those waited for their refusal who came while the breaker was open.
    pub fn refusals(&self) -> Vec<Duration> {
        let changes = locked(&self.changes);
        let open_at = |role, at| {
            let last = changes.iter().rfind(|change| change.role == role && change.at <= at);
            last.is_some_and(|change| change.open)
        };
        let refused = |call: &&Call| call.refused_by_breaker && open_at(call.role, call.began);
        locked(&self.calls)
            .iter()
            .filter(refused)
            .map(|call| call.took)
            .collect()
    }

    /// Of the calls that began in an outage, refusals included; of changes alone where reading is spared.
    pub fn attempts_per_call(&self, outages: &[Range<Instant>], changes_only: bool) -> f64 {
        let within = |call: &&Call| {
            let counts = call.role == Role::Write || !changes_only;
            counts && outages.iter().any(|outage| outage.contains(&call.began))
        };
        let calls = locked(&self.calls);
        let attempts = calls.iter().filter(within).map(|call| call.attempts);
        let (calls, attempts) = attempts.fold((0, 0), |(calls, all), attempts| (calls + 1, all + attempts));
        f64::from(attempts) / f64::from(calls.max(1))
    }

    /// How often a breaker opened.
    pub fn trips(&self) -> usize {
        let (mut trips, mut open) = (0, [false; 2]);
        for change in locked(&self.changes).iter() {
            let was = &mut open[usize::from(change.role == Role::Write)];
            trips += usize::from(change.open && !*was);
            *was = change.open;
        }
        trips
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
