//! Degraded mode: while the database is in trouble, what is inessential is left out, so that saving, forms and drafts
//! go on. Entered and left by itself, and by hand.

mod rule;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::monitoring::model::{Degraded, DegradedBy};
use resilient_db::Supported;
use serde_json::{Value, json};

use self::rule::{Rule, Signals};
use crate::clock::now_ms;
use crate::database::{Database, DatabaseState, Readiness};

/// Between two looks at what is known of the database; it is asked nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A probe that takes longer is slow.
const SLOW_PROBE: Duration = Duration::from_millis(250);
/// Before another try makes sense, where nothing else says when.
const TRY_AGAIN_MS: u64 = 5_000;
/// The longest that somebody may want it for, in seconds.
pub const LONGEST_BY_HAND: u64 = 24 * 60 * 60;

/// What the database does that brings it about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Reading,
    Writing,
    Slow,
}

impl Cause {
    pub fn word(self) -> &'static str {
        match self {
            Self::Reading => "database_away",
            Self::Writing => "no_changes_taken",
            Self::Slow => "database_slow",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Entered(Cause),
    Left,
}

#[derive(Debug)]
pub struct Degradation {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rule: Rule,
    by_itself: Option<(Cause, u64)>,
    by_hand: Option<ByHand>,
}

#[derive(Clone, Debug)]
struct ByHand {
    who: String,
    reason: String,
    since_ms: u64,
    ends: Instant,
}

impl Default for Degradation {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::default(),
        }
    }
}

impl Degradation {
    /// Since when and why, while it is; what somebody has wanted comes first.
    pub fn current(&self) -> Option<Degraded> {
        let mut state = self.state();
        state.forget_what_is_over();
        let by_hand = state.by_hand.as_ref().map(|by_hand| Degraded {
            by: DegradedBy::Hand {
                who: by_hand.who.clone(),
                reason: by_hand.reason.clone(),
                remaining_ms: by_hand.ends.saturating_duration_since(Instant::now()).as_millis() as u64,
            },
            since_ms: by_hand.since_ms,
        });
        by_hand.or_else(|| {
            state.by_itself.map(|(cause, since_ms)| Degraded {
                by: DegradedBy::Itself(cause.word()),
                since_ms,
            })
        })
    }

    /// `None` while everything is answered; else when to ask again for what is left out.
    pub fn leaves_out(&self) -> Option<u64> {
        let degraded = self.current()?;
        Some(match degraded.by {
            DegradedBy::Hand { remaining_ms, .. } => remaining_ms.clamp(1_000, 60_000),
            DegradedBy::Itself(_) => TRY_AGAIN_MS,
        })
    }

    /// For so long, unless it is reset before.
    pub fn enter(&self, who: &str, reason: &str, lasting: Duration) {
        tracing::warn!(
            by = who,
            reason,
            seconds = lasting.as_secs(),
            "degraded mode is entered by hand"
        );
        self.state().by_hand = Some(ByHand {
            who: who.to_owned(),
            reason: reason.to_owned(),
            since_ms: now_ms(),
            ends: Instant::now() + lasting,
        });
        self.tell_metrics();
    }

    /// Over, whoever brought it about.
    pub fn reset(&self, who: &str) {
        tracing::warn!(by = who, "degraded mode is reset");
        let mut state = self.state();
        state.by_hand = None;
        state.by_itself = None;
        state.rule.reset(self.moment());
        drop(state);
        self.tell_metrics();
    }

    pub fn report(&self) -> Value {
        let Some(Degraded { by, since_ms }) = self.current() else {
            return json!({ "active": false });
        };
        match by {
            DegradedBy::Itself(cause) => {
                json!({ "active": true, "by": "itself", "cause": cause, "since_unix_ms": since_ms })
            }
            DegradedBy::Hand {
                who,
                reason,
                remaining_ms,
            } => json!({
                "active": true,
                "by": who,
                "cause": "by_hand",
                "reason": reason,
                "since_unix_ms": since_ms,
                "remaining_ms": remaining_ms,
            }),
        }
    }

    fn look(&self, signals: Signals) {
        let now = self.moment();
        let mut state = self.state();
        if state.forget_what_is_over() {
            tracing::warn!("degraded mode that was entered by hand is over");
        }
        match state.rule.look(now, signals) {
            Some(Change::Entered(cause)) => {
                tracing::warn!(cause = cause.word(), "degraded mode: what is inessential is left out");
                state.by_itself = Some((cause, now_ms()));
            }
            Some(Change::Left) => {
                tracing::warn!("degraded mode is over: everything is answered again");
                state.by_itself = None;
            }
            None => {}
        }
        drop(state);
        self.tell_metrics();
    }

    fn tell_metrics(&self) {
        let value = u8::from(self.current().is_some());
        metrics::gauge!("inkfast_degraded").set(f64::from(value));
    }

    fn moment(&self) -> rule::Moment {
        self.started.elapsed().as_millis() as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether anything was.
    fn forget_what_is_over(&mut self) -> bool {
        let is_over = self
            .by_hand
            .as_ref()
            .is_some_and(|by_hand| by_hand.ends <= Instant::now());
        if is_over {
            self.by_hand = None;
        }
        is_over
    }
}

/// Looks as long as somebody holds it.
pub fn watch<S: Supported>(degradation: &Arc<Degradation>, db: Database<S>) {
    let degradation = Arc::downgrade(degradation);
    tokio::spawn(async move {
        while let Some(degradation) = degradation.upgrade() {
            degradation.look(signals(&db.state()));
            drop(degradation);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

fn signals(state: &DatabaseState) -> Signals {
    let last_probe = state.leading().health.last_probe;
    Signals {
        write_open: !state.can_save,
        read_open: state.readiness == Readiness::Down,
        slow: last_probe.is_some_and(|probe| probe.took > SLOW_PROBE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: Signals = Signals {
        write_open: true,
        read_open: true,
        slow: false,
    };

    #[test]
    fn by_hand_it_ends_by_itself_and_can_be_reset_with_all_the_rest() {
        let degradation = Degradation::default();
        assert_eq!((degradation.current(), degradation.leaves_out()), (None, None));
        degradation.enter("mira", "moving house", Duration::from_secs(60));
        let report = degradation.report();
        assert_eq!(
            (&report["by"], &report["reason"]),
            (&"mira".into(), &"moving house".into())
        );
        assert!(degradation.leaves_out().is_some_and(|wait| wait > 50_000));
        degradation.enter("noor", "", Duration::ZERO);
        assert_eq!(degradation.current(), None, "its time is over");

        degradation.look(DOWN);
        assert_eq!(degradation.report()["cause"], "database_away");
        degradation.enter("mira", "", Duration::from_secs(60));
        degradation.reset("noor");
        assert_eq!(degradation.current(), None);
        degradation.look(DOWN);
        assert_eq!(degradation.current(), None, "not again for the same trouble");
    }
}
