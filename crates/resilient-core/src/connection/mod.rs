//! Whether the server, and what stands behind it, can be reached: a pure machine fed by real
//! traffic and a probe.
//!
//! One glitch is no outage: two failed probes in a row are. What the browser believes of the network
//! is only a hint to probe.

mod machine;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::machine::Connection;

/// Between two probes while all is well and the page is visible.
pub const PROBE_EVERY: Duration = Duration::from_millis(1_000);
/// A probe without an answer by then has failed. With [`PROBE_EVERY`] an outage is known after at
/// most 1 + 2 × 0.9 = 2.8 s.
pub const PROBE_LIMIT: Duration = Duration::from_millis(900);
/// An answer that takes longer is slow.
pub const SLOW_PROBE: Duration = Duration::from_millis(400);
/// A request that has been under way longer makes the connection slow.
pub const SLOW_REQUEST: Duration = Duration::from_millis(2_000);

/// What the page says: `data-connection`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Online,
    /// Answers come, but late.
    Slow,
    /// The server answers and says that it cannot save now.
    Degraded,
    /// Nothing could be reached; the first answer has come, or the person asked to try now.
    Reconnecting,
    Offline,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Slow => "slow",
            Self::Degraded => "degraded",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server answered the probe; `ready`: it can save.
    ProbeAnswered {
        took: Duration,
        ready: bool,
    },
    /// No answer in time, or none of ours.
    ProbeFailed,
    /// A request of the page's own left; `id` is the driver's.
    RequestLeft {
        id: u32,
    },
    /// It was answered by the server, whatever the answer.
    RequestAnswered {
        id: u32,
    },
    /// No answer, or none of ours.
    RequestFailed {
        id: u32,
    },
    /// The server answered that it could not save.
    SaveKept,
    /// The browser believes that the network came or went.
    NetworkHinted,
    PageShown,
    PageHidden,
    /// The person asked for a try now.
    RetryPressed,
    Woke,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the server; answered by `ProbeAnswered` or `ProbeFailed` within [`PROBE_LIMIT`].
    Probe,
    /// The server can save again.
    ServerReady,
    Announce(Transition),
}

/// A change worth a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Lost,
    Back,
    Degraded,
    Recovered,
}
