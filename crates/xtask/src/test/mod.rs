//! `cargo xtask test`: brings what the tests need, runs all of them, and closes with what passed and how long it took.

mod failures;
pub mod needs;
mod places;
pub mod stories;
mod summary;

use anyhow::Result;
use clap::ValueEnum;
use std::env;

use crate::check::{self, Missing};
use crate::command::cargo;
use crate::packages::Packages;
use crate::server;
use crate::site;
use crate::workspace::{Mode, Workspace};
use summary::Summary;

/// What can be run by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// As `cargo xtask check`
    Check,
    /// Tests of every package, those against a private PostgreSQL included
    Unit,
    /// What a person sees, in a real browser against the real server
    Stories,
    /// Some of the stories on the browser's files as they are released, and what a cold page transfers; needs the programs
    /// that `stories` builds
    Released,
}

/// A part's steps come one after the other; those after a failed one are left out.
struct Step<'a> {
    part: Part,
    name: &'static str,
    work: Box<dyn Fn() -> Result<()> + 'a>,
}

/// Runs the parts, all of them when none is named.
///
/// # Errors
/// Something is missing, or a step failed; each was said.
pub fn run(workspace: &Workspace, parts: &[Part], playwright: &[String]) -> Result<()> {
    let chosen = |part: &Part| parts.is_empty() || parts.contains(part);
    let in_a_browser = chosen(&Part::Stories) || chosen(&Part::Released);
    needs::bring(workspace, chosen(&Part::Unit), in_a_browser)?;
    let mut summary = Summary::default();
    for step in steps(workspace, playwright).iter().filter(|step| chosen(&step.part)) {
        summary.take(step.part, step.name, &step.work);
    }
    summary.close()
}

fn steps<'a>(workspace: &'a Workspace, playwright: &'a [String]) -> Vec<Step<'a>> {
    let step = |part, name, work: Box<dyn Fn() -> Result<()> + 'a>| Step { part, name, work };
    vec![
        step(
            Part::Check,
            "check",
            Box::new(|| check::run(workspace, Missing::IsInstalled)),
        ),
        step(Part::Unit, "tests of the packages", Box::new(|| packages(workspace))),
        step(
            Part::Stories,
            "browser build",
            Box::new(|| site::build(workspace, Mode::Development)),
        ),
        step(
            Part::Stories,
            "example and storage tests",
            Box::new(|| crate::for_stories(workspace)),
        ),
        step(
            Part::Stories,
            "server build",
            Box::new(|| server::build_for_stories(workspace)),
        ),
        step(
            Part::Stories,
            "stories",
            Box::new(|| {
                let mut stories = stories::playwright(workspace, Mode::Development, playwright);
                failures::run(places::in_memory(&mut stories))
            }),
        ),
        step(
            Part::Released,
            "released browser build",
            Box::new(|| {
                site::build(workspace, Mode::Release)?;
                // What the server adds to a page is the same, released or not.
                site::transfer::check(workspace, &server::program(workspace, Mode::Development))
            }),
        ),
        step(
            Part::Released,
            "stories on the released site",
            Box::new(|| {
                // The programs are those of the other stories: it is the browser's side that releasing changes most.
                let files = stories::of_the_module(workspace)?;
                let mut stories = stories::playwright(workspace, Mode::Development, &files);
                failures::run(places::in_memory(&mut stories))
            }),
        ),
    ]
}

/// Tests at once. Most of them wait, for a database that hangs or a time that has to pass: with one for each of two cores
/// one core has nothing to do, for 20 minutes.
const AT_ONCE: &str = "4";

fn packages(workspace: &Workspace) -> Result<()> {
    failures::run(
        places::in_memory(&mut cargo(workspace))
            .env(
                "RUST_TEST_THREADS",
                env::var("RUST_TEST_THREADS").as_deref().unwrap_or(AT_ONCE),
            )
            // One failure is not to hide another.
            .args(["test", "--no-fail-fast"])
            .args(Packages::native(workspace)?.selection()),
    )
}
