//! How long one call may wait for Redis, over all its round trips.

use std::time::Duration;

use tokio::time::{Instant, timeout};

/// What is left of the time that one call may spend on waiting. Our own work in between, such as
/// sealing, does not count.
pub(crate) struct Patience {
    left: Duration,
}

/// The time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Patience {
    pub fn of(limit: Duration) -> Self {
        Self { left: limit }
    }

    /// Waits for `work`, at most for what is left. Where nothing is left, it is not begun.
    pub async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Spent> {
        if self.left.is_zero() {
            return Err(Spent);
        }
        let began = Instant::now();
        let done = timeout(self.left, work).await;
        self.left = self.left.saturating_sub(began.elapsed());
        done.map_err(|_| Spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_round_trip_leaves_less_for_the_next_one() {
        let limit = Duration::from_secs(10);
        let trip = Duration::from_millis(30);
        let mut patience = Patience::of(limit);
        assert_eq!(patience.wait_for(tokio::time::sleep(trip)).await, Ok(()));
        assert!(patience.left <= limit - trip, "{:?}", patience.left);

        let mut short = Patience::of(trip);
        let began = Instant::now();
        for _ in 0..20 {
            assert_eq!(short.wait_for(std::future::pending::<()>()).await, Err(Spent));
        }
        assert!(began.elapsed() >= trip);
        assert_eq!(short.left, Duration::ZERO, "twenty trips, one limit");
        assert_eq!(
            short.wait_for(async {}).await,
            Err(Spent),
            "nor one that would be quick"
        );
    }
}
