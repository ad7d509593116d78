//! May this be tried again, and after how long?

use std::time::Duration;

use resilient_core::backoff::{Backoff, Jitter};
use resilient_core::failure::{Class, Kind, Outcome, Pace, Retry};

use crate::budget::Cost;
use crate::policy::Policy;
use crate::supported::Role;

/// When the next attempt may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repetition {
    AtOnce,
    AfterBackoff(Pace),
}

/// Whether the call may be repeated as a whole after `attempts` attempts, of which the last ended
/// with `class`. What is in doubt is never repeated here, unless it was a read.
pub(crate) fn repetition(class: &Class, role: Role, attempts: u32, at_most: u32) -> Option<Repetition> {
    let is_read = role == Role::Read;
    let undone = matches!(class.outcome, Outcome::NotSent | Outcome::RolledBack);
    if attempts >= at_most || !(is_read || undone) {
        return None;
    }
    match class.retry {
        Retry::Yes(pace) | Retry::IfRepeatable(pace) => Some(Repetition::AfterBackoff(pace)),
        Retry::Once if attempts == 1 => Some(Repetition::AtOnce),
        Retry::OnceIfRead if is_read && attempts == 1 => Some(Repetition::AtOnce),
        Retry::Once | Retry::OnceIfRead | Retry::Never => None,
    }
}

impl Repetition {
    /// The wait before it. `random` in `0.0..1.0`.
    pub(crate) fn delay(self, policy: &Policy, attempts: u32, random: f64) -> Duration {
        let base = match self {
            Self::AtOnce => return Duration::ZERO,
            Self::AfterBackoff(Pace::Fast) => policy.retry_base_fast,
            Self::AfterBackoff(Pace::Ordinary) => policy.retry_base,
            Self::AfterBackoff(Pace::Slow) => policy.retry_base_slow,
        };
        let jitter = if policy.retry_jitter {
            Jitter::Full
        } else {
            Jitter::None
        };
        Backoff {
            base,
            cap: policy.retry_cap,
            jitter,
        }
        .delay(attempts, random)
    }
}

/// What repeating after this failure takes from the budget.
pub(crate) fn cost(class: &Class) -> Cost {
    if class.kind == Kind::TimedOut {
        Cost::AfterTimeout
    } else {
        Cost::Ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{CONTENTION, DEFECT, LOST, Phase, TIMED_OUT, in_phase};

    const AT_MOST: u32 = 3;

    #[test]
    fn a_lost_write_is_never_repeated_but_a_lost_read_is() {
        let write = in_phase(LOST, Phase::Autocommit);
        assert_eq!(repetition(&write, Role::Write, 1, AT_MOST), None);
        let read = in_phase(LOST, Phase::Read);
        assert_eq!(
            repetition(&read, Role::Read, 1, AT_MOST),
            Some(Repetition::AfterBackoff(Pace::Ordinary))
        );
    }

    #[test]
    fn a_commit_without_an_answer_is_not_repeated_as_if_it_had_failed() {
        assert_eq!(
            repetition(&in_phase(LOST, Phase::Commit), Role::Write, 1, AT_MOST),
            None
        );
    }

    #[test]
    fn a_transaction_cut_before_its_commit_is_repeated() {
        let class = in_phase(LOST, Phase::InTransaction);
        assert!(repetition(&class, Role::Write, 1, AT_MOST).is_some());
    }

    #[test]
    fn three_attempts_are_all() {
        assert!(repetition(&CONTENTION, Role::Write, 2, AT_MOST).is_some());
        assert_eq!(repetition(&CONTENTION, Role::Write, 3, AT_MOST), None);
    }

    #[test]
    fn a_defect_is_not_repeated() {
        assert_eq!(repetition(&DEFECT, Role::Read, 1, AT_MOST), None);
    }

    #[test]
    fn once_is_once_and_only_for_a_read_where_it_says_so() {
        let once = Class {
            retry: Retry::Once,
            ..DEFECT
        };
        assert_eq!(repetition(&once, Role::Write, 1, AT_MOST), Some(Repetition::AtOnce));
        assert_eq!(repetition(&once, Role::Write, 2, AT_MOST), None);
        let stopped = Class {
            retry: Retry::OnceIfRead,
            ..TIMED_OUT
        };
        assert_eq!(repetition(&stopped, Role::Read, 1, AT_MOST), Some(Repetition::AtOnce));
        assert_eq!(repetition(&stopped, Role::Write, 1, AT_MOST), None);
    }

    #[test]
    fn each_pace_has_its_base() {
        let policy = Policy::default();
        let longest = |pace| Repetition::AfterBackoff(pace).delay(&policy, 1, 1.0).as_millis();
        assert_eq!([Pace::Fast, Pace::Ordinary, Pace::Slow].map(longest), [10, 50, 250]);
    }

    #[test]
    fn plain_exponential_waits_are_a_matter_of_settings() {
        let seconds = Duration::from_secs;
        let policy = Policy {
            retry_base: seconds(1),
            retry_cap: seconds(4),
            retry_jitter: false,
            ..Policy::default()
        };
        let waits = [1, 2, 3].map(|attempts| Repetition::AfterBackoff(Pace::Ordinary).delay(&policy, attempts, 0.3));
        assert_eq!(waits, [seconds(1), seconds(2), seconds(4)]);
    }
}
