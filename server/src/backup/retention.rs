//! Which backups are kept: the newest, and the last one of each of the latest days. A rule, without a clock.

use std::collections::BTreeSet;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest so many; at least 1, so that the last good one is never removed.
    pub newest: u32,
    /// Of so many days (UTC) that have any, the last one of each; 0 for none.
    pub daily: u32,
}

/// The times of those that may go.
pub fn outlived(made_at_ms: &[u64], keep: Keep) -> BTreeSet<u64> {
    let mut newest_first: Vec<u64> = made_at_ms.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    let mut days = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for (at, made) in newest_first.into_iter().enumerate() {
        let first_of_its_day = days.insert(made / DAY_MS) && days.len() <= keep.daily as usize;
        if at >= keep.newest.max(1) as usize && !first_of_its_day {
            gone.insert(made);
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = DAY_MS / 24;

    #[test]
    fn the_newest_stay_and_the_last_of_each_day() {
        let hourly: Vec<u64> = (0..72).map(|hour| hour * HOUR).collect();
        let gone = outlived(&hourly, Keep { newest: 3, daily: 2 });
        let kept: Vec<u64> = hourly
            .iter()
            .filter(|made| !gone.contains(made))
            .map(|made| made / HOUR)
            .collect();
        assert_eq!(kept, [47, 69, 70, 71]);
        let gone = outlived(&hourly, Keep { newest: 2, daily: 0 });
        assert_eq!(gone.len(), 70);
    }

    #[test]
    fn an_old_one_that_is_the_only_one_stays() {
        assert!(outlived(&[5], Keep { newest: 0, daily: 0 }).is_empty());
        assert!(outlived(&[], Keep { newest: 1, daily: 1 }).is_empty());
    }

    proptest! {
        #[test]
        fn the_last_good_one_is_never_among_them(made in prop::collection::vec(0..20 * DAY_MS, 1..40), newest in 0..5u32, daily in 0..5u32) {
            let gone = outlived(&made, Keep { newest, daily });
            prop_assert!(!gone.contains(made.iter().max().unwrap()));
            let distinct: BTreeSet<u64> = made.into_iter().collect();
            prop_assert!(distinct.len() - gone.len() <= (newest.max(1) + daily) as usize);
        }

        #[test]
        fn sweeping_twice_removes_nothing_more(made in prop::collection::btree_set(0..20 * DAY_MS, 1..40), newest in 1..5u32, daily in 0..5u32) {
            let keep = Keep { newest, daily };
            let all: Vec<u64> = made.into_iter().collect();
            let gone = outlived(&all, keep);
            let left: Vec<u64> = all.into_iter().filter(|made| !gone.contains(made)).collect();
            prop_assert!(outlived(&left, keep).is_empty());
        }
    }
}
