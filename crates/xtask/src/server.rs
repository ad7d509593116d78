//! The server: built by cargo, run in place of this task.

use anyhow::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{become_program, cargo, run};
use crate::packages::Packages;
use crate::workspace::{Mode, Workspace};

/// Builds the example application and answers where it is.
pub fn build_example(workspace: &Workspace) -> Result<PathBuf> {
    run(cargo(workspace).args(["build", "--package", "notes", "--bin", "notes"]))?;
    let program = format!("notes{}", env::consts::EXE_SUFFIX);
    Ok(workspace.target.join(Mode::Development.folder()).join(program))
}

/// Runs the example with the files just built; comes back only if it cannot.
pub fn run_example_in_place(workspace: &Workspace, notes: &Path) -> Result<()> {
    let mut server = Command::new(notes);
    server
        .current_dir(&workspace.root)
        .env("NOTES_SITE_DIR", workspace.example_site());
    become_program(&mut server)
}

/// Builds what the stories run: servers, and what breaks things on command. With the features of the packages' tests, so
/// that nothing is compiled once more after those.
pub fn build_for_stories(workspace: &Workspace) -> Result<()> {
    run(cargo(workspace)
        .args(["build", "--bins", "--tests"])
        .args(Packages::native(workspace)?.selection()))
}

/// Builds `inkfast` and answers where it is.
pub fn build(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    let mut build = cargo(workspace);
    build.args(["build", "--package", "server", "--bin", "inkfast"]);
    if mode == Mode::Release {
        build.arg("--release");
    }
    run(&mut build)?;
    Ok(program(workspace, mode))
}

/// Where `inkfast` is once it was built.
pub fn program(workspace: &Workspace, mode: Mode) -> PathBuf {
    let program = format!("inkfast{}", env::consts::EXE_SUFFIX);
    workspace.target.join(mode.folder()).join(program)
}

/// Runs `inkfast` with the site just built; comes back only if it cannot.
pub fn run_in_place(workspace: &Workspace, inkfast: &Path, arguments: &[String]) -> Result<()> {
    let mut server = Command::new(inkfast);
    server
        .args(arguments)
        .current_dir(&workspace.root)
        .env("INKFAST_SITE_DIR", workspace.site());
    become_program(&mut server)
}
