//! Which messages count: none twice, none that is old, and which servers have fallen silent.

use std::collections::BTreeMap;

use super::told::Envelope;

/// What was said longer ago, or will be said later, counts no more: clocks need not agree better than this.
const FRESH_MS: u64 = 60_000;
/// Silent for longer than this, it is gone. Each says something every two seconds.
pub const SILENT_MS: u64 = 7_000;
/// Longer than anything counts: then nothing can be heard again that was heard before.
const FORGOTTEN_MS: u64 = 3 * FRESH_MS;
/// Servers that are told apart at the same time.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub struct Hearing {
    speakers: BTreeMap<String, Speaker>,
}

#[derive(Debug)]
struct Speaker {
    number: u64,
    heard_at_ms: u64,
    is_there: bool,
    told_of_its_clock: bool,
}

impl Hearing {
    /// Whether this counts, here and now.
    pub fn admits(&mut self, envelope: &Envelope, now_ms: u64) -> bool {
        if !self.speakers.contains_key(&envelope.from) && self.speakers.len() >= MOST {
            return false;
        }
        let is_fresh = envelope.at_ms.abs_diff(now_ms) <= FRESH_MS;
        let speaker = self.speakers.entry(envelope.from.clone()).or_insert(Speaker {
            number: 0,
            heard_at_ms: now_ms,
            is_there: false,
            told_of_its_clock: false,
        });
        if !is_fresh && !envelope.told.is_true_for_ever() {
            if !std::mem::replace(&mut speaker.told_of_its_clock, true) {
                tracing::warn!(
                    behind_ms = now_ms as i64 - envelope.at_ms as i64,
                    "a message of another server is too old: its clock and this one's differ, or somebody repeats it"
                );
            }
            return false;
        }
        if envelope.number <= speaker.number {
            return false;
        }
        speaker.number = envelope.number;
        if is_fresh {
            (speaker.heard_at_ms, speaker.is_there) = (now_ms, true);
        }
        true
    }

    /// Those that have fallen silent since this was asked last.
    pub fn fallen_silent(&mut self, now_ms: u64) -> Vec<String> {
        self.speakers
            .retain(|_, speaker| now_ms.saturating_sub(speaker.heard_at_ms) < FORGOTTEN_MS);
        let silent = self
            .speakers
            .iter_mut()
            .filter(|(_, speaker)| speaker.is_there && now_ms.saturating_sub(speaker.heard_at_ms) > SILENT_MS);
        silent
            .map(|(name, speaker)| {
                speaker.is_there = false;
                name.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instances::Told;

    const NOW: u64 = 1_000_000_000;

    fn said(from: &str, number: u64, at_ms: u64) -> Envelope {
        Envelope {
            from: from.to_owned(),
            number,
            at_ms,
            told: Told::Gone,
        }
    }

    #[test]
    fn nothing_is_heard_twice_and_nothing_old() {
        let mut hearing = Hearing::default();
        assert!(hearing.admits(&said("a", 5, NOW), NOW));
        assert!(!hearing.admits(&said("a", 5, NOW), NOW), "again");
        assert!(!hearing.admits(&said("a", 4, NOW), NOW), "an earlier one");
        assert!(hearing.admits(&said("b", 1, NOW), NOW), "another server");
        assert!(hearing.admits(&said("a", 6, NOW - FRESH_MS), NOW));
        assert!(!hearing.admits(&said("a", 7, NOW - FRESH_MS - 1), NOW));
        assert!(!hearing.admits(&said("a", 7, NOW + FRESH_MS + 1), NOW));
        let ended = Envelope {
            told: Told::Ended { sessions: [].into() },
            ..said("a", 7, 1)
        };
        assert!(hearing.admits(&ended, NOW), "a session that ended is over at any time");
    }

    #[test]
    fn what_was_heard_before_is_never_heard_again_however_long_one_waits() {
        let mut hearing = Hearing::default();
        let message = said("a", 5, NOW);
        assert!(hearing.admits(&message, NOW));
        for later in (0..10 * FORGOTTEN_MS).step_by(1_000) {
            hearing.fallen_silent(NOW + later);
            assert!(!hearing.admits(&message, NOW + later), "{later} ms later");
        }
    }

    #[test]
    fn who_falls_silent_is_gone_once_and_may_come_back() {
        let mut hearing = Hearing::default();
        hearing.admits(&said("a", 1, NOW), NOW);
        assert!(hearing.fallen_silent(NOW + SILENT_MS).is_empty());
        assert_eq!(hearing.fallen_silent(NOW + SILENT_MS + 1), ["a"]);
        assert!(hearing.fallen_silent(NOW + SILENT_MS + 2).is_empty(), "once");
        let later = NOW + 2 * SILENT_MS;
        assert!(hearing.admits(&said("a", 2, later), later));
        assert_eq!(hearing.fallen_silent(later + SILENT_MS + 1), ["a"]);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut hearing = Hearing::default();
        for n in 0..MOST {
            assert!(hearing.admits(&said(&n.to_string(), 1, NOW), NOW));
        }
        assert!(!hearing.admits(&said("late", 1, NOW), NOW));
        assert!(hearing.admits(&said("0", 2, NOW), NOW));
        hearing.fallen_silent(NOW + FORGOTTEN_MS);
        assert!(hearing.admits(&said("late", 1, NOW + FORGOTTEN_MS), NOW + FORGOTTEN_MS));
    }
}
