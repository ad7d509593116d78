//! What statements cost, by shape: measured where they run, told when one is slow or when transactions meet too
//! often. Values are never kept, and no literal is ever shown.

mod contention;
mod report;
mod running;
mod shape;
mod table;

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contention::Clusters;
use table::{Slow, Table};

use crate::clock::Clock;
use crate::observer::{Contended, ContentionCluster, Observer, SlowStatement};
use crate::supported::Role;

pub use contention::{ClusterRule, Contention};
pub use report::{ContentionNumbers, StatementNumbers, StatementsReport};
pub(crate) use running::{Rows, Tapped, Watch};
pub use shape::{LONGEST_SHAPE, Syntax, shape_of};
pub(crate) use table::{Ended, How, Place};

/// A slow statement of one shape is told so often at most.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How statements are measured; [`Policy::statements`](crate::Policy::statements).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measuring {
    /// Shapes that have numbers of their own. Default 500, which takes 1 to 4 MB as a rule; the one that was not used for
    /// longest makes room, and what it came to is counted with the others.
    pub shapes: usize,
    /// A statement that takes so long is told to the observer, once a minute for each shape. Default 500 ms.
    pub slow_after: Duration,
    /// Logs every statement with its duration at `info`, for development. Default false.
    pub echo: bool,
    /// When transactions meet too often.
    pub clusters: ClusterRule,
}

impl Default for Measuring {
    fn default() -> Self {
        Self {
            shapes: 500,
            slow_after: Duration::from_millis(500),
            echo: false,
            clusters: ClusterRule::default(),
        }
    }
}

/// Of one database. One lock, held for a look into a map and some additions.
#[derive(Debug)]
pub(crate) struct Statements {
    measuring: Measuring,
    syntax: Syntax,
    clock: Clock,
    observer: Arc<dyn Observer>,
    hashing: foldhash::fast::RandomState,
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    table: Table,
    clusters: Clusters,
}

impl Statements {
    pub(crate) fn new(measuring: Measuring, syntax: Syntax, clock: Clock, observer: Arc<dyn Observer>) -> Self {
        Self {
            measuring,
            syntax,
            clock,
            observer,
            hashing: foldhash::fast::RandomState::default(),
            counted: Mutex::new(Counted {
                table: Table::new(measuring.shapes),
                clusters: Clusters::new(measuring.clusters, measuring.shapes),
            }),
        }
    }

    /// Where a statement with this text is to be counted. Its shape is looked for only if the text is new. (That two
    /// texts have the same hash of 64 bits would put one statement into the wrong line.)
    pub(crate) fn place(&self, sql: &str) -> Place {
        let text = self.hashing.hash_one(sql);
        if let Some(place) = self.counted().table.known(text) {
            return place;
        }
        let shape = shape_of(sql, self.syntax);
        self.counted().table.enter(text, &shape, sql)
    }

    /// Counts it, and tells what is to be told after that.
    pub(crate) fn ended(&self, place: Place, ended: Ended, role: Role) {
        let slow = Slow {
            now: self.clock.now(),
            after: self.measuring.slow_after,
            told_every: TOLD_EVERY,
        };
        let mut counted = self.counted();
        let told_slow = counted.table.ended(place, &ended, slow);
        let contention = match ended.how {
            How::Failed(contention) => contention,
            How::Succeeded | How::Unfinished => None,
        };
        // Of nearly all statements there is nothing to tell.
        if told_slow.is_none() && contention.is_none() && !self.measuring.echo {
            return;
        }
        let shape = counted.table.entry(place).map(|entry| Arc::clone(&entry.shape));
        let shape = shape.unwrap_or_else(|| Arc::from("(other)"));
        let cluster = contention.and_then(|_| counted.clusters.note(slow.now, &shape));
        drop(counted);
        self.tell(&shape, &ended, role, told_slow.is_some(), cluster);
    }

    fn tell(&self, shape: &str, ended: &Ended, role: Role, is_slow: bool, cluster: Option<u32>) {
        let Ended { call, took, rows, how } = *ended;
        let rows = rows.read.max(rows.changed);
        if self.measuring.echo {
            tracing::info!(target: "resilient_db::echo", call, ?took, rows, ?how, statement = shape, "statement");
        }
        if is_slow {
            let slow = SlowStatement {
                shape,
                call,
                role,
                took,
            };
            self.observer.slow_statement(&slow);
        }
        if let How::Failed(Some(contention)) = how {
            let contended = Contended {
                contention,
                shape,
                call,
                role,
            };
            self.observer.contended(&contended);
        }
        if let Some(count) = cluster {
            let cluster = ContentionCluster {
                shape,
                call,
                count,
                within: self.measuring.clusters.within,
            };
            self.observer.contention_clustered(&cluster);
        }
    }

    pub(crate) fn report(&self) -> StatementsReport {
        let now = self.clock.now();
        let mut counted = self.counted();
        let clusters = counted.clusters.current(now);
        // Half a megabyte, copied when somebody looks.
        let (entries, other) = (counted.table.entries().to_vec(), counted.table.other.clone());
        drop(counted);
        report::report(entries, other, clusters, now, self.measuring)
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
