//! How a transaction ends: only ever because the work said so.

/// What the work wants to become of its transaction. An error instead of either rolls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<T> {
    Commit(T),
    Rollback(T),
}

/// What to do when the answer to COMMIT was lost. In practice nearly all of these did commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknownCommit {
    /// Run the work again. It must claim an id first, in the same transaction, and answer what was
    /// answered then if the id is taken; otherwise this duplicates its effects.
    Repeat,
    /// Give the caller an error with [`Outcome::Unknown`](crate::failure::Outcome::Unknown).
    Report,
}
