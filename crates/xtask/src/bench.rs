//! `cargo xtask bench`: figures, from released programs.

use anyhow::Result;
use clap::ValueEnum;

use crate::command::{cargo, run as run_command};
use crate::test::{needs, stories};
use crate::workspace::{Mode, Workspace};
use crate::{server, site};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// What an edit page transfers, how soon it is hydrated, and what a key costs
    Browser,
}

/// # Errors
/// Something is missing or does not build, or the budget of what is transferred does not hold.
pub fn run(workspace: &Workspace, what: Bench) -> Result<()> {
    match what {
        Bench::Browser => browser(workspace),
    }
}

fn browser(workspace: &Workspace) -> Result<()> {
    needs::bring(workspace, false, true)?;
    site::build(workspace, Mode::Release)?;
    let inkfast = server::build(workspace, Mode::Release)?;
    run_command(cargo(workspace).args(["build", "--release", "--bins"]).args([
        "--package",
        "fault-proxy",
        "--package",
        "private-servers",
    ]))?;
    let transfer = site::transfer::check(workspace, &inkfast);
    // What is transferred is told first, and does not keep the rest from being measured.
    stories::playwright(workspace, Mode::Release, &["--config", "benchmarks.config.ts"])?;
    transfer
}
