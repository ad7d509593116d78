//! What can be done to the way between client and server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One way to break a connection. Setting another one ends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Everything passes.
    Pass,
    /// The listener is closed: new connections are refused by the kernel. Existing ones go on.
    Refuse,
    /// Every existing connection is reset now, towards both sides, and new ones are refused.
    Cut,
    /// Connections are accepted and no byte moves. What was sent meanwhile arrives afterwards.
    Freeze,
    /// Connections are accepted, and what is sent is swallowed, in both directions. A connection that this
    /// happened to stays silent for good, as behind a firewall that has forgotten it; others go on afterwards.
    BlackHole,
    /// Each chunk waits for `latency`, then moves at `bytes_per_second` (0: as fast as it goes).
    Slow { bytes_per_second: u64, latency: Duration },
    /// Where the bytes of a client contain `pattern`, they are forwarded, and that client is reset
    /// before any answer gets back to it. The server's side stays open until the server has
    /// answered, so that it does its work. Happens `times` times, then everything passes.
    CutAfterForwarding { pattern: Vec<u8>, times: u32 },
    /// The same, but the client is left waiting until the server's answer begins, and reset only
    /// then: by that time the work is done.
    CutAnswerTo { pattern: Vec<u8>, times: u32 },
    /// Where the bytes of a client contain `pattern`, `answer` is written to it as it stands and the connection is
    /// closed in order; the server never hears of what came with the pattern. So a proxy of the usual kind answers
    /// for a server that it cannot reach. Happens `times` times, then everything passes.
    AnswerInstead {
        pattern: Vec<u8>,
        answer: Vec<u8>,
        times: u32,
    },
    /// The next bytes of any server are swallowed, and so are all later ones on that connection,
    /// which stays open: that client waits in vain. Other connections pass.
    DropAnswerOnce,
    /// Each chunk, in either direction, resets its connection with `probability` (0.0 to 1.0): half
    /// of the time before the chunk is forwarded, half of the time after it.
    CutAtRandom { probability: f64, seed: u64 },
}

/// When a cut by chance happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    BeforeForwarding,
    AfterForwarding,
}

/// A fault in force, with what it still has to do.
pub(crate) struct Script {
    pub fault: Fault,
    remaining: AtomicU32,
    random: Mutex<u64>,
}

impl Script {
    pub fn new(fault: Fault) -> Self {
        let (remaining, seed) = match &fault {
            Fault::CutAfterForwarding { times, .. }
            | Fault::CutAnswerTo { times, .. }
            | Fault::AnswerInstead { times, .. } => (*times, 0),
            Fault::DropAnswerOnce => (1, 0),
            Fault::CutAtRandom { seed, .. } => (0, *seed),
            _ => (0, 0),
        };
        Self {
            fault,
            remaining: AtomicU32::new(remaining),
            random: Mutex::new(seed),
        }
    }

    pub fn refuses(&self) -> bool {
        matches!(self.fault, Fault::Refuse | Fault::Cut)
    }

    pub fn cuts(&self) -> bool {
        self.fault == Fault::Cut
    }

    pub fn freezes(&self) -> bool {
        self.fault == Fault::Freeze
    }

    pub fn swallows(&self) -> bool {
        self.fault == Fault::BlackHole
    }

    /// The bytes to look for in what clients send.
    pub fn pattern(&self) -> Option<&[u8]> {
        match &self.fault {
            Fault::CutAfterForwarding { pattern, .. }
            | Fault::CutAnswerTo { pattern, .. }
            | Fault::AnswerInstead { pattern, .. } => Some(pattern),
            _ => None,
        }
    }

    /// What a client with the pattern is told instead of the server's answer.
    pub fn answer(&self) -> Option<&[u8]> {
        match &self.fault {
            Fault::AnswerInstead { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Claims one of the times this fault may still happen.
    pub fn claim(&self) -> bool {
        self.remaining
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
    }

    pub fn swallows_answer(&self) -> bool {
        self.fault == Fault::DropAnswerOnce && self.claim()
    }

    /// Whether chance cuts the connection at this chunk.
    pub fn chance(&self) -> Option<Chance> {
        let Fault::CutAtRandom { probability, .. } = self.fault else {
            return None;
        };
        let drawn = self.draw();
        // 53 bits: what a double holds exactly.
        let unit = (drawn >> 11) as f64 / (1u64 << 53) as f64;
        let when = if drawn & 1 == 0 {
            Chance::BeforeForwarding
        } else {
            Chance::AfterForwarding
        };
        (unit < probability).then_some(when)
    }

    /// SplitMix64: the same seed gives the same cuts, in the order in which chunks come.
    fn draw(&self) -> u64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_keeps_to_its_probability_and_is_the_same_for_the_same_seed() {
        let cuts = |seed| {
            let script = Script::new(Fault::CutAtRandom {
                probability: 0.25,
                seed,
            });
            (0..4000).map(|_| script.chance()).collect::<Vec<_>>()
        };
        let count = cuts(7).iter().flatten().count();
        assert!((900..1100).contains(&count), "{count} of 4000");
        assert_eq!(cuts(7), cuts(7));
        assert_ne!(cuts(7), cuts(8));
    }

    #[test]
    fn a_fault_happens_as_often_as_it_was_ordered() {
        let script = Script::new(Fault::CutAfterForwarding {
            pattern: b"COMMIT".to_vec(),
            times: 2,
        });
        assert_eq!([script.claim(), script.claim(), script.claim()], [true, true, false]);
    }
}
