//! Settings: from the environment, and what is shown to whom from `inkfast.toml`. Every problem is found before
//! anything starts.

mod backup;
mod database;
pub mod file;
mod listen;
mod redis;
mod statements;
mod storage;
mod test_queries;

use std::sync::Arc;

pub use backup::BackupSettings;
pub use database::DatabaseSettings;
pub use file::PanelSettings;
pub use listen::{ListenSettings, is_loopback_authority};
pub use redis::RedisSettings;
pub use statements::StatementSettings;
pub use storage::StorageSettings;
pub use test_queries::TestQuerySettings;

/// Looks a variable up; an empty one counts as absent.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: ListenSettings,
    pub storage: StorageSettings,
    pub database: DatabaseSettings,
    pub redis: RedisSettings,
    pub panel: Arc<PanelSettings>,
    /// `INKFAST_DRILLS` or `inkfast serve --drills`, default off: staff may make the database fail for a while.
    pub drills: bool,
    /// `INKFAST_REQUIRE_DATABASE` or `inkfast serve --require-database`, default off: no start without the database.
    pub require_database: bool,
    pub test_queries: TestQuerySettings,
    pub backup: BackupSettings,
    pub statements: StatementSettings,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// One line for every problem there is, not only the first.
    pub fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let listen = keep_problems(ListenSettings::from_env(lookup), &mut problems);
        let storage = keep_problems(StorageSettings::from_env(lookup), &mut problems);
        let database = keep_problems(DatabaseSettings::from_env(lookup), &mut problems);
        let redis = keep_problems(RedisSettings::from_env(lookup), &mut problems);
        let panel = keep_problems(PanelSettings::from_env(lookup), &mut problems);
        let drills = keep_problems(switch(lookup, "INKFAST_DRILLS"), &mut problems);
        let require_database = keep_problems(switch(lookup, "INKFAST_REQUIRE_DATABASE"), &mut problems);
        let test_queries = keep_problems(TestQuerySettings::from_env(lookup), &mut problems);
        let from_file = panel.as_ref().map(|panel| panel.backup.clone()).unwrap_or_default();
        let data_dir = storage::data_dir(lookup);
        let backup = keep_problems(BackupSettings::from_env(lookup, &from_file, &data_dir), &mut problems);
        let statements = keep_problems(StatementSettings::from_env(lookup), &mut problems);
        if let (Some(test_queries), Some(database)) = (&test_queries, &database) {
            keep_problems(test_queries.fits(database), &mut problems);
        }
        match (
            listen,
            storage,
            database,
            redis,
            panel,
            drills,
            require_database,
            test_queries,
            backup,
            statements,
        ) {
            (
                Some(listen),
                Some(storage),
                Some(database),
                Some(redis),
                Some(panel),
                Some(drills),
                Some(require_database),
                Some(test_queries),
                Some(backup),
                Some(statements),
            ) if problems.is_empty() => Ok(Self {
                listen,
                storage,
                database,
                redis,
                panel: Arc::new(panel),
                drills,
                require_database,
                test_queries,
                backup,
                statements,
            }),
            _ => Err(problems),
        }
    }
}

/// The process environment as a [`Lookup`].
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Off unless switched on.
fn switch(lookup: Lookup, name: &str) -> Result<bool, Vec<String>> {
    switch_or(lookup, name, false)
}

/// On unless switched off.
fn switch_on(lookup: Lookup, name: &str) -> Result<bool, Vec<String>> {
    switch_or(lookup, name, true)
}

fn switch_or(lookup: Lookup, name: &str, default: bool) -> Result<bool, Vec<String>> {
    match lookup(name).as_deref() {
        None => Ok(default),
        Some("0" | "false" | "off") => Ok(false),
        Some("1" | "true" | "on") => Ok(true),
        Some(other) => Err(vec![format!("{name} is `{other}`; it takes 1 or 0.")]),
    }
}

fn keep_problems<T>(read: Result<T, Vec<String>>, problems: &mut Vec<String>) -> Option<T> {
    match read {
        Ok(settings) => Some(settings),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let lookup = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Settings::from_env(&lookup)
    }

    #[test]
    fn without_settings_everything_has_a_default() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.address.to_string(), "127.0.0.1:3000");
        assert_eq!(settings.listen.public_url.to_string(), "http://127.0.0.1:3000");
        assert_eq!(settings.storage.data_dir.to_str(), Some("data"));
        assert!(matches!(settings.database, DatabaseSettings::Embedded));
    }

    #[test]
    fn every_wrong_setting_is_named_at_once() {
        let problems = read(&[
            ("INKFAST_LISTEN", "here"),
            ("INKFAST_PUBLIC_URL", "ftp://example.org/admin"),
            ("INKFAST_SECRET", "short"),
            ("DATABASE_URL", "oracle://db"),
            ("REDIS_URL", "http://redis"),
            ("INKFAST_DRILLS", "perhaps"),
            ("INKFAST_REQUIRE_DATABASE", "2"),
            ("INKFAST_TEST_QUERIES", "sometimes"),
            ("INKFAST_SLOW_STATEMENT_MS", "soon"),
            ("INKFAST_TEST_QUERIES_URL", "oracle://db"),
            ("INKFAST_BACKUP_EVERY", "sometimes"),
            ("INKFAST_BACKUP_KEEP", "0"),
            ("INKFAST_BACKUP_KEEP_DAILY", "-1"),
            ("INKFAST_BACKUP_TOOLS_DIR", "/there/is/no/such/place"),
        ])
        .unwrap_err();
        for name in [
            "INKFAST_LISTEN",
            "INKFAST_PUBLIC_URL",
            "INKFAST_SECRET",
            "DATABASE_URL",
            "REDIS_URL",
            "INKFAST_DRILLS",
            "INKFAST_REQUIRE_DATABASE",
            "INKFAST_TEST_QUERIES ",
            "INKFAST_SLOW_STATEMENT_MS",
            "INKFAST_TEST_QUERIES_URL",
            "INKFAST_BACKUP_EVERY",
            "INKFAST_BACKUP_KEEP ",
            "INKFAST_BACKUP_KEEP_DAILY",
            "INKFAST_BACKUP_TOOLS_DIR",
        ] {
            assert_eq!(
                problems.iter().filter(|problem| problem.contains(name)).count(),
                1,
                "{name}: {problems:?}"
            );
        }
    }

    #[test]
    fn test_queries_go_to_the_kind_of_database_that_is_served() {
        let off = read(&[]).unwrap();
        assert!(!off.test_queries.on && off.test_queries.database.is_none());
        let own = ("INKFAST_TEST_QUERIES_URL", "postgres://reader:hunter2@db/shop");
        let fits = read(&[own, ("DATABASE_URL", "postgres://me@db/shop")]).unwrap();
        assert!(!format!("{:?}", fits.test_queries).contains("hunter2"));
        let problems = read(&[own, ("DATABASE_URL", "sqlite:shop.db")]).unwrap_err().concat();
        assert!(
            problems.starts_with("INKFAST_TEST_QUERIES_URL ") && !problems.contains("hunter2"),
            "{problems}"
        );
    }

    #[test]
    fn a_password_in_the_database_address_is_never_repeated() {
        let problems = read(&[("DATABASE_URL", "oracle://me:hunter2@db")]).unwrap_err();
        assert!(!problems.concat().contains("hunter2"));
        let settings = read(&[("DATABASE_URL", "postgres://me:hunter2@db/shop")]).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_in_the_redis_address_is_never_repeated() {
        for wrong in ["rediss://me:hunter2@redis", "redis://me:hunter2@redis:port"] {
            let problems = read(&[("REDIS_URL", wrong)]).unwrap_err().concat();
            assert!(
                problems.starts_with("REDIS_URL ") && !problems.contains("hunter2"),
                "{problems}"
            );
        }
        let settings = read(&[("REDIS_URL", "redis://me:hunter2@redis/1")]).unwrap();
        assert!(settings.redis.address.is_some());
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
