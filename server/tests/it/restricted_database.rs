//! A database account that may not make Inkfast's own tables: nothing can be saved exactly once, so
//! nothing is saved; everything can be read.

use axum::http::StatusCode;
use private_servers::PrivatePostgres;
use resilient_core::submission::answer::Outcome;

use crate::support::SCHEMA;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_make_tables_records_are_read_only() {
    let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
    postgres.create_database("maintenance").expect("a new database");
    postgres.query("maintenance", SCHEMA).expect("the schema");
    let grants =
        "CREATE ROLE clerk LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk";
    postgres.query("maintenance", grants).expect("a role");
    let url = format!(
        "postgres://clerk@127.0.0.1:{}/maintenance?sslmode=disable",
        postgres.port()
    );
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    for path in [
        "/",
        "/records/activity",
        "/records/activity/1",
        "/records/activity/1/history",
        "/drafts",
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let html = scraper::Html::parse_document(&page.body);
        let form = scraper::Selector::parse("form[data-resilient-form]").expect("a selector");
        assert!(html.select(&form).next().is_none(), "{path}");
    }
    for path in ["/api/errors/recent", "/api/errors/statistics"] {
        let told: serde_json::Value = serde_json::from_str(&app.get(path).await.body).expect("JSON");
        assert_eq!(told["data"]["kept_in"], "memory", "{path}: {told}");
    }
    assert_eq!(
        postgres
            .query("maintenance", "SELECT count(*) FROM activity")
            .as_deref()
            .ok(),
        Some("400")
    );
    let schemas = postgres.query(
        "maintenance",
        "SELECT count(*) FROM pg_namespace WHERE nspname = 'inkfast'",
    );
    assert_eq!(schemas.as_deref().ok(), Some("0"));
}

/// What saving hangs on, made by somebody else from the first step, and what was done with it.
async fn saves_without_the_right_to_make_tables(url: &str, query: &dyn Fn(&str) -> String) {
    let server = RunningServer::over(&[("DATABASE_URL", url), ("RUST_LOG", "info")]).await;
    let form = server.form("/records/activity/1").await.expect("a form");
    let answer = server.save(&form.with("v.title", "Saved all the same")).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Saved);
    let titles = "SELECT count(*) FROM activity WHERE title = 'Saved all the same'";
    assert_eq!(query(titles), "1");
    let log = server.log() + &server.printed();
    for words in [
        "errors are kept in memory alone",
        "no backups are made",
        "backup_turn",
        "error_history",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    let backup = server.command(&["backup"]).output().expect("the program was built");
    let said = String::from_utf8_lossy(&backup.stderr).into_owned();
    assert_eq!(backup.status.code(), Some(4), "{said}");
    assert!(said.contains("inkfast migrate up"), "{said}");
}

/// Made by somebody who may, and the address of an account that may not.
fn postgres_with_the_first_own_tables() -> (PrivateDatabase, String) {
    let database = PrivateDatabase::postgres();
    database.make_schema();
    for order in [
        "CREATE ROLE clerk LOGIN; CREATE SCHEMA inkfast",
        include_str!("../../../migrations/postgres/0001_create_own_tables.sql"),
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, inkfast TO clerk; \
         GRANT USAGE ON SCHEMA inkfast TO clerk",
    ] {
        database.query(order);
    }
    let url = database.url().replace("postgres@", "clerk@");
    (database, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_the_first_own_tables_saves_and_is_told_what_is_off() {
    let (database, url) = postgres_with_the_first_own_tables();
    saves_without_the_right_to_make_tables(&url, &|sql| database.query(sql)).await;
    assert_eq!(
        database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'inkfast'"),
        "3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_the_first_own_tables_saves_on_mariadb_too() {
    let database = PrivateDatabase::mariadb();
    database.make_schema();
    for order in [
        include_str!("../../../migrations/mysql/0001_create_own_tables.sql"),
        "CREATE USER clerk@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('clerk')",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance.* TO clerk@'127.0.0.1'",
    ] {
        database.query(order);
    }
    let url = database.url().replace("tester:tester@", "clerk:clerk@");
    saves_without_the_right_to_make_tables(&url, &|sql| database.query(sql)).await;
}

/// Between both steps of a restore; that is no lack of rights.
#[tokio::test(flavor = "multi_thread")]
async fn who_starts_before_a_restore_is_released_saves_once_it_is() {
    let (database, url) = postgres_with_the_first_own_tables();
    let server = RunningServer::over(&[("DATABASE_URL", &url), ("RUST_LOG", "info")]).await;
    server.kill();
    database.query("ALTER TABLE inkfast.submission RENAME TO submission_restoring");
    server.spawn();
    for _ in 0..3_000 {
        if server.log().contains("not prepared yet") || server.log().contains("records are read-only") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    database.query("ALTER TABLE inkfast.submission_restoring RENAME TO submission");
    server.until_ready().await;
    let form = server.form("/records/activity/1").await.expect("a form");
    let answer = server.save(&form.with("v.title", "Saved all the same")).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Saved);
}
