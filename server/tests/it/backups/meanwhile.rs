//! Servers that are there while a backup is restored: one that stayed up, and one that starts just then.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use axum::http::header::ACCEPT;
use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::{Answer, Outcome};

use super::support::{Place, tools, wait_for};
use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;

fn typed(form: &DrawnForm, name: &str, text: &str) -> DrawnForm {
    form.clone()
        .with("_id", &uuid::Uuid::new_v4().to_string())
        .with(name, text)
}

fn backup_of(data_dir: &Path) -> PathBuf {
    let entries = std::fs::read_dir(data_dir.join("backups")).expect("a shelf").flatten();
    let made = entries
        .map(|entry| entry.path())
        .find(|path| path.join("database").exists());
    made.expect("a backup")
}

fn make_empty(database: &PrivateDatabase) {
    match database {
        PrivateDatabase::Postgres(_) => {
            database.query("DROP SCHEMA public CASCADE; DROP SCHEMA inkfast CASCADE; CREATE SCHEMA public");
        }
        PrivateDatabase::MariaDb(_) => {
            let names =
                database.query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()");
            let names: Vec<String> = names.lines().map(|name| format!("`{}`", name.trim())).collect();
            database.query(&format!("SET foreign_key_checks = 0; DROP TABLE {}", names.join(", ")));
        }
    }
}

async fn is_ready(server: &RunningServer) -> bool {
    let answered = server.through_proxy(Method::GET, "/readyz", None, &[]).await;
    answered.expect("an answer").status == StatusCode::OK
}

/// `None` for who is signed in no more.
async fn saved(server: &RunningServer, form: &DrawnForm) -> Option<Answer> {
    let json = [(ACCEPT.as_str(), "application/json")];
    let answered = server.through_proxy(Method::POST, &form.action, Some(&form.controls), &json);
    let answered = answered.await.expect("an answer");
    (answered.status != StatusCode::UNAUTHORIZED).then(|| answered.answer())
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().expect("a child of ours").is_some()
}

async fn a_server_stays_up_meanwhile(database: PrivateDatabase) {
    database.make_schema();
    // Where the database's programs are.
    let path = std::env::var("PATH").expect("a path");
    let settings = [
        ("DATABASE_URL", &*database.url()),
        ("RUST_LOG", "warn"),
        ("PATH", &path),
    ];
    let mut server = RunningServer::over(&settings).await;
    let form_key = uuid::Uuid::new_v4().to_string();
    let new = format!("/records/activity/new?form={form_key}");
    let new = server.form(&new).await.expect("a form");
    // Of each form comes one record.
    let another = || {
        let (mut form, key) = (typed(&new, "v.title", "meanwhile"), uuid::Uuid::new_v4().to_string());
        form.action = form.action.replace(&form_key, &key);
        for (_, value) in &mut form.controls {
            *value = value.replace(&form_key, &key);
        }
        form
    };
    let run = |arguments: &[&str]| {
        let log = std::fs::File::create(server.data_dir().join("told")).expect("a file");
        let mut command = server.command(arguments);
        command.stderr(log).spawn().expect("the program was built")
    };
    assert!(run(&["backup"]).wait().expect("it ends").success());
    let backup = backup_of(server.data_dir());
    let of_before = server.form("/records/activity/1").await.expect("a form");
    make_empty(&database);
    let first = another();
    let answer = saved(&server, &first).await.expect("still signed in");
    assert_eq!(
        (answer.outcome, answer.reason.as_deref()),
        (Outcome::Kept, Some("database")),
        "{answer:?}"
    );
    while is_ready(&server).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let backup = backup.to_str().expect("a plain path").to_owned();
    let mut restore = run(&["restore", &backup, "--into", &database.url(), "--yes"]);
    let mut sent = vec![first];
    while !has_ended(&mut restore) {
        let form = another();
        match saved(&server, &form).await {
            None => server.sign_in_again().await,
            Some(answer) => {
                assert!(matches!(answer.outcome, Outcome::Kept | Outcome::Saved), "{answer:?}");
                sent.push(form);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = std::fs::read_to_string(server.data_dir().join("told")).expect("it was written");
    assert!(restore.wait().expect("it ends").success(), "{told}");
    while !is_ready(&server).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What was kept is sent again, each as often as it likes.
    if saved(&server, &sent[0]).await.is_none() {
        server.sign_in_again().await;
    }
    for form in &sent {
        let mut answer = saved(&server, form).await.expect("signed in");
        // The server has begun to send it by itself.
        while answer.outcome == Outcome::InProgress {
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer = saved(&server, form).await.expect("signed in");
        }
        assert_eq!(answer.outcome, Outcome::Saved, "{answer:?}");
    }
    let meanwhile = database.query("SELECT count(*) FROM activity WHERE title = 'meanwhile'");
    assert_eq!(meanwhile, sent.len().to_string(), "each was done once");
    let answer = saved(&server, &typed(&of_before, "v.title", "of before")).await;
    assert_eq!(answer.expect("signed in").outcome, Outcome::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_up_while_postgresql_is_restored_keeps_what_is_saved() {
    a_server_stays_up_meanwhile(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_up_while_mariadb_is_restored_keeps_what_is_saved() {
    a_server_stays_up_meanwhile(PrivateDatabase::mariadb()).await;
}

/// Whatever makes own tables in a database that is just being filled waits. `waiting`: how many do.
fn own_tables_are_not_made_meanwhile(database: &PrivateDatabase, program: &str, real: &str, waiting: &str) {
    database.make_schema();
    let place = Place::over(database.url());
    place.says(&["migrate", "up"]);
    place.says(&["account", "add", "anna", "--role", "editor"]);
    let name = place.backup();
    database.make_empty("elsewhere");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (filling, go) = (folder.path().join("filling"), folder.path().join("go"));
    let script = format!(
        "real=$({real}); case \"$*\" in *--version*|*--list*) exec \"$real\" \"$@\";; esac
        touch {}; while [ ! -e {} ]; do sleep 0.05; done; exec \"$real\" \"$@\"",
        filling.display(),
        go.display()
    );
    tools(folder.path(), program, &script);
    let elsewhere = Place::over(database.url().replace("/maintenance", "/elsewhere"))
        .set("INKFAST_BACKUP_TOOLS_DIR", folder.path().display().to_string());
    let path = place.shelf().join(&name).display().to_string();
    let mut restore = elsewhere
        .command(&["restore", &path, "--yes"])
        .spawn()
        .expect("the program was built");
    wait_for("it fills", || filling.exists());
    let other = Place::over(elsewhere.url.clone());
    let mut migrate = other
        .command(&["migrate", "up"])
        .spawn()
        .expect("the program was built");
    database.until(waiting, "1");
    std::fs::write(&go, "").expect("written");
    assert!(restore.wait().expect("it ends").success());
    assert!(migrate.wait().expect("it ends").success());
    let names = format!("SELECT name FROM {}", database.own("account"));
    assert_eq!(database.query_in("elsewhere", &names), "anna");
}

#[test]
fn who_starts_while_mariadb_is_filled_waits_with_the_own_tables() {
    let waiting = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'";
    own_tables_are_not_made_meanwhile(&PrivateDatabase::mariadb(), "mariadb", "command -v mariadb", waiting);
}

#[test]
fn who_starts_while_postgresql_is_filled_waits_with_the_own_tables() {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'";
    let real = "ls /usr/lib/postgresql/*/bin/pg_restore | tail -n 1";
    own_tables_are_not_made_meanwhile(&PrivateDatabase::postgres(), "pg_restore", real, waiting);
}

const SCHEMA: &str =
    "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '');
    INSERT INTO activity (title) VALUES ('first')";

/// The old database is served until somebody serves the other one, however long after it was filled that is.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_the_old_database_is_not_merged_into_what_was_restored_before_it() {
    let mut server = RunningServer::with(SCHEMA, &[("RUST_LOG", "warn")]).await;
    let run = |server: &RunningServer, arguments: &[&str]| {
        let output = server.command(arguments).output().expect("the program was built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&server, &["backup"]);
    let backup = backup_of(server.data_dir());
    let (file, other) = (server.data_dir().join("records.db"), server.data_dir().join("other.db"));
    let address = format!("sqlite:{}", other.display());
    run(
        &server,
        &[
            "restore",
            backup.to_str().expect("a plain path"),
            "--into",
            &address,
            "--yes",
        ],
    );
    let drawn_since = server.form("/records/activity/1").await.expect("a form");
    server.kill();
    for suffix in ["", "-wal", "-shm"] {
        let _gone = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    std::fs::rename(&other, &file).expect("in its place");
    server.start().await;
    server.sign_in_again().await;
    let answer = server.save(&typed(&drawn_since, "v.notes", "of another")).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Conflict);
    // What is drawn from now on is of this one, also after another start.
    for text in ["one", "two"] {
        let form = server.form("/records/activity/1").await.expect("a form");
        let answer = server.save(&typed(&form, "v.notes", text)).await;
        assert_eq!(answer.expect("an answer").outcome, Outcome::Saved);
        let drawn_before = server.form("/records/activity/1").await.expect("a form");
        server.kill();
        server.start().await;
        let answer = server.save(&typed(&drawn_before, "v.title", text)).await;
        assert_eq!(answer.expect("an answer").outcome, Outcome::Saved);
    }
}
