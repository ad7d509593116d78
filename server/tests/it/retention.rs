//! What is kept only for a time goes when that is over, and nothing before.

use std::time::{Duration, Instant};

use inkfast_server::clock::now_ms;

use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::TestApp;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_from_postgresql() {
    goes(
        PrivateDatabase::postgres(),
        "SELECT n FROM generate_series(1, 1201) AS s (n)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_from_mariadb() {
    goes(PrivateDatabase::mariadb(), "SELECT seq AS n FROM seq_1_to_1201").await;
}

/// More rows than one step takes, each a little too old; and beside them one that is not.
async fn goes(database: PrivateDatabase, numbers: &str) {
    database.make_schema();
    let url = database.url();
    let settings = [("DATABASE_URL", url.as_str())];
    drop(TestApp::with(&settings).await);
    let now = now_ms();
    let (too_old, young) = (now - 49 * DAY_MS, now - 44 * DAY_MS);
    let own = |table: &str| database.own(table);
    let name = "CONCAT('a', n)";
    let tables = [
        (
            "submission",
            "account, id, fingerprint, created_at",
            format!("{name}, 'i', 'f'"),
            too_old,
            young,
        ),
        (
            "ended_session",
            "id, over_at_ms",
            name.to_owned(),
            now - 1,
            now + DAY_MS,
        ),
        ("removed_account", "name, at_ms", name.to_owned(), too_old, young),
    ];
    for (table, columns, values, old, kept) in &tables {
        let table = own(table);
        database.query(&format!(
            "INSERT INTO {table} ({columns}) SELECT {values}, {old} FROM ({numbers}) AS numbers"
        ));
        database.query(&format!(
            "INSERT INTO {table} ({columns}) SELECT {}, {kept}",
            values.replace(name, "'kept'")
        ));
    }
    let instance = own("instance");
    database.query(&format!(
        "INSERT INTO {instance} (id, secret, public_url, shared, seen_at_ms) \
         VALUES ('gone', '', '', '', {}), ('rests', '', '', '', {})",
        now - 25 * 60 * 60 * 1000,
        now - 23 * 60 * 60 * 1000
    ));

    // It is looked for at each start, and every hour.
    let _app = TestApp::with(&settings).await;
    for (table, ..) in &tables {
        let count = format!("SELECT count(*) FROM {}", own(table));
        until(&database, &count, "1").await;
    }
    until(
        &database,
        &format!("SELECT count(*) FROM {instance} WHERE id IN ('gone', 'rests')"),
        "1",
    )
    .await;
}

async fn until(database: &PrivateDatabase, sql: &str, wanted: &str) {
    let begun = Instant::now();
    loop {
        let found = database.query(sql);
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found}: {sql}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
