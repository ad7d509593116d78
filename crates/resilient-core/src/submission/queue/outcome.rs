//! What the answer to a repeated save says about its entry.

use super::{Tried, Why};
use crate::submission::answer::{Answer, Outcome};

impl Tried {
    /// `database_is_there`: it takes changes still, after the answer. Then the reason lies with the entry, or with the
    /// record it is of (somebody holds a lock on it, say), and the account's other records go on.
    pub fn of(answer: &Answer, database_is_there: bool) -> Self {
        match answer.outcome {
            Outcome::Saved => Self::Saved,
            // A statement that takes too long each time is the entry's own trouble.
            Outcome::Kept if database_is_there || answer.reason.as_deref() == Some("timeout") => Self::Failed,
            Outcome::Kept => Self::Interrupted,
            // Of a save under the same id that comes to its end by itself.
            Outcome::InProgress | Outcome::RateLimited | Outcome::Unauthenticated => Self::Away,
            refused => Self::Refused(Why::Answered(refused)),
        }
    }
}
