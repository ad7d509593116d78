//! The command line: `inkfast [serve]`, `inkfast account …`.

mod account;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    Serve,
    /// Add, change or switch off an account.
    #[command(subcommand)]
    Account(account::AccountCommand),
}

/// Wrong settings end with 2, failures with 1.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging();
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
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::run(settings).await,
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

/// `RUST_LOG` chooses what is logged, `INKFAST_LOG=json` how.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if environment("INKFAST_LOG").as_deref() == Some("json") {
        logging.json().init();
    } else {
        logging.init();
    }
}
