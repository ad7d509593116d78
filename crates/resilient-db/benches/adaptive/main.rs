//! `cargo xtask bench adaptive`: whether a limit that follows the calls' times helps, on real servers. Each scene is
//! played with the limit fixed and with the limit adaptive, in turns, with the same requests at the same moments; what
//! is told is each figure with both, and the ratio of the two with its spread over the rounds. No verdict.

#[path = "../../tests/it/databases.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod databases;
mod figures;
mod load;
mod scene;
#[path = "../../tests/it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests use all of it")]
mod support;
mod throttle;
mod work;

use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use figures::Figures;
use load::{Arrival, Request};
use scene::Scene;
use sqlx::{MySql, Postgres};
use support::{assert_pool_is_whole, private_server};
use throttle::Throttle;
use work::{Size, Working};

#[derive(Parser)]
#[command(name = "cargo xtask bench adaptive")]
struct Arguments {
    /// One of them, instead of both
    #[arg(long)]
    database: Option<Database>,
    /// One of them, instead of all
    #[arg(long)]
    scene: Option<Scene>,
    /// Of each scene, with both limits
    #[arg(long, default_value_t = 5)]
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limits {
    Fixed,
    Adaptive,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("seed {}; {cores} cores, load {}", arguments.seed, load.trim_end());
    let chosen = |database| arguments.database.is_none_or(|one| one == database);
    if chosen(Database::Postgres) {
        played::<Postgres>(&arguments).await;
    }
    if chosen(Database::Mariadb) {
        played::<MySql>(&arguments).await;
    }
}

async fn played<D: Working>(arguments: &Arguments) {
    let server = Arc::new(private_server::<D>().await);
    work::prepare::<D>(&server).await;
    let size = work::measured::<D>(&server).await;
    println!(
        "\n{}: a report takes {:.0} ms alone, {:.1} are made in a second",
        D::NAME,
        size.alone.as_secs_f64() * 1e3,
        size.capacity
    );
    for scene in Scene::value_variants() {
        if arguments.scene.is_some_and(|one| one != *scene) {
            continue;
        }
        let mut figures = Figures::new(*scene);
        for round in 0..arguments.rounds {
            let arrivals = scene.arrivals(&size, arguments.seed + u64::from(round));
            // Who is first has a server that has rested.
            let turns = match round % 2 {
                0 => [Limits::Fixed, Limits::Adaptive],
                _ => [Limits::Adaptive, Limits::Fixed],
            };
            for limits in turns {
                let requests = play::<D>(&server, *scene, limits, &size, &arrivals).await;
                figures.add(round, limits == Limits::Adaptive, requests);
            }
        }
        figures.print();
    }
}

/// One scene, once.
async fn play<D: Working>(
    server: &Arc<D::Private>,
    scene: Scene,
    limits: Limits,
    size: &Size,
    arrivals: &[Arrival],
) -> Vec<Request> {
    let db = work::db::<D>(server, limits == Limits::Adaptive).await;
    work::warm_up(&db, size).await;
    let throttle = scene.slowed().map(|slowed| {
        let server = Arc::clone(server);
        Throttle::begin::<D>(server, slowed)
    });
    let requests = load::run(&db, size, arrivals).await;
    if let Some(throttle) = throttle {
        throttle.end().await;
    }
    // Statements whose callers gave up may still run.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_pool_is_whole(&db).await;
    db.close().await;
    requests
}
