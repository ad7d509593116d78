//! When inessential pages are left out, and when they come back. Knows no database and no clock.

use super::{Cause, Change};

/// Milliseconds; a clock that only goes forward.
pub type Moment = u64;

/// Being slow counts once it has lasted so long: one late probe is no trouble. An open breaker counts at once, it has
/// waited itself.
const SLOW_FOR: Moment = 10_000;
/// Well for so long, it is over: who comes back from an outage is not met by everything at once, and nothing flickers.
const WELL_FOR: Moment = 5_000;
/// After somebody has ended it by hand, trouble that goes on is passed over for so long.
const HELD_OFF_FOR: Moment = 5 * 60 * 1_000;

/// One that takes no changes for so long, and is read from without trouble, is meant to be so: it spares nobody anything
/// to leave out what only reads.
const PASSING_FOR: Moment = 10 * 60 * 1_000;

/// How the database is at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The breaker for writing is not closed.
    pub write_open: bool,
    /// The one for reading is not.
    pub read_open: bool,
    /// The last probe took long.
    pub slow: bool,
}

impl Signals {
    fn is_well(self) -> bool {
        self == Self::default()
    }

    /// What is to blame, the worst first.
    fn cause(self) -> Option<Cause> {
        match self {
            Self { read_open: true, .. } => Some(Cause::Reading),
            Self { write_open: true, .. } => Some(Cause::Writing),
            Self { slow: true, .. } => Some(Cause::Slow),
            _ => None,
        }
    }
}

/// What the database brings about; what people do stands beside it.
#[derive(Debug, Default)]
pub struct Rule {
    degraded: bool,
    troubled_since: Option<Moment>,
    well_since: Option<Moment>,
    held_off_until: Option<Moment>,
    /// Since when it takes no changes, and nothing else is the matter.
    read_only_since: Option<Moment>,
}

impl Rule {
    /// To be asked several times a second.
    pub fn look(&mut self, now: Moment, signals: Signals) -> Option<Change> {
        let signals = self.without_what_is_meant(now, signals);
        if signals.is_well() {
            self.troubled_since = None;
            let well_since = *self.well_since.get_or_insert(now);
            let is_over = now.saturating_sub(well_since) >= WELL_FOR;
            if is_over {
                self.held_off_until = None;
            }
            let leaves = is_over && std::mem::take(&mut self.degraded);
            return leaves.then_some(Change::Left);
        }
        self.well_since = None;
        let troubled_since = *self.troubled_since.get_or_insert(now);
        let counts = signals.read_open || signals.write_open || now.saturating_sub(troubled_since) >= SLOW_FOR;
        let is_held_off = self.held_off_until.is_some_and(|until| now < until);
        if !counts || is_held_off || self.degraded {
            return None;
        }
        self.degraded = true;
        signals.cause().map(Change::Entered)
    }

    fn without_what_is_meant(&mut self, now: Moment, signals: Signals) -> Signals {
        if signals.write_open && !signals.read_open {
            let since = *self.read_only_since.get_or_insert(now);
            let is_meant = now.saturating_sub(since) >= PASSING_FOR;
            return Signals {
                write_open: !is_meant,
                ..signals
            };
        }
        self.read_only_since = None;
        signals
    }

    /// By hand: over now, and not again for this trouble.
    pub fn reset(&mut self, now: Moment) {
        self.degraded = false;
        self.held_off_until = Some(now + HELD_OFF_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Signals = Signals {
        write_open: false,
        read_open: false,
        slow: false,
    };
    const SLOW: Signals = Signals { slow: true, ..WELL };
    const WRITE: Signals = Signals {
        write_open: true,
        ..WELL
    };
    const DOWN: Signals = Signals {
        read_open: true,
        ..WRITE
    };

    #[test]
    fn a_database_that_is_meant_to_take_no_changes_is_not_in_trouble_for_ever() {
        let mut rule = Rule::default();
        let entered = watch(&mut rule, 0, PASSING_FOR, WRITE);
        assert_eq!(entered, [(0, Change::Entered(Cause::Writing))]);
        let left = watch(&mut rule, PASSING_FOR, 2 * PASSING_FOR, WRITE);
        assert_eq!(left, [(PASSING_FOR + WELL_FOR, Change::Left)]);
        let slow = Signals { slow: true, ..WRITE };
        let now = 2 * PASSING_FOR;
        let again = watch(&mut rule, now, now + 20_000, slow);
        assert_eq!(again, [(now + SLOW_FOR, Change::Entered(Cause::Slow))]);
        // What begins after it has taken changes, or was away, is another trouble.
        watch(&mut rule, now + 20_000, now + 40_000, WELL);
        let again = watch(&mut rule, now + 40_000, now + 41_000, WRITE);
        assert_eq!(again, [(now + 40_000, Change::Entered(Cause::Writing))]);
    }

    /// Looks every 250 ms from `from` to before `to`; the changes with their times.
    fn watch(rule: &mut Rule, from: Moment, to: Moment, signals: Signals) -> Vec<(Moment, Change)> {
        let moments = (from..to).step_by(250);
        moments
            .filter_map(|now| Some((now, rule.look(now, signals)?)))
            .collect()
    }

    #[test]
    fn an_open_breaker_counts_at_once_and_being_well_only_after_a_while() {
        for (signals, cause) in [(WRITE, Cause::Writing), (DOWN, Cause::Reading)] {
            let mut rule = Rule::default();
            assert_eq!(watch(&mut rule, 0, 10_000, WELL), []);
            assert_eq!(
                watch(&mut rule, 10_000, 60_000, signals),
                [(10_000, Change::Entered(cause))]
            );
            assert_eq!(
                watch(&mut rule, 60_000, 90_000, WELL),
                [(60_000 + WELL_FOR, Change::Left)]
            );
        }
    }

    #[test]
    fn being_slow_for_a_moment_is_nothing() {
        let mut rule = Rule::default();
        for round in 0..20 {
            let begins = round * 10_000;
            assert_eq!(watch(&mut rule, begins, begins + 9_000, SLOW), []);
            assert_eq!(watch(&mut rule, begins + 9_000, begins + 10_000, WELL), []);
        }
        let lasting = watch(&mut rule, 300_000, 320_000, SLOW);
        assert_eq!(lasting, [(300_000 + SLOW_FOR, Change::Entered(Cause::Slow))]);
    }

    #[test]
    fn trouble_that_comes_and_goes_is_one_trouble() {
        let mut rule = Rule::default();
        let mut changes = Vec::new();
        for round in 0..30 {
            let begins = round * 5_000;
            changes.extend(watch(&mut rule, begins, begins + 1_000, DOWN));
            changes.extend(watch(&mut rule, begins + 1_000, begins + 5_000, WELL));
        }
        assert_eq!(changes, [(0, Change::Entered(Cause::Reading))]);
    }

    #[test]
    fn what_was_ended_by_hand_stays_so_for_this_trouble_but_not_for_ever() {
        let mut rule = Rule::default();
        rule.look(0, DOWN);
        rule.reset(1_000);
        let again = watch(&mut rule, 1_250, 1_000_000, DOWN);
        assert_eq!(again, [(301_000, Change::Entered(Cause::Reading))]);

        let mut rule = Rule::default();
        rule.look(0, DOWN);
        rule.reset(1_000);
        assert_eq!(watch(&mut rule, 1_250, 7_000, WELL), []);
        let next = watch(&mut rule, 7_000, 8_000, DOWN);
        assert_eq!(
            next,
            [(7_000, Change::Entered(Cause::Reading))],
            "the next trouble is another one"
        );
    }
}
