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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_servers_words_is_read_and_any_other_is_no_trouble() {
        let database = |word| Report::read(word, "", None).database;
        assert_eq!(
            ["down", "slow", "up", "?"].map(database),
            [Database::Down, Database::Slow, Database::Up, Database::Up]
        );
        let drafts = |word| Report::read("", word, None).drafts;
        assert_eq!(
            ["down", "spill", "redis", "?"].map(drafts),
            [
                DraftStore::Down,
                DraftStore::Spill,
                DraftStore::InPlace,
                DraftStore::InPlace
            ]
        );
        assert_eq!(Report::read("", "", None), Report::ALL_UP);
        let retry_after = Report::read("down", "", Some(1_500)).retry_after;
        assert_eq!(retry_after, Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn only_a_database_that_is_down_makes_a_save_wait() {
        let can_save = |database, drafts| Report::read(database, drafts, None).can_save();
        assert!(can_save("slow", "down") && can_save("up", "spill") && !can_save("down", "redis"));
    }
}
