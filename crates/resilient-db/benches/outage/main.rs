//! `cargo xtask bench outage`: what the library does during outages and after them, on real servers under a
//! steady load. It prints figures with targets beside them; it fails for what is wrong at any speed: an
//! answer after its deadline, a wrong answer, an effect that is there twice, a place that is missing.

mod crowd;
#[path = "../../tests/it/databases.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod databases;
mod errors;
mod file;
mod load;
mod rounds;
mod scene;
mod server;
mod statements;
#[path = "../../tests/it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests use all of it")]
mod support;
mod table;
mod watch;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rounds::Measured;
use scene::{Failure, Fault};
use server::{Breakable, Server};
use sqlx::{MySql, Postgres};

#[derive(Parser)]
#[command(name = "cargo xtask bench outage")]
struct Arguments {
    /// One of them, instead of all
    #[arg(long)]
    database: Option<Database>,
    /// One of them, instead of all
    #[arg(long)]
    fault: Option<Fault>,
    /// Outages of each kind
    #[arg(long, default_value_t = 10)]
    rounds: u32,
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
    Sqlite,
}

impl Database {
    fn has(self, fault: Fault) -> bool {
        self != Self::Sqlite || file::File::FAULTS.contains(&fault)
    }

    async fn measure(self, fault: Fault, rounds: u32, seed: u64) -> Result<Measured, Failure> {
        match self {
            Self::Postgres => on_server::<Postgres>(fault, rounds, seed).await,
            Self::Mariadb => on_server::<MySql>(fault, rounds, seed).await,
            Self::Sqlite => rounds::run(fault, &mut file::File::new(fault)?, rounds, seed).await,
        }
    }

    async fn hour(self, seed: u64) -> Result<errors::Hour, Failure> {
        match self {
            Self::Mariadb => errors::hour::<MySql>(seed).await,
            _ => errors::hour::<Postgres>(seed).await,
        }
    }
}

async fn on_server<D: Breakable>(fault: Fault, rounds: u32, seed: u64) -> Result<Measured, Failure> {
    let mut server = Server::<D>::start(fault).await?;
    rounds::run(fault, &mut server, rounds, seed).await
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wrong = outages(&arguments).await + hours(&arguments).await;
    match wrong {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn chosen<T: ValueEnum + PartialEq + 'static>(one: Option<T>) -> impl Iterator<Item = T> {
    T::value_variants()
        .iter()
        .filter(move |variant| one.as_ref().is_none_or(|one| one == *variant))
        .cloned()
}

/// How many faults showed something wrong.
async fn outages(arguments: &Arguments) -> u32 {
    let Arguments { rounds, seed, .. } = *arguments;
    let mut wrong = 0;
    println!("50 requests a second, half of them changes; seed {seed}; {}", machine());
    println!("{}", table::HEAD);
    for fault in chosen(arguments.fault).filter(|fault| *fault != Fault::Errors) {
        for database in chosen(arguments.database).filter(|database| database.has(fault)) {
            let name = format!("{database:?}");
            match database.measure(fault, rounds, seed).await {
                Ok(measured) => {
                    println!("{}", table::row(&name, fault, &measured));
                    let wrongs = measured.wrongs();
                    wrong += u32::from(!wrongs.is_empty());
                    wrongs
                        .iter()
                        .for_each(|line| eprintln!("{name}, {}: {line}", fault.name()));
                }
                Err(failure) => println!("{name}, {}: not measured: {}", fault.name(), told(&*failure)),
            }
        }
    }
    wrong
}

async fn hours(arguments: &Arguments) -> u32 {
    let mut wrong = 0;
    for _ in chosen(arguments.fault).filter(|fault| *fault == Fault::Errors) {
        for database in chosen(arguments.database).filter(|database| *database != Database::Sqlite) {
            match database.hour(arguments.seed).await {
                Ok(hour) => {
                    println!("{database:?}: {hour}");
                    wrong += u32::from(hour.trips > 0);
                }
                Err(failure) => println!("{database:?}, errors: not measured: {}", told(&*failure)),
            }
        }
    }
    wrong
}

/// With what lies behind it.
fn told(failure: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(failure), |failure| failure.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What the machine does besides shows in the figures.
fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let first_three = load.split_whitespace().take(3).collect::<Vec<_>>();
    format!("{cores} cores, load {}", first_three.join(" "))
}
