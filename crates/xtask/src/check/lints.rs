//! Clippy, for the server's side and the browser's apart: `ssr` and `hydrate` are never on together.

use anyhow::Result;
use std::process::Command;

use crate::command::{cargo, run};
use crate::packages::Packages;
use crate::site::module;
use crate::workspace::Workspace;

const DENIED: [&str; 3] = ["--", "-D", "warnings"];

/// Everything that runs on a server or a developer's machine, with its tests.
pub fn native(workspace: &Workspace) -> Result<()> {
    let packages = Packages::native(workspace)?;
    run(cargo(workspace)
        .args(["clippy", "--all-targets"])
        .args(packages.selection())
        .args(DENIED))
}

/// What the browser runs.
pub fn browser(workspace: &Workspace) -> Result<()> {
    run(browsers_clippy(workspace)?
        .args(Packages::browser().selection())
        .args(DENIED))
}

/// The tests that run in a browser: no other build of a check has them.
pub fn browser_tests(workspace: &Workspace) -> Result<()> {
    run(browsers_clippy(workspace)?
        .args(["--tests", "--package", "resilient-form"])
        .args(DENIED))
}

/// With the profile and the place of the browser's builds, so that what is there is not compiled again.
fn browsers_clippy(workspace: &Workspace) -> Result<Command> {
    module::add_missing_target(workspace)?;
    let mut clippy = cargo(workspace);
    clippy
        .args(["clippy", "--lib", "--target", module::TARGET, "--target-dir"])
        .arg(workspace.wasm_target())
        .args(["--profile", module::DEVELOPMENT]);
    Ok(clippy)
}
