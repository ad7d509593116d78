//! The Playwright stories in `end2end/`, against the programs just built.

use anyhow::{Result, ensure};
use std::ffi::OsStr;
use std::process::Command;

use crate::workspace::{Mode, Workspace};

/// Those that go through most of the module. The released one is silenced, shrunk and ordered anew, and must do the same.
const OF_THE_MODULE: [&str; 10] = [
    "a_conflict_is_decided_field_by_field",
    "a_draft_is_restored_after_a_reload",
    "a_record_is_edited_and_saved",
    "by_keyboard_alone",
    "one_press_is_one_save",
    "signing_in_and_out",
    "the_answer_is_lost_after_the_commit",
    "the_module_comes_late_or_not_whole",
    "the_same_form_in_two_tabs",
    "the_server_is_killed_while_typing",
];

/// # Errors
/// One of them is gone: Playwright would run the others and say nothing.
pub fn of_the_module(workspace: &Workspace) -> Result<Vec<String>> {
    let files = OF_THE_MODULE.map(|name| format!("stories/{name}.spec.ts"));
    for file in &files {
        let path = workspace.root.join("end2end").join(file);
        ensure!(path.exists(), "{} is gone: see test/stories.rs", path.display());
    }
    Ok(files.to_vec())
}

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
