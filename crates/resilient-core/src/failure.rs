//! What a failure means: the vocabulary every driver error is translated into, once.
//!
//! Nothing above the classifier looks at a driver's error. What follows from a failure (whether
//! work may be repeated, what becomes of the connection, whether the breaker counts it) is read
//! from a [`Class`] alone.

/// What may have happened to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing reached the server.
    NotSent,
    /// The server says that it was undone, or is bound to undo it.
    RolledBack,
    /// Sent and not answered: it may have happened. Never to be called "failed".
    Unknown,
    /// It happened; what failed came afterwards.
    Applied,
}

/// How long to wait before a repetition; the bases are the retry policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Two transactions met: the other one is done soon.
    Fast,
    Ordinary,
    /// The server is short of something and needs time.
    Slow,
}

/// May the work be repeated by itself? Always the whole transaction, never one statement of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    Yes(Pace),
    /// Only a read, or work that carries its own id.
    IfRepeatable(Pace),
    /// One repetition, at once.
    Once,
    /// One repetition of a read, if there is time for it.
    OnceIfRead,
    Never,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionFate {
    Keep,
    /// Closed hard, without a farewell the other side may never read.
    Drop,
    /// Its prepared statements are stale.
    Reprepare,
}

/// What the breaker makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerEffect {
    /// The way to the database failed.
    Failure,
    /// Writing is impossible, reading is not.
    FailureOfWrites,
    /// The server answered, so it lives; that it answered with an error is no matter.
    Success,
    /// Counts as a slow call.
    Slow,
    /// Misconfigured: opens at once and stays open, because no repetition heals it.
    Isolate,
    Ignored,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A person's input.
    Input,
    /// Contention; expected.
    Contention,
    Degraded,
    Outage,
    /// Integrity, configuration or disk: wake somebody.
    Critical,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Show it at the field.
    Fix,
    RetryTransaction,
    Reconnect,
    /// Back off slowly.
    Wait,
    /// Look for the primary.
    FailOver,
    /// Ask the database whether it happened.
    Resolve,
    /// Refuse politely: 503 with `Retry-After`, the draft kept.
    Shed,
    /// Go on without writing, and call a person.
    ReadOnly,
    /// A defect on our side: an error id, a log line, no repetition.
    Report,
    /// Call a person.
    Page,
    /// The statement took too long and was stopped.
    Narrow,
    /// There is no such row.
    NotFound,
}

/// What the caller is looking at, named for what it does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The database cannot be reached.
    Unreachable,
    /// It is there but has no room: too many connections, out of memory, starting up, or our own
    /// bulkhead is full.
    Busy,
    /// Somebody else held the same row.
    Contention,
    /// Stopped because it took too long, or asked for too much.
    TimedOut,
    /// A constraint said no; see the error's constraint.
    Constraint,
    /// A value does not fit its column.
    BadValue,
    /// No such row.
    Absent,
    /// Writing is not possible here: switched off, a standby, or a full disk.
    ReadOnly,
    /// Data or disk are damaged.
    Damaged,
    /// Password, certificate, name: nothing heals it but a person.
    Misconfigured,
    /// A defect on our side: bad SQL, a missing table, a swallowed error.
    Defect,
    /// The application is shutting down.
    Closing,
}

impl Kind {
    /// For labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Contention => "contention",
            Self::TimedOut => "timed_out",
            Self::Constraint => "constraint",
            Self::BadValue => "bad_value",
            Self::Absent => "absent",
            Self::ReadOnly => "read_only",
            Self::Damaged => "damaged",
            Self::Misconfigured => "misconfigured",
            Self::Defect => "defect",
            Self::Closing => "closing",
        }
    }
}

/// Everything that follows from one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    pub kind: Kind,
    pub outcome: Outcome,
    pub retry: Retry,
    pub connection: ConnectionFate,
    pub breaker: BreakerEffect,
    pub severity: Severity,
    pub action: Action,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_in_labels() {
        let kinds = [
            Kind::Unreachable,
            Kind::Busy,
            Kind::Contention,
            Kind::TimedOut,
            Kind::Constraint,
            Kind::BadValue,
            Kind::Absent,
            Kind::ReadOnly,
            Kind::Damaged,
            Kind::Misconfigured,
            Kind::Defect,
            Kind::Closing,
        ];
        let names = kinds.map(Kind::name).into_iter().filter(|name| !name.is_empty());
        let different: std::collections::BTreeSet<_> = names.collect();
        assert_eq!(different.len(), kinds.len(), "{different:?}");
    }
}
