//! `cargo xtask bench commits`: thousands of COMMITs that arrive and are never answered, and how many of the
//! changes are there twice, or not at all, or were called undone. Fails if one is.

#[path = "../../tests/it/cut_commits.rs"]
mod cut_commits;
#[path = "../../tests/it/databases.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod databases;
#[path = "../../tests/it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests use all of it")]
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use cut_commits::{Counted, Id, cut_commits};
use databases::{PrivateServer as _, Served};
use sqlx::{MySql, Postgres};
use support::private_server;

#[derive(Parser)]
#[command(name = "cargo xtask bench commits")]
struct Arguments {
    /// One of them, instead of both
    #[arg(long)]
    database: Option<Database>,
    /// COMMITs that are cut on each
    #[arg(long, default_value_t = 10_000)]
    cuts: i32,
    /// Clients at the same time, each with a pool and a way of its own
    #[arg(long, default_value_t = 16)]
    workers: i32,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    Postgres,
    Mariadb,
}

/// A server that says how durable it is set to be.
trait Durable: Served {
    const SETTINGS: &'static str;
}

impl Durable for Postgres {
    const SETTINGS: &'static str = "SELECT 'synchronous_commit = ' || current_setting('synchronous_commit') \
         || ', fsync = ' || current_setting('fsync') || ', PostgreSQL ' || current_setting('server_version')";
}

impl Durable for MySql {
    const SETTINGS: &'static str =
        "SELECT CONCAT('innodb_flush_log_at_trx_commit = ', @@innodb_flush_log_at_trx_commit, ', ', @@version)";
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen = |database| arguments.database.is_none_or(|one| one == database);
    let mut wrong = 0;
    if chosen(Database::Postgres) {
        wrong += measured::<Postgres>(&arguments).await;
    }
    if chosen(Database::Mariadb) {
        wrong += measured::<MySql>(&arguments).await;
    }
    match wrong {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// How many changes are not as they should be, the control's left out.
async fn measured<D: Durable>(arguments: &Arguments) -> u64 {
    let Arguments { cuts, workers, .. } = *arguments;
    let with_its_id = told::<D>("its own id", workers, cuts / workers, Id::OfTheChange).await;
    // Each of these is a duplicate; fewer will do.
    told::<D>(
        "control: an id for each attempt",
        workers,
        (cuts / workers / 10).max(1),
        Id::OfTheAttempt,
    )
    .await;
    with_its_id.duplicates + with_its_id.lost + with_its_id.wrong_answers
}

async fn told<D: Durable>(name: &str, workers: i32, each: i32, id: Id) -> Counted {
    let server = Arc::new(private_server::<D>().await);
    let settings = server.query(D::MAIN, D::SETTINGS).unwrap_or_default();
    let began = Instant::now();
    let counted = cut_commits::<D>(&server, workers, each, id).await;
    let Counted {
        changes,
        cuts,
        asked_again,
        duplicates,
        lost,
        wrong_answers,
    } = counted;
    println!(
        "{}, {name}: {changes} changes, {cuts} COMMITs cut in {:.0} s by {workers} clients ({settings}): \
         {duplicates} duplicates, {lost} lost, {wrong_answers} wrong answers; {asked_again} asked for again. \
         None of n means at most {:.4} % (3/n).",
        D::NAME,
        began.elapsed().as_secs_f64(),
        100.0 * 3.0 / changes.max(1) as f64,
    );
    counted
}
