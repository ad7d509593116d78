//! A database account that may not make Inkfast's own tables: nothing can be saved exactly once, so
//! nothing is saved; everything can be read.

use axum::http::StatusCode;
use private_servers::PrivatePostgres;

use crate::support::SCHEMA;
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
