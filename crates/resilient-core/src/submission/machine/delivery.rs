//! The way of a submission: stored, sent, waiting for its next try, answered.
//!
//! There is one place for a submission, so two ids are never under way for one form. What was
//! pressed later waits in line or is made anew from the fields once this one has its answer.

use std::collections::VecDeque;
use std::time::Duration;

use super::effects::OutboxEntry;
use crate::backoff::Backoff;
use crate::collections::BTreeSet;
use crate::draft::Values;
use crate::submission::Submission;
use crate::time::{self, Moment, milliseconds};

/// Full jitter: attempts of many pages that failed together do not come back together. No pause is
/// longer than the cap, but for a longer `Retry-After`.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// Spread added to a `Retry-After`, so that many pages do not return at once.
const SPREAD: Duration = Duration::from_secs(1);

/// One press of Save that has no answer yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// With secret values, where they are still in page memory.
    pub submission: Submission,
    /// What the record had in those columns when it was pressed.
    pub base: Values,
    /// It changed a secret: never stored with it.
    pub has_secret: bool,
    /// Its secret is gone with the page that had it: it can be asked for, not sent.
    pub incomplete: bool,
    /// An earlier page pressed it.
    pub left_behind: bool,
    /// Attempts that failed.
    pub attempts: u32,
    /// One of them may have reached the server, and what became of it is not known.
    pub may_have_arrived: bool,
    /// Columns edited since it was pressed.
    pub touched: BTreeSet<String>,
    /// The person waits for this attempt; it is no automatic retry.
    pub by_press: bool,
    /// The device did not take it: it is in page memory only.
    pub unstored: bool,
    /// Save was pressed again since, with newer text in the fields.
    pub pressed_again: bool,
}

impl Intent {
    pub fn new(submission: Submission, base: Values, has_secret: bool) -> Self {
        Self {
            submission,
            base,
            has_secret,
            incomplete: false,
            left_behind: false,
            attempts: 0,
            may_have_arrived: false,
            touched: BTreeSet::new(),
            by_press: true,
            unstored: false,
            pressed_again: false,
        }
    }

    /// One that an earlier page left behind.
    pub fn left_behind(entry: &OutboxEntry) -> Self {
        Self {
            submission: entry.submission.clone(),
            base: entry.base.clone(),
            has_secret: entry.incomplete,
            incomplete: entry.incomplete,
            left_behind: true,
            attempts: entry.attempts,
            may_have_arrived: true,
            touched: BTreeSet::new(),
            by_press: false,
            unstored: false,
            pressed_again: false,
        }
    }

    /// How it lies on the device.
    pub fn entry(&self, stored: Submission, wait: Duration) -> OutboxEntry {
        OutboxEntry {
            submission: stored,
            base: self.base.clone(),
            incomplete: self.has_secret,
            attempts: self.attempts,
            wait_ms: milliseconds(wait),
        }
    }
}

/// Why a submission waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// No answer came.
    Unanswered,
    /// The server kept it: its database cannot be reached, or it is too busy.
    Kept {
        reason: String,
        /// The server sends it again by itself, also when this page is gone.
        server_retries: bool,
    },
    /// Another attempt under this id is still running.
    InProgress,
    /// Too many requests: the server says so, for the sake of others, or something on the way to it.
    RateLimited { by_server: bool },
    /// It was found on the device when the page was loaded, its time not yet come.
    LeftBehind,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Delivery {
    #[default]
    Idle,
    /// Being written to the device, before it leaves.
    Storing(Intent),
    Sending(Intent),
    Waiting {
        intent: Intent,
        until: Moment,
        pause: Pause,
    },
    /// Held under its id until somebody has signed in.
    SignedOut(Intent),
}

impl Delivery {
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            Self::Idle => None,
            Self::Storing(intent) | Self::Sending(intent) | Self::SignedOut(intent) => Some(intent),
            Self::Waiting { intent, .. } => Some(intent),
        }
    }

    pub fn intent_mut(&mut self) -> Option<&mut Intent> {
        match self {
            Self::Idle => None,
            Self::Storing(intent) | Self::Sending(intent) | Self::SignedOut(intent) => Some(intent),
            Self::Waiting { intent, .. } => Some(intent),
        }
    }

    /// Takes the intent out if it has this id.
    pub fn take(&mut self, id: &str) -> Option<Intent> {
        if self.intent()?.submission.id != id {
            return None;
        }
        std::mem::take(self).into_intent()
    }

    pub fn into_intent(self) -> Option<Intent> {
        match self {
            Self::Idle => None,
            Self::Storing(intent) | Self::Sending(intent) | Self::SignedOut(intent) => Some(intent),
            Self::Waiting { intent, .. } => Some(intent),
        }
    }

    /// The server cannot have carried it out: it has not left, or the one attempt met a locked door.
    pub fn was_never_sent(&self) -> bool {
        match self {
            Self::Storing(_) => true,
            Self::SignedOut(intent) => intent.attempts == 0 && !intent.left_behind,
            _ => false,
        }
    }

    pub fn due(&self) -> Option<Moment> {
        match self {
            Self::Waiting { until, .. } => Some(*until),
            _ => None,
        }
    }
}

/// What earlier pages left behind, in the order pressed.
pub type Line = VecDeque<Intent>;

/// How long to wait after `failures` failed attempts (counted from 1): a growing random pause, but
/// never less than what the server asked for.
///
/// `random` is uniform over its type.
pub fn pause_before_retry(failures: u32, retry_after: Option<Duration>, random: u64) -> Duration {
    let jittered = BACKOFF.delay(failures, fraction(random));
    match retry_after {
        None => jittered,
        Some(asked) => jittered.max(asked + share(SPREAD, random)),
    }
}

/// A random share of a duration.
pub fn share(whole: Duration, random: u64) -> Duration {
    time::share(whole, fraction(random))
}

fn fraction(random: u64) -> f64 {
    random as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_is_bounded_and_never_shorter_than_the_server_asked(failed in 1..60_u32, random: u64, asked in 0..90_000_u64) {
            prop_assert!(pause_before_retry(failed, None, random) <= BACKOFF.cap);
            let asked = Duration::from_millis(asked);
            let pause = pause_before_retry(failed, Some(asked), random);
            prop_assert!(pause >= asked && pause <= BACKOFF.cap.max(asked + SPREAD));
        }

        #[test]
        fn pauses_grow_with_each_failure(failed in 1..60_u32, random: u64) {
            prop_assert!(pause_before_retry(failed, None, random) <= pause_before_retry(failed + 1, None, random));
        }
    }
}
