//! Whether the server, and what stands behind it, can be reached: a pure machine fed by real
//! traffic, the server's event stream and a probe.
//!
//! While the stream ticks nothing is asked. Silence is a reason to probe; one glitch is no outage: two
//! failed probes in a row are. What the browser believes of the network is only a hint to probe.

mod machine;
mod report;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::machine::Connection;
pub use self::report::{Database, DraftStore, Report};

/// The stream ticks every second. After this much silence the page asks: with two probes of
/// [`PROBE_LIMIT`] an outage is known after at most 1.3 + 2 × 0.7 = 2.7 s.
pub const SILENCE: Duration = Duration::from_millis(1_300);
/// Between two probes while there is no stream, in an outage, and while answers are slow.
pub const PROBE_EVERY: Duration = Duration::from_millis(1_000);
/// A probe without an answer by then has failed.
pub const PROBE_LIMIT: Duration = Duration::from_millis(700);
/// A probe's answer that takes longer is slow.
pub const SLOW_PROBE: Duration = Duration::from_millis(400);
/// A request that has been under way longer makes the connection slow.
pub const SLOW_REQUEST: Duration = Duration::from_millis(2_000);

/// What the page says: `data-connection`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Online,
    /// Answers come, but late.
    Slow,
    /// The server answers and says that something behind it does not.
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
    /// The server answered the probe.
    ProbeAnswered {
        took: Duration,
        report: Report,
    },
    /// No answer in time, or none of ours.
    ProbeFailed,
    /// The event stream told what the server knows of itself.
    Told(Report),
    /// Anything else came over the stream.
    Ticked,
    /// The stream broke off, or was refused.
    StreamEnded,
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
    /// The server answers and the stream is silent: see to it that there is one.
    BeginStream,
    /// The server can save again.
    ServerReady,
    Announce(Transition),
}

/// A change worth a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Lost,
    Back,
    /// The database cannot be reached.
    Degraded,
    Recovered,
    /// Drafts are not kept where they belong.
    DraftsElsewhere(DraftStore),
    DraftsBack,
}
