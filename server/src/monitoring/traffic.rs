//! Requests by route, since the start. Routes are the templates of the route table, so their number
//! is bounded whatever is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::monitoring::model::RouteNumbers;
use resilient_core::latency::Latency;

use super::recording::Recording;

/// Every request is to be answered within this.
pub const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Traffic {
    recording: Arc<Recording>,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    routes: BTreeMap<(String, &'static str), Route>,
    totals: Totals,
}

#[derive(Debug, Default)]
struct Route {
    failed: u64,
    count: u64,
    latency: Latency,
}

/// All routes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub answered: u64,
    /// By the first digit of the status, from 1.
    pub by_status: [u64; 5],
    /// Of these, after [`DEADLINE`].
    pub late: u64,
    /// The longest since [`Traffic::watch_anew`].
    pub slowest: Duration,
}

impl Traffic {
    pub fn new(recording: Arc<Recording>) -> Self {
        Self {
            recording,
            counted: Mutex::default(),
        }
    }

    /// The totals are counted whatever the switch says: a drill's report is the difference of two.
    pub fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let mut counted = self.counted();
        counted.totals.answered += 1;
        let class = usize::from(status / 100).clamp(1, 5);
        counted.totals.by_status[class - 1] += 1;
        counted.totals.late += u64::from(took > DEADLINE);
        counted.totals.slowest = counted.totals.slowest.max(took);
        if !self.recording.is_on() {
            return;
        }
        let route = counted.routes.entry((route.to_owned(), method)).or_default();
        route.count += 1;
        route.failed += u64::from(status >= 500);
        route.latency.record(took);
    }

    pub fn totals(&self) -> Totals {
        self.counted().totals
    }

    /// The totals now; from here on the slowest is sought anew.
    pub fn watch_anew(&self) -> Totals {
        let mut counted = self.counted();
        counted.totals.slowest = Duration::ZERO;
        counted.totals
    }

    /// The most asked for first.
    pub fn routes(&self) -> Vec<RouteNumbers> {
        let counted = self.counted();
        let numbers = counted.routes.iter().map(|((route, method), numbers)| {
            let milliseconds = |part| numbers.latency.quantile(part).as_micros().div_ceil(1_000) as u64;
            RouteNumbers {
                route: route.clone(),
                method,
                count: numbers.count,
                failed: numbers.failed,
                p50_ms: milliseconds(0.5),
                p95_ms: milliseconds(0.95),
                p99_ms: milliseconds(0.99),
            }
        });
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_by_key(|route| std::cmp::Reverse(route.count));
        numbers
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
