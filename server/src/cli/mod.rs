//! The command line: `inkfast [serve]`, `inkfast account …`, `inkfast health-check`.

mod account;
mod health_check;
mod logging;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::health_check::Verdict;
use self::serve::ServeArguments;
use crate::config::{Settings, environment};

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
        Command::Account(command) => with_settings(|settings| account::run(command, settings)),
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
