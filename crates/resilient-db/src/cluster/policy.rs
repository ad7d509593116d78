//! The numbers of several servers; those of each stand in its [`Policy`](crate::Policy).

use std::sync::Arc;
use std::time::Duration;

use crate::observer::{LogChanges, Observer};

/// Limits of choosing among servers.
#[derive(Clone, Debug)]
pub struct ClusterPolicy {
    /// A replica that is later than this is not read from. Default 10 s.
    pub max_lag: Duration,
    /// Who has written reads from the primary for as long as a replica in use may be late, and this. Default 2 s: lag is
    /// known to the distance of two probes.
    pub pinned_beyond_lag: Duration,
    /// After a start nobody remembers who has written what, and how late a replica is takes a while to find out, also
    /// after writes went to another server: for so long everybody reads from the primary, as long as it answers. Default 12 s, which is the default `max_lag` and
    /// `pinned_beyond_lag`.
    pub settling: Duration,
    /// What a probe has found counts for so long. Default 3 s, which is three probes: where none has ended
    /// since, nobody knows who leads.
    pub known_for: Duration,
    /// Who is told when writes go elsewhere, and when two servers could be written to. Default
    /// [`LogChanges`].
    pub observer: Arc<dyn Observer>,
}

impl Default for ClusterPolicy {
    fn default() -> Self {
        Self {
            max_lag: Duration::from_secs(10),
            pinned_beyond_lag: Duration::from_secs(2),
            settling: Duration::from_secs(12),
            known_for: Duration::from_secs(3),
            observer: Arc::new(LogChanges),
        }
    }
}
