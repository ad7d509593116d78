//! 200, cut, 503, restore, 200: what the server does while its database is away.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use private_servers::Lateness;
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::Outage;

const ACTIVITY: &str = "/records/activity/1";
const OLD: &str = "This is the list as it was at";
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tries until `done`, for at most `limit` and what the machine itself is late; tells how long it took.
async fn eventually<F: AsyncFnMut() -> bool>(what: &str, limit: Duration, mut done: F) -> Duration {
    let started = Instant::now();
    let trying = async {
        while !done().await {
            assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started.elapsed()
    };
    let (took, late) = Lateness::during(trying).await;
    assert!(
        took < limit + late,
        "{what}: after {took:?} instead of {limit:?}, the machine was late by {late:?}"
    );
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_database_is_answered_quickly_and_comes_back_by_itself() {
    cut_and_back(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_mariadb_is_answered_quickly_and_comes_back_by_itself() {
    cut_and_back(PrivateDatabase::mariadb()).await;
}

async fn cut_and_back(database: PrivateDatabase) {
    let outage = Outage::over(database).await;
    let app = &outage.app;
    let form = app.form(ACTIVITY).await.with("v.title", "Typed during the outage");
    let viewer = app.signed_in_as("vera", Role::Viewer).await;
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    let list = app.get("/records/activity?q=Activity+4").await;
    assert!(
        list.status == StatusCode::OK && !list.body.contains(OLD),
        "{}",
        list.body
    );

    outage.proxy.set(Fault::Cut).await;
    eventually("the breaker opens", Duration::from_secs(5), async || {
        app.get("/readyz").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let mut took = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let (status, answer) = app.save(&form).await;
        took.push(started.elapsed());
        assert_eq!(
            (status, answer.outcome),
            (StatusCode::SERVICE_UNAVAILABLE, Outcome::Kept)
        );
        assert_eq!(
            (answer.reason.as_deref(), answer.kept_in.as_deref()),
            (Some("database"), Some("server"))
        );
        assert!(answer.retry_after_ms.is_some());
    }
    took.sort();
    println!(
        "503 while open: fastest {:?}, median {:?}, slowest {:?} of {}",
        took[0],
        took[took.len() / 2],
        took[took.len() - 1],
        took.len()
    );
    // Each is written to the draft store, and to its disk, beside many other tests.
    assert!(took[took.len() / 2] < Duration::from_millis(50), "{took:?}");
    assert_eq!(app.get("/livez").await.status, StatusCode::OK);
    assert_eq!(app.get("/drafts").await.status, StatusCode::OK);
    // What was read before is shown, and said to be old; what was not, and what says what a record is, is not.
    let list = app.get("/records/activity?q=Activity+4").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(
        list.body.contains(OLD) && list.body.contains("Activity 44"),
        "{}",
        list.body
    );
    for path in ["/records/activity?q=Activity+5", "/records/activity/44"] {
        assert_eq!(app.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    let viewer = app
        .request_as(&viewer, Method::GET, "/records/activity?q=Activity+4", None, &[])
        .await;
    assert_eq!(
        viewer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "what another role has seen"
    );
    assert!(app.get("/drafts").await.body.contains("activity/1"));

    outage.proxy.set(Fault::Pass).await;
    let back = eventually("the probe closes the breaker", Duration::from_secs(5), async || {
        app.get("/readyz").await.status == StatusCode::OK
    })
    .await;
    println!("ready again {back:?} after the way was open");
    assert!(!app.get("/records/activity?q=Activity+4").await.body.contains(OLD));
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome, answer.replayed),
        (StatusCode::OK, Outcome::Saved, false)
    );
    assert_eq!(
        outage.count("SELECT count(*) FROM activity WHERE title = 'Typed during the outage'"),
        1
    );
    assert_eq!(
        outage.count(&format!("SELECT count(*) FROM {}", outage.database.own("audit"))),
        1
    );
    assert!(
        !app.get("/drafts").await.body.contains("activity/1"),
        "the draft is done with"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_the_page_comes_back_with_what_was_typed() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app
        .form(ACTIVITY)
        .await
        .with("v.title", "Plainly posted")
        .with("v.notes", "two\r\nlines");
    outage.proxy.set(Fault::Cut).await;

    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.retry_after().is_some());
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.value("v.title"), drawn.value("v.notes")),
        (Some("Plainly posted"), Some("two\r\nlines"))
    );
    assert_eq!(drawn.value("_id"), form.value("_id"));
    assert_eq!(drawn.value("_version"), form.value("_version"));
    assert!(page.body.contains("Press Save again"));

    // Reloaded while it is still away: drawn from the draft, marked as such.
    let reloaded = app.get(ACTIVITY).await;
    assert_eq!(reloaded.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reloaded.retry_after().is_some());
    assert_eq!(DrawnForm::read(&reloaded.body).value("v.title"), Some("Plainly posted"));
    // A record without a draft cannot be drawn, and says so.
    let other = app.get("/records/activity/2").await;
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE);

    outage.proxy.set(Fault::Pass).await;
    eventually("it is back", Duration::from_secs(5), async || {
        app.get("/readyz").await.status == StatusCode::OK
    })
    .await;
    let restored = app.form(ACTIVITY).await;
    assert_eq!(
        restored.value("v.title"),
        Some("Plainly posted"),
        "the draft is drawn over the record"
    );
    let saved = app.post(&drawn).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(
        outage.count("SELECT count(*) FROM activity WHERE title = 'Plainly posted'"),
        1
    );
    assert_eq!(app.form(ACTIVITY).await.state, "clean");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_keeps_nobody_waiting_beyond_the_deadline() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    // The write deadline of 5 s, a commit's least of 2 s, and a second to answer in.
    let limit = Duration::from_secs(8);
    for round in 0..20 {
        let form = app.form(ACTIVITY).await.with("v.notes", &format!("round {round}"));
        outage.database.freeze();
        let started = Instant::now();
        let all = async {
            tokio::join!(
                app.save(&form),
                app.get("/records/activity"),
                app.get("/records/activity/3")
            )
        };
        let ((save, list, record), late) = Lateness::during(all).await;
        let took = started.elapsed();
        assert!(
            took < limit + late,
            "round {round}: {took:?}, the machine was late by {late:?}"
        );
        assert_eq!(save.1.outcome, Outcome::Kept, "round {round}");
        for page in [list, record] {
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "round {round}");
        }
        outage.database.thaw();
        eventually("it is back", Duration::from_secs(10), async || {
            app.get("/readyz").await.status == StatusCode::OK && app.save(&form).await.1.outcome == Outcome::Saved
        })
        .await;
    }
    assert_eq!(
        outage.count(&format!("SELECT count(*) FROM {}", outage.database.own("audit"))),
        20,
        "each round saved once"
    );
    eventually("the pool is whole", Duration::from_secs(10), async || {
        let report = app.request(Method::GET, "/health/detailed", None, &[]).await;
        let report: serde_json::Value = serde_json::from_str(&report.body).expect("JSON");
        ["read", "write"].iter().all(|role| {
            let pool = &report["data"]["details"][role]["pool"];
            pool["in_use"] == 0 && pool["running"] == 0 && pool["waiting"] == 0 && pool["size"] == pool["idle"]
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_signed_in_survives_the_database() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    outage.database.kill();
    eventually("the breaker opens", Duration::from_secs(5), async || {
        app.get("/readyz").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let dashboard = app.get("/").await;
    assert!(matches!(dashboard.status.as_u16(), 200 | 503), "{}", dashboard.status);
    assert!(dashboard.body.contains("Activity"), "the tables are known");
    let form = [
        ("username".to_owned(), "admin".to_owned()),
        ("password".to_owned(), "x".to_owned()),
    ];
    let fresh = app.request(Method::POST, "/login", Some(&form), &[]).await;
    assert_eq!(
        fresh.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "a new sign-in needs the database"
    );
    assert!(fresh.retry_after().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_changes_is_not_ready() {
    takes_no_changes(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_that_takes_no_changes_is_not_ready() {
    takes_no_changes(PrivateDatabase::mariadb()).await;
}

async fn takes_no_changes(database: PrivateDatabase) {
    let outage = Outage::over(database).await;
    let app = &outage.app;
    outage.database.take_changes(false);
    eventually("it is not ready", Duration::from_secs(10), async || {
        app.get("/readyz").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert_eq!(app.get(ACTIVITY).await.status, StatusCode::OK, "it can still be read");
    outage.database.take_changes(true);
    eventually("it is ready again", Duration::from_secs(20), async || {
        app.get("/readyz").await.status == StatusCode::OK
    })
    .await;
}
