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

/// Devices an account knows share one count of their own: what others fail at from the same address (a proxy's, say)
/// does not keep them out.
const KNOWN_DEVICE: &str = "a device it knows";

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
    /// Counts an attempt as failed from the start, so that many at once do not pass together; a success takes it back
    /// ([`Throttle::succeeded`], [`Throttle::not_tried`]).
    ///
    /// # Errors
    /// The milliseconds this sign-in has to wait; then it does not count.
    pub fn begin(&mut self, account: &str, address: &str, known_device: bool, now_ms: u64) -> Result<(), u64> {
        let address = if known_device { KNOWN_DEVICE } else { address };
        match self.wait_ms(account, address, known_device, now_ms) {
            Some(wait_ms) => Err(wait_ms),
            None => {
                self.failed(account, address, now_ms);
                Ok(())
            }
        }
    }

    fn wait_ms(&self, account: &str, address: &str, known_device: bool, now_ms: u64) -> Option<u64> {
        let here = self.by_address.get(&(account.to_owned(), address.to_owned()));
        let anywhere = (!known_device).then(|| self.by_account.get(account)).flatten();
        let here = here.and_then(|failures| remaining_ms(failures, FREE_TRIES, now_ms));
        let anywhere = anywhere.and_then(|failures| remaining_ms(failures, FREE_TRIES_FROM_ANYWHERE, now_ms));
        here.max(anywhere)
    }

    fn failed(&mut self, account: &str, address: &str, now_ms: u64) {
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

    /// The password was right: failures from there are forgotten.
    pub fn succeeded(&mut self, account: &str, address: &str, known_device: bool) {
        self.not_tried(account, address, known_device);
        let address = if known_device { KNOWN_DEVICE } else { address };
        self.by_address.remove(&(account.to_owned(), address.to_owned()));
    }

    /// The attempt could not be judged: it does not count.
    pub fn not_tried(&mut self, account: &str, address: &str, known_device: bool) {
        let address = if known_device { KNOWN_DEVICE } else { address };
        let here = self.by_address.get_mut(&(account.to_owned(), address.to_owned()));
        let counts = here.into_iter().chain(self.by_account.get_mut(account));
        counts.for_each(|failures| failures.count = failures.count.saturating_sub(1));
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
        for _ in 0..5 {
            assert_eq!(throttle.begin("anna", "1.1.1.1", false, 1_000), Ok(()));
        }
        assert_eq!(throttle.begin("anna", "1.1.1.1", false, 1_000), Err(1_000));
        assert_eq!(throttle.begin("anna", "1.1.1.1", false, 2_000), Ok(()));
        assert_eq!(throttle.begin("anna", "1.1.1.1", false, 2_000), Err(2_000));
        assert_eq!(throttle.begin("bert", "1.1.1.1", false, 2_000), Ok(()));
        throttle.succeeded("anna", "1.1.1.1", false);
        assert_eq!(throttle.begin("anna", "1.1.1.1", false, 2_000), Ok(()));
    }

    #[test]
    fn an_attempt_that_could_not_be_judged_does_not_count() {
        let mut throttle = Throttle::default();
        for _ in 0..50 {
            assert_eq!(throttle.begin("anna", "1.1.1.1", false, 1_000), Ok(()));
            throttle.not_tried("anna", "1.1.1.1", false);
        }
    }

    #[test]
    fn failures_of_others_do_not_lock_a_known_device_out() {
        let mut throttle = Throttle::default();
        for n in 0..200 {
            let _ = throttle.begin("anna", &format!("10.0.0.{n}"), false, 1_000);
            let _ = throttle.begin("anna", "1.1.1.1", false, 1_000);
        }
        assert!(throttle.begin("anna", "2.2.2.2", false, 1_000).is_err());
        assert_eq!(throttle.begin("anna", "1.1.1.1", true, 1_000), Ok(()));
        assert_eq!(throttle.begin("bert", "2.2.2.2", false, 1_000), Ok(()));
    }

    #[test]
    fn no_wait_is_longer_than_five_minutes() {
        let mut throttle = Throttle::default();
        let mut now_ms = 1_000;
        for _ in 0..100 {
            if let Err(wait_ms) = throttle.begin("anna", "1.1.1.1", false, now_ms) {
                assert!(wait_ms <= LONGEST_WAIT_MS);
                now_ms += wait_ms;
            }
        }
    }
}
