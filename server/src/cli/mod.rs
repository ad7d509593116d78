//! The command line: `inkfast [serve]`, `inkfast account …`.

mod account;
mod logging;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Serve(serve::ServeArguments),
    /// Add, change or switch off an account.
    #[command(subcommand)]
    Account(account::AccountCommand),
}

/// Wrong settings end with 2, failures with 1.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start();
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
    let done = runtime.block_on(async {
        match arguments
            .command
            .unwrap_or_else(|| Command::Serve(serve::ServeArguments::default()))
        {
            Command::Serve(arguments) => serve::run(arguments, settings).await,
            Command::Account(command) => account::run(command, settings).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
