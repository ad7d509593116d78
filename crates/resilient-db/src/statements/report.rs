//! What was counted, as it is told.

use std::sync::Arc;
use std::time::Duration;

use resilient_core::time::Moment;

use super::Measuring;
use super::contention::{Cluster, Contention};
use super::table::{Entry, Numbers, Sample};

/// Everything since the start.
#[derive(Clone, Debug)]
pub struct StatementsReport {
    /// Those that took most of the time first.
    pub statements: Vec<StatementNumbers>,
    /// Of the shapes that were given up, together.
    pub other: StatementNumbers,
    /// Shapes whose transactions meet too often at present, the worst first.
    pub clusters: Vec<ContentionNumbers>,
    /// From here on a statement is slow.
    pub slow_after: Duration,
}

/// Statements of one shape.
#[derive(Clone, Debug)]
pub struct StatementNumbers {
    /// See [`shape_of`](super::shape_of).
    pub shape: Arc<str>,
    /// The call that ran it last.
    pub call: &'static str,
    pub count: u64,
    pub errors: u64,
    /// Given up before their end: by a limit, or by somebody who had seen enough.
    pub unfinished: u64,
    /// Took as long as is slow, or longer.
    pub slow: u64,
    /// Read, or changed.
    pub rows: u64,
    pub total: Duration,
    pub slowest: Duration,
    pub mean: Duration,
    /// As all parts of the whole: up to 15 % above the true value.
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    /// What it lost to other transactions by, in which call, how often; retried ones too.
    pub contended: Vec<(Contention, &'static str, u64)>,
    sample: Option<Sample>,
}

impl StatementNumbers {
    /// One statement of this shape as it was sent, to have it explained by the database: only of one that asks, and
    /// is not longer than 16 KiB. It has its parameters' places and not their values, but it may hold literals: it is
    /// not to be shown or logged.
    pub fn text_to_explain(&self) -> Option<&str> {
        self.sample.as_ref().map(|sample| &*sample.0)
    }
}

impl StatementsReport {
    /// Of several servers, each shape with the server's name before it. `None` without any.
    pub(crate) fn of_several(servers: impl IntoIterator<Item = (&'static str, Self)>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for (name, report) in servers {
            let named = |shape: Arc<str>| Arc::from(format!("{name}: {shape}"));
            let Self {
                mut statements,
                mut other,
                mut clusters,
                slow_after,
            } = report;
            statements
                .iter_mut()
                .for_each(|one| one.shape = named(one.shape.clone()));
            clusters.iter_mut().for_each(|one| one.shape = named(one.shape.clone()));
            match &mut all {
                None => {
                    all = Some(Self {
                        statements,
                        other,
                        clusters,
                        slow_after,
                    });
                }
                Some(all) => {
                    all.statements.extend(statements);
                    if other.count > 0 {
                        other.shape = named(other.shape);
                        all.statements.push(other);
                    }
                    all.clusters.extend(clusters);
                }
            }
        }
        if let Some(all) = &mut all {
            all.statements
                .sort_by_key(|statement| std::cmp::Reverse(statement.total));
            all.clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.count));
        }
        all
    }
}

/// Transactions that meet too often over statements of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentionNumbers {
    pub shape: Arc<str>,
    pub count: u32,
    pub within: Duration,
    pub last_ago: Duration,
}

pub(super) fn report(
    entries: Vec<Entry>,
    other: Numbers,
    clusters: Vec<Cluster>,
    now: Moment,
    measuring: Measuring,
) -> StatementsReport {
    let used = entries.into_iter().filter(|entry| entry.numbers.count > 0);
    let mut statements: Vec<_> = used
        .map(|entry| told(entry.shape, entry.sample, entry.numbers))
        .collect();
    statements.sort_by_key(|statement| std::cmp::Reverse(statement.total));
    let clusters = clusters.into_iter().map(|cluster| ContentionNumbers {
        shape: cluster.shape,
        count: cluster.count,
        within: measuring.clusters.within,
        last_ago: now.since(cluster.last),
    });
    StatementsReport {
        statements,
        other: told(Arc::from("(other)"), None, other),
        clusters: clusters.collect(),
        slow_after: measuring.slow_after,
    }
}

fn told(shape: Arc<str>, sample: Option<Sample>, numbers: Numbers) -> StatementNumbers {
    let quantile = |part| numbers.latency.quantile(part).min(numbers.slowest);
    let count = u32::try_from(numbers.count).unwrap_or(u32::MAX);
    StatementNumbers {
        shape,
        call: numbers.call,
        count: numbers.count,
        errors: numbers.errors,
        unfinished: numbers.unfinished,
        slow: numbers.slow,
        rows: numbers.rows,
        total: numbers.total,
        slowest: numbers.slowest,
        mean: numbers.total / count.max(1),
        p50: quantile(0.5),
        p95: quantile(0.95),
        p99: quantile(0.99),
        contended: numbers.contended,
        sample,
    }
}
