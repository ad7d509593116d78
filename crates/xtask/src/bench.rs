//! `cargo xtask bench`: figures, from released programs.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use crate::command::{cargo, run as run_command};
use crate::test::{needs, stories};
use crate::workspace::{Mode, Workspace};
use crate::{server, site};

#[derive(Subcommand)]
pub enum Bench {
    /// What an edit page transfers, how soon it is hydrated, and what a key costs
    Browser,
    /// What is lost when a browser is killed while somebody types: 100 times, with and without a network
    KilledBrowser {
        #[arg(long, default_value_t = 100)]
        runs: u32,
        /// For when each one is killed
        #[arg(long, default_value_t = 20_261_127)]
        seed: u32,
    },
    /// What an outage costs: refusals, recovery, queries afterwards, on real servers
    #[command(disable_help_flag = true)]
    Outage(Given),
    /// COMMITs whose answer is lost: what is there twice, or not at all
    #[command(disable_help_flag = true)]
    Commits(Given),
    /// A limit that follows the calls' times against a fixed one: times, goodput, on real servers
    #[command(disable_help_flag = true)]
    Adaptive(Given),
    /// Drafts in Redis, few and very many: saving, loading, memory, many people at once
    #[command(disable_help_flag = true)]
    Drafts(Given),
    /// Servers, database and Redis killed at random while people save: what is lost, there twice, or answered wrongly
    #[command(disable_help_flag = true)]
    Chaos(Given),
    /// Queued saves, done by a server that is killed at every moment after which it may be gone: what is lost, there
    /// twice, or out of order
    #[command(disable_help_flag = true)]
    Replay(Given),
}

/// Given to the benchmark as it is, which also knows `--help`.
#[derive(clap::Args)]
pub struct Given {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// # Errors
/// Something is missing or does not build, the budget of what is transferred does not hold, or an outage showed
/// something wrong.
pub fn run(workspace: &Workspace, what: Bench) -> Result<()> {
    let (measured, given) = match what {
        Bench::Browser => return browser(workspace),
        Bench::KilledBrowser { runs, seed } => return killed_browser(workspace, runs, seed),
        Bench::Outage(given) => (Measured::of("resilient-db", "outage"), given),
        Bench::Commits(given) => (Measured::of("resilient-db", "commits"), given),
        Bench::Adaptive(given) => (Measured::of("resilient-db", "adaptive"), given),
        Bench::Chaos(given) => (Measured::of("server", "chaos"), given),
        Bench::Replay(given) => (Measured::of("server", "replay"), given),
        Bench::Drafts(given) => (Measured::of("resilient-drafts", "drafts").with("redis"), given),
    };
    measured.on_servers(workspace, &given.arguments)
}

/// A benchmark of a package.
struct Measured {
    package: &'static str,
    name: &'static str,
    /// Without which it is not built.
    features: Vec<&'static str>,
}

impl Measured {
    fn of(package: &'static str, name: &'static str) -> Self {
        Self {
            package,
            name,
            features: Vec::new(),
        }
    }

    fn with(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self
    }

    /// What is wrong at any speed fails; the figures do not.
    fn on_servers(&self, workspace: &Workspace, arguments: &[String]) -> Result<()> {
        needs::bring(workspace, true, false)?;
        let mut bench = cargo(workspace);
        bench.args(["bench", "--package", self.package, "--bench", self.name]);
        for feature in &self.features {
            bench.args(["--features", feature]);
        }
        run_command(bench.arg("--").args(arguments))
    }
}

fn browser(workspace: &Workspace) -> Result<()> {
    let inkfast = released_programs(workspace)?;
    let transfer = site::transfer::check(workspace, &inkfast);
    // What is transferred is told first, and does not keep the rest from being measured.
    in_a_browser(workspace, "benchmarks/browser", &[])?;
    transfer
}

fn killed_browser(workspace: &Workspace, runs: u32, seed: u32) -> Result<()> {
    released_programs(workspace)?;
    let settings = [("INKFAST_KILLS", runs.to_string()), ("INKFAST_SEED", seed.to_string())];
    in_a_browser(workspace, "benchmarks/killed_browser", &settings)
}

/// Site, server and what breaks things on command; where the server is.
fn released_programs(workspace: &Workspace) -> Result<PathBuf> {
    needs::bring(workspace, false, true)?;
    site::build(workspace, Mode::Release)?;
    let inkfast = server::build(workspace, Mode::Release)?;
    run_command(cargo(workspace).args(["build", "--release", "--bins"]).args([
        "--package",
        "fault-proxy",
        "--package",
        "private-servers",
    ]))?;
    Ok(inkfast)
}

fn in_a_browser(workspace: &Workspace, file: &str, settings: &[(&str, String)]) -> Result<()> {
    let arguments = ["--config", "benchmarks.config.ts", file];
    run_command(stories::playwright(workspace, Mode::Release, &arguments).envs(settings.iter().cloned()))
}
