//! The secret is changed while people work: they stay signed in, their forms can be saved, what was answered is
//! answered the same, and what they typed is there.

use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use crate::support::running_server::RunningServer;

const SCHEMA: &str =
    "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '');
    INSERT INTO activity (title) VALUES ('first'), ('second'), ('third');";
const DRAFT: &str = "/api/drafts/activity/3";

fn says(server: &RunningServer, arguments: &[&str]) -> String {
    let output = tokio::task::block_in_place(|| server.command(arguments).output()).expect("the program was built");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn get(server: &RunningServer, path: &str) -> (StatusCode, Value) {
    let answered = server
        .through_proxy(Method::GET, path, None, &[])
        .await
        .expect("an answer");
    (
        answered.status,
        serde_json::from_str(&answered.body).unwrap_or_default(),
    )
}

/// What was typed into the third record, as the server has it.
async fn typed(server: &RunningServer) -> Value {
    get(server, DRAFT).await.1["data"]["values"]["title"].clone()
}

async fn secrets(server: &RunningServer) -> Value {
    get(server, "/health/detailed").await.1["data"]["details"]["secrets"].clone()
}

async fn until_swept(server: &RunningServer) -> Value {
    for _ in 0..1_000 {
        let told = secrets(server).await;
        if told["all_drafts_seen"] == true {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never swept: {}", secrets(server).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_secret_was_changed_everything_goes_on() {
    let mut server = RunningServer::with(SCHEMA, &[("RUST_LOG", "info")]).await;
    let saved_before = server
        .form("/records/activity/1")
        .await
        .expect("a form")
        .with("v.title", "saved before");
    assert_eq!(
        server.save(&saved_before).await.expect("an answer").outcome,
        Outcome::Saved
    );
    let drawn_before = server.form("/records/activity/2").await.expect("a form");
    let version = server.form("/records/activity/3").await.expect("a form");
    let version = version.value("_version").expect("a version");
    let draft = json!({"version": version, "base": {"title": "third"}, "values": {"title": "typed"}, "seq": 1, "writer": "page"});
    server.post_json(DRAFT, draft.to_string()).await.expect("an answer");
    says(&server, &["backup"]);
    assert_eq!(secrets(&server).await["old"], 0);

    says(&server, &["secret", "rotate"]);
    assert_eq!(says(&server, &["secret", "list"]).lines().count(), 2);
    server.kill();
    server.start().await;

    // With the cookie of before.
    assert_eq!(typed(&server).await, "typed");
    let again = server.save(&saved_before).await.expect("an answer");
    assert_eq!(
        (again.outcome, again.replayed),
        (Outcome::Saved, true),
        "answered before, and not done twice"
    );
    let other = saved_before.clone().with("v.title", "another text");
    assert_eq!(server.save(&other).await.expect("an answer").outcome, Outcome::Mismatch);
    // Somebody changed another field meanwhile: the fingerprints of before still tell.
    server.run("UPDATE activity SET notes = 'theirs' WHERE id = 2").await;
    let merged = server
        .save(&drawn_before.with("v.title", "mine"))
        .await
        .expect("an answer");
    assert_eq!((merged.outcome, merged.merged.len()), (Outcome::Saved, 1), "{merged:?}");
    let both = "SELECT count(*) FROM activity WHERE id = 2 AND title = 'mine' AND notes = 'theirs'";
    assert_eq!(server.count(both.to_owned()).await, 1);
    let form = server.form("/records/activity/3").await.expect("a form");
    assert_eq!((form.state.as_str(), form.value("v.title")), ("dirty", Some("typed")));

    let told = until_swept(&server).await;
    assert_eq!(
        (&told["old"], &told["drafts_sealed_with_old"]),
        (&json!(1), &json!(0)),
        "{told}"
    );
    assert_eq!(told["old_needed"], true, "forms that were drawn with it are open");

    // A backup of before, beside the old secret.
    let backups = says(&server, &["backup", "list"]);
    let backup = backups.split_whitespace().next().expect("a backup").to_owned();
    server.kill();
    let restored = says(&server, &["restore", &backup, "--replace", "--yes"]);
    assert!(!restored.contains("another secret"), "{restored}");
    server.start().await;
    server.sign_in_again().await;
    assert_eq!(typed(&server).await, "typed");
    until_swept(&server).await;

    // Without the old one at last.
    let files = std::fs::read_dir(server.data_dir()).expect("a directory").flatten();
    let old: Vec<_> = files
        .filter(|file| file.file_name().to_string_lossy().starts_with("secret.old"))
        .collect();
    assert_eq!(old.len(), 1);
    std::fs::remove_file(old[0].path()).expect("removed");
    server.kill();
    server.start().await;
    assert_eq!(typed(&server).await, "typed");
    assert_eq!(secrets(&server).await["old_needed"], false);
}
