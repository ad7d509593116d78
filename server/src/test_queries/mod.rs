//! One statement of a superuser's own, that can only read what the panel would show: parsed and held against a list of
//! what is allowed, written anew from what was understood, run on a connection of its own in a transaction that is
//! never committed. None of these is relied upon alone, least of all the last: on MySQL and MariaDB such a transaction reads
//! files and takes locks, where the account may.
//!
//! *Add a database:* a grammar and its functions in [`check`], a file beside `postgres.rs`, and an arm in each `match`
//! here.

pub mod check;
mod mysql;
mod postgres;
mod rows;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use app::auth::model::Role;
use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use self::check::{Refused, Visible};
pub use self::rows::Rows;
use crate::config::{DatabaseSettings, Servers, Settings};
use crate::panel::Panel;

/// The database stops a statement after this.
const STATEMENT_LIMIT: Duration = Duration::from_secs(3);
/// From the asking to the answer, connecting included.
const LIMIT: Duration = Duration::from_secs(6);
/// Rolling back and closing.
const ENDING: Duration = Duration::from_secs(1);
/// Statements, and with them connections, at once.
const AT_ONCE: usize = 2;

pub struct TestQueries {
    target: Target,
    panel: Arc<Panel>,
    places: Semaphore,
}

enum Target {
    Postgres {
        /// The first that can be connected to is asked.
        options: Vec<PgConnectOptions>,
        serving: Vec<PgConnectOptions>,
        default_schema: OnceCell<String>,
    },
    MySql {
        options: Vec<MySqlConnectOptions>,
        /// The database that is served.
        name: String,
    },
    Sqlite(Box<SqliteConnectOptions>),
}

/// Why there are no rows.
#[derive(Debug)]
pub enum NotRun {
    /// It was not even sent.
    Refused(Refused),
    /// As many as may are running.
    Busy,
    TimedOut,
    /// The database could not be asked.
    Unreachable,
    /// The database did not take it; its code, never its words: they may repeat a value.
    Failed {
        code: Option<String>,
    },
}

impl TestQueries {
    /// `None` unless they are switched on, and known for this kind of database.
    pub fn open(settings: &Settings, panel: &Arc<Panel>) -> Option<Self> {
        let own = settings.test_queries.database.clone();
        let served = settings.database.clone();
        let target = match (served.clone(), own.unwrap_or(served)) {
            _ if !settings.test_queries.on => return None,
            (DatabaseSettings::Postgres(serving), DatabaseSettings::Postgres(options)) => Target::Postgres {
                options: all(&options),
                serving: all(&serving),
                default_schema: OnceCell::new(),
            },
            (DatabaseSettings::MySql(serving), DatabaseSettings::MySql(options)) => Target::MySql {
                options: all(&options),
                name: serving.main.get_database().unwrap_or_default().to_owned(),
            },
            (_, DatabaseSettings::Sqlite(options)) => Target::Sqlite(options),
            (_, DatabaseSettings::Embedded) => Target::Sqlite(Box::new(settings.storage.embedded_database())),
            _ => return None,
        };
        Some(Self {
            target,
            panel: Arc::clone(panel),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// Runs `sql` for somebody of this role, who sees no more than the panel shows such a person.
    ///
    /// # Errors
    /// See [`NotRun`]; in each case nothing was changed.
    pub async fn run(&self, role: Role, sql: &str) -> Result<Rows, NotRun> {
        let grammar = self.grammar();
        let visible = Visible::new(&self.panel.found(), &self.panel.of(role));
        let Ok(_place) = self.places.try_acquire() else {
            return Err(NotRun::Busy);
        };
        let running = async {
            let schema = self.default_schema().await.map_err(not_reached)?;
            let statement = check::check(grammar, &visible, &schema, sql).map_err(NotRun::Refused)?;
            let rows = match &self.target {
                Target::Postgres { options, .. } => postgres::run(options, &statement).await,
                Target::MySql { options, .. } => mysql::run(options, &statement).await,
                Target::Sqlite(options) => sqlite::run(options, &statement).await,
            };
            rows.map_err(failed)
        };
        timeout(LIMIT, running).await.unwrap_or(Err(NotRun::TimedOut))
    }

    pub fn grammar(&self) -> check::Grammar {
        match self.target {
            Target::Postgres { .. } => check::Grammar::Postgres,
            Target::MySql { .. } => check::Grammar::MySql,
            Target::Sqlite(_) => check::Grammar::Sqlite,
        }
    }

    async fn default_schema(&self) -> Result<String, sqlx::Error> {
        match &self.target {
            Target::Postgres {
                serving,
                default_schema,
                ..
            } => {
                let schema = default_schema.get_or_try_init(|| postgres::default_schema(serving));
                schema.await.cloned()
            }
            Target::MySql { name, .. } => Ok(name.clone()),
            Target::Sqlite(_) => Ok("main".to_owned()),
        }
    }
}

fn all<O: Clone>(servers: &Servers<O>) -> Vec<O> {
    servers.named().map(|(_, options)| options.clone()).collect()
}

/// To the first of them that takes it; there is one at least.
async fn connected<C: Connection>(servers: &[C::Options]) -> Result<C, sqlx::Error> {
    let mut answer = Err(sqlx::Error::PoolClosed);
    for options in servers {
        answer = C::connect_with(options).await;
        if answer.is_ok() {
            break;
        }
    }
    answer
}

fn not_reached(error: sqlx::Error) -> NotRun {
    tracing::warn!(%error, "the database cannot be asked for a test query");
    NotRun::Unreachable
}

fn failed(error: sqlx::Error) -> NotRun {
    let Some(said) = error.as_database_error() else {
        return not_reached(error);
    };
    // MySQL's states are too coarse to tell its errors apart.
    let number = said
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(|said| said.number().to_string());
    let code = number.or_else(|| said.code().map(|code| code.into_owned()));
    match code.as_deref() {
        // The statement limits of PostgreSQL, MariaDB and MySQL; SQLite's interruption.
        Some("57014" | "1969" | "3024" | "9") => NotRun::TimedOut,
        _ => NotRun::Failed { code },
    }
}
