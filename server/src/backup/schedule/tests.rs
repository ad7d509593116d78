//! Days of backups in no time: the clock is tokio's, which is paused.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::super::Why;
use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR_MS: u64 = 3_600_000;

/// Backups that are only noted.
struct Noted {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made_at: Vec<u64>,
    tried_at: Vec<u64>,
    /// Made by another server, seen from this moment on.
    elsewhere: Vec<u64>,
    /// What comes of the next tries; then all succeed.
    endings: VecDeque<bool>,
    turns: VecDeque<bool>,
}

impl Noted {
    fn with(state: State) -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn run_for(&self, length: Duration) -> BackupsSeen {
        let seen = BackupsSeen::default();
        let _ = timeout(length, run(self, Some(DAY), &seen)).await;
        seen
    }
}

#[async_trait]
impl Work for Noted {
    /// From the hundredth day on.
    fn now_ms(&self) -> u64 {
        100 * 24 * HOUR_MS + self.started.elapsed().as_millis() as u64
    }

    async fn newest_ms(&self) -> Option<u64> {
        let state = self.state();
        let elsewhere = state.elsewhere.iter().filter(|at| **at <= self.now_ms());
        state.made_at.iter().chain(elsewhere).max().copied()
    }

    async fn take_turn(&self, _: Duration) -> Result<bool, BackupError> {
        Ok(self.state().turns.pop_front().unwrap_or(true))
    }

    async fn make(&self) -> Result<(), BackupError> {
        let now = self.now_ms();
        sleep(Duration::from_secs(100)).await;
        let mut state = self.state();
        state.tried_at.push(now);
        if state.endings.pop_front() == Some(false) {
            return Err(BackupError::new(Why::DiskFull, "full"));
        }
        state.made_at.push(now);
        Ok(())
    }

    async fn end_turn(&self, _: bool) {}
}

fn at_hour(hour: u64) -> u64 {
    100 * 24 * HOUR_MS + hour * HOUR_MS
}

#[tokio::test(start_paused = true)]
async fn one_is_made_each_day() {
    let work = Noted::with(State::default());
    work.run_for(DAY * 10).await;
    let made = work.state().made_at.clone();
    assert!((9..=10).contains(&made.len()), "{made:?}");
    for pair in made.windows(2) {
        let apart = Duration::from_millis(pair[1] - pair[0]);
        assert!(apart >= DAY && apart < DAY + DAY / 15, "{apart:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_goes_on_where_the_last_run_was() {
    let made_before = at_hour(0) - 20 * HOUR_MS;
    let work = Noted::with(State {
        made_at: vec![made_before],
        ..State::default()
    });
    work.run_for(Duration::from_secs(6 * 3_600)).await;
    let made = work.state().made_at.clone();
    assert_eq!(made.len(), 2, "{made:?}");
    assert!((at_hour(4)..at_hour(6)).contains(&made[1]), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_it_is_tried_again_with_growing_pauses() {
    let work = Noted::with(State {
        endings: [false, false, false].into(),
        ..State::default()
    });
    let seen = work.run_for(DAY / 2).await;
    let tried = work.state().tried_at.clone();
    assert_eq!(tried.len(), 4, "{tried:?}");
    let pauses: Vec<u64> = tried.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
    // Each took 100 seconds itself.
    assert!(pauses[0] >= 160 && pauses[1] >= 220 && pauses[2] >= 340, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause < 500), "{pauses:?}");
    let report = seen.report();
    assert_eq!(
        (&report["failures"], &report["last_failure"]["why"]),
        (&3.into(), &"disk_full".into())
    );
}

#[tokio::test(start_paused = true)]
async fn what_another_server_has_made_counts_as_made() {
    let work = Noted::with(State {
        made_at: vec![at_hour(0) - 23 * HOUR_MS],
        elsewhere: vec![at_hour(0) + HOUR_MS / 2],
        ..State::default()
    });
    work.run_for(Duration::from_secs(20 * 3_600)).await;
    assert_eq!(work.state().tried_at.len(), 0, "it was made at half past");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_the_turn_of_another_nothing_is_made() {
    let work = Noted::with(State {
        turns: [false, false].into(),
        ..State::default()
    });
    let seen = work.run_for(Duration::from_secs(3_600)).await;
    assert_eq!(work.state().made_at.len(), 1, "the other one never made it");
    assert!(work.state().made_at[0] >= at_hour(0) + 120_000);
    assert_eq!(seen.report()["failures"], 0, "to wait is no failure");
}
