//! Clients that save as browsers do, while databases, Redis and servers are killed at random; afterwards everything that
//! was said is compared with what is there.

mod client;
mod killing;
mod ledger;
mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use self::ledger::Verdict;
use self::scene::Scene;
use crate::support::private_database::PrivateDatabase;

/// What is done; the same seed gives the same choices, though not the same moments.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub servers: usize,
    pub clients: usize,
    pub kills: usize,
    /// At least so many; clients go on until the last kill, too.
    pub submissions: usize,
    pub longest_pause: Duration,
    pub seed: u64,
}

/// What all clients share.
struct Progress {
    begun: AtomicUsize,
    wanted: usize,
    killing: AtomicBool,
}

impl Progress {
    /// Whether there is another submission to be made.
    fn goes_on(&self) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed) < self.wanted || self.killing.load(Ordering::Relaxed)
    }
}

pub async fn run(database: PrivateDatabase, plan: Plan) -> Verdict {
    let begun = Instant::now();
    let scene = Arc::new(Scene::set(database, plan).await);
    let progress = Arc::new(Progress {
        begun: AtomicUsize::new(0),
        wanted: plan.submissions,
        killing: AtomicBool::new(true),
    });
    let killing = tokio::spawn(killing::kill_at_random(Arc::clone(&scene), Arc::clone(&progress), plan));
    let clients: Vec<_> = (0..plan.clients)
        .map(|n| tokio::spawn(client::Client::new(n, plan.seed, &scene).run(Arc::clone(&progress))))
        .collect();
    let killed = killing.await.expect("what was killed could be started again");
    let mut entries = Vec::new();
    for client in clients {
        entries.push(client.await.expect("a client came to its end"));
    }
    scene.until_all_is_well().await;
    let verdict = ledger::compared(&scene, entries).await;
    println!(
        "{killed} in {:.0} s with seed {}: {verdict}",
        begun.elapsed().as_secs_f64(),
        plan.seed
    );
    verdict
}
