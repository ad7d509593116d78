//! Numbers by shape, of so many shapes at most.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Duration;

use resilient_core::latency::Latency;
use resilient_core::time::Moment;

use super::Rows;
use super::contention::Contention;
use super::shape::only_asks;

/// Texts whose shape is remembered, for each shape that is kept.
const TEXTS_PER_SHAPE: usize = 4;
/// A statement that is longer is not kept to be explained.
const LONGEST_SAMPLE: usize = 16 * 1024;

/// Where a statement's numbers are kept; it may have been given to another shape since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    at: u32,
    generation: u32,
}

#[derive(Debug)]
pub(crate) struct Table {
    limit: usize,
    entries: Vec<Entry>,
    by_text: HashMap<u64, Place, BuildHasherDefault<IsHash>>,
    by_shape: HashMap<Arc<str>, u32>,
    /// Of those that were given up.
    pub(crate) other: Numbers,
    uses: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) shape: Arc<str>,
    pub(crate) sample: Option<Sample>,
    pub(crate) numbers: Numbers,
    generation: u32,
    asks: bool,
    used: u64,
    told_slow: Option<Moment>,
}

/// A statement as it was sent, without its parameters' values, to have it explained. It may hold literals, so it is
/// never shown.
#[derive(Clone)]
pub(crate) struct Sample(pub(crate) Arc<str>);

impl fmt::Debug for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sample(…)")
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    /// Given up before their end: by a limit of ours, or by somebody who had seen enough.
    pub(crate) unfinished: u64,
    pub(crate) slow: u64,
    pub(crate) rows: u64,
    pub(crate) total: Duration,
    pub(crate) slowest: Duration,
    pub(crate) latency: Latency,
    /// The call that ran it last.
    pub(crate) call: &'static str,
    pub(crate) contended: Vec<(Contention, &'static str, u64)>,
}

/// One statement that came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) call: &'static str,
    pub(crate) took: Duration,
    pub(crate) rows: Rows,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Succeeded,
    Failed(Option<Contention>),
    Unfinished,
}

impl Table {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            entries: Vec::new(),
            by_text: HashMap::default(),
            by_shape: HashMap::new(),
            other: Numbers::default(),
            uses: 0,
        }
    }

    /// The place of a text that was seen before.
    pub(crate) fn known(&self, text: u64) -> Option<Place> {
        let place = *self.by_text.get(&text)?;
        self.entry(place).map(|_| place)
    }

    /// The place of a text of this shape, from now on.
    pub(crate) fn enter(&mut self, text: u64, shape: &str, sql: &str) -> Place {
        let at = match self.by_shape.get(shape) {
            Some(at) => *at as usize,
            None => self.make_place(shape, sql),
        };
        let place = Place {
            at: u32::try_from(at).unwrap_or(u32::MAX),
            generation: self.entries[at].generation,
        };
        if self.by_text.len() >= self.limit * TEXTS_PER_SHAPE {
            // Those in use come back with their next statement.
            self.by_text.clear();
        }
        self.by_text.insert(text, place);
        place
    }

    /// Counts it. The shape, where it was slow and that is to be told.
    pub(crate) fn ended(&mut self, place: Place, ended: &Ended, slow: Slow) -> Option<Arc<str>> {
        self.uses += 1;
        let uses = self.uses;
        let is_slow = ended.took >= slow.after;
        let Some(entry) = self.entry_mut(place) else {
            self.other.count(ended, false, is_slow);
            return None;
        };
        entry.used = uses;
        entry.numbers.count(ended, entry.asks, is_slow);
        let told_lately = entry
            .told_slow
            .is_some_and(|told| slow.now.since(told) < slow.told_every);
        if !is_slow || told_lately {
            return None;
        }
        entry.told_slow = Some(slow.now);
        Some(Arc::clone(&entry.shape))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entry(&self, place: Place) -> Option<&Entry> {
        let entry = self.entries.get(place.at as usize);
        entry.filter(|entry| entry.generation == place.generation)
    }

    fn entry_mut(&mut self, place: Place) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(place.at as usize);
        entry.filter(|entry| entry.generation == place.generation)
    }

    /// A free place, or that of the shape which was not used for longest: what it came to goes to the others.
    fn make_place(&mut self, shape: &str, sql: &str) -> usize {
        self.uses += 1;
        let (shape, asks) = (Arc::<str>::from(shape), only_asks(shape));
        let mut entry = Entry {
            sample: (asks && sql.len() <= LONGEST_SAMPLE).then(|| Sample(sql.into())),
            asks,
            shape: Arc::clone(&shape),
            numbers: Numbers::default(),
            generation: 0,
            used: self.uses,
            told_slow: None,
        };
        let at = if self.entries.len() < self.limit {
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used);
            let at = oldest.map_or(0, |(at, _)| at);
            let given_up = &mut self.entries[at];
            entry.generation = given_up.generation.wrapping_add(1);
            self.by_shape.remove(&given_up.shape);
            self.other.add(&given_up.numbers);
            *given_up = entry;
            at
        };
        self.by_shape.insert(shape, u32::try_from(at).unwrap_or(u32::MAX));
        at
    }
}

/// When a statement is slow, and how often that is told of one shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow {
    pub(crate) now: Moment,
    pub(crate) after: Duration,
    pub(crate) told_every: Duration,
}

impl Numbers {
    fn count(&mut self, ended: &Ended, asks: bool, is_slow: bool) {
        self.count += 1;
        self.errors += u64::from(matches!(ended.how, How::Failed(_)));
        self.unfinished += u64::from(ended.how == How::Unfinished);
        self.slow += u64::from(is_slow);
        self.rows += match ended.rows {
            // On SQLite what the statement before it changed.
            Rows { read, .. } if asks || read > 0 => read,
            Rows { changed, .. } => changed,
        };
        self.total += ended.took;
        self.slowest = self.slowest.max(ended.took);
        self.latency.record(ended.took);
        self.call = ended.call;
        if let How::Failed(Some(contention)) = ended.how {
            self.contend(contention, ended.call, 1);
        }
    }

    fn contend(&mut self, contention: Contention, call: &'static str, times: u64) {
        let is_same = |(kind, name, _): &&mut (Contention, &str, u64)| *kind == contention && *name == call;
        match self.contended.iter_mut().find(is_same) {
            Some((_, _, count)) => *count += times,
            None => self.contended.push((contention, call, times)),
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.unfinished += other.unfinished;
        self.slow += other.slow;
        self.rows += other.rows;
        self.total += other.total;
        self.slowest = self.slowest.max(other.slowest);
        self.latency.add(&other.latency);
        for (contention, call, times) in &other.contended {
            self.contend(*contention, call, *times);
        }
    }
}

/// The key is a hash already.
#[derive(Default)]
pub(crate) struct IsHash(u64);

impl Hasher for IsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Never asked for: the keys are numbers.
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn ended(ms: u64, how: How) -> Ended {
        Ended {
            call: "list",
            took: Duration::from_millis(ms),
            rows: Rows { read: 2, changed: 7 },
            how,
        }
    }

    fn slow(now_s: u64) -> Slow {
        Slow {
            now: Moment::after_start(Duration::from_secs(now_s)),
            after: Duration::from_millis(500),
            told_every: Duration::from_secs(60),
        }
    }

    fn run(table: &mut Table, n: u64, took_ms: u64) {
        let shape = format!("SELECT {n}");
        let place = table.known(n).unwrap_or_else(|| table.enter(n, &shape, &shape));
        table.ended(place, &ended(took_ms, How::Succeeded), slow(0));
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room_and_nothing_is_lost_of_the_sums() {
        let mut table = Table::new(3);
        for n in [1, 2, 3, 1, 4, 1, 5] {
            run(&mut table, n, 10);
        }
        let mut shapes: Vec<_> = table.entries().iter().map(|entry| &*entry.shape).collect();
        shapes.sort_unstable();
        assert_eq!(shapes, ["SELECT 1", "SELECT 4", "SELECT 5"]);
        assert_eq!((table.other.count, table.other.rows), (2, 4));
        assert_eq!(
            table.other.latency.quantile(0.5),
            table.entries()[0].numbers.latency.quantile(0.5)
        );
        // A statement that was under way when its shape was given up.
        let place = table.known(4).expect("it is there");
        for n in 6..9 {
            run(&mut table, n, 10);
        }
        assert_eq!(table.known(4), None);
        let before = table.other.count;
        assert_eq!(table.ended(place, &ended(9_000, How::Unfinished), slow(0)), None);
        assert_eq!((table.other.count - before, table.other.unfinished), (1, 1));
    }

    #[test]
    fn a_slow_one_is_told_once_a_minute_for_each_shape() {
        let mut table = Table::new(9);
        let first = table.enter(1, "SELECT 1", "SELECT 1");
        let second = table.enter(2, "SELECT 2", "SELECT 2");
        let mut told = |place, ms, now| table.ended(place, &ended(ms, How::Succeeded), slow(now)).is_some();
        assert!(!told(first, 499, 0));
        assert!(told(first, 500, 0));
        assert!(!told(first, 9_000, 59));
        assert!(told(second, 500, 59));
        assert!(told(first, 500, 60));
        assert_eq!(table.entries()[0].numbers.slow, 3);
    }

    #[test]
    fn what_was_in_the_way_is_counted_by_call() {
        let mut table = Table::new(1);
        let place = table.enter(1, "UPDATE a", "UPDATE a");
        for (call, contention) in [
            ("save", Contention::Deadlock),
            ("sweep", Contention::Deadlock),
            ("save", Contention::LockTimeout),
            ("save", Contention::Deadlock),
        ] {
            let how = How::Failed(Some(contention));
            table.ended(place, &Ended { call, ..ended(1, how) }, slow(0));
        }
        table.ended(place, &ended(1, How::Failed(None)), slow(0));
        let expected = vec![
            (Contention::Deadlock, "save", 2),
            (Contention::Deadlock, "sweep", 1),
            (Contention::LockTimeout, "save", 1),
        ];
        assert_eq!(table.entries()[0].numbers.contended, expected);
        assert_eq!(table.entries()[0].numbers.errors, 5);
        table.enter(2, "UPDATE b", "UPDATE b");
        assert_eq!(table.other.contended, expected);
    }

    #[test]
    fn only_what_asks_is_kept_to_be_explained_and_never_printed() {
        let mut table = Table::new(9);
        table.enter(1, "SELECT ?", "SELECT 'Ann'");
        table.enter(2, "DELETE FROM a", "DELETE FROM a");
        let samples: Vec<_> = table.entries().iter().map(|entry| entry.sample.is_some()).collect();
        assert_eq!(samples, [true, false]);
        assert!(!format!("{table:?}").contains("Ann"));
    }

    proptest! {
        #[test]
        fn every_statement_is_counted_once_and_there_is_a_bound(ran in proptest::collection::vec((0..40_u64, 0..900_u64), 0..500)) {
            let mut table = Table::new(7);
            for (n, took) in &ran {
                run(&mut table, *n, *took);
                prop_assert!(table.entries.len() <= 7 && table.by_shape.len() <= 7 && table.by_text.len() <= 28);
            }
            let all = || table.entries().iter().map(|entry| &entry.numbers).chain([&table.other]);
            prop_assert_eq!(all().map(|numbers| numbers.count).sum::<u64>(), ran.len() as u64);
            let total: u64 = ran.iter().map(|(_, took)| took).sum();
            prop_assert_eq!(all().map(|numbers| numbers.total).sum::<Duration>(), Duration::from_millis(total));
            let slow = ran.iter().filter(|(_, took)| *took >= 500).count() as u64;
            prop_assert_eq!(all().map(|numbers| numbers.slow).sum::<u64>(), slow);
            prop_assert!(all().all(|numbers| numbers.slowest < HOUR));
        }
    }
}
