//! Transactions that met: what became of it, and when that is too often.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use resilient_core::time::Moment;

/// What a statement lost to another transaction by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contention {
    /// Each waited for the other, and this one was undone.
    Deadlock,
    /// What it had read was changed meanwhile.
    Serialization,
    /// Somebody else's lock was held for too long.
    LockTimeout,
}

impl Contention {
    /// For labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deadlock => "deadlock",
            Self::Serialization => "serialization",
            Self::LockTimeout => "lock_timeout",
        }
    }
}

/// When contention over statements of one shape is worth a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterRule {
    /// So often. Default 5: one now and then is what repeating is for.
    pub count: u32,
    /// Within so long. Default 5 min.
    pub within: Duration,
    /// After a warning the same shape is not warned of for so long. Default 15 min.
    pub quiet: Duration,
}

impl Default for ClusterRule {
    fn default() -> Self {
        Self {
            count: 5,
            within: Duration::from_secs(5 * 60),
            quiet: Duration::from_secs(15 * 60),
        }
    }
}

/// Times remembered for each shape; more are not counted.
const TIMES: usize = 1_000;

/// Which shapes meet contention too often.
#[derive(Debug)]
pub(crate) struct Clusters {
    rule: ClusterRule,
    /// Shapes looked after at most.
    limit: usize,
    seen: HashMap<Arc<str>, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    times: VecDeque<Moment>,
    told: Option<Moment>,
}

/// A shape that meets it too often, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) shape: Arc<str>,
    /// Within the rule's time.
    pub(crate) count: u32,
    pub(crate) last: Moment,
}

impl Clusters {
    pub(crate) fn new(rule: ClusterRule, limit: usize) -> Self {
        Self {
            rule,
            limit,
            seen: HashMap::new(),
        }
    }

    /// Notes one; where it is to be warned of, how often it was within the rule's time.
    pub(crate) fn note(&mut self, now: Moment, shape: &Arc<str>) -> Option<u32> {
        self.make_room(now, shape);
        let rule = self.rule;
        let seen = self.seen.entry(Arc::clone(shape)).or_default();
        if seen.times.len() == TIMES {
            seen.times.pop_front();
        }
        seen.times.push_back(now);
        let count = seen.within(now, rule);
        let is_quiet = seen.told.is_some_and(|told| now.since(told) < rule.quiet);
        if count < rule.count || is_quiet {
            return None;
        }
        seen.told = Some(now);
        Some(count)
    }

    /// The worst first.
    pub(crate) fn current(&mut self, now: Moment) -> Vec<Cluster> {
        let rule = self.rule;
        let clusters = self.seen.iter_mut().filter_map(|(shape, seen)| {
            let count = seen.within(now, rule);
            (count >= rule.count).then_some(Cluster {
                shape: Arc::clone(shape),
                count,
                last: *seen.times.back()?,
            })
        });
        let mut clusters: Vec<_> = clusters.collect();
        clusters.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        clusters
    }

    /// Forgets what says nothing any more; where all of it still does, what was seen least recently.
    fn make_room(&mut self, now: Moment, shape: &Arc<str>) {
        if self.seen.len() < self.limit || self.seen.contains_key(shape) {
            return;
        }
        let rule = self.rule;
        self.seen.retain(|_, seen| {
            let is_quiet = seen.told.is_some_and(|told| now.since(told) < rule.quiet);
            seen.within(now, rule) > 0 || is_quiet
        });
        if self.seen.len() >= self.limit {
            let oldest = self.seen.iter().min_by_key(|(_, seen)| seen.times.back().copied());
            if let Some(oldest) = oldest.map(|(shape, _)| Arc::clone(shape)) {
                self.seen.remove(&oldest);
            }
        }
    }
}

impl Seen {
    /// How many were within the rule's time; those before it are forgotten.
    fn within(&mut self, now: Moment, rule: ClusterRule) -> u32 {
        while self.times.front().is_some_and(|time| now.since(*time) > rule.within) {
            self.times.pop_front();
        }
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn clusters() -> Clusters {
        Clusters::new(ClusterRule::default(), 3)
    }

    #[test]
    fn five_within_five_minutes_are_one_warning_and_then_it_is_quiet() {
        let (mut clusters, shape) = (clusters(), Arc::<str>::from("UPDATE a"));
        let warned: Vec<_> = (0..20).map(|n| clusters.note(at(n * 10), &shape)).collect();
        assert_eq!(warned.iter().flatten().collect::<Vec<_>>(), [&5]);
        assert_eq!(warned[4], Some(5));
        assert_eq!(clusters.current(at(190))[0].count, 20, "it is seen meanwhile");
        // The quiet time began with the warning, after 40 s.
        assert_eq!(clusters.note(at(40 + 15 * 60 - 1), &shape), None);
        for n in 0..3 {
            assert_eq!(
                clusters.note(at(40 + 15 * 60 + n), &shape),
                None,
                "four within five minutes"
            );
        }
        assert_eq!(clusters.note(at(40 + 15 * 60 + 3), &shape), Some(5));
    }

    #[test]
    fn now_and_then_is_never_one_nor_is_it_over_several_shapes() {
        let mut clusters = clusters();
        for minute in 0..600 {
            let shape = Arc::from("UPDATE a");
            assert_eq!(clusters.note(at(minute * 76), &shape), None);
        }
        for n in 0..12 {
            let shape = Arc::from(format!("UPDATE {}", n % 3));
            assert_eq!(clusters.note(at(100_000 + n), &shape), None);
        }
        assert!(clusters.current(at(100_012)).is_empty());
    }

    #[test]
    fn one_is_over_when_its_time_is() {
        let (mut clusters, shape) = (clusters(), Arc::<str>::from("UPDATE a"));
        for n in 0..5 {
            clusters.note(at(n), &shape);
        }
        assert_eq!(clusters.current(at(300)).len(), 1);
        assert_eq!(clusters.current(at(301)), []);
    }

    proptest! {
        #[test]
        fn however_they_come_there_is_a_bound_to_warnings_and_to_shapes(
            shapes in 1..9_usize,
            waits in proptest::collection::vec((0..200_u64, 0..9_usize), 1..400),
        ) {
            let (mut clusters, mut now, mut told) = (clusters(), 0, HashMap::new());
            for (wait, shape) in waits {
                now += wait;
                let shape = shape % shapes;
                if let Some(count) = clusters.note(at(now), &Arc::from(format!("UPDATE {shape}"))) {
                    prop_assert!(count >= 5);
                    let before = told.insert(shape, now);
                    // Of more shapes than are looked after, some are forgotten.
                    prop_assert!(shapes > 3 || before.is_none_or(|before| now - before >= 15 * 60));
                }
                prop_assert!(clusters.seen.len() <= 3);
            }
        }
    }
}
