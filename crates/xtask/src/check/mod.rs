//! `cargo xtask check`: what a machine can tell without running anything.

mod dependencies;
mod invariants;
mod lints;
mod scenarios;

use anyhow::{Result, bail};

use crate::breaks;
use crate::command::{cargo, run as run_command};
use crate::workspace::Workspace;

/// What to do about a tool that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// One line says so.
    IsSaid,
    /// It is installed below `target`.
    IsInstalled,
}

/// Everything, the quick first; a failure is said and the rest is still looked at.
pub fn run(workspace: &Workspace, missing: Missing) -> Result<()> {
    let failed: Vec<_> = [
        formatting(workspace),
        invariants(workspace),
        scenarios(workspace),
        dependencies::check(workspace, missing),
        lints::native(workspace),
        lints::browser(workspace),
        lints::browser_tests(workspace),
    ]
    .into_iter()
    .filter_map(Result::err)
    .map(|failure| format!("{failure:#}"))
    .collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

fn formatting(workspace: &Workspace) -> Result<()> {
    run_command(cargo(workspace).args(["fmt", "--all", "--check"]))
}

/// What is said to be tested is tested, and what is broken to see it is there to be broken.
fn scenarios(workspace: &Workspace) -> Result<()> {
    let wrong = scenarios::check(workspace)?;
    if !wrong.is_empty() {
        bail!("the tables of end2end/README.md do not hold:\n  {}", wrong.join("\n  "));
    }
    breaks::can_be_made(workspace)
}

/// All of them are looked at, so that one round shows all that is wrong.
fn invariants(workspace: &Workspace) -> Result<()> {
    let broken: Vec<String> = invariants::all(workspace)?
        .into_iter()
        .filter_map(Result::err)
        .collect();
    if !broken.is_empty() {
        bail!("the architecture does not hold:\n  {}", broken.join("\n  "));
    }
    Ok(())
}
