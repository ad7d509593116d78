//! A server that goes on after a restore: unsaved text, sessions, and saves that were acknowledged since.

use std::path::Path;

use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use super::support::mode;
use crate::support::drawn_form::DrawnForm;
use crate::support::running_server::RunningServer;

const SCHEMA: &str =
    "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '');
    INSERT INTO activity (title) VALUES ('first'), ('second');";
const SETTINGS: &[(&str, &str)] = &[("RUST_LOG", "warn")];

async fn form(server: &RunningServer, path: &str) -> DrawnForm {
    server.form(path).await.expect("a form")
}

async fn saved(server: &RunningServer, form: &DrawnForm) -> Outcome {
    server.save(form).await.expect("an answer").outcome
}

fn typed(form: &DrawnForm, name: &str, text: &str) -> DrawnForm {
    form.clone()
        .with("_id", &uuid::Uuid::new_v4().to_string())
        .with(name, text)
}

fn newest_backup(data_dir: &Path) -> String {
    let entries = std::fs::read_dir(data_dir.join("backups")).expect("a shelf").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with("inkfast-"))
        .max()
        .expect("a backup")
}

fn says(server: &RunningServer, arguments: &[&str]) -> String {
    let output = tokio::task::block_in_place(|| server.command(arguments).output()).expect("the program was built");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_nobody_is_told_saved_of_what_is_not_there() {
    let mut server = RunningServer::with(SCHEMA, SETTINGS).await;
    let first = form(&server, "/records/activity/1").await;
    let before = typed(&first, "v.title", "before");
    assert_eq!(saved(&server, &before).await, Outcome::Saved);
    let drawn_before = form(&server, "/records/activity/1").await;
    says(&server, &["backup"]);

    // Acknowledged, and about to be undone.
    let after = typed(&drawn_before, "v.notes", "after");
    assert_eq!(saved(&server, &after).await, Outcome::Saved);
    let new = form(&server, &format!("/records/activity/new?form={}", uuid::Uuid::new_v4())).await;
    let created = typed(&new, "v.title", "theirs");
    assert_eq!(saved(&server, &created).await, Outcome::Saved);
    let drawn_since = form(&server, "/records/activity/3").await;

    let busy = server
        .command(&["restore", &newest_backup(server.data_dir()), "--replace", "--yes"])
        .output();
    let busy = busy.expect("the program was built");
    assert_eq!(busy.status.code(), Some(4), "a server is using it");
    server.kill();
    says(
        &server,
        &["restore", &newest_backup(server.data_dir()), "--replace", "--yes"],
    );
    server.start().await;
    let page = server
        .through_proxy(Method::GET, "/records/activity/1", None, &[])
        .await
        .expect("an answer");
    assert_ne!(page.status, StatusCode::OK, "everybody signs in again");
    server.sign_in_again().await;
    let count = async |condition: &str| {
        server
            .count(format!("SELECT count(*) FROM activity WHERE {condition}"))
            .await
    };
    assert_eq!(count("notes = 'after' OR title = 'theirs'").await, 0);

    // What the backup has is answered as before, and stays one save.
    let again = server.save(&before).await.expect("an answer");
    assert_eq!((again.outcome, again.replayed), (Outcome::Saved, true));
    assert_eq!(count("title = 'before'").await, 1);
    // What it does not have is done now, where it is asked for again, and only then answered so.
    let again = server.save(&after).await.expect("an answer");
    assert_eq!((again.outcome, again.replayed), (Outcome::Saved, false));
    assert_eq!(count("notes = 'after'").await, 1);
    // Another record comes under the key of one that is no more: a form of that one is not merged into it.
    let new = form(&server, &format!("/records/activity/new?form={}", uuid::Uuid::new_v4())).await;
    assert_eq!(saved(&server, &typed(&new, "v.title", "ours")).await, Outcome::Saved);
    assert_eq!(count("id = 3 AND title = 'ours'").await, 1);
    assert_eq!(
        saved(&server, &typed(&drawn_since, "v.notes", "for theirs")).await,
        Outcome::Conflict
    );
    assert_eq!(count("notes = 'for theirs'").await, 0);
    // The create that was undone is done once when it is sent again.
    for replayed in [false, true] {
        let again = server.save(&created).await.expect("an answer");
        assert_eq!((again.outcome, again.replayed), (Outcome::Saved, replayed));
    }
    assert_eq!(count("title = 'theirs'").await, 1);
}

async fn write_draft(server: &RunningServer, key: u64, (writer, seq): (&str, u64), text: &str) {
    let version = form(server, &format!("/records/activity/{key}")).await;
    let version = version.value("_version").expect("a version").to_owned();
    let draft = json!({"version": version, "base": {"notes": ""}, "values": {"notes": text}, "seq": seq, "writer": writer, "on": null});
    let answered = server
        .post_json(&format!("/api/drafts/activity/{key}"), draft.to_string())
        .await
        .expect("an answer");
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.body);
}

async fn draft(server: &RunningServer, key: u64) -> Value {
    let path = format!("/api/drafts/activity/{key}");
    let answered = server
        .through_proxy(Method::GET, &path, None, &[])
        .await
        .expect("an answer");
    let told: Value = serde_json::from_str(&answered.body).expect("JSON");
    told["data"]["values"]["notes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn unsaved_text_comes_back_and_what_was_typed_since_stays() {
    let mut server = RunningServer::with(SCHEMA, SETTINGS).await;
    write_draft(&server, 1, ("one", 1), "typed before").await;
    says(&server, &["backup"]);
    // It is saved, which ends the draft; then the save is undone.
    let page = form(&server, "/records/activity/1").await;
    assert_eq!(page.value("v.notes"), Some("typed before"));
    let page = page.with("_id", &uuid::Uuid::new_v4().to_string());
    assert_eq!(saved(&server, &page).await, Outcome::Saved);
    assert_eq!(draft(&server, 1).await, Value::Null);
    write_draft(&server, 2, ("two", 1), "typed since").await;
    // The page goes on after its save; what it types then does not hold what the undone save held.
    write_draft(&server, 1, ("one", 7), "typed after the save").await;
    server.kill();
    says(
        &server,
        &["restore", &newest_backup(server.data_dir()), "--replace", "--yes"],
    );
    server.start().await;
    server.sign_in_again().await;
    let page = server
        .through_proxy(Method::GET, "/records/activity/1", None, &[])
        .await;
    let page = page.expect("an answer").body;
    for text in ["typed before", "typed after the save"] {
        assert!(page.contains(text), "{text} is missing: {page}");
    }
    assert_eq!(draft(&server, 2).await, "typed since");
}

/// On another machine, with nothing but the backup.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_secret_unsaved_text_can_be_read_elsewhere_and_without_it_not() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    write_draft(&server, 1, ("one", 1), "for elsewhere").await;
    says(&server, &["backup"]);
    let without = newest_backup(server.data_dir());
    says(&server, &["backup", "--with-secret"]);
    let with = newest_backup(server.data_dir());
    let shelf = server.data_dir().join("backups");
    assert!(!shelf.join(&without).join("secret").exists());
    assert!(shelf.join(&with).join("secret").exists());
    for (name, is_read) in [(without, false), (with, true)] {
        let mut elsewhere = RunningServer::with("CREATE TABLE unused (id INTEGER PRIMARY KEY)", SETTINGS).await;
        elsewhere.kill();
        std::fs::remove_file(elsewhere.data_dir().join("records.db")).expect("removed");
        let path = shelf.join(&name);
        let path = path.to_str().expect("a plain path");
        let told = says(&elsewhere, &["restore", path, "--with-secret", "--yes"]);
        assert_eq!(!told.contains("another secret"), is_read, "{told}");
        elsewhere.start().await;
        elsewhere.sign_in_again().await;
        let read = draft(&elsewhere, 1).await;
        assert_eq!(read == "for elsewhere", is_read, "{read}");
    }
}

/// The secret was changed, and nothing has been sealed anew yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_secret_has_sealed_opens_after_a_restore_elsewhere() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    write_draft(&server, 1, ("one", 1), "sealed before").await;
    server.kill();
    says(&server, &["secret", "rotate"]);
    says(&server, &["backup", "--with-secret"]);
    let name = newest_backup(server.data_dir());
    let backup = server.data_dir().join("backups").join(&name);
    let mut elsewhere = RunningServer::with("CREATE TABLE unused (id INTEGER PRIMARY KEY)", SETTINGS).await;
    elsewhere.kill();
    std::fs::remove_file(elsewhere.data_dir().join("records.db")).expect("removed");
    let path = backup.to_str().expect("a plain path");
    says(&elsewhere, &["restore", path, "--with-secret", "--yes"]);
    for file in std::fs::read_dir(elsewhere.data_dir()).expect("listed").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name == "secret" || name.starts_with("secret.") {
            assert_eq!(mode(&file.path()), 0o600, "{name}");
        }
    }
    elsewhere.start().await;
    elsewhere.sign_in_again().await;
    assert_eq!(draft(&elsewhere, 1).await, "sealed before");
}
