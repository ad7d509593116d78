//! One at a time, and only by who holds the token.

use super::{Entry, LONGEST_PAUSE_MS, Lease, Line, MOST_ATTEMPTS, State, Tried, Why};

/// After a try that failed because something was away.
const PAUSE_MS: u64 = 1_000;

impl Line {
    /// Leases the first entry that waits, for `lease_ms`. `None` where somebody is at this line, or nothing is due.
    ///
    /// A try is counted when it begins, so that an entry that ends its process ends, too.
    pub fn lease(&self, now_ms: u64, lease_ms: u64) -> (Option<(Lease, Entry)>, Self) {
        let mut line = self.clone();
        // One that ends later than any can was given by a clock that was set back since.
        let holds = |lease: &Lease| lease.until_ms > now_ms && lease.until_ms - now_ms <= lease_ms;
        if self.head.lease.as_ref().is_some_and(holds) {
            return (None, line);
        }
        line.head.lease = None;
        while let Some(at) = line.entries.iter().position(Entry::is_waiting) {
            if line.entries[at].attempts >= MOST_ATTEMPTS {
                line.stop(at, State::Dead { at_ms: now_ms }, now_ms);
                continue;
            }
            let not_before_ms = line.entries[at].not_before_ms;
            if not_before_ms > now_ms && not_before_ms - now_ms <= LONGEST_PAUSE_MS {
                return (None, line);
            }
            line.entries[at].attempts += 1;
            // A line that was forgotten, or lost, begins anew: no old token fits again.
            line.head.token = now_ms.max(line.head.token + 1);
            let lease = Lease {
                token: line.head.token,
                until_ms: now_ms + lease_ms,
                id: line.entries[at].id.clone(),
            };
            line.head.lease = Some(lease.clone());
            let entry = line.entries[at].clone();
            return (Some((lease, entry)), line);
        }
        (None, line)
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
                let entry = &mut line.entries[at];
                entry.attempts = entry.attempts.saturating_sub(1);
                entry.not_before_ms = now_ms + PAUSE_MS;
            }
            Tried::Failed if line.entries[at].attempts >= MOST_ATTEMPTS => {
                line.stop(at, State::Dead { at_ms: now_ms }, now_ms);
            }
            Tried::Failed => {
                let entry = &mut line.entries[at];
                let doubled = PAUSE_MS << entry.attempts.min(16);
                entry.not_before_ms = now_ms + doubled.min(LONGEST_PAUSE_MS);
            }
        }
        line.trim();
        (true, line)
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
