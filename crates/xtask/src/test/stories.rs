//! The Playwright stories in `end2end/`, against the programs just built.

use std::ffi::OsStr;
use std::process::Command;

use crate::workspace::{Mode, Workspace};

/// Playwright on programs and site as they are.
pub fn playwright(workspace: &Workspace, mode: Mode, arguments: &[impl AsRef<OsStr>]) -> Command {
    let programs = workspace.target.join(mode.folder());
    let mut playwright = Command::new("npx");
    playwright.args(["--no-install", "playwright", "test"]).args(arguments);
    playwright
        .env("INKFAST_PROGRAMS", programs)
        .env("INKFAST_SITE_DIR", workspace.site())
        .env("NOTES_SITE_DIR", workspace.example_site())
        .env("STORAGE_TESTS_DIR", workspace.storage_tests())
        .current_dir(workspace.root.join("end2end"));
    playwright
}
