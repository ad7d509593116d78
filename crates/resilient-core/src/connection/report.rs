//! What the server says of what stands behind it.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Up,
    Slow,
    Down,
}

/// Where the server keeps drafts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftStore {
    /// Where they belong.
    InPlace,
    /// Redis is away: in the server's own store.
    Spill,
    /// Nowhere: they are on this device only.
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub database: Database,
    pub drafts: DraftStore,
    /// Until the server itself tries its database again.
    pub retry_after: Option<Duration>,
}

impl Report {
    pub const ALL_UP: Self = Self {
        database: Database::Up,
        drafts: DraftStore::InPlace,
        retry_after: None,
    };

    /// From the server's words; what is not known to be trouble is none.
    pub fn read(database: &str, drafts: &str, retry_after_ms: Option<u64>) -> Self {
        Self {
            database: match database {
                "down" => Database::Down,
                "slow" => Database::Slow,
                _ => Database::Up,
            },
            drafts: match drafts {
                "down" => DraftStore::Down,
                "spill" => DraftStore::Spill,
                _ => DraftStore::InPlace,
            },
            retry_after: retry_after_ms.map(Duration::from_millis),
        }
    }

    /// Only trouble of the database makes a save wait.
    pub fn can_save(&self) -> bool {
        self.database != Database::Down
    }
}
