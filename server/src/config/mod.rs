//! Settings: from the environment, and what is shown to whom from `inkfast.toml`. Every problem is found before
//! anything starts.

mod backup;
mod database;
pub mod file;
mod listen;
mod redis;
mod servers;
mod statements;
mod storage;
mod test_queries;

use std::sync::Arc;
use std::time::Duration;

use app::ui::page_request::LocalDrafts;
pub use backup::BackupSettings;
pub use database::DatabaseSettings;
pub use file::PanelSettings;
pub use listen::{ListenSettings, is_loopback_authority};
pub use redis::RedisSettings;
use servers::OtherServers;
pub use servers::{Address, MAIN, Servers};
pub use statements::StatementSettings;
pub use storage::StorageSettings;
pub use test_queries::TestQuerySettings;

use crate::replay::ReplaySettings;

/// Looks a variable up; an empty one counts as absent.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: ListenSettings,
    pub storage: StorageSettings,
    pub database: DatabaseSettings,
    /// `INKFAST_DATABASE_MAX_LAG`, in seconds: a replica that is later is not read from; absent: 10 s.
    pub max_lag: Option<Duration>,
    pub redis: RedisSettings,
    pub panel: Arc<PanelSettings>,
    /// `INKFAST_DRILLS` or `inkfast serve --drills`, default off: staff may make the database fail for a while.
    pub drills: bool,
    /// `INKFAST_REQUIRE_DATABASE` or `inkfast serve --require-database`, default off: no start without the database.
    pub require_database: bool,
    pub test_queries: TestQuerySettings,
    pub backup: BackupSettings,
    /// `INKFAST_ADAPTIVE_LIMITS`, else `adaptive_limits` of `inkfast.toml`, default off: how many calls run at once
    /// follows what they take.
    pub adaptive_limits: bool,
    /// `INKFAST_OFFLINE_PAGES`, else `offline_pages` of `inkfast.toml`, default on: browsers keep pages to show them
    /// without the server.
    pub offline_pages: bool,
    /// `INKFAST_LOCAL_DRAFTS`, else `local_drafts` of `inkfast.toml`, default plain: how browsers keep what is typed.
    pub local_drafts: LocalDrafts,
    pub statements: StatementSettings,
    pub replay: ReplaySettings,
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
        let adaptive_limits = keep_problems(said(lookup, "INKFAST_ADAPTIVE_LIMITS"), &mut problems);
        let offline_pages = keep_problems(said(lookup, "INKFAST_OFFLINE_PAGES"), &mut problems);
        let local_drafts = keep_problems(local_drafts(lookup), &mut problems);
        let statements = keep_problems(StatementSettings::from_env(lookup), &mut problems);
        let replay = keep_problems(ReplaySettings::from_env(lookup), &mut problems);
        if let (Some(test_queries), Some(database)) = (&test_queries, &database) {
            keep_problems(test_queries.fits(database), &mut problems);
        }
        let in_file = panel.as_ref().map(|panel| panel.database.clone()).unwrap_or_default();
        let others = keep_problems(OtherServers::from_env(lookup, &in_file), &mut problems);
        let database = match (database, others) {
            (Some(main), Some(others)) => keep_problems(others.beside(main), &mut problems),
            _ => None,
        };
        let max_lag = keep_problems(servers::max_lag(lookup, panel.as_ref()), &mut problems);
        match (
            listen,
            storage,
            database,
            max_lag,
            redis,
            panel,
            drills,
            require_database,
            test_queries,
            backup,
            adaptive_limits,
            offline_pages,
            local_drafts,
            statements,
            replay,
        ) {
            (
                Some(listen),
                Some(storage),
                Some(database),
                Some(max_lag),
                Some(redis),
                Some(panel),
                Some(drills),
                Some(require_database),
                Some(test_queries),
                Some(backup),
                Some(adaptive_limits),
                Some(offline_pages),
                Some(local_drafts),
                Some(statements),
                Some(replay),
            ) if problems.is_empty() => Ok(Self {
                listen,
                storage,
                database,
                max_lag,
                redis,
                adaptive_limits: adaptive_limits.or(panel.adaptive_limits).unwrap_or(false),
                offline_pages: offline_pages.or(panel.offline_pages).unwrap_or(true),
                local_drafts: local_drafts.or(panel.local_drafts).unwrap_or_default(),
                panel: Arc::new(panel),
                drills,
                require_database,
                test_queries,
                backup,
                statements,
                replay,
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
    said(lookup, name).map(Option::unwrap_or_default)
}

/// On unless switched off.
fn switch_on(lookup: Lookup, name: &str) -> Result<bool, Vec<String>> {
    said(lookup, name).map(|said| said.unwrap_or(true))
}

/// `None` where nothing is said.
fn said(lookup: Lookup, name: &str) -> Result<Option<bool>, Vec<String>> {
    match lookup(name).as_deref() {
        None => Ok(None),
        Some("0" | "false" | "off") => Ok(Some(false)),
        Some("1" | "true" | "on") => Ok(Some(true)),
        Some(other) => Err(vec![format!("{name} is `{other}`; it takes 1 or 0.")]),
    }
}

/// `None` where nothing is said.
fn local_drafts(lookup: Lookup) -> Result<Option<LocalDrafts>, Vec<String>> {
    const NAME: &str = "INKFAST_LOCAL_DRAFTS";
    let Some(code) = lookup(NAME) else { return Ok(None) };
    match LocalDrafts::of_code(&code) {
        Some(mode) => Ok(Some(mode)),
        None => {
            let codes = LocalDrafts::ALL.map(LocalDrafts::code).join(", ");
            Err(vec![format!("{NAME} is `{code}`; it takes one of {codes}.")])
        }
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
            ("INKFAST_NEXT_SECRET", "short"),
            (
                "INKFAST_OLD_SECRETS",
                "a passphrase that is long enough to be one, short",
            ),
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
            ("INKFAST_ADAPTIVE_LIMITS", "always"),
            ("INKFAST_OFFLINE_PAGES", "sometimes"),
            ("INKFAST_DATABASE_STANDBYS", "oracle://db"),
            ("INKFAST_DATABASE_REPLICAS", "north"),
            ("INKFAST_DATABASE_MAX_LAG", "soon"),
            ("INKFAST_REPLAY_PER_SECOND", "many"),
        ])
        .unwrap_err();
        for name in [
            "INKFAST_LISTEN",
            "INKFAST_PUBLIC_URL",
            "INKFAST_SECRET",
            "INKFAST_NEXT_SECRET",
            "INKFAST_OLD_SECRETS",
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
            "INKFAST_ADAPTIVE_LIMITS",
            "INKFAST_OFFLINE_PAGES",
            "INKFAST_DATABASE_STANDBYS",
            "INKFAST_DATABASE_REPLICAS",
            "INKFAST_DATABASE_MAX_LAG",
            "INKFAST_REPLAY_PER_SECOND",
        ] {
            assert_eq!(
                problems.iter().filter(|problem| problem.contains(name)).count(),
                1,
                "{name}: {problems:?}"
            );
        }
    }

    #[test]
    fn the_environment_has_the_last_word_on_adaptive_limits() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("inkfast.toml");
        std::fs::write(&file, "adaptive_limits = true").unwrap();
        let on_file = ("INKFAST_CONFIG", file.to_str().unwrap());
        assert!(!read(&[]).unwrap().adaptive_limits);
        assert!(read(&[on_file]).unwrap().adaptive_limits);
        assert!(
            !read(&[on_file, ("INKFAST_ADAPTIVE_LIMITS", "0")])
                .unwrap()
                .adaptive_limits
        );
        assert!(read(&[("INKFAST_ADAPTIVE_LIMITS", "1")]).unwrap().adaptive_limits);
    }

    #[test]
    fn pages_are_kept_unless_that_is_switched_off() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("inkfast.toml");
        std::fs::write(&file, "offline_pages = false").unwrap();
        let off_file = ("INKFAST_CONFIG", file.to_str().unwrap());
        assert!(read(&[]).unwrap().offline_pages);
        assert!(!read(&[("INKFAST_OFFLINE_PAGES", "off")]).unwrap().offline_pages);
        assert!(!read(&[off_file]).unwrap().offline_pages);
        assert!(read(&[off_file, ("INKFAST_OFFLINE_PAGES", "1")]).unwrap().offline_pages);
    }

    #[test]
    fn drafts_on_the_device_are_plain_unless_it_is_said_otherwise() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("inkfast.toml");
        std::fs::write(&file, "local_drafts = \"sealed\"").unwrap();
        let sealed_file = ("INKFAST_CONFIG", file.to_str().unwrap());
        assert_eq!(read(&[]).unwrap().local_drafts, LocalDrafts::Plain);
        assert_eq!(read(&[sealed_file]).unwrap().local_drafts, LocalDrafts::Sealed);
        let off = read(&[sealed_file, ("INKFAST_LOCAL_DRAFTS", "off")]).unwrap();
        assert_eq!(off.local_drafts, LocalDrafts::Off);
        let problems = read(&[("INKFAST_LOCAL_DRAFTS", "on")]).unwrap_err().concat();
        assert!(problems.contains("plain, sealed, off"), "{problems}");
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

    const NORTH: (&str, &str) = ("DATABASE_URL", "postgres://me:hunter2@north/shop");

    #[test]
    fn several_servers_are_told_apart_and_named() {
        let standbys = "postgres://me:hunter2@south/shop, postgres://me:hunter2@east/shop";
        let settings = read(&[
            NORTH,
            ("INKFAST_DATABASE_STANDBYS", standbys),
            ("INKFAST_DATABASE_REPLICAS", "postgres://me:hunter2@west:5433/shop"),
            ("INKFAST_DATABASE_MAX_LAG", "3"),
        ])
        .unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.max_lag, Some(Duration::from_secs(3)));
        let DatabaseSettings::Postgres(servers) = settings.database else {
            panic!("{:?}", settings.database);
        };
        let named: Vec<_> = servers.named().map(|(name, options)| (name, options.place())).collect();
        let named: Vec<_> = named.iter().map(|(name, place)| (*name, place.as_str())).collect();
        let expected = [
            (MAIN, "north:5432"),
            ("standby1", "south:5432"),
            ("standby2", "east:5432"),
            ("replica1", "west:5433"),
        ];
        assert_eq!(named, expected);
        let one = read(&[NORTH]).unwrap();
        assert!(matches!(one.database, DatabaseSettings::Postgres(servers) if servers.is_one()));
    }

    #[test]
    fn servers_that_do_not_belong_together_are_told_all_at_once_and_without_a_password() {
        let problems = read(&[
            NORTH,
            (
                "INKFAST_DATABASE_STANDBYS",
                "mysql://me:hunter2@south/shop,postgres://me:hunter2@east/other",
            ),
            ("INKFAST_DATABASE_REPLICAS", "postgres://me:hunter2@north/shop"),
        ])
        .unwrap_err();
        let told = problems.concat();
        for words in [
            "INKFAST_DATABASE_STANDBYS, server 1: it is of MySQL/MariaDB, and DATABASE_URL of PostgreSQL",
            "INKFAST_DATABASE_STANDBYS, server 2: it names another database",
            "INKFAST_DATABASE_REPLICAS, server 1: this host and port were named before",
        ] {
            assert!(told.contains(words), "{words}: {problems:#?}");
        }
        assert!(problems.len() == 3 && !told.contains("hunter2"), "{problems:#?}");
        for wrong in ["postgres://me:hunter2@south:port/shop", "me:hunter2@south"] {
            let told = read(&[NORTH, ("INKFAST_DATABASE_STANDBYS", wrong)])
                .unwrap_err()
                .concat();
            assert!(
                told.starts_with("INKFAST_DATABASE_STANDBYS ") && !told.contains("hunter2"),
                "{told}"
            );
        }
        let many = ["postgres://me@south/shop"; 9].join(",");
        let told = read(&[NORTH, ("INKFAST_DATABASE_REPLICAS", &many)])
            .unwrap_err()
            .concat();
        assert!(told.contains("at most 8"), "{told}");
    }

    #[test]
    fn a_file_has_no_other_servers() {
        for name in ["INKFAST_DATABASE_STANDBYS", "INKFAST_DATABASE_REPLICAS"] {
            for url in [None, Some(("DATABASE_URL", "sqlite:shop.db"))] {
                let given = [(name, "postgres://me@south/shop")];
                let given: Vec<_> = given.into_iter().chain(url).collect();
                let told = read(&given).unwrap_err().concat();
                assert!(
                    told.starts_with(name) && told.contains("DATABASE_URL is of SQLite"),
                    "{told}"
                );
            }
        }
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
