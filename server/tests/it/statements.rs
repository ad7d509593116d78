//! What statements cost, what the database does now, and what would make it quicker: asked over HTTP, of real databases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use private_servers::Lateness;
use serde_json::Value;

use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::{Outage, TestApp};

const STATEMENTS: &str = "/api/database/statements";
const ACTIVITY: &str = "/api/database/activity";

async fn told(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].take()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("{pointer} in {value}"))
}

/// `None` while the machine is so busy that the database is taken for away.
async fn activity(app: &TestApp) -> Option<Value> {
    let answer = app.get(ACTIVITY).await;
    if answer.status == StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    Some(serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].take())
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not come about");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_told_by_shape_and_no_value_is_among_them() {
    let app = TestApp::embedded().await;
    for sought in ["Zq7mark", "Yx8mark"] {
        assert_eq!(
            app.get(&format!("/records/activities?q={sought}")).await.status,
            StatusCode::OK
        );
    }
    let told = told(&app, STATEMENTS).await;
    let statements = list(&told, "/statements");
    let searched = statements
        .iter()
        .find(|one| one["call"] == "records.list" && one["count"] == 2);
    let searched = searched.unwrap_or_else(|| panic!("{told}"));
    assert!(
        searched["statement"]
            .as_str()
            .is_some_and(|shape| shape.contains("LIKE ?")),
        "{searched}"
    );
    assert!(searched["total_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(!told.to_string().contains("mark"), "{told}");
    let activity = self::told(&app, ACTIVITY).await;
    assert_eq!(list(&activity, "/sessions").len(), 0);
    assert!(
        activity["unseen"][0]
            .as_str()
            .is_some_and(|words| words.starts_with("SQLite")),
        "{activity}"
    );

    let page = app.get("/monitoring/statements?sort=count").await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "By shape, since the start",
        "records.list",
        "aria-sort=\"descending\"",
        "SQLite is a file",
    ] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    assert!(!page.body.contains("Zq7mark"));
    let viewer = app.signed_in_as("vic", Role::Viewer).await;
    for path in [STATEMENTS, ACTIVITY, "/monitoring/statements"] {
        let refused = app.request_as(&viewer, Method::GET, path, None, &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_they_are_not_measured_and_that_is_said() {
    let app = TestApp::with(&[("INKFAST_STATEMENTS", "0")]).await;
    assert_eq!(app.get(STATEMENTS).await.status, StatusCode::NOT_FOUND);
    let page = app.get("/monitoring/statements").await;
    assert!(page.body.contains("Statements are not measured"), "{}", page.body);
}

/// Somebody at a terminal holds a row, and somebody else waits for it.
async fn who_waits_for_whom_is_seen(database: PrivateDatabase, app: &TestApp, hold: &'static str, wait: &'static str) {
    let database = Arc::new(database);
    let at_a_terminal = |sql: &'static str| {
        let database = Arc::clone(&database);
        tokio::task::spawn_blocking(move || drop(database.query(sql)))
    };
    let seen = async |what: &str, is_it: fn(&Value) -> bool| {
        let look = async || {
            let activity = activity(app).await?;
            list(&activity, "/sessions").iter().any(is_it).then_some(activity)
        };
        eventually(what, look).await
    };
    let holding = at_a_terminal(hold);
    let sleeps = |session: &Value| {
        session["wait"]
            .as_str()
            .is_some_and(|wait| wait.to_lowercase().contains("sleep"))
    };
    seen("that the row is held", sleeps).await;
    let waiting = at_a_terminal(wait);
    let waits = |session: &Value| !session["blocked_by"][0].is_null();
    let activity = seen("a lock wait", waits).await;
    let page = app.get("/monitoring/statements").await;

    let sessions = list(&activity, "/sessions");
    let waits = sessions.iter().find(|session| waits(session)).expect("it waits");
    let holds = sessions.iter().find(|session| session["id"] == waits["blocked_by"][0]);
    let shape = waits["statement"].as_str().unwrap_or_default();
    assert!(shape.starts_with("UPDATE activity SET title = ?"), "{activity}");
    assert!(
        holds.is_some_and(|holds| holds["transaction_ms"].is_u64()),
        "{activity}"
    );
    assert!(!activity.to_string().contains("Zq7"), "values of others: {activity}");
    for words in ["1 session waits for a lock", "others wait for it"] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    assert!(!page.body.contains("Zq7"));
    holding.await.expect("no panic");
    waiting.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_who_waits_for_whom_is_seen_by_an_account_with_the_right() {
    let Outage {
        app,
        database,
        proxy: _proxy,
    } = Outage::prepared().await;
    let hold = "BEGIN; UPDATE activity SET title = 'Zq7' WHERE id = 1; SELECT pg_sleep(12); ROLLBACK";
    let wait = "UPDATE activity SET title = 'Zq7' WHERE id = 1";
    who_waits_for_whom_is_seen(database, &app, hold, wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_who_waits_for_whom_is_seen_by_an_account_with_the_right_and_without_it_that_is_said() {
    let Outage {
        app,
        database,
        proxy: _proxy,
    } = Outage::over(PrivateDatabase::mariadb()).await;
    let few = eventually("an answer", async || activity(&app).await).await;
    assert!(
        few["unseen"][0].as_str().is_some_and(|words| words.contains("PROCESS")),
        "{few}"
    );
    database.query("GRANT PROCESS ON *.* TO tester@'127.0.0.1'");
    let hold = "BEGIN; UPDATE activity SET title = 'Zq7' WHERE id = 1; SELECT SLEEP(12); ROLLBACK";
    let wait = "UPDATE activity SET title = \"Zq7\" WHERE id = 1";
    who_waits_for_whom_is_seen(database, &app, hold, wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_an_account_of_few_rights_is_told_what_it_may_not_see() {
    let database = PrivateDatabase::postgres();
    database.make_schema();
    database.query("CREATE ROLE few LOGIN");
    database.query("GRANT CREATE ON DATABASE maintenance TO few");
    let url = format!(
        "postgres://few@127.0.0.1:{}/maintenance?sslmode=disable",
        database.port()
    );
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    let sleeping = std::thread::spawn(move || database.query("SELECT pg_sleep(10), 'Zq7'"));
    let activity = eventually("somebody else's session", async || {
        let activity = activity(&app).await?;
        (!list(&activity, "/unseen").is_empty()).then_some(activity)
    })
    .await;
    assert!(
        activity["unseen"][0]
            .as_str()
            .is_some_and(|words| words.contains("pg_read_all_stats")),
        "{activity}"
    );
    assert!(
        list(&activity, "/sessions")
            .iter()
            .any(|session| session["statement"].is_null()),
        "{activity}"
    );
    tokio::task::spawn_blocking(move || sleeping.join())
        .await
        .expect("no panic")
        .expect("it slept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_takes_nobodys_place_and_one_that_is_away_is_not_waited_for() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app.form("/records/activity/1").await.with("v.title", "While it hangs");
    outage.proxy.set(Fault::Cut).await;
    eventually("the breaker is open", async || {
        (app.get("/readyz").await.status != StatusCode::OK).then_some(())
    })
    .await;
    let begun = Instant::now();
    let (away, late) = Lateness::during(app.get(ACTIVITY)).await;
    let took = begun.elapsed();
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{}", away.body);
    assert!(away.retry_after().is_some());
    assert!(
        took < Duration::from_secs(5) + late,
        "{took:?}, the machine was late by {late:?}"
    );
    let page = app.get("/monitoring/statements").await;
    assert_eq!(page.status, StatusCode::OK, "numbers are from memory");
    assert!(page.body.contains("The database cannot be reached right now.") && page.body.contains("SELECT"));

    outage.proxy.set(Fault::Pass).await;
    eventually("it is back", async || {
        (app.get("/readyz").await.status == StatusCode::OK).then_some(())
    })
    .await;
    // A look that gets no answer ends by itself, and has nothing that a save wants.
    outage.proxy.set(Fault::BlackHole).await;
    let begun = Instant::now();
    let (hanging, late) = Lateness::during(app.get(ACTIVITY)).await;
    let took = begun.elapsed();
    assert_eq!(hanging.status, StatusCode::SERVICE_UNAVAILABLE, "{}", hanging.body);
    assert!(
        took < Duration::from_secs(12) + late,
        "{took:?}, the machine was late by {late:?}"
    );
    outage.proxy.set(Fault::Pass).await;
    eventually("it is saved", async || {
        (app.save(&form).await.0 == StatusCode::OK).then_some(())
    })
    .await;
}

/// A table of many rows, a list of it filtered by a column without an index, and the index.
async fn a_hint_comes_and_goes(app: &TestApp, path: &str, table: &str, column: &str, make_index: impl AsyncFnOnce()) {
    // `None` while the machine is so busy that the database is taken for away.
    let hinted = async || {
        app.get(path).await;
        let told = told(app, STATEMENTS).await;
        let found = told
            .pointer("/hints/list")
            .and_then(Value::as_array)?
            .iter()
            .any(|hint| {
                let of_column = list(hint, "/columns").iter().any(|named| named == column);
                hint["table"] == table && hint["kind"] == "filter_without_index" && of_column
            });
        let explained = told["hints"]["explained"]
            .as_u64()
            .is_some_and(|explained| explained > 0);
        explained.then_some(found)
    };
    eventually("the hint", async || hinted().await.filter(|found| *found)).await;
    let words = format!("All of {table} (10,000 rows or more) is read to find rows by {column}");
    eventually("the hint on the page", async || {
        let page = app.get("/monitoring/statements").await;
        page.body.contains(&words).then_some(())
    })
    .await;
    make_index().await;
    eventually("the end of the hint", async || hinted().await.filter(|found| !*found)).await;
}

/// Everything is slow.
const SLOW: (&str, &str) = ("INKFAST_SLOW_STATEMENT_MS", "1");

async fn served(database: &PrivateDatabase, setup: &[&str]) -> TestApp {
    database.make_schema();
    setup.iter().for_each(|sql| drop(database.query(sql)));
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    TestApp::with(&[("DATABASE_URL", &url), SLOW]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_missing_index_is_named_and_once_it_is_made_no_more() {
    let database = PrivateDatabase::postgres();
    let app = served(
        &database,
        &[
            "CREATE TABLE reading (id int PRIMARY KEY, device text NOT NULL, level int)",
            "INSERT INTO reading SELECT n, 'device ' || n % 5000, n FROM generate_series(1, 60000) n",
            "ANALYZE reading",
        ],
    )
    .await;
    a_hint_comes_and_goes(
        &app,
        "/records/reading?f.device=device+7",
        "reading",
        "device",
        async || {
            database.query("CREATE INDEX ON reading (device)");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_missing_index_is_named_and_once_it_is_made_no_more() {
    let database = PrivateDatabase::mariadb();
    let app = served(
        &database,
        &[
            "CREATE TABLE reading (id int PRIMARY KEY, device varchar(40) NOT NULL, level int)",
            "INSERT INTO reading SELECT seq, concat('device ', seq % 5000), seq FROM seq_1_to_60000",
        ],
    )
    .await;
    a_hint_comes_and_goes(
        &app,
        "/records/reading?f.device=device+7",
        "reading",
        "device",
        async || {
            database.query("CREATE INDEX by_device ON reading (device)");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_missing_index_is_named_and_once_it_is_made_no_more() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("readings.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut witness = sqlx::ConnectOptions::connect(&options).await.expect("the file");
    let setup = "CREATE TABLE reading (id INTEGER PRIMARY KEY, device TEXT NOT NULL, level INT);
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
        INSERT INTO reading SELECT n, 'device ' || n % 5000, n FROM n";
    sqlx::raw_sql(setup).execute(&mut witness).await.expect("the table");
    let app = TestApp::with(&[("DATABASE_URL", &format!("sqlite:{}", path.display())), SLOW]).await;
    a_hint_comes_and_goes(
        &app,
        "/records/reading?f.device=device+7",
        "reading",
        "device",
        async || {
            let index = "CREATE INDEX by_device ON reading (device)";
            sqlx::raw_sql(index).execute(&mut witness).await.expect("the index");
        },
    )
    .await;
}
