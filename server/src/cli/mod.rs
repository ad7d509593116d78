//! The command line: `inkfast [serve]`, `inkfast account …`, `inkfast migrate …`, `inkfast health-check`,
//! `inkfast drill`, `inkfast backup …`, `inkfast restore …`, `inkfast secret …`.

mod account;
mod asking;
mod backup;
mod drill;
mod health_check;
mod logging;
mod migrate;
mod restore;
mod secret;
mod serve;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use resilient_db::{LogChanges, Options, Policy, Supported};

use self::health_check::Verdict;
use self::serve::ServeArguments;
use crate::backup::{BackedUp, BackupError};
use crate::config::{DatabaseSettings, Servers, Settings, environment};
use crate::database::Database;
use crate::sql::{MySql, Postgres, Sqlite};

/// An admin panel that never loses what you typed.
#[derive(Debug, Parser)]
#[command(name = "inkfast", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the panel (what happens without a command).
    Serve(ServeArguments),
    /// Add, change or switch off an account.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Inkfast's own tables: up to date, back, or what there is.
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Make a backup now, list those there are, or try one.
    Backup(backup::BackupArguments),
    /// Bring a backup back.
    Restore(restore::RestoreArguments),
    /// Change the secret that sessions, versions and unsaved text are sealed with, while nothing is lost.
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// Ask the server that runs with these settings how it is; the exit code says it.
    HealthCheck(health_check::HealthCheckArguments),
    /// Let the database of a running server fail for a while, and see what became of saves; the exit code says it.
    Drill(drill::DrillArguments),
}

/// Wrong arguments and settings end with 2, failures with 1; a health check and backups have codes of their own.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && std::env::args().nth(1).as_deref() == Some("health-check") => {
            let _ = error.print();
            return Verdict::NotChecked.into();
        }
        Err(error) => error.exit(),
    };
    logging::start();
    match arguments.command.unwrap_or(Command::Serve(ServeArguments::default())) {
        Command::HealthCheck(arguments) => health_check::run(&arguments),
        Command::Backup(arguments) => with_settings(|settings| backup::run(arguments, settings)),
        Command::Restore(arguments) => with_settings(|settings| restore::run(arguments, settings)),
        Command::Secret(command) => with_settings(|settings| secret::run(command, settings)),
        Command::Drill(arguments) => drill::run(&arguments),
        Command::Serve(arguments) => with_settings(|settings| serve::run(arguments, settings)),
        Command::Account(command) => with_settings(|settings| on_database(settings, command)),
        Command::Migrate(command) => with_settings(|settings| on_database(settings, command)),
    }
}

fn with_settings<F, E>(run: impl FnOnce(Settings) -> F) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Into<Failed>,
{
    let settings = match Settings::from_env(&environment) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("Inkfast cannot start:");
            problems.iter().for_each(|problem| eprintln!("  {problem}"));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failed::from(error.to_string()).told(),
    };
    match runtime.block_on(run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.into().told(),
    }
}

/// How a command ended that did not do what it should have.
struct Failed {
    words: String,
    code: u8,
}

impl Failed {
    fn told(self) -> ExitCode {
        eprintln!("{}", self.words);
        ExitCode::from(self.code)
    }
}

impl From<String> for Failed {
    fn from(words: String) -> Self {
        Self { words, code: 1 }
    }
}

impl From<BackupError> for Failed {
    fn from(error: BackupError) -> Self {
        Self {
            words: error.to_string(),
            code: error.why.exit_code(),
        }
    }
}

/// Something done on a database, of whatever kind it is.
trait OnDatabase {
    /// # Errors
    /// In words for the operator.
    fn run<D: BackedUp>(self, options: Options<D::Database>) -> impl Future<Output = Result<(), Failed>> + Send;
}

async fn on_database(settings: Settings, work: impl OnDatabase) -> Result<(), Failed> {
    match settings.database {
        DatabaseSettings::Embedded => {
            let data_dir = &settings.storage.data_dir;
            std::fs::create_dir_all(data_dir)
                .map_err(|error| format!("{} cannot be made: {error}.", data_dir.display()))?;
            work.run::<Sqlite>(settings.storage.embedded_database()).await
        }
        DatabaseSettings::Sqlite(options) => work.run::<Sqlite>(*options).await,
        DatabaseSettings::MySql(servers) => work.run::<MySql>(primary::<sqlx::MySql>(*servers).await?).await,
        DatabaseSettings::Postgres(servers) => work.run::<Postgres>(primary::<sqlx::Postgres>(*servers).await?).await,
    }
}

/// Of several servers the one that takes changes now.
async fn primary<S: Supported>(servers: Servers<Options<S>>) -> Result<Options<S>, String> {
    if servers.is_one() {
        return Ok(servers.main);
    }
    let log = Arc::new(LogChanges);
    let database = Database::<S>::connect(servers.clone(), None, |_| Policy::default(), log).await;
    let writer = database.writer();
    let found = servers.named().find(|(name, _)| Some(*name) == writer);
    let options = found.map(|(_, options)| options.clone());
    options.ok_or_else(|| "None of the database servers takes changes, or more than one would.".to_owned())
}
