//! What calls of the database met on their way, since the start: repetitions, refusals, places of the burst.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::monitoring::model::MetOnTheWay;
use resilient_core::failure::Class;
use resilient_db::{Observer, Refusal, Role};

/// All words are the code's, so there are few.
#[derive(Debug, Default)]
pub struct Repetitions {
    counted: Mutex<BTreeMap<(&'static str, Met), u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    Repeated(&'static str),
    Refused(&'static str),
    Overflowed,
}

impl Repetitions {
    fn count(&self, role: Role, met: Met) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted.entry((role.name(), met)).or_default() += 1;
    }

    /// The most frequent first.
    pub fn report(&self) -> Vec<MetOnTheWay> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let told = counted.iter().map(|((role, met), times)| {
            let (what, why) = match met {
                Met::Repeated(kind) => ("repeated", Some(*kind)),
                Met::Refused(reason) => ("refused", Some(*reason)),
                Met::Overflowed => ("overflowed", None),
            };
            MetOnTheWay {
                role,
                what,
                why,
                times: *times,
            }
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|met| std::cmp::Reverse(met.times));
        told
    }
}

impl Observer for Repetitions {
    fn repeating(&self, _name: &'static str, role: Role, _failed_attempts: u32, class: &Class, _delay: Duration) {
        self.count(role, Met::Repeated(class.kind.name()));
    }

    fn refused(&self, _name: &'static str, role: Role, refusal: Refusal) {
        self.count(role, Met::Refused(refusal.name()));
    }

    fn overflowed(&self, _name: &'static str, role: Role, _waited: Duration) {
        self.count(role, Met::Overflowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_told_by_role_and_cause_the_most_frequent_first() {
        let met = Repetitions::default();
        met.overflowed("list", Role::Read, Duration::ZERO);
        for _ in 0..3 {
            met.refused("save", Role::Write, Refusal::BulkheadFull);
        }
        let told: Vec<_> = met
            .report()
            .iter()
            .map(|met| (met.role, met.what, met.why, met.times))
            .collect();
        let expected = [
            ("write", "refused", Some("bulkhead_full"), 3),
            ("read", "overflowed", None, 1),
        ];
        assert_eq!(told, expected);
    }
}
