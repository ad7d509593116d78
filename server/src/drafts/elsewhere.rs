//! Whose unsaved work other servers keep by themselves for now, because the Redis they share did not take it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Servers that are told apart at the same time.
const MOST_SERVERS: usize = 256;
/// What was said longer ago counts no more: a server that is started anew tells by another name what waits there.
const COUNTS_FOR_MS: u64 = 10 * 60 * 1000;
/// After a break each of them has said within this time what waits there.
pub const HEARD_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Elsewhere {
    known: Mutex<BTreeMap<String, Held>>,
    /// Another server has ever spoken: after a break of whatever length it may have something to tell.
    heard_any: AtomicBool,
}

#[derive(Debug)]
struct Held {
    accounts: BTreeSet<String>,
    /// There are more than could be told.
    and_others: bool,
    heard_at_ms: u64,
}

impl Elsewhere {
    /// What a server says of itself.
    pub fn heard(&self, server: &str, accounts: BTreeSet<String>, and_others: bool, now_ms: u64) {
        self.heard_any.store(true, Ordering::Release);
        let mut known = self.known();
        known.retain(|_, held| now_ms.saturating_sub(held.heard_at_ms) < COUNTS_FOR_MS);
        if known.len() >= MOST_SERVERS && !known.contains_key(server) {
            return;
        }
        let held = Held {
            accounts,
            and_others,
            heard_at_ms: now_ms,
        };
        known.insert(server.to_owned(), held);
    }

    /// Whether one of them may hold something of this account. `redis_there_for`: `None` while it is away.
    pub fn may_hold(&self, account: &str, redis_there_for: Option<Duration>, now_ms: u64) -> bool {
        let is_settled = redis_there_for.is_some_and(|there_for| there_for >= HEARD_WITHIN);
        if !is_settled && self.heard_any.load(Ordering::Acquire) {
            return true;
        }
        let known = self.known();
        let mut counting = known
            .values()
            .filter(|held| now_ms.saturating_sub(held.heard_at_ms) < COUNTS_FOR_MS);
        counting.any(|held| held.and_others || held.accounts.contains(account))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: Option<Duration> = Some(HEARD_WITHIN);

    fn of(account: &str) -> BTreeSet<String> {
        [account.to_owned()].into()
    }

    #[test]
    fn only_what_is_told_of_an_account_counts_for_it_and_only_until_it_is_taken_back() {
        let elsewhere = Elsewhere::default();
        assert!(!elsewhere.may_hold("ann", None, 0), "nobody else is there");
        elsewhere.heard("one", of("ann"), false, 1);
        assert!(elsewhere.may_hold("ann", THERE, 1) && !elsewhere.may_hold("bob", THERE, 1));
        elsewhere.heard("other", of("bob"), true, 1);
        assert!(elsewhere.may_hold("zoe", THERE, 1), "of whom it could not say more");
        elsewhere.heard("other", BTreeSet::new(), false, 2);
        elsewhere.heard("one", BTreeSet::new(), false, 2);
        assert!(!elsewhere.may_hold("ann", THERE, 2));
    }

    #[test]
    fn after_a_break_of_redis_nothing_is_known_before_the_others_have_spoken() {
        let elsewhere = Elsewhere::default();
        elsewhere.heard("one", BTreeSet::new(), false, 1);
        for now_ms in [1, 1 + 2 * COUNTS_FOR_MS] {
            for there_for in [None, Some(Duration::ZERO)] {
                assert!(elsewhere.may_hold("ann", there_for, now_ms), "after a long one, too");
            }
            assert!(!elsewhere.may_hold("ann", THERE, now_ms), "it has had time to speak");
        }
    }
}
