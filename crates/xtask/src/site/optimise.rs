//! wasm-opt, from npm's `binaryen`: Debian's is too old and breaks the tables that wasm-bindgen makes.

use anyhow::Result;
use std::path::Path;
use std::process::Command;

use super::npm::Tool;
use crate::command::run;
use crate::workspace::Workspace;

const WASM_OPT: Tool = Tool {
    package: "binaryen",
    version: "132.0.0",
    program: "bin/wasm-opt",
};

/// What rustc's output uses and browsers have; `-all` makes a module that browsers refuse. Names stay for now: they say
/// what takes the space.
pub const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "-g",
];
/// Bytes at the beginning of memory that no constant addresses: they are the very end of the stack, which lies below all
/// data. `--low-memory-unused` takes that for granted.
pub const LOW_MEMORY: u32 = 1024;
/// What is inlined or shared is chosen for the size in brotli: what is written twice costs next to nothing there.
pub const SMALLER: [&str; 6] = [
    "--low-memory-unused",
    "--one-caller-inline-max-function-size=15",
    "--skip-pass=local-cse",
    "--skip-pass=simplify-locals",
    "-Oz",
    "--converge",
];

/// Writes a smaller module that does the same.
pub fn shrink(workspace: &Workspace, module: &Path, smaller: &Path) -> Result<()> {
    wasm_opt(workspace, &SMALLER, module, smaller)
}

/// Writes the same module with its functions in the order of their names.
pub fn order_by_name(workspace: &Workspace, module: &Path, ordered: &Path) -> Result<()> {
    wasm_opt(workspace, &["--reorder-functions-by-name"], module, ordered)
}

fn wasm_opt(workspace: &Workspace, flags: &[&str], module: &Path, made: &Path) -> Result<()> {
    let wasm_opt = WASM_OPT.installed(workspace)?;
    run(Command::new("node")
        .arg(wasm_opt)
        .args(FEATURES)
        .args(flags)
        .arg(module)
        .arg("-o")
        .arg(made))
}
