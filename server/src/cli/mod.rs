//! The command line: `inkfast [serve]`, `inkfast account …`, `inkfast migrate …`, `inkfast health-check`.

mod account;
mod health_check;
mod logging;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use resilient_db::Options;

use self::health_check::Verdict;
use self::serve::ServeArguments;
use crate::config::{DatabaseSettings, Settings, environment};
use crate::sql::migrations::OwnTables;
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
    /// Ask the server that runs with these settings how it is; the exit code says it.
    HealthCheck(health_check::HealthCheckArguments),
}

/// Wrong arguments and settings end with 2, failures with 1; a health check has codes of its own.
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
        Command::Serve(arguments) => with_settings(|settings| serve::run(arguments, settings)),
        Command::Account(command) => with_settings(|settings| on_database(settings, command)),
        Command::Migrate(command) => with_settings(|settings| on_database(settings, command)),
    }
}

fn with_settings<F>(run: impl FnOnce(Settings) -> F) -> ExitCode
where
    F: Future<Output = Result<(), String>>,
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
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

/// Something done on a database, of whatever kind it is.
trait OnDatabase {
    /// # Errors
    /// In words for the operator.
    fn run<D: OwnTables>(self, options: Options<D::Database>) -> impl Future<Output = Result<(), String>> + Send;
}

async fn on_database(settings: Settings, work: impl OnDatabase) -> Result<(), String> {
    match settings.database {
        DatabaseSettings::Embedded => {
            let data_dir = &settings.storage.data_dir;
            std::fs::create_dir_all(data_dir)
                .map_err(|error| format!("{} cannot be made: {error}.", data_dir.display()))?;
            work.run::<Sqlite>(settings.storage.embedded_database()).await
        }
        DatabaseSettings::Sqlite(options) => work.run::<Sqlite>(*options).await,
        DatabaseSettings::MySql(options) => work.run::<MySql>(*options).await,
        DatabaseSettings::Postgres(options) => work.run::<Postgres>(*options).await,
    }
}
