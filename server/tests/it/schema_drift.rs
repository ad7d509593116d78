//! Tables that are changed in the database while pages are open: noticed by the statement that fails, and nothing typed
//! is thrown away.

use axum::http::StatusCode;
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::{Outage, TestApp};

const LIST: &str = "/records/activity";
const RECORD: &str = "/records/activity/7";
const CHANGED: &str = "This table was changed in the database";

/// The pages and forms over a table that loses a column, gets another one, and goes.
async fn follows_its_database(app: &TestApp, run: &dyn Fn(&str)) {
    let typed_there = app.form(RECORD).await.with("v.notes", "typed into what goes");
    let typed_elsewhere = app.form("/records/activity/8").await.with("v.title", "Typed elsewhere");
    run("ALTER TABLE activity DROP COLUMN notes");

    let (status, answer) = app.save(&typed_there).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid)
    );
    let words = answer
        .errors
        .get("notes")
        .unwrap_or_else(|| panic!("not said at its field: {answer:?}"));
    assert!(words.contains("takes nothing here any more"), "{words}");
    // Posted again without script: the page that comes has no such field, and the text to copy.
    let page = app.post(&typed_there).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("typed into what goes"), "{}", page.body);
    // What was typed into other fields is no worse for it.
    let (status, answer) = app.save(&typed_elsewhere).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::OK, Outcome::Saved),
        "{:?}",
        answer.errors
    );

    // By a list, a second time: noticed by what reads as well.
    run("ALTER TABLE activity RENAME COLUMN hours TO duration");
    let list = app.get(LIST).await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(
        list.body.contains(CHANGED) && !list.body.contains("Hours"),
        "{}",
        list.body
    );
    assert!(
        !app.get(LIST).await.body.contains(CHANGED),
        "said once, where it was noticed"
    );
    let form = app.form(RECORD).await;
    assert!(form.value("v.hours").is_none() && form.value("v.duration").is_some());

    run("ALTER TABLE activity RENAME COLUMN duration TO lasted");
    let page = app.get("/records/activity/9").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(CHANGED), "{}", page.body);
    let form = DrawnForm::read(&page.body);
    assert!(form.value("v.duration").is_none() && form.value("v.lasted").is_some());
    assert_eq!(
        app.save(&form.with("v.title", "Still saved")).await.1.outcome,
        Outcome::Saved
    );

    let typed = app.form(RECORD).await.with("v.title", "typed into a table that goes");
    run("DROP TABLE activity");
    let (_, answer) = app.save(&typed).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    assert!(answer.errors[""].contains("no such table"), "{:?}", answer.errors);
    assert_eq!(app.get(LIST).await.status, StatusCode::NOT_FOUND);
    assert!(!app.get("/").await.body.contains(&format!("href=\"{LIST}\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_postgresql_is_followed() {
    let outage = Outage::over(PrivateDatabase::postgres()).await;
    follows_its_database(&outage.app, &|sql| drop(outage.database.query(sql))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mariadb_is_followed() {
    let outage = Outage::over(PrivateDatabase::mariadb()).await;
    let run = |sql: &str| match sql {
        // Which its foreign key would keep.
        "DROP TABLE activity" => drop(outage.database.query("SET foreign_key_checks = 0; DROP TABLE activity")),
        _ => drop(outage.database.query(sql)),
    };
    follows_its_database(&outage.app, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_sqlite_file_is_followed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("records.db");
    let run = |sql: &str| {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let work = async {
            let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the file");
            let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
            ran.execute(&mut connection).await.expect("changed");
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work));
    };
    run(
        "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT, status TEXT, hours REAL);
         INSERT INTO activity (title, notes) VALUES ('1', 'n'), ('2', 'n'), ('3', 'n'), ('4', 'n'), ('5', 'n'), ('6', 'n'), ('7', 'n'), ('8', 'n'), ('9', 'n');",
    );
    let url = format!("sqlite:{}", path.display());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    follows_its_database(&app, &run).await;
}

/// Opens the form of a record after `more` was done to the table, and has the server notice.
async fn form_after(outage: &Outage, more: &str, record: u32) -> DrawnForm {
    outage.database.query(more);
    outage
        .database
        .query("ALTER TABLE activity RENAME COLUMN hours TO duration");
    assert!(outage.app.get(LIST).await.body.contains(CHANGED));
    outage
        .database
        .query("ALTER TABLE activity RENAME COLUMN duration TO hours");
    assert!(outage.app.get(LIST).await.body.contains(CHANGED));
    outage.app.form(&format!("/records/activity/{record}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_typed_into_may_go() {
    let outage = Outage::prepared().await;
    let more = "ALTER TABLE activity ADD seen_at timestamp DEFAULT '2026-01-31 14:30:00', ADD pin text DEFAULT 'x'";
    let form = form_after(&outage, more, 3).await.with("v.title", "Typed only here");
    // As a browser's own widget writes it.
    let form = form.with("v.seen_at", "2026-01-31T14:30");
    assert_eq!(form.value("v.pin"), Some(""));
    outage.database.query("ALTER TABLE activity DROP seen_at, DROP pin");
    let (status, answer) = outage.app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::OK, Outcome::Saved),
        "{:?}",
        answer.errors
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_typed_for_what_is_gone_is_shown_to_nobody() {
    let outage = Outage::prepared().await;
    let form = form_after(&outage, "ALTER TABLE activity ADD pin text DEFAULT 'x'", 4).await;
    let form = form.with("v.pin", "canary-4713").with("v.title", "Beside a secret");
    outage.database.query("ALTER TABLE activity DROP pin");
    let page = outage.app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.body.contains("Beside a secret") && !page.body.contains("canary-4713"),
        "{}",
        page.body
    );
    for page in [RECORD, "/records/activity/4", "/drafts"] {
        assert!(!outage.app.get(page).await.body.contains("canary-4713"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_before_its_column_went_stays_saved() {
    let outage = Outage::prepared().await;
    let more = "ALTER TABLE activity ADD seen_at timestamp, ADD remark text";
    let form = form_after(&outage, more, 5).await;
    let form = form
        .with("v.seen_at", "2026-02-03T04:05")
        .without("n.remark")
        .with("v.remark", "kept");
    let (_, first) = outage.app.save(&form).await;
    assert_eq!(first.outcome, Outcome::Saved, "{:?}", first.errors);
    outage.database.query("ALTER TABLE activity DROP seen_at, DROP remark");
    for _ in 0..2 {
        let (status, again) = outage.app.save(&form).await;
        assert_eq!(
            (status, again.outcome, again.replayed),
            (StatusCode::OK, Outcome::Saved, true),
            "{:?}",
            again.errors
        );
    }
    let (_, other) = outage.app.save(&form.with("v.remark", "other")).await;
    assert_eq!(other.outcome, Outcome::Mismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_computed_by_now_is_said_not_to_be_taken() {
    let outage = Outage::prepared().await;
    let form = form_after(&outage, "ALTER TABLE activity ADD remark text NOT NULL DEFAULT 'x'", 6).await;
    let form = form.with("v.remark", "typed").with("v.title", "And here");
    let made = "ALTER TABLE activity DROP remark, ADD remark text GENERATED ALWAYS AS ('x') STORED";
    outage.database.query(made);
    let (_, answer) = outage.app.save(&form).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    assert!(answer.errors.contains_key("remark"), "{:?}", answer.errors);
    assert_eq!(
        outage.count("SELECT count(*) FROM activity WHERE title = 'And here'"),
        0,
        "nothing by halves"
    );
    // Drawn as it is now, it is shown and no control, and what is posted for it all the same is passed over.
    let now = outage.app.form("/records/activity/6").await;
    assert!(now.value("v.remark").is_none());
    let mut now = now.with("v.title", "And here");
    now.controls.push(("v.remark".to_owned(), "forged".to_owned()));
    assert_eq!(outage.app.save(&now).await.1.outcome, Outcome::Saved);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_a_column_that_is_gone_outlives_the_save_of_the_rest() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = app
        .form(RECORD)
        .await
        .with("v.notes", "homeless text")
        .with("v.title", "Saved title");
    outage.database.query("ALTER TABLE activity DROP COLUMN notes");
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.value("v.title"), drawn.value("v.notes")),
        (Some("Saved title"), None)
    );
    assert_eq!(app.post(&drawn).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        outage.count("SELECT count(*) FROM activity WHERE title = 'Saved title'"),
        1
    );
    assert!(
        app.get(RECORD).await.body.contains("homeless text"),
        "it is in no record"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_a_column_that_takes_none_any_more_outlives_each_save_of_the_rest() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let form = form_after(&outage, "ALTER TABLE activity ADD remark text NOT NULL DEFAULT 'x'", 9).await;
    let form = form.with("v.remark", "homeless text").with("v.title", "Saved title");
    let made = "ALTER TABLE activity DROP remark, ADD remark text GENERATED ALWAYS AS ('x') STORED";
    outage.database.query(made);
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.value("v.title"), drawn.value("v.remark")),
        (Some("Saved title"), None)
    );
    assert_eq!(app.post(&drawn).await.status, StatusCode::SEE_OTHER);
    let url = "/records/activity/9";
    assert!(app.get(url).await.body.contains("homeless text"), "it is in no record");
    // Drawn again with that text to copy, and saved again.
    for title in ["Another title", "And another one"] {
        let again = app.form(url).await.with("v.title", title);
        assert_eq!(app.post(&again).await.status, StatusCode::SEE_OTHER, "{title}");
        let sql = format!("SELECT count(*) FROM activity WHERE title = '{title}'");
        assert_eq!(outage.count(&sql), 1);
        assert!(app.get(url).await.body.contains("homeless text"), "{title}");
        assert!(app.get("/drafts").await.body.contains("homeless text"), "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_key_an_address_is_no_record_that_was_open() {
    let outage = Outage::prepared().await;
    let more = "ALTER TABLE activity ADD code integer; UPDATE activity SET code = 401 - id";
    let form = form_after(&outage, more, 7).await.with("v.hours", "7.25");
    let rekeyed = "ALTER TABLE activity DROP CONSTRAINT activity_pkey, ALTER code SET NOT NULL, ADD PRIMARY KEY (code)";
    outage.database.query(rekeyed);
    form_after(&outage, "SELECT 1", 8).await;
    let (_, answer) = outage.app.save(&form).await;
    assert_eq!(answer.outcome, Outcome::Gone);
    assert_eq!(
        outage.count("SELECT count(*) FROM activity WHERE hours = 7.25"),
        0,
        "another one is not written to"
    );
}
