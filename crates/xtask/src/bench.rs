//! `cargo xtask bench`: figures, from released programs.

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
        Bench::Outage(given) => (Measured::of("resilient-db", "outage"), given),
        Bench::Commits(given) => (Measured::of("resilient-db", "commits"), given),
        Bench::Adaptive(given) => (Measured::of("resilient-db", "adaptive"), given),
        Bench::Chaos(given) => (Measured::of("server", "chaos"), given),
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
    needs::bring(workspace, false, true)?;
    site::build(workspace, Mode::Release)?;
    let inkfast = server::build(workspace, Mode::Release)?;
    run_command(cargo(workspace).args(["build", "--release", "--bins"]).args([
        "--package",
        "fault-proxy",
        "--package",
        "private-servers",
    ]))?;
    let transfer = site::transfer::check(workspace, &inkfast);
    // What is transferred is told first, and does not keep the rest from being measured.
    stories::playwright(workspace, Mode::Release, &["--config", "benchmarks.config.ts"])?;
    transfer
}
