//! Two servers, their database and their Redis, killed at random while many people save. `cargo xtask bench chaos` is the
//! same for long.

use std::time::Duration;

use crate::chaos::{Plan, run};
use crate::support::private_database::PrivateDatabase;

const PLAN: Plan = Plan {
    servers: 2,
    clients: 8,
    kills: 10,
    submissions: 300,
    longest_pause: Duration::from_millis(1_500),
    seed: 20_261_126,
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_said_is_so_when_postgresql_redis_and_servers_were_killed() {
    is_so(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_said_is_so_when_mariadb_redis_and_servers_were_killed() {
    is_so(PrivateDatabase::mariadb()).await;
}

async fn is_so(database: PrivateDatabase) {
    let verdict = run(database, PLAN).await;
    assert!(verdict.submissions >= PLAN.submissions * 8 / 10, "{verdict}");
    assert!(
        verdict.saved > 0 && verdict.refused > 0 && verdict.drafts > 0,
        "{verdict}"
    );
    assert_eq!(verdict.faults(), 0, "{verdict}");
}
