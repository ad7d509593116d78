//! wasm-opt, from npm's `binaryen`: Debian's is too old and breaks the tables that wasm-bindgen makes.

use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{is_installed, run};
use crate::workspace::Workspace;

const VERSION: &str = "132.0.0";

/// What rustc's output uses and browsers have; `-all` makes a module that browsers refuse.
const FLAGS: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Replaces the module by a smaller one that does the same.
pub fn shrink(workspace: &Workspace, module: &Path) -> Result<()> {
    let wasm_opt = installed(workspace)?;
    let smaller = module.with_extension("smaller");
    run(Command::new("node")
        .arg(wasm_opt)
        .args(FLAGS)
        .arg(module)
        .arg("-o")
        .arg(&smaller))?;
    fs::rename(smaller, module)?;
    Ok(())
}

fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join(format!("binaryen-{VERSION}"));
    let wasm_opt = folder.join("node_modules/binaryen/bin/wasm-opt");
    if !wasm_opt.is_file() {
        ensure!(
            is_installed("npm"),
            "wasm-opt comes with npm's binaryen, and npm is missing: install Node.js, or leave out --release"
        );
        let mut install = Command::new("npm");
        install
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--prefix",
            ])
            .arg(&folder);
        run(install.arg(format!("binaryen@{VERSION}")))?;
    }
    Ok(wasm_opt)
}
