//! esbuild, from npm: script and stylesheet without what only people read.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::npm::Tool;
use crate::command::{output_of, run};
use crate::workspace::Workspace;

const ESBUILD: Tool = Tool {
    package: "esbuild",
    version: "0.28.2",
    program: "bin/esbuild",
};

/// Replaces the script by a smaller one, and answers which names it now has for the module's imports and exports.
/// Those that wasm-bindgen made carry hashes, which do not compress and stand in both files.
pub fn script(workspace: &Workspace, script: &Path) -> Result<BTreeMap<String, String>> {
    let esbuild = ESBUILD.installed(workspace)?;
    let names = script.with_extension("names.json");
    fs::write(&names, "{}")?;
    run(Command::new(esbuild)
        .arg(script)
        .args([
            "--minify",
            "--format=esm",
            "--target=es2022",
            "--log-level=error",
            "--mangle-props=^__wb",
        ])
        .arg(format!("--mangle-cache={}", names.display()))
        .arg(format!("--outfile={}", script.display()))
        .arg("--allow-overwrite"))?;
    serde_json::from_slice(&fs::read(&names)?).context("esbuild's list of names")
}

/// A script of ours, which nothing of another file belongs to.
pub fn inline(workspace: &Workspace, script: &str) -> Result<String> {
    let esbuild = ESBUILD.installed(workspace)?;
    let whole = workspace.wasm_target().join("bound/whole.js");
    fs::create_dir_all(whole.parent().context("a file in no folder")?)?;
    fs::write(&whole, script)?;
    let mut minify = Command::new(esbuild);
    minify
        .arg(whole)
        .args(["--minify", "--format=esm", "--target=es2022", "--log-level=error"]);
    output_of(&mut minify)
}

pub fn stylesheet(workspace: &Workspace, text: &str) -> Result<String> {
    let esbuild = ESBUILD.installed(workspace)?;
    let whole = workspace.wasm_target().join("bound/whole.css");
    fs::create_dir_all(whole.parent().context("a file in no folder")?)?;
    fs::write(&whole, text)?;
    // Nesting and everything else stays as it is written: browsers that have islands have it.
    output_of(Command::new(esbuild).arg(whole).args(["--minify", "--log-level=error"]))
}
