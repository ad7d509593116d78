//! The WebAssembly module as rustc makes it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, is_installed, output_of, run};
use crate::workspace::{Mode, Workspace};

pub const TARGET: &str = "wasm32-unknown-unknown";
/// The profile for it while developing.
pub const DEVELOPMENT: &str = "wasm-dev";

/// Adds rustc's target for the browser where rustup can.
///
/// # Errors
/// The target is missing and rustup is too.
pub fn add_missing_target(workspace: &Workspace) -> Result<()> {
    let asked = output_of(
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(&workspace.root),
    )?;
    if Path::new(asked.trim()).is_dir() {
        return Ok(());
    }
    ensure!(
        is_installed("rustup"),
        "Rust's target {TARGET} is missing, and rustup is not here to add it: install the target the way Rust was installed"
    );
    run(Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(&workspace.root))
}

/// Where things lie on the machine that builds is nobody's business, and stands in the module once for each file that
/// can panic.
fn without_own_paths(workspace: &Workspace) -> String {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let registry = cargo_home.map(|home| home.join("registry/src"));
    let places = registry.iter().chain([&workspace.root]);
    let flags = places.map(|place| format!("--remap-path-prefix={}=", place.display()));
    // Paths may have spaces, and nothing has this sign.
    flags.collect::<Vec<_>>().join("\u{1f}")
}

/// Builds `frontend` and answers where the module is.
pub fn build(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    build_library(workspace, mode, "frontend", "frontend")
}

/// Builds the library of a package, next to what others have built of the same dependencies.
pub fn build_library(workspace: &Workspace, mode: Mode, package: &str, library: &str) -> Result<PathBuf> {
    let profile = match mode {
        Mode::Development => DEVELOPMENT,
        Mode::Release => "wasm-release",
    };
    let target = workspace.wasm_target();
    let mut build = cargo(workspace);
    build.args([
        "build",
        "--package",
        package,
        "--lib",
        "--target",
        TARGET,
        "--profile",
        profile,
    ]);
    build.arg("--target-dir").arg(&target);
    if mode == Mode::Release {
        build.env("CARGO_ENCODED_RUSTFLAGS", without_own_paths(workspace));
    }
    run(&mut build).context("the browser's side does not build")?;
    Ok(target.join(TARGET).join(profile).join(format!("{library}.wasm")))
}

/// Builds the tests of a package's library and answers where their module is.
pub fn build_tests(workspace: &Workspace, package: &str) -> Result<PathBuf> {
    let mut build = cargo(workspace);
    build.args(["test", "--no-run", "--package", package, "--lib", "--target", TARGET]);
    build.args([
        "--profile",
        DEVELOPMENT,
        "--message-format=json-render-diagnostics",
        "--target-dir",
    ]);
    let told = output_of(build.arg(workspace.wasm_target())).context("the browser's tests do not build")?;
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.next().context("cargo names no module of the browser's tests")
}
