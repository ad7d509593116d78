//! What statements cost, what the database does now, and what would make statements quicker: as pages show it.

/// Statements by shape, from memory alone. No value is in any of it.
#[derive(Clone, Debug, Default)]
pub struct StatementsView {
    /// From here on a statement is slow.
    pub slow_after_ms: u64,
    pub statements: Vec<StatementRow>,
    /// Of the shapes that had to make room.
    pub other: Option<StatementRow>,
    /// Shapes whose transactions meet too often at present, the worst first.
    pub clusters: Vec<ClusterRow>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementRow {
    pub shape: String,
    /// The call that ran it last.
    pub call: &'static str,
    pub count: u64,
    pub errors: u64,
    pub unfinished: u64,
    pub slow: u64,
    pub rows: u64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    pub contended: Vec<ContendedRow>,
}

/// How often a call lost to another transaction, and by what: `deadlock`, `serialization`, `lock_timeout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContendedRow {
    pub kind: &'static str,
    pub call: &'static str,
    pub times: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRow {
    pub shape: String,
    pub count: u32,
    pub within_ms: u64,
    pub last_ago_ms: u64,
}

/// A statement that runs for longer is marked.
pub const LONG_STATEMENT_MS: u64 = 5_000;
/// A transaction that is open for longer is marked.
pub const LONG_TRANSACTION_MS: u64 = 30_000;

/// What goes on in the database now, of everybody who is connected to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    pub as_of_ms: u64,
    /// Those that do something or have a transaction open, the longest first.
    pub sessions: Vec<Session>,
    /// Connected, and nothing else.
    pub idle: u64,
    /// What this database account may not see, or this database does not tell; in whole sentences.
    pub unseen: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The database's own number of it.
    pub id: String,
    pub account: String,
    pub application: Option<String>,
    /// In the database's word.
    pub state: String,
    /// What it waits for, where it waits.
    pub wait: Option<String>,
    /// Of the statement that runs, or ran last.
    pub statement_ms: Option<u64>,
    /// Since its transaction began.
    pub transaction_ms: Option<u64>,
    /// Sessions that hold the lock it waits for.
    pub blocked_by: Vec<String>,
    /// Without values; `None` where it may not be seen.
    pub shape: Option<String>,
}

impl Session {
    /// Worth a look: it waits for a lock, or is at it for long.
    pub fn is_long(&self) -> bool {
        let runs = self.state != "idle in transaction";
        (runs && self.statement_ms.is_some_and(|ms| ms >= LONG_STATEMENT_MS))
            || self.transaction_ms.is_some_and(|ms| ms >= LONG_TRANSACTION_MS)
    }
}

impl Activity {
    /// Who waits for a lock, and for whom.
    pub fn lock_waits(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| !session.blocked_by.is_empty())
    }

    /// Whether others wait for this one.
    pub fn is_waited_for(&self, id: &str) -> bool {
        self.lock_waits()
            .any(|session| session.blocked_by.iter().any(|blocking| blocking == id))
    }
}

/// What would make a slow statement quicker, by the database's own plan of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub shape: String,
    pub kind: HintKind,
    pub table: String,
    pub columns: Vec<String>,
    /// Of the table; more are not counted.
    pub rows_at_least: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HintKind {
    /// All of a table is read, to find what is in these columns.
    FilterWithoutIndex,
    /// The same, and the columns refer to another table.
    ReferenceWithoutIndex,
    /// All of a table is read and put in order by these columns.
    SortWithoutIndex,
    /// All of a table is read, and no index on a column would help: by patterns, functions, or no condition at all.
    WholeTable,
}

impl HintKind {
    /// As programs are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::FilterWithoutIndex => "filter_without_index",
            Self::ReferenceWithoutIndex => "reference_without_index",
            Self::SortWithoutIndex => "sort_without_index",
            Self::WholeTable => "whole_table",
        }
    }
}

/// The hints there are, and how much was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    pub hints: Vec<Hint>,
    /// Slow shapes whose plan was looked at.
    pub explained: u64,
    /// Slow shapes that the database does not explain.
    pub not_explained: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_a_statement_that_runs_or_a_transaction_that_is_open() {
        let session = |state: &str, statement_ms, transaction_ms| Session {
            state: state.to_owned(),
            statement_ms,
            transaction_ms,
            ..Session::default()
        };
        assert!(session("active", Some(5_000), Some(5_000)).is_long());
        assert!(!session("active", Some(4_999), Some(29_999)).is_long());
        // Its last statement began long ago; that is no sign of anything.
        assert!(!session("idle in transaction", Some(20_000), Some(20_000)).is_long());
        assert!(session("idle in transaction", Some(20_000), Some(30_000)).is_long());
    }

    #[test]
    fn who_is_waited_for_is_known_by_those_who_wait() {
        let waits = Session {
            id: "7".to_owned(),
            blocked_by: vec!["8".to_owned()],
            ..Session::default()
        };
        let holds = Session {
            id: "8".to_owned(),
            ..Session::default()
        };
        let activity = Activity {
            sessions: vec![waits, holds],
            ..Activity::default()
        };
        assert_eq!(activity.lock_waits().count(), 1);
        assert!(activity.is_waited_for("8") && !activity.is_waited_for("7"));
    }
}
