//! `inkfast`: serves an admin panel over a database.

use std::process::ExitCode;

use inkfast_server::cli;

fn main() -> ExitCode {
    cli::run()
}
