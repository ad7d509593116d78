//! One at a time, and only by who holds the token.

use super::{Entry, LONGEST_PAUSE_MS, Lease, Line, MOST_ATTEMPTS, MOST_INTERRUPTED, State, Tried, Why};

/// After a try that failed because something was away.
const PAUSE_MS: u64 = 1_000;
/// For a server that can open the text to come by.
const SEALED_PAUSE_MS: u64 = 5_000;

impl Lease {
    /// Whether somebody may still be at it. Clocks of servers differ: seen from one that is behind, it ends later than
    /// it was given for. One that ends much later was given by a clock that was set back since.
    fn holds(&self, now_ms: u64) -> bool {
        is_ahead(self.until_ms, now_ms, 2 * self.lasts_ms)
    }
}

/// Whether that time is still to come, and no further away than such a time can be.
fn is_ahead(at_ms: u64, now_ms: u64, at_most_ms: u64) -> bool {
    at_ms > now_ms && at_ms - now_ms <= at_most_ms
}

impl Entry {
    fn is_left_alone(&self, now_ms: u64) -> bool {
        is_ahead(self.not_before_ms, now_ms, LONGEST_PAUSE_MS)
    }

    /// Ever longer: the tries go on for three quarters of an hour.
    fn pause(&mut self, failures: u32, now_ms: u64) {
        let tripled = PAUSE_MS * 3_u64.pow(failures.min(10));
        self.not_before_ms = now_ms + tripled.min(LONGEST_PAUSE_MS);
    }
}

impl Line {
    /// Leases the first entry that waits and is not left alone, for `lease_ms`. `None` where somebody is at this line,
    /// or nothing is due. What is left alone holds back what was pressed later for its record, and no other record.
    ///
    /// A try is counted when it begins, so that an entry that ends its process ends, too.
    pub fn lease(&self, now_ms: u64, lease_ms: u64) -> (Option<(Lease, Entry)>, Self) {
        let mut line = self.clone();
        if self.held_until_ms(now_ms).is_some() {
            return (None, line);
        }
        line.head.lease = None;
        while let Some(at) = line.next_at(now_ms) {
            if line.entries[at].attempts >= MOST_ATTEMPTS {
                line.stop(at, State::Dead { at_ms: now_ms }, now_ms);
                continue;
            }
            line.entries[at].attempts += 1;
            // A line that was forgotten, or lost, begins anew: no old token fits again.
            line.head.token = now_ms.max(line.head.token + 1);
            let lease = Lease {
                token: line.head.token,
                until_ms: now_ms + lease_ms,
                lasts_ms: lease_ms,
                id: line.entries[at].id.clone(),
            };
            line.head.lease = Some(lease.clone());
            let entry = line.entries[at].clone();
            return (Some((lease, entry)), line);
        }
        (None, line)
    }

    /// When there is something to do, if nothing changes: never before that.
    pub fn due_at_ms(&self, now_ms: u64) -> Option<u64> {
        let left_alone_until_ms = |entry: &Entry| match entry.is_left_alone(now_ms) {
            true => entry.not_before_ms,
            false => 0,
        };
        let next_ms = self.firsts().map(|(_, entry)| left_alone_until_ms(entry)).min()?;
        Some(next_ms.max(self.held_until_ms(now_ms).unwrap_or(0)))
    }

    /// The same for who does not know the time. More than [`LONGEST_PAUSE_MS`] ahead, it is of a clock that was set
    /// back since: then something may be due.
    pub fn due_as_noted_ms(&self) -> Option<u64> {
        let next_ms = self.firsts().map(|(_, entry)| entry.not_before_ms).min()?;
        let leased_until_ms = self.head.lease.as_ref().map_or(0, |lease| lease.until_ms);
        Some(next_ms.max(leased_until_ms).max(self.head.not_before_ms))
    }

    /// Whether something waits that is not held back by a try that failed: who looks at the line was told of it.
    pub fn has_fresh(&self) -> bool {
        self.firsts().any(|(_, entry)| entry.not_before_ms == 0)
    }

    /// Until when nothing of this line is tried, whatever waits.
    fn held_until_ms(&self, now_ms: u64) -> Option<u64> {
        let lease = self.head.lease.as_ref().filter(|lease| lease.holds(now_ms));
        let pause = Some(self.head.not_before_ms).filter(|at_ms| is_ahead(*at_ms, now_ms, LONGEST_PAUSE_MS));
        lease.map(|lease| lease.until_ms).max(pause)
    }

    fn next_at(&self, now_ms: u64) -> Option<usize> {
        let mut firsts = self.firsts();
        firsts.find(|(_, entry)| !entry.is_left_alone(now_ms)).map(|(at, _)| at)
    }

    /// Of each record what waits and was pressed first.
    fn firsts(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let mut records = std::collections::BTreeSet::new();
        let waiting = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_waiting());
        waiting.filter(move |(_, entry)| records.insert(entry.form_key.as_str()))
    }

    /// Ends a lease with what the try of `id` came to. Whether that was taken: not where another lease was given since.
    pub fn settle(&self, token: u64, id: &str, tried: Tried, now_ms: u64) -> (bool, Self) {
        let mut line = self.clone();
        let is_held = |lease: &mut Lease| lease.token == token && lease.id == id;
        let Some(lease) = line.head.lease.take_if(is_held) else {
            return (false, line);
        };
        let is_leased = |entry: &Entry| entry.id == lease.id && entry.is_waiting();
        // Gone where it was discarded meanwhile.
        let Some(at) = line.entries.iter().position(is_leased) else {
            return (true, line);
        };
        // What was seen while it waited was that it is saved.
        line.entries[at].seen &= tried == Tried::Saved;
        match tried {
            Tried::Saved => line.entries[at].state = State::Done { at_ms: now_ms },
            Tried::Refused(why) => line.stop(at, State::NeedsAttention { at_ms: now_ms, why }, now_ms),
            Tried::Discarded => drop(line.entries.remove(at)),
            Tried::Away => {
                line.take_back(at);
                line.head.not_before_ms = now_ms + PAUSE_MS;
            }
            Tried::Sealed => {
                line.take_back(at);
                line.entries[at].not_before_ms = now_ms + SEALED_PAUSE_MS;
            }
            Tried::Interrupted => {
                line.take_back(at);
                line.entries[at].interrupted += 1;
                let interrupted = line.entries[at].interrupted;
                line.failed(at, interrupted, MOST_INTERRUPTED, now_ms);
            }
            Tried::Failed => {
                let attempts = line.entries[at].attempts;
                line.failed(at, attempts, MOST_ATTEMPTS, now_ms);
            }
        }
        line.trim();
        (true, line)
    }

    /// The try that was counted when it began says nothing about the entry.
    fn take_back(&mut self, at: usize) {
        self.entries[at].attempts = self.entries[at].attempts.saturating_sub(1);
    }

    fn failed(&mut self, at: usize, failures: u32, most: u32, now_ms: u64) {
        match failures >= most {
            true => self.stop(at, State::Dead { at_ms: now_ms }, now_ms),
            false => self.entries[at].pause(failures, now_ms),
        }
    }

    /// Ends an entry, and with it those of the same record that were pressed after it: what they change may build
    /// on what is missing now. Other records go on.
    pub(super) fn stop(&mut self, at: usize, state: State, now_ms: u64) {
        let form_key = self.entries[at].form_key.clone();
        self.entries[at].state = state;
        for later in self.entries.iter_mut().skip(at + 1) {
            if later.is_waiting() && later.form_key == form_key {
                later.state = State::NeedsAttention {
                    at_ms: now_ms,
                    why: Why::EarlierOfThisRecord,
                };
            }
        }
    }
}
