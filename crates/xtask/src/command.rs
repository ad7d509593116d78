//! Running other programs, so that a failure names what was run.

use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::workspace::Workspace;

/// The cargo that runs this task, in the repository's root.
///
/// What cargo told this task about its own package is not passed on: build scripts that look at it (ring's) would run
/// again whenever `cargo xtask build` follows `cargo build`.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.current_dir(&workspace.root);
    let own =
        |name: &OsString| name.to_string_lossy().starts_with("CARGO_PKG_") || OWN_PACKAGE.iter().any(|own| name == own);
    for (name, _) in env::vars_os().filter(|(name, _)| own(name)) {
        cargo.env_remove(name);
    }
    cargo
}

const OWN_PACKAGE: [&str; 2] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"];

/// Runs to the end with its output shown.
///
/// # Errors
/// It cannot be started, or it says it failed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", named(command)))?;
    ensure!(status.success(), "{} failed ({status})", named(command));
    Ok(())
}

/// Runs to the end and answers what it printed; its errors are shown.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", named(command)))?;
    ensure!(output.status.success(), "{} failed ({})", named(command), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Gives this process to the program, so that Ctrl-C and its exit code are the program's own.
#[cfg(unix)]
pub fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let refused = command.exec();
    bail!("cannot run {}: {refused}", named(command))
}

#[cfg(not(unix))]
pub fn become_program(command: &mut Command) -> Result<()> {
    run(command)
}

/// Whether a program of this name can be started from the `PATH`.
pub fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(format!("{program}{}", env::consts::EXE_SUFFIX)).is_file())
}

/// The program and its words, without where it lies.
pub fn named(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
