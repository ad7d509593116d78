//! When the next backup is due. Rules: the times come in.

use std::time::Duration;

/// The pause after the first failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// Of the interval: spread by so much, so that many servers do not start at once.
const SPREAD_PART: u32 = 20;

/// When the next one is due, by the newest good one there is; without one, soon. `spread` is random, 0 to 1. A newest
/// one that is of the future (somebody set a clock) does not put it off for longer than one interval.
pub fn due_at_ms(newest_ms: Option<u64>, now_ms: u64, every: Duration, spread: f64) -> u64 {
    let every_ms = every.as_millis() as u64;
    let later = ((every / SPREAD_PART).as_millis() as f64 * spread) as u64;
    match newest_ms {
        None => now_ms + later.min(60_000),
        Some(newest) => newest.min(now_ms) + every_ms + later,
    }
}

/// How long to wait after so many failures in a row. Never longer than the interval itself.
pub fn pause_after(failures: u32, every: Duration) -> Duration {
    let doubled = FIRST_PAUSE * 2u32.saturating_pow(failures.saturating_sub(1)).min(1_000);
    doubled.min(LONGEST_PAUSE).min(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const DAY_MS: u64 = 86_400_000;

    #[test]
    fn it_is_due_one_interval_after_the_newest_however_often_the_server_was_started() {
        let newest = 1_000_000;
        for now in [newest, newest + 5, newest + DAY_MS / 2, newest + 9 * DAY_MS] {
            assert_eq!(due_at_ms(Some(newest), now, DAY, 0.0), newest + DAY_MS);
        }
        assert_eq!(due_at_ms(None, 77, DAY, 0.0), 77);
    }

    #[test]
    fn the_spread_is_a_small_part_of_the_interval() {
        let late = due_at_ms(Some(0), 0, DAY, 1.0);
        assert!(late > DAY_MS && late <= DAY_MS + DAY_MS / 20);
        assert!(due_at_ms(None, 0, DAY, 1.0) <= 60_000);
    }

    #[test]
    fn a_newest_one_of_the_future_does_not_put_it_off_for_ever() {
        assert_eq!(due_at_ms(Some(900 * DAY_MS), DAY_MS, DAY, 0.0), 2 * DAY_MS);
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let pauses: Vec<u64> = (1..9).map(|failures| pause_after(failures, DAY).as_secs()).collect();
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
        assert_eq!(pause_after(u32::MAX, DAY), LONGEST_PAUSE);
        assert_eq!(pause_after(3, Duration::from_secs(2)).as_secs(), 2);
    }
}
