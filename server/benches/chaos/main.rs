//! `cargo xtask bench chaos`: two servers, their database and their Redis (which has everything on the disk before it
//! acknowledges), killed at random while many people save. Fails where anything is lost, there twice or answered wrongly.

#[path = "../../tests/it/chaos/mod.rs"]
mod chaos;
#[path = "../../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use chaos::{Plan, run};
use clap::{Parser, ValueEnum};
use support::private_database::PrivateDatabase;

#[derive(Parser)]
#[command(name = "cargo xtask bench chaos")]
struct Arguments {
    /// One of them, instead of both
    #[arg(long)]
    database: Option<Database>,
    /// How often the database, Redis or a server is killed on each
    #[arg(long, default_value_t = 300)]
    kills: usize,
    /// At least so many on each; it goes on until the last kill, too
    #[arg(long, default_value_t = 100_000)]
    submissions: usize,
    /// People who save at the same time
    #[arg(long, default_value_t = 32)]
    clients: usize,
    #[arg(long, default_value_t = 2)]
    servers: usize,
    /// The longest pause between two kills, in milliseconds
    #[arg(long, default_value_t = 8_000)]
    pause_ms: u64,
    /// The same seed gives the same choices
    #[arg(long, default_value_t = 20_261_126)]
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

impl Database {
    fn started(self) -> PrivateDatabase {
        match self {
            Self::Postgres => PrivateDatabase::postgres(),
            Self::Mariadb => PrivateDatabase::mariadb(),
        }
    }

    /// What it, and Redis, are set to: without that no figure says anything.
    fn settings(self, database: &PrivateDatabase) -> String {
        let sql = match self {
            Self::Postgres => {
                "SELECT 'PostgreSQL ' || current_setting('server_version') || ', synchronous_commit = ' \
                 || current_setting('synchronous_commit') || ', fsync = ' || current_setting('fsync')"
            }
            Self::Mariadb => {
                "SELECT CONCAT(@@version, ', innodb_flush_log_at_trx_commit = ', @@innodb_flush_log_at_trx_commit)"
            }
        };
        let name = match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "main",
        };
        format!("{}; Redis with appendfsync always", database.query_in(name, sql))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = Plan {
        servers: arguments.servers.max(1),
        clients: arguments.clients.max(1),
        kills: arguments.kills,
        submissions: arguments.submissions,
        longest_pause: Duration::from_millis(arguments.pause_ms),
        seed: arguments.seed,
    };
    let mut faults = 0;
    for kind in [Database::Postgres, Database::Mariadb] {
        if arguments.database.is_none_or(|one| one == kind) {
            let database = kind.started();
            println!(
                "{}; {} servers, {} clients",
                kind.settings(&database),
                plan.servers,
                plan.clients
            );
            faults += run(database, plan).await.faults();
        }
    }
    match faults {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
