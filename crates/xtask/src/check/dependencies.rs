//! Licences, bans and sources of dependencies, told by cargo-deny with `deny.toml`.

use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

use super::Missing;
use crate::command::{cargo, is_installed, run};
use crate::workspace::Workspace;

const VERSION: &str = "0.20.2";

/// Advisories are left out: they need the network, and change under a commit that does not.
pub fn check(workspace: &Workspace, missing: Missing) -> Result<()> {
    let Some(cargo_deny) = installed(workspace, missing)? else {
        println!("cargo-deny is not installed, dependencies stay unchecked: cargo install cargo-deny --locked");
        return Ok(());
    };
    let mut check = Command::new(cargo_deny);
    run(check
        .args(["--all-features", "check", "bans", "licenses", "sources"])
        .current_dir(&workspace.root))
}

fn installed(workspace: &Workspace, missing: Missing) -> Result<Option<PathBuf>> {
    if is_installed("cargo-deny") {
        return Ok(Some(PathBuf::from("cargo-deny")));
    }
    let folder = workspace.target.join("tools");
    let ours = folder.join("bin/cargo-deny");
    if !ours.is_file() && missing == Missing::IsInstalled {
        install(workspace, &folder)?;
    }
    Ok(ours.is_file().then_some(ours))
}

/// It runs for a second, so it is built for a short build: two minutes on one core.
fn install(workspace: &Workspace, folder: &std::path::Path) -> Result<()> {
    let mut install = cargo(workspace);
    install.args(["install", "cargo-deny", "--quiet", "--locked", "--version", VERSION]);
    install.args([
        "--config",
        "profile.release.lto=false",
        "--config",
        "profile.release.opt-level=1",
    ]);
    install
        .arg("--root")
        .arg(folder)
        .arg("--target-dir")
        .arg(folder.join("build"));
    run(&mut install)
}
