//! How often one form's draft may be written.
//!
//! A page writes 2 seconds after the first change it has not sent, one write at a time, and once more when it is hidden
//! or left: at most 6 in 10 seconds. So even a person who types into the same form in several tabs at once, which nobody
//! does, is far from [`PER_SECOND`]; what exceeds it for half a minute is no page of ours.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sustained, of one account's form: 20 in 10 seconds.
const PER_SECOND: u64 = 2;
/// At once, after a pause: what many tabs that come back together send.
const AT_ONCE: u64 = 60;
/// Forms remembered; those that have paused long enough are forgotten first.
const MOST: usize = 10_000;

/// Account and form key.
type Name = (String, String);

#[derive(Debug, Default)]
pub struct Pace {
    /// In thousandths of a write: what is used up, and when that was so.
    used: Mutex<HashMap<Name, (u64, u64)>>,
}

impl Pace {
    /// Counts a write at `now_ms`, or says after how many milliseconds it may be tried again.
    pub fn take(&self, account: &str, form_key: &str, now_ms: u64) -> Result<(), u64> {
        let mut used = self.used();
        if used.len() >= MOST {
            used.retain(|_, (amount, at_ms)| left(*amount, *at_ms, now_ms) > 0);
        }
        let name = (account.to_owned(), form_key.to_owned());
        // Whoever fills it up with forms is stopped by the number of drafts.
        if used.len() >= MOST && !used.contains_key(&name) {
            return Ok(());
        }
        let (amount, at_ms) = used.entry(name).or_insert((0, now_ms));
        let taken = left(*amount, *at_ms, now_ms) + 1_000;
        let over = taken.saturating_sub(AT_ONCE * 1_000);
        if over > 0 {
            return Err(over.div_ceil(PER_SECOND));
        }
        (*amount, *at_ms) = (taken, now_ms);
        Ok(())
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Name, (u64, u64)>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is still used up. A millisecond gives back as many thousandths as a second gives writes.
fn left(amount: u64, at_ms: u64, now_ms: u64) -> u64 {
    amount.saturating_sub(now_ms.saturating_sub(at_ms) * PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_types_all_day_in_many_tabs_is_never_held_up() {
        let pace = Pace::default();
        for second in 0..36_000_u64 {
            // Three tabs, each as quick as a page can be.
            let writes = if second % 2 == 0 { 4 } else { 0 };
            for _ in 0..writes {
                assert_eq!(pace.take("ann", "site/1", second * 1_000), Ok(()), "{second}");
            }
        }
    }

    #[test]
    fn what_writes_without_end_is_told_when_it_may_go_on_and_holds_up_nobody_else() {
        let pace = Pace::default();
        let mut taken = 0;
        let wait_ms = loop {
            match pace.take("ann", "site/1", 0) {
                Ok(()) => taken += 1,
                Err(wait_ms) => break wait_ms,
            }
        };
        assert_eq!((taken, wait_ms), (AT_ONCE, 500));
        assert_eq!(pace.take("ann", "site/2", 0), Ok(()));
        assert_eq!(pace.take("bob", "site/1", 0), Ok(()));
        assert!(pace.take("ann", "site/1", wait_ms - 1).is_err());
        assert_eq!(pace.take("ann", "site/1", wait_ms), Ok(()));
        let sustained = (1..=100).filter(|tenth| pace.take("ann", "site/1", wait_ms + tenth * 100).is_ok());
        assert_eq!(sustained.count(), 20, "in 10 seconds");
    }

    #[test]
    fn what_has_paused_is_forgotten() {
        let pace = Pace::default();
        for form in 0..MOST {
            assert_eq!(pace.take("ann", &form.to_string(), 0), Ok(()));
        }
        assert_eq!(pace.take("ann", "one more", 1_000), Ok(()));
        assert_eq!(pace.used().len(), 1);
    }
}
