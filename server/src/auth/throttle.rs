//! How long a sign-in has to wait after failures, per account and address.
//!
//! Nobody can be locked out from afar: failures from one address slow that address down, and only
//! very many failures for one account, from anywhere, slow unknown devices down for it.

use std::collections::HashMap;

/// Failures from one address before it has to wait.
const FREE_TRIES: u32 = 5;
/// Failures for one account from all addresses before devices it does not know have to wait.
const FREE_TRIES_FROM_ANYWHERE: u32 = 50;
const FIRST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 5 * 60 * 1_000;
/// Failures are forgotten after this long without another.
const FORGET_MS: u64 = 60 * 60 * 1_000;
/// Beyond this many entries the forgotten ones are removed at each failure.
const SWEEP_ABOVE: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_ms: u64,
}

/// Times are unix milliseconds.
#[derive(Debug, Default)]
pub struct Throttle {
    by_address: HashMap<(String, String), Failures>,
    by_account: HashMap<String, Failures>,
}

impl Throttle {
    /// Milliseconds this sign-in has to wait; `None` to go ahead.
    pub fn wait_ms(&self, account: &str, address: &str, known_device: bool, now_ms: u64) -> Option<u64> {
        let here = self.by_address.get(&(account.to_owned(), address.to_owned()));
        let anywhere = (!known_device).then(|| self.by_account.get(account)).flatten();
        let here = here.and_then(|failures| remaining_ms(failures, FREE_TRIES, now_ms));
        let anywhere = anywhere.and_then(|failures| remaining_ms(failures, FREE_TRIES_FROM_ANYWHERE, now_ms));
        here.max(anywhere)
    }

    pub fn failed(&mut self, account: &str, address: &str, now_ms: u64) {
        if self.by_address.len() > SWEEP_ABOVE {
            self.by_address
                .retain(|_, failures| now_ms.saturating_sub(failures.last_ms) < FORGET_MS);
            self.by_account
                .retain(|_, failures| now_ms.saturating_sub(failures.last_ms) < FORGET_MS);
        }
        count(
            self.by_address
                .entry((account.to_owned(), address.to_owned()))
                .or_insert(NONE),
            now_ms,
        );
        count(self.by_account.entry(account.to_owned()).or_insert(NONE), now_ms);
    }

    pub fn succeeded(&mut self, account: &str, address: &str) {
        self.by_address.remove(&(account.to_owned(), address.to_owned()));
    }
}

const NONE: Failures = Failures { count: 0, last_ms: 0 };

fn count(failures: &mut Failures, now_ms: u64) {
    if now_ms.saturating_sub(failures.last_ms) >= FORGET_MS {
        failures.count = 0;
    }
    failures.count = failures.count.saturating_add(1);
    failures.last_ms = now_ms;
}

fn remaining_ms(failures: &Failures, free: u32, now_ms: u64) -> Option<u64> {
    let beyond = failures.count.checked_sub(free)?;
    let wait = FIRST_WAIT_MS.saturating_mul(1 << beyond.min(20)).min(LONGEST_WAIT_MS);
    (failures.last_ms + wait)
        .checked_sub(now_ms)
        .filter(|remaining| *remaining > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_after_five_failures_and_end_with_success() {
        let mut throttle = Throttle::default();
        for _ in 0..4 {
            throttle.failed("anna", "1.1.1.1", 1_000);
        }
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", false, 1_000), None);
        throttle.failed("anna", "1.1.1.1", 1_000);
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", false, 1_000), Some(1_000));
        throttle.failed("anna", "1.1.1.1", 2_000);
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", false, 2_000), Some(2_000));
        for _ in 0..40 {
            throttle.failed("anna", "1.1.1.1", 2_000);
        }
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", false, 2_000), Some(LONGEST_WAIT_MS));
        throttle.succeeded("anna", "1.1.1.1");
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", true, 2_000), None);
    }

    #[test]
    fn failures_from_elsewhere_do_not_lock_a_known_device_out() {
        let mut throttle = Throttle::default();
        for n in 0..200 {
            throttle.failed("anna", &format!("10.0.0.{n}"), 1_000);
        }
        assert!(throttle.wait_ms("anna", "1.1.1.1", false, 1_000).is_some());
        assert_eq!(throttle.wait_ms("anna", "1.1.1.1", true, 1_000), None);
        assert_eq!(throttle.wait_ms("bert", "1.1.1.1", false, 1_000), None);
    }
}
