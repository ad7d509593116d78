//! The database servers besides the one of `DATABASE_URL`.

use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::database::DatabaseSettings;
use super::file::ServersInFile;
use super::{Lookup, PanelSettings};

/// What the server of `DATABASE_URL` is called in the log, in metrics and on pages.
pub const MAIN: &str = "main";
/// Names tell nothing and are few: they are labels of metrics.
const STANDBYS: [&str; 8] = [
    "standby1", "standby2", "standby3", "standby4", "standby5", "standby6", "standby7", "standby8",
];
const REPLICAS: [&str; 8] = [
    "replica1", "replica2", "replica3", "replica4", "replica5", "replica6", "replica7", "replica8",
];
/// In seconds. How late a replica is cannot be told beyond this.
pub(super) const LATEST: u32 = 60;

/// Servers of one kind with the same data, each by how it is connected to.
#[derive(Clone)]
pub struct Servers<O> {
    /// `DATABASE_URL`.
    pub main: O,
    /// `INKFAST_DATABASE_STANDBYS`, comma separated: may become the primary.
    pub standbys: Vec<O>,
    /// `INKFAST_DATABASE_REPLICAS`, comma separated: only read from.
    pub replicas: Vec<O>,
}

/// A server, by its name.
type Named<O> = (&'static str, O);

impl<O> Servers<O> {
    pub fn only(main: O) -> Self {
        Self {
            main,
            standbys: Vec::new(),
            replicas: Vec::new(),
        }
    }

    pub fn is_one(&self) -> bool {
        self.standbys.is_empty() && self.replicas.is_empty()
    }

    /// Each with its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &O)> {
        let standbys = STANDBYS.into_iter().zip(&self.standbys);
        let replicas = REPLICAS.into_iter().zip(&self.replicas);
        std::iter::once((MAIN, &self.main)).chain(standbys).chain(replicas)
    }

    /// Those that may lead, and those that may not.
    pub fn split(self) -> (Vec<Named<O>>, Vec<Named<O>>) {
        let main = std::iter::once((MAIN, self.main));
        let leading = main.chain(STANDBYS.into_iter().zip(self.standbys)).collect();
        (leading, REPLICAS.into_iter().zip(self.replicas).collect())
    }
}

/// Where a server is, without who asks it and by which password.
pub trait Address {
    /// `host:port`.
    fn place(&self) -> String;
    fn database(&self) -> Option<&str>;
}

impl Address for PgConnectOptions {
    fn place(&self) -> String {
        format!("{}:{}", self.get_host(), self.get_port())
    }

    fn database(&self) -> Option<&str> {
        self.get_database()
    }
}

impl Address for MySqlConnectOptions {
    fn place(&self) -> String {
        format!("{}:{}", self.get_host(), self.get_port())
    }

    fn database(&self) -> Option<&str> {
        self.get_database()
    }
}

/// As they were given; of which kind `DATABASE_URL` is shows whether they fit.
#[derive(Clone, Debug, Default)]
pub(super) struct OtherServers {
    standbys: Vec<DatabaseSettings>,
    replicas: Vec<DatabaseSettings>,
}

const STANDBYS_SETTING: &str = "INKFAST_DATABASE_STANDBYS";
const REPLICAS_SETTING: &str = "INKFAST_DATABASE_REPLICAS";
const MAX_LAG_SETTING: &str = "INKFAST_DATABASE_MAX_LAG";

impl OtherServers {
    /// From the environment, else from `inkfast.toml`.
    pub(super) fn from_env(lookup: Lookup, file: &ServersInFile) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |setting: &str, in_file: &[String], most: usize| {
            let urls: Vec<String> = match lookup(setting) {
                Some(urls) => urls.split(',').map(|url| url.trim().to_owned()).collect(),
                None => in_file.to_vec(),
            };
            if urls.len() > most {
                problems.push(format!(
                    "{setting} names {} servers; it takes at most {most}.",
                    urls.len()
                ));
            }
            let read = urls.iter().filter_map(|url| {
                let read = DatabaseSettings::from_url(setting, url);
                read.map_err(|found| problems.extend(found)).ok()
            });
            read.collect()
        };
        let standbys = read(STANDBYS_SETTING, &file.standbys.0, STANDBYS.len());
        let replicas = read(REPLICAS_SETTING, &file.replicas.0, REPLICAS.len());
        match problems.is_empty() {
            true => Ok(Self { standbys, replicas }),
            false => Err(problems),
        }
    }

    /// Beside the server of `DATABASE_URL`.
    pub(super) fn beside(self, main: DatabaseSettings) -> Result<DatabaseSettings, Vec<String>> {
        if self.standbys.is_empty() && self.replicas.is_empty() {
            return Ok(main);
        }
        match main {
            DatabaseSettings::Postgres(servers) => {
                let own = |other| match other {
                    DatabaseSettings::Postgres(other) => Some(other.main),
                    _ => None,
                };
                Ok(DatabaseSettings::Postgres(Box::new(self.of_one_kind(
                    servers.main,
                    "PostgreSQL",
                    own,
                )?)))
            }
            DatabaseSettings::MySql(servers) => {
                let own = |other| match other {
                    DatabaseSettings::MySql(other) => Some(other.main),
                    _ => None,
                };
                Ok(DatabaseSettings::MySql(Box::new(self.of_one_kind(
                    servers.main,
                    "MySQL/MariaDB",
                    own,
                )?)))
            }
            main => {
                let given = [(STANDBYS_SETTING, &self.standbys), (REPLICAS_SETTING, &self.replicas)];
                let given = given.into_iter().filter(|(_, servers)| !servers.is_empty());
                let problem = |(setting, _)| {
                    format!(
                        "{setting} is for PostgreSQL, MySQL and MariaDB; DATABASE_URL is of {}.",
                        main.kind()
                    )
                };
                Err(given.map(problem).collect())
            }
        }
    }

    fn of_one_kind<O: Address>(
        self,
        main: O,
        kind: &str,
        own: impl Fn(DatabaseSettings) -> Option<O>,
    ) -> Result<Servers<O>, Vec<String>> {
        let mut problems = Vec::new();
        let mut places = vec![main.place()];
        let mut fitting = |setting: &str, given: Vec<DatabaseSettings>| {
            let mut found = Vec::new();
            for (at, other) in given.into_iter().enumerate() {
                let which = format!("{setting}, server {}", at + 1);
                let of = other.kind();
                let Some(options) = own(other) else {
                    problems.push(format!(
                        "{which}: it is of {of}, and DATABASE_URL of {kind}; all are of one kind."
                    ));
                    continue;
                };
                if options.database() != main.database() {
                    problems.push(format!("{which}: it names another database than DATABASE_URL."));
                }
                if places.contains(&options.place()) {
                    problems.push(format!("{which}: this host and port were named before."));
                }
                places.push(options.place());
                found.push(options);
            }
            found
        };
        let standbys = fitting(STANDBYS_SETTING, self.standbys);
        let replicas = fitting(REPLICAS_SETTING, self.replicas);
        match problems.is_empty() {
            true => Ok(Servers {
                main,
                standbys,
                replicas,
            }),
            false => Err(problems),
        }
    }
}

/// How late a replica may be to be read from; `None`: as the library has it.
pub(super) fn max_lag(lookup: Lookup, panel: Option<&PanelSettings>) -> Result<Option<Duration>, Vec<String>> {
    let Some(text) = lookup(MAX_LAG_SETTING) else {
        let in_file = panel.and_then(|panel| panel.database.max_lag_seconds);
        return Ok(in_file.map(|seconds| Duration::from_secs(seconds.into())));
    };
    match text.parse() {
        Ok(seconds) if (1..=LATEST).contains(&seconds) => Ok(Some(Duration::from_secs(seconds.into()))),
        _ => Err(vec![format!(
            "{MAX_LAG_SETTING} is `{text}`; it takes whole seconds from 1 to {LATEST}."
        )]),
    }
}
