//! When what changes all the time is told: soon, and not with each change.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What changes within this time is told at once.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub struct Settling {
    /// Since the first change that was not told.
    due: Option<Instant>,
}

impl Settling {
    /// Later changes put it off no further.
    pub fn changed(&mut self, now: Instant) {
        self.due.get_or_insert(now + SETTLES_WITHIN);
    }

    /// When it is to be told; never where nothing has changed.
    pub async fn is_due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    pub fn told(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_to_rest_is_told_all_the_same_and_not_with_each_change() {
        let mut settling = Settling::default();
        let mut told = 0;
        for _ in 0..100 {
            settling.changed(Instant::now());
            tokio::time::advance(Duration::from_millis(10)).await;
            if settling.is_due().now_or_never().is_some() {
                settling.told();
                told += 1;
            }
        }
        assert_eq!(told, 10, "in a second");
        assert!(settling.is_due().now_or_never().is_none(), "nothing has changed since");
    }
}
