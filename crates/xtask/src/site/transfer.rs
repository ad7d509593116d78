//! What an edit page transfers to somebody who was never here, measured at the server just built.

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

use crate::command::run;
use crate::workspace::Workspace;

/// Bytes in brotli, page, style, script and module together: under 2 s at 0.5 Mbit/s, and little enough that a form
/// on a train is guarded before the first sentence is typed.
const BUDGET: usize = 120_000;

/// # Errors
/// It is more than the budget, or the server does not answer.
pub fn check(workspace: &Workspace, inkfast: &Path) -> Result<()> {
    let script = workspace.root.join("crates/xtask/src/site/transfer.mjs");
    let mut measure = Command::new("node");
    measure
        .arg(script)
        .arg(inkfast)
        .arg(workspace.site())
        .arg(BUDGET.to_string());
    run(&mut measure).context("the budget of a cold edit page does not hold")
}
