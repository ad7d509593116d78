//! The build task: `cargo xtask serve | build | check | test | example | bench | breaks`.
//!
//! It needs Rust and, for `--release` and the stories, Node; whatever else is missing it brings or names in one line.

mod bench;
mod breaks;
mod check;
mod command;
mod packages;
mod server;
mod site;
mod sources;
mod test;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use workspace::{Mode, Workspace};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, checks, tests and serves Inkfast")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the browser's files and the server
    Build {
        /// Optimise, and name the browser's files by their content
        #[arg(long)]
        release: bool,
        /// The browser's files alone, without the server
        #[arg(long)]
        browser: bool,
    },
    /// Build, then run the server
    Serve {
        /// Optimise, and name the browser's files by their content
        #[arg(long)]
        release: bool,
        /// Given to `inkfast` as they are
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build and run the example of `resilient-form`, an application without Inkfast
    Example {
        /// The browser's files alone, and those of the storage tests: what stories run by hand need
        #[arg(long)]
        browser: bool,
    },
    /// Formatting, clippy for both targets, the architecture's invariants, that tests named in the stories' README are
    /// there, licences and sources of dependencies
    Check,
    /// Measure, and print the figures: what the machine is doing besides shows in them
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Break the browser's code, a line at a time and in a copy, and watch the story fail that guards it
    Breaks {
        /// Only what has this in its description or its file's name
        part: Option<String>,
    },
    /// Run everything, or only the parts named
    Test {
        parts: Vec<test::Part>,
        /// Given to Playwright as they are
        #[arg(last = true)]
        playwright: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build { release, browser: true } => site::build(&workspace, Mode::of(release)),
        Task::Build {
            release,
            browser: false,
        } => built_within_budget(&workspace, Mode::of(release)),
        Task::Serve { release, arguments } => {
            let inkfast = build(&workspace, Mode::of(release))?;
            server::run_in_place(&workspace, &inkfast, &arguments)
        }
        Task::Example { browser: true } => for_stories(&workspace),
        Task::Example { browser: false } => {
            site::build_example(&workspace)?;
            let notes = server::build_example(&workspace)?;
            server::run_example_in_place(&workspace, &notes)
        }
        Task::Check => check::run(&workspace, check::Missing::IsSaid),
        Task::Bench { what } => bench::run(&workspace, what),
        Task::Breaks { part } => breaks::run(&workspace, part.as_deref()),
        Task::Test { parts, playwright } => test::run(&workspace, &parts, &playwright),
    }
}

/// What the stories load besides Inkfast's own files.
pub fn for_stories(workspace: &Workspace) -> Result<()> {
    site::build_example(workspace)?;
    site::build_storage_tests(workspace)
}

fn built_within_budget(workspace: &Workspace, mode: Mode) -> Result<()> {
    let inkfast = build(workspace, mode)?;
    match mode {
        Mode::Release => site::transfer::check(workspace, &inkfast),
        Mode::Development => Ok(()),
    }
}

/// Builds both sides and answers where the server's program is.
fn build(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    site::build(workspace, mode)?;
    server::build(workspace, mode)
}
