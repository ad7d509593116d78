//! How saves are sent again.

use std::time::Duration;

use crate::config::Lookup;

const PER_SECOND: &str = "INKFAST_REPLAY_PER_SECOND";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySettings {
    /// `INKFAST_REPLAY_PER_SECOND`, default 10: of all people together, by this process. 0: only browsers send again.
    pub per_second: u32,
    /// The database has to take changes for so long before anything is sent: 5 s. Those who wait in front of their
    /// screens go first.
    pub settled_for: Duration,
    /// A process that has not said so long what became of an entry is taken for dead: 60 s, far more than a save may
    /// take.
    pub lease: Duration,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        Self {
            per_second: 10,
            settled_for: Duration::from_secs(5),
            lease: Duration::from_secs(60),
        }
    }
}

impl ReplaySettings {
    pub fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let usual = Self::default();
        let Some(text) = lookup(PER_SECOND) else {
            return Ok(usual);
        };
        match text.parse() {
            Ok(per_second @ 0..=1_000) => Ok(Self { per_second, ..usual }),
            _ => Err(vec![format!(
                "{PER_SECOND} is `{text}`; it takes saves a second, 0 to 1000."
            )]),
        }
    }
}
