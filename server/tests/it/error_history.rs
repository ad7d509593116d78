//! The history of errors outlives what it is about: a restart, an outage, the server it happened on.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use serde_json::Value;

use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::{Outage, TestApp};

const RECENT: &str = "/api/errors/recent?limit=1000";
const STATISTICS: &str = "/api/errors/statistics";
const PATIENCE: Duration = Duration::from_secs(60);

async fn asked(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].take()
}

/// Those of one call, of this kind.
fn times(recent: &Value, kind: &str, elsewhere: bool) -> u64 {
    let errors = recent["errors"].as_array().expect("a list");
    let wanted = errors
        .iter()
        .filter(|error| error["kind"] == kind && error["elsewhere"] == elsewhere);
    wanted.map(|error| error["times"].as_u64().expect("a number")).sum()
}

async fn until(what: &str, is_it: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_it().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_down(app: &TestApp) {
    until("it is down", async || app.get("/readyz").await.status != StatusCode::OK).await;
}

async fn until_up(app: &TestApp) {
    until("it is up", async || app.get("/readyz").await.status == StatusCode::OK).await;
}

/// Errors while the database is away are in it when it is back, each as often as it came.
async fn an_outage_is_written_down_after_it(database: PrivateDatabase) {
    let outage = Outage::over(database).await;
    let app = &outage.app;
    until("it is kept there", async || {
        asked(app, RECENT).await["kept_in"] == "database"
    })
    .await;
    let table = outage.database.own("error_history");
    assert_eq!(outage.count(&format!("SELECT count(*) FROM {table}")), 0);
    outage.proxy.set(Fault::Cut).await;
    until_down(app).await;
    for _ in 0..20 {
        assert_eq!(
            app.get("/records/activity?q=Typed4711").await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
    let noted = times(&asked(app, RECENT).await, "unreachable", false);
    assert!(noted >= 20, "{noted}");
    outage.proxy.set(Fault::Pass).await;
    until_up(app).await;
    let stored = format!("SELECT coalesce(sum(times), 0) FROM {table} WHERE kind = 'unreachable'");
    until("it is written", async || {
        let here = times(&asked(app, RECENT).await, "unreachable", false);
        outage.count(&stored) as u64 >= noted && outage.count(&stored) as u64 == here
    })
    .await;
    let typed = format!("SELECT count(*) FROM {table} WHERE what LIKE '%4711%' OR kind LIKE '%4711%'");
    assert_eq!(outage.count(&typed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_an_outage_are_in_postgresql_after_it() {
    an_outage_is_written_down_after_it(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_an_outage_are_in_mariadb_after_it() {
    an_outage_is_written_down_after_it(PrivateDatabase::mariadb()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_tell_of_each_other_and_a_table_that_is_gone_makes_no_errors() {
    let outage = Outage::prepared().await;
    let straight = outage.database.url_at(([127, 0, 0, 1], outage.database.port()).into());
    let other = TestApp::with(&[("DATABASE_URL", &straight)]).await;
    outage.proxy.set(Fault::Cut).await;
    until_down(&outage.app).await;
    assert_eq!(
        outage.app.get("/records/activity").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    outage.proxy.set(Fault::Pass).await;
    until("the other one tells of it", async || {
        times(&asked(&other, RECENT).await, "unreachable", true) > 0
    })
    .await;
    let told = asked(&other, STATISTICS).await;
    assert!(told["by_kind"]["unreachable"].as_u64() > Some(0), "{told}");
    assert!(told["by_severity"]["high"].as_u64() > Some(0), "{told}");
    assert_eq!(
        times(&asked(&other, RECENT).await, "unreachable", false),
        0,
        "it had none itself"
    );

    // Far more than are kept, by whoever writes there.
    let table = outage.database.own("error_history");
    outage.database.query(&format!(
        "INSERT INTO {table} SELECT 'another', n, 'busy', 'medium', 'list', '', 1, 1000 + n, 1000 + n \
         FROM generate_series(1, 3000) AS n"
    ));
    let counted = format!("SELECT count(*) FROM {table}");
    until("it has a bound", async || outage.count(&counted) <= 1_000).await;
    let kept = format!("SELECT count(*) FROM {table} WHERE kind = 'unreachable'");
    assert!(outage.count(&kept) > 0, "the latest stay");

    outage.database.query(&format!("DROP TABLE {table}"));
    other
        .services()
        .observations
        .errors
        .note("test", resilient_core::failure::Severity::Degraded, "one");
    // As the failure to write it would be noted; others may come on a busy machine.
    let defects = async || asked(&other, STATISTICS).await["by_kind"]["defect"].clone();
    let before = defects().await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(defects().await, before, "what cannot be written is no error");
    let recent = asked(&other, RECENT).await;
    let errors = recent["errors"].as_array().expect("a list");
    let is_of_the_history = |error: &Value| error["what"].as_str().expect("a name").starts_with("error history");
    assert!(!errors.iter().any(is_of_the_history), "{recent}");
}

const SETTINGS: &[(&str, &str)] = &[("RUST_LOG", "off"), ("INKFAST_DRILLS", "1")];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_noted_before_a_kill_is_there_after_the_next_start() {
    let server = RunningServer::with("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)", SETTINGS).await;
    let drill = [("kind", "full"), ("seconds", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let begun = server
        .through_proxy(Method::POST, "/monitoring/drills", Some(&drill), &[])
        .await;
    assert_eq!(begun.expect("an answer").status, StatusCode::SEE_OTHER);
    let recent = async || {
        let answer = server
            .through_proxy(Method::GET, RECENT, None, &[])
            .await
            .expect("an answer");
        serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].take()
    };
    // The drill's own saves are refused: there is no room.
    until("it is noted", async || times(&recent().await, "read_only", false) > 0).await;
    let stored = "SELECT coalesce(sum(times), 0) FROM inkfast_error_history WHERE kind = 'read_only'";
    until("it is written", async || server.count(stored.to_owned()).await > 0).await;
    server.kill();
    server.start().await;
    until("it is read back", async || {
        times(&recent().await, "read_only", true) > 0
    })
    .await;
    assert_eq!(times(&recent().await, "read_only", false), 0, "nothing happened since");
}
