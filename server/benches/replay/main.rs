//! `cargo xtask bench replay`: saves that are queued while the database is away, done by a server that is killed at each
//! moment after which it may be gone. Fails where anything is lost, there twice, out of order or answered wrongly.

#[path = "../../tests/it/cut_replay/mod.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cut_replay;
#[path = "../../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod support;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use cut_replay::{Plan, Queue, life, run};
use support::private_database::PrivateDatabase;

#[derive(Parser)]
#[command(name = "cargo xtask bench replay")]
struct Arguments {
    /// One of them, instead of both
    #[arg(long)]
    database: Option<Database>,
    /// Where saves wait
    #[arg(long, default_value = "redis")]
    queue: Waits,
    /// At least so many on each database, rounded up to whole records
    #[arg(long, default_value_t = 10_000)]
    submissions: usize,
    /// How often the process is killed at each of the five points
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Several only where saves wait in Redis; then some kills may be left out
    #[arg(long, default_value_t = 1)]
    servers: usize,
    /// The same seed gives the same choices
    #[arg(long, default_value_t = 20_261_127)]
    seed: u64,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    Postgres,
    Mariadb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Waits {
    /// In the data directory
    File,
    Redis,
    /// In Redis, and in the data directory while that is away, for a third of the presses
    Both,
}

impl Database {
    fn started(self) -> PrivateDatabase {
        match self {
            Self::Postgres => PrivateDatabase::postgres(),
            Self::Mariadb => PrivateDatabase::mariadb(),
        }
    }
}

impl Arguments {
    fn plan(&self) -> Plan {
        let queue = match self.queue {
            Waits::File => Queue::File,
            Waits::Redis => Queue::Redis,
            Waits::Both => Queue::Both,
        };
        let servers = match queue {
            Queue::File => 1,
            _ => self.servers.max(1),
        };
        Plan {
            queue,
            servers,
            people: 4,
            submissions: self.submissions,
            kills: self.kills,
            seed: self.seed,
            arguments: &[],
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    // It starts itself as the server that is killed.
    if life::is_told() {
        life::serve().await;
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let plan = arguments.plan();
    let mut faults = 0;
    for kind in [Database::Postgres, Database::Mariadb] {
        if arguments.database.is_none_or(|one| one == kind) {
            println!("{kind:?}, waiting in {:?}, {} servers", plan.queue, plan.servers);
            faults += run(kind.started(), plan).await.faults();
        }
    }
    match faults {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
