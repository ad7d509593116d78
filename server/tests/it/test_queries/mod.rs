//! Statements of a superuser's own: what is honest works, and nothing else has any effect, even where the database
//! itself would let it.

mod mysql_escapes;
mod postgres_escapes;
mod sqlite_escapes;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Request, StatusCode};
use private_servers::{Lateness, PrivateMariaDb, PrivatePostgres};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Row, SqliteConnection};

use crate::support::running_server::RunningServer;
use crate::support::test_app::{Answered, PASSWORD, TestApp};
use crate::support::{MARIADB_SCHEMA, SCHEMA};

/// Statements, and the rows that they have to give.
type Honest = &'static [(&'static str, &'static [&'static [Option<&'static str>]])];

/// What all databases understand.
const HONEST_EVERYWHERE: Honest = &[
    ("SELECT 1", &[&[Some("1")]]),
    (
        "SELECT * FROM activity WHERE id = 1",
        &[&[
            Some("1"),
            Some("Activity 1"),
            Some("Notes 1"),
            Some("planned"),
            None,
            None,
            Some("0"),
        ]],
    ),
    (
        "SELECT name FROM site ORDER BY name",
        &[&[Some("North")], &[Some("South")]],
    ),
    ("SELECT count(*) FROM activity", &[&[Some("400")]]),
    (
        "SELECT id, title FROM activity WHERE id = 7",
        &[&[Some("7"), Some("Activity 7")]],
    ),
    (
        "SELECT title FROM activity WHERE title LIKE 'Activity 39_' ORDER BY id DESC LIMIT 1",
        &[&[Some("Activity 399")]],
    ),
    (
        "SELECT status, count(*) AS many, min(id), max(id) FROM activity GROUP BY status HAVING count(*) > 1",
        &[&[Some("planned"), Some("400"), Some("1"), Some("400")]],
    ),
    (
        "SELECT a.title, s.name FROM activity a LEFT JOIN site s ON s.id = a.site_id WHERE a.id IN (1)",
        &[&[Some("Activity 1"), None]],
    ),
    (
        "SELECT id FROM site UNION ALL SELECT id FROM site ORDER BY 1 LIMIT 1 OFFSET 3",
        &[&[Some("2")]],
    ),
    (
        "SELECT CASE WHEN id = 1 THEN upper(name) ELSE lower(name) END AS said FROM site ORDER BY id",
        &[&[Some("NORTH")], &[Some("south")]],
    ),
    (
        "SELECT id FROM activity WHERE id BETWEEN 2 AND 3 AND notes IS NOT NULL",
        &[&[Some("2")], &[Some("3")]],
    ),
    (
        "SELECT name FROM site WHERE EXISTS (SELECT 1 FROM activity WHERE activity.id = site.id + 399)",
        &[&[Some("North")]],
    ),
    (
        "SELECT id, row_number() OVER (ORDER BY name DESC) FROM site ORDER BY id",
        &[&[Some("1"), Some("2")], &[Some("2"), Some("1")]],
    ),
    (
        "SELECT name || ' site' FROM site WHERE NOT (id = 2)",
        &[&[Some("North site")]],
    ),
    (
        "SELECT (1 + 2) * 3 % 4, -5, round(2.567, 1)",
        &[&[Some("1"), Some("-5"), Some("2.6")]],
    ),
    ("SELECT DISTINCT status FROM activity", &[&[Some("planned")]]),
    (
        "VALUES (1, 'a'), (2, NULL)",
        &[&[Some("1"), Some("a")], &[Some("2"), None]],
    ),
];

const SECRET: &str = "s3cr3t";

const SQLITE_SCHEMA: &str = "
    CREATE TABLE site (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
    CREATE TABLE activity (
        id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT, status TEXT NOT NULL DEFAULT 'planned',
        hours NUMERIC, site_id INTEGER REFERENCES site (id), api_key TEXT, saves INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO site (name) VALUES ('North'), ('South');
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 400)
    INSERT INTO activity (title, notes, api_key) SELECT 'Activity ' || n, 'Notes ' || n, 's3cr3t' || n FROM n;
";

/// Everything that a statement could have changed, in one text.
const TRACES: &str = "
    SELECT concat_ws('|',
        (SELECT string_agg(md5(s::text), ',' ORDER BY id) FROM site s),
        (SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM activity a),
        (SELECT md5(string_agg(a::text, ',' ORDER BY name)) FROM inkfast.account a),
        (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace),
        (SELECT string_agg(rolname || coalesce(rolpassword, ''), ',' ORDER BY oid) FROM pg_authid),
        (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_db_role_setting),
        (SELECT count(*) FROM pg_description), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
        (SELECT last_value || ' ' || is_called FROM site_id_seq), (SELECT relacl FROM pg_class WHERE relname = 'site'),
        (SELECT pg_postmaster_start_time()), (SELECT pg_conf_load_time()),
        (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'watched'))";

async fn ask_as(app: &TestApp, cookie: &str, sql: &str, password: &str) -> Answered {
    let body = json!({ "sql": sql, "password": password }).to_string();
    let request = Request::post("/api/database/test")
        .header(HOST, "127.0.0.1:3000")
        .header(COOKIE, cookie)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body));
    app.raw(request.expect("a request")).await
}

async fn ask(app: &TestApp, sql: &str) -> Answered {
    ask_as(app, &app.cookie, sql, PASSWORD).await
}

fn data(answer: &Answered) -> Value {
    serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))["data"].take()
}

async fn works(app: &TestApp, of_its_own: Honest) {
    for (sql, expected) in HONEST_EVERYWHERE.iter().chain(of_its_own) {
        let answer = ask(app, sql).await;
        assert_eq!(answer.status, StatusCode::OK, "{sql}: {}", answer.body);
        assert_eq!(data(&answer)["rows"], json!(expected), "{sql}");
    }
    println!("{} honest statements work", HONEST_EVERYWHERE.len() + of_its_own.len());
}

/// Refused before it was sent, and nothing of it is seen in the answer.
async fn is_refused(app: &TestApp, sql: &str) {
    let begun = Instant::now();
    let (answer, late) = Lateness::during(ask(app, sql)).await;
    let took = begun.elapsed();
    let error = serde_json::from_str::<Value>(&answer.body).expect("JSON")["error"].take();
    assert_eq!(
        (answer.status.as_u16(), &error),
        (422, &"refused".into()),
        "{sql}: {}",
        answer.body
    );
    assert!(
        !answer.body.contains(SECRET) && !answer.body.contains("root:"),
        "{sql}: {}",
        answer.body
    );
    assert!(
        took < Duration::from_secs(3) + late,
        "{sql}: {took:?}, the machine was late by {late:?}"
    );
}

async fn does_no_harm(app: &TestApp, sql: &str) {
    let begun = Instant::now();
    let (answer, late) = Lateness::during(ask(app, sql)).await;
    let took = begun.elapsed();
    assert!(matches!(answer.status.as_u16(), 200 | 422), "{sql}: {}", answer.body);
    // What is asked may have the word in it; a secret has a number behind it.
    let told = (1..10).any(|id| answer.body.contains(&format!("{SECRET}{id}")));
    assert!(!told, "{sql}: {}", answer.body);
    assert!(
        took < Duration::from_secs(8) + late,
        "{sql}: {took:?}, the machine was late by {late:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_nothing_escapes_even_as_its_superuser() {
    let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
    postgres.create_database("maintenance").expect("a new database");
    postgres.query("maintenance", SCHEMA).expect("the schema");
    let more = "
        UPDATE activity SET api_key = 's3cr3t' || id;
        CREATE FUNCTION escaping() RETURNS int LANGUAGE sql AS 'DELETE FROM site RETURNING 1';
        CREATE FUNCTION escaping(site) RETURNS int LANGUAGE sql AS 'DELETE FROM site RETURNING 1';
        CREATE FUNCTION lower(int) RETURNS int LANGUAGE sql AS 'SELECT pg_advisory_lock(1); SELECT 1';
        CREATE FUNCTION never(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT pg_advisory_lock(1); SELECT false';
        CREATE OPERATOR <> (LEFTARG = int, RIGHTARG = int, FUNCTION = never);
        CREATE TYPE escaped AS ENUM ('x')";
    postgres.query("maintenance", more).expect("more of it");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let anybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), anybody).expect("our own directory");
    let file = folder.path().join("escaped");
    let address = format!("127.0.0.1:{}", postgres.port());
    let url = format!("postgres://postgres@{address}/maintenance?sslmode=disable");
    let app = TestApp::with(&[("DATABASE_URL", &url), ("INKFAST_TEST_QUERIES", "1")]).await;
    let watched = format!("{url}&application_name=watched").parse::<sqlx::postgres::PgConnectOptions>();
    let _watched = watched
        .expect("an address")
        .connect()
        .await
        .expect("a session that may be ended");
    works(&app, postgres_escapes::HONEST).await;

    let traces = || postgres.query("maintenance", TRACES).expect("the witness");
    let before = traces();
    for sql in postgres_escapes::ESCAPES {
        is_refused(&app, &sql.replace("{file}", &file.display().to_string())).await;
        assert_eq!(traces(), before, "{sql}");
        assert!(!file.exists(), "{sql}");
    }
    for sql in postgres_escapes::HARMLESS {
        does_no_harm(&app, sql).await;
        assert_eq!(traces(), before, "{sql}");
    }
    println!(
        "{} escapes from PostgreSQL, none with an effect",
        postgres_escapes::ESCAPES.len()
    );
    // What is named like PostgreSQL's own, and is somebody's: not found, whatever would fit better.
    let own = ask(&app, "SELECT lower(1)").await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", own.body);
    assert_eq!(data(&ask(&app, "SELECT 1 <> 2").await)["rows"], json!([["true"]]));
    assert_eq!(traces(), before);
}

/// The same on MariaDB. Secrets among the settings that people may change are there as well.
const MARIADB_TRACES: &str = "
    SELECT CONCAT_WS('|',
        (SELECT GROUP_CONCAT(id, name ORDER BY id) FROM site),
        (SELECT MD5(GROUP_CONCAT(id, title, notes, status, api_key, saves ORDER BY id)) FROM activity),
        (SELECT MD5(GROUP_CONCAT(name, password_hash ORDER BY name)) FROM inkfast_account),
        (SELECT COUNT(*) FROM information_schema.tables), (SELECT COUNT(*) FROM information_schema.routines),
        (SELECT auto_increment FROM information_schema.tables WHERE table_name = 'site'),
        (SELECT GROUP_CONCAT(user, host, priv ORDER BY user, host) FROM mysql.global_priv),
        (SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'watched'),
        (SELECT GROUP_CONCAT(variable_name, variable_value ORDER BY variable_name) FROM
            information_schema.global_variables WHERE variable_name IN ('READ_ONLY', 'MAX_CONNECTIONS', 'SQL_MODE',
            'GENERAL_LOG', 'GENERAL_LOG_FILE', 'SLOW_QUERY_LOG', 'LOCAL_INFILE', 'EVENT_SCHEDULER')),
        IS_FREE_LOCK('escaped'), (SELECT next_not_cached_value FROM counted), (SELECT COUNT(*) FROM information_schema.plugins))";

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_nothing_escapes_even_with_all_rights() {
    let mariadb = PrivateMariaDb::start().expect("MariaDB is installed");
    mariadb.create_database("maintenance").expect("a new database");
    mariadb.query("maintenance", MARIADB_SCHEMA).expect("the schema");
    let more = "
        UPDATE activity SET api_key = CONCAT('s3cr3t', id);
        CREATE TABLE media (id int PRIMARY KEY, bytes blob, flags bit(4), kind enum('a', 'b'), at datetime);
        INSERT INTO media VALUES (1, x'00ff', b'101', 'b', '2026-03-04 05:06:07');
        CREATE SEQUENCE counted;
        CREATE FUNCTION escaping() RETURNS int MODIFIES SQL DATA RETURN RELEASE_LOCK('escaped');
        GRANT ALL PRIVILEGES ON *.* TO boss@'127.0.0.1' IDENTIFIED BY 'boss' WITH GRANT OPTION;
        GRANT SELECT ON maintenance.site TO watched@'127.0.0.1' IDENTIFIED BY 'watched'";
    mariadb.query("maintenance", more).expect("more of it");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let anybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), anybody).expect("our own directory");
    let file = folder.path().join("escaped");
    let url = |user: &str| format!("mysql://{user}:{user}@127.0.0.1:{}/maintenance", mariadb.port());
    let app = TestApp::with(&[("DATABASE_URL", &url("boss")), ("INKFAST_TEST_QUERIES", "1")]).await;
    let watched = url("watched").parse::<sqlx::mysql::MySqlConnectOptions>();
    let _watched = watched
        .expect("an address")
        .connect()
        .await
        .expect("a session that may be ended");
    works(&app, mysql_escapes::HONEST).await;

    let traces = || mariadb.query("maintenance", MARIADB_TRACES).expect("the witness");
    let before = traces();
    assert!(before.contains("watched"), "{before}");
    for sql in mysql_escapes::ESCAPES {
        is_refused(&app, &sql.replace("{file}", &file.display().to_string())).await;
        assert_eq!(traces(), before, "{sql}");
        assert!(!file.exists(), "{sql}");
    }
    for sql in mysql_escapes::HARMLESS {
        does_no_harm(&app, sql).await;
        assert_eq!(traces(), before, "{sql}");
    }
    println!(
        "{} escapes from MariaDB, none with an effect",
        mysql_escapes::ESCAPES.len()
    );
    let endless = mysql_escapes::ENDLESS;
    let stopped = ask(&app, endless).await;
    assert!(stopped.body.contains("timed_out"), "{endless}: {}", stopped.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_nothing_escapes() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("records.db");
    let mut witness = opened(&path).await;
    sqlx::raw_sql(SQLITE_SCHEMA)
        .execute(&mut witness)
        .await
        .expect("the schema");
    let url = format!("sqlite:{}", path.display());
    let app = TestApp::with(&[("DATABASE_URL", &url), ("INKFAST_TEST_QUERIES", "1")]).await;
    works(&app, sqlite_escapes::HONEST).await;

    let file = folder.path().join("escaped");
    let before = sqlite_traces(&mut witness).await;
    for sql in sqlite_escapes::ESCAPES {
        is_refused(&app, &sql.replace("{file}", &file.display().to_string())).await;
        assert_eq!(sqlite_traces(&mut witness).await, before, "{sql}");
        assert!(!file.exists(), "{sql}");
    }
    for sql in sqlite_escapes::HARMLESS {
        does_no_harm(&app, sql).await;
        assert_eq!(sqlite_traces(&mut witness).await, before, "{sql}");
    }
    println!(
        "{} escapes from SQLite, none with an effect",
        sqlite_escapes::ESCAPES.len()
    );
}

async fn opened(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.expect("the file")
}

async fn sqlite_traces(witness: &mut SqliteConnection) -> String {
    let sql =
        "SELECT (SELECT group_concat(id || name) FROM site) || (SELECT total(length(title || api_key)) FROM activity)
        || (SELECT group_concat(name || coalesce(sql, '')) FROM sqlite_master) || (SELECT count(*) FROM inkfast_account)
        || (SELECT seq FROM sqlite_sequence WHERE name = 'site')";
    let row = sqlx::query(sql).fetch_one(witness).await.expect("the witness");
    row.get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_it_is_switched_on_and_then_for_superusers_who_say_their_password() {
    let off = TestApp::embedded().await;
    assert_eq!(ask(&off, "SELECT 1").await.status, StatusCode::NOT_FOUND);
    let app = TestApp::with(&[("INKFAST_TEST_QUERIES", "1")]).await;
    let staff = app.signed_in_as("sam", Role::Staff).await;
    for (cookie, password, status) in [
        (app.cookie.as_str(), PASSWORD, 200),
        (app.cookie.as_str(), "wrong", 403),
        (app.cookie.as_str(), "", 403),
        (staff.as_str(), PASSWORD, 403),
        ("", PASSWORD, 401),
    ] {
        let answer = ask_as(&app, cookie, "SELECT 1", password).await;
        assert_eq!(answer.status, status, "{password}: {}", answer.body);
    }
    let unread = app.post_json("/api/database/test", r#"{"sql": "SELECT 1"}"#).await;
    assert_eq!(unread.status, StatusCode::BAD_REQUEST, "{}", unread.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_cut_and_what_takes_too_long_is_stopped() {
    let app = TestApp::with(&[("INKFAST_TEST_QUERIES", "1")]).await;
    let many = data(&ask(&app, "SELECT id FROM activities").await);
    assert_eq!(
        (many["rows"].as_array().map(Vec::len), &many["cut"]),
        (Some(1_000), &true.into())
    );
    assert_eq!(many["columns"], json!(["id"]));
    let few = data(&ask(&app, "SELECT id AS a, id AS a FROM activities LIMIT 3").await);
    assert_eq!(
        (few["rows"].as_array().map(Vec::len), &few["cut"]),
        (Some(3), &false.into())
    );
    assert_eq!(few["columns"], json!(["a", "a"]), "two of one name are two");
    let wide = "SELECT group_concat(title, ' ') AS all_of_them FROM activities";
    let wide = ask(&app, wide).await;
    assert!(
        wide.body.len() < 40_000 && data(&wide)["cut"] == true,
        "{}",
        wide.body.len()
    );
    let endless = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n";
    let begun = Instant::now();
    let both = async { tokio::join!(ask(&app, endless), ask(&app, endless)) };
    let ((first, second), late) = Lateness::during(both).await;
    let took = begun.elapsed();
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(9) + late).contains(&took),
        "{took:?}, the machine was late by {late:?}"
    );
    for stopped in [first, second] {
        assert_eq!(stopped.status, 422, "{}", stopped.body);
        assert!(stopped.body.contains("timed_out"), "{}", stopped.body);
    }
    let third = third_of_three(&app, endless).await;
    assert!(third.retry_after().is_some());
    assert_eq!(
        ask(&app, "SELECT 1").await.status,
        StatusCode::OK,
        "their places are free again"
    );
}

/// Asks while two endless ones run, again and again until it finds both places taken: each password takes its time.
async fn third_of_three(app: &TestApp, endless: &str) -> Answered {
    let is_refused = Cell::new(false);
    let takes_a_place = async || {
        while !is_refused.get() {
            let stopped = ask(app, endless).await;
            let is_expected = ["timed_out", "busy"].iter().any(|code| stopped.body.contains(code));
            assert!(is_expected, "{}", stopped.body);
        }
    };
    let third = async {
        let begun = Instant::now();
        loop {
            let third = ask(app, "SELECT 1").await;
            if third.status == StatusCode::SERVICE_UNAVAILABLE && third.body.contains("busy") {
                is_refused.set(true);
                return third;
            }
            assert_eq!(third.status, StatusCode::OK, "{}", third.body);
            assert!(begun.elapsed() < Duration::from_secs(60), "two at once are enough");
        }
    };
    let (third, (), ()) = tokio::join!(third, takes_a_place(), takes_a_place());
    third
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_says_of_a_statement_is_not_repeated() {
    let app = TestApp::with(&[("INKFAST_TEST_QUERIES", "1")]).await;
    let answer = ask(&app, "SELECT no_such_column4711 FROM activities").await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(
        answer.body.contains("code 1") && !answer.body.contains("4711"),
        "{}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_what_is_in_the_log_without_a_value_of_it() {
    let settings = &[("RUST_LOG", "info"), ("INKFAST_TEST_QUERIES", "1")];
    let server = RunningServer::with(SQLITE_SCHEMA, settings).await;
    for sql in [
        "SELECT name FROM site WHERE name = 'Sought4711'",
        "SELECT load_extension('File4711') FROM site",
        "DELETE FROM site WHERE name = 'Gone4711'",
    ] {
        let body = json!({ "sql": sql, "password": PASSWORD }).to_string();
        server.post_json("/api/database/test", body).await.expect("an answer");
    }
    server.terminate();
    let log = server.log();
    for words in [
        r#"a test query account="admin" statement="SELECT name FROM site WHERE name = ?" rows=0"#,
        r#"statement="SELECT load_extension(?) FROM site" why="refused""#,
        r#"statement="(not understood)" why="refused""#,
    ] {
        assert!(log.contains(words), "{words} is missing in {log}");
    }
    assert!(!log.contains("4711") && !log.contains(PASSWORD), "{log}");
}
