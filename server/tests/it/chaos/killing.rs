//! `kill -9`, again and again, of whatever chance says.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::scene::Scene;
use super::{Plan, Progress};

#[derive(Debug, Default)]
pub struct Killed {
    database: usize,
    redis: usize,
    servers: usize,
}

impl fmt::Display for Killed {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            database,
            redis,
            servers,
        } = self;
        let all = database + redis + servers;
        write!(
            formatter,
            "{all} kills ({database} of the database, {redis} of Redis, {servers} of servers)"
        )
    }
}

pub async fn kill_at_random(scene: Arc<Scene>, progress: Arc<Progress>, plan: Plan) -> Killed {
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut killed = Killed::default();
    for _ in 0..plan.kills {
        pause(&mut random, plan.longest_pause).await;
        match random.usize(0..3) {
            0 => {
                killed.database += 1;
                let database = Arc::clone(&scene.database);
                let again = tokio::task::spawn_blocking(move || {
                    database.kill();
                    database.restart();
                });
                again.await.expect("the database starts again");
            }
            1 => {
                killed.redis += 1;
                let redis = Arc::clone(&scene.redis);
                let again = tokio::task::spawn_blocking(move || {
                    redis.kill();
                    redis.restart().expect("Redis starts again");
                });
                again.await.expect("Redis starts again");
            }
            _ => {
                killed.servers += 1;
                let server = &scene.servers[random.usize(0..scene.servers.len())];
                server.kill();
                pause(&mut random, plan.longest_pause / 4).await;
                // Nobody waits for it: the next one may be killed before this one is there.
                server.spawn();
            }
        }
    }
    progress.killing.store(false, Ordering::Relaxed);
    killed
}

async fn pause(random: &mut fastrand::Rng, longest: Duration) {
    tokio::time::sleep(longest.mul_f64(random.f64())).await;
}
