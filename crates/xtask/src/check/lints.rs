//! Clippy, for the server's side and the browser's apart: `ssr` and `hydrate` are never on together.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::packages::Packages;
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
    let packages = Packages::browser();
    let mut clippy = cargo(workspace);
    clippy
        .args(["clippy", "--lib", "--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(workspace.wasm_target());
    run(clippy
        .args(["--profile", "wasm-dev"])
        .args(packages.selection())
        .args(DENIED))
}
