//! `inkfast drill`, the real program against the real program, while people save: what it says, and how it ends.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;
use resilient_core::submission::answer::Outcome;
use serde_json::Value;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;

const TOKEN: &str = "a token of sixteen and more";
const SETTINGS: &[(&str, &str)] = &[
    ("RUST_LOG", "off"),
    ("INKFAST_API_TOKEN", TOKEN),
    ("INKFAST_DRILLS", "1"),
];
const SCHEMA: &str = "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT)";
const KINDS: [&str; 7] = ["refuse", "hang", "slow", "deadlock", "kill", "readonly", "full"];
const WORKERS: usize = 3;

fn command(address: SocketAddr, token: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inkfast"));
    command
        .arg("drill")
        .args(arguments)
        .env_clear()
        .env("INKFAST_LISTEN", address.to_string())
        .env("INKFAST_API_TOKEN", token);
    command
}

/// Runs beside whatever else this test does.
async fn drill(address: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = command(address, TOKEN, arguments);
    let running = tokio::task::spawn_blocking(move || command.output().expect("the program was built"));
    running.await.expect("no panic")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn new_form() -> String {
    format!("/records/activity/new?form={}", uuid::Uuid::new_v4())
}

/// A form's page, as soon as it is shown.
async fn opened(server: &RunningServer, path: &str) -> DrawnForm {
    for _ in 0..1_000 {
        if let Some(form) = server.form(path).await {
            return form;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} cannot be opened");
}

/// Makes records, one after the other, each pressed until it is saved, as long as it is told to. How many.
async fn save_all_the_while(server: &RunningServer, mark: &str, go_on: &AtomicBool, kept: &AtomicU64) -> u64 {
    let mut made = 0;
    while go_on.load(Ordering::Acquire) {
        let form = opened(server, &new_form()).await;
        let form = form.with("v.title", &format!("{mark} {made}"));
        for attempt in 0.. {
            assert!(attempt < 1_000, "{mark} {made} is never saved");
            let answer = server.save(&form).await.expect("an answer");
            match answer.outcome {
                Outcome::Saved => break,
                Outcome::Kept => drop(kept.fetch_add(1, Ordering::AcqRel)),
                Outcome::InProgress => {}
                other => panic!("a wrong answer: {other:?} {:?}", answer.errors),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        made += 1;
    }
    made
}

/// Every kind, with people who save all the while. How many records were made, and their titles' beginnings.
async fn each_kind_loses_nothing(server: &RunningServer) -> u64 {
    let mut made = 0;
    for kind in KINDS {
        let (go_on, kept) = (AtomicBool::new(true), AtomicU64::new(0));
        let marks: Vec<String> = (0..WORKERS).map(|worker| format!("{kind}{worker}")).collect();
        let people =
            futures::future::join_all(marks.iter().map(|mark| save_all_the_while(server, mark, &go_on, &kept)));
        let drilled = async {
            let output = drill(server.address(), &[kind, "--seconds", "3", "--output", "json"]).await;
            go_on.store(false, Ordering::Release);
            output
        };
        let (output, saved) = tokio::join!(drilled, people);
        assert_eq!(code(&output), 0, "{kind}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        println!("{kind}: {report}");
        assert_eq!(
            (&report["state"], &report["verdict"]),
            (&"done".into(), &"healthy".into())
        );
        assert_eq!(report["kind"], kind);
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{kind}: {report}"));
        assert!(
            number(&report["struck"]["attempts"]) + number(&report["struck"]["commits"]) > 0,
            "{kind}"
        );
        assert!(number(&report["requests"]["answered"]) > 0);
        assert!(number(&report["took_changes_after_ms"]) < 60_000);
        let (check, own) = (&report["check"], &report["own_saves"]);
        for nothing in [
            "missing",
            "twice",
            "refused_and_there",
            "without_text",
            "not_looked_for",
        ] {
            assert_eq!(check[nothing], 0, "{kind}: {report}");
        }
        assert!(number(&own["done"]) > 0, "one after the end at least: {report}");
        // People were there: what they were told is in the report. In front of a database that hangs they may do nothing
        // but wait until it is over.
        let waited_all_the_time = matches!(kind, "hang" | "slow");
        assert!(
            waited_all_the_time || number(&check["saves"]) + number(&check["kept"]) > 0,
            "{kind}: {report}"
        );
        match kind {
            "refuse" | "deadlock" | "readonly" | "full" => {
                assert!(number(&own["refused"]) > 0, "{report}");
                assert!(
                    kept.load(Ordering::Acquire) > 0,
                    "{kind}: people were told that it is kept"
                );
            }
            "kill" => assert!(number(&report["struck"]["commits"]) > 0, "{report}"),
            _ => {}
        }
        let all: u64 = saved.iter().sum();
        assert!(all > 0, "{kind}: somebody saved");
        made += all;
    }
    made
}

async fn nothing_is_lost_on(database: PrivateDatabase) {
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let settings: Vec<(&str, &str)> = SETTINGS
        .iter()
        .copied()
        .chain([("DATABASE_URL", url.as_str())])
        .collect();
    let server = RunningServer::over(&settings).await;
    let made = each_kind_loses_nothing(&server).await;
    let titled = KINDS.map(|kind| format!("title LIKE '{kind}%'")).join(" OR ");
    let count = |what: &str| {
        let counted = database.query(&format!("SELECT count({what}) FROM activity WHERE {titled}"));
        counted.trim().parse::<u64>().expect("a number")
    };
    assert_eq!((count("*"), count("DISTINCT title")), (made, made), "each once");
    let own = database.own("submission");
    let left = format!("SELECT count(*) FROM {own} WHERE account LIKE 'a drill %'");
    nothing_stays(async || database.query(&left).trim().parse().expect("a number")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_drill_loses_nothing_on_postgresql() {
    nothing_is_lost_on(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_drill_loses_nothing_on_mariadb() {
    nothing_is_lost_on(PrivateDatabase::mariadb()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_drill_loses_nothing_on_sqlite() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let made = each_kind_loses_nothing(&server).await as i64;
    let (all, distinct) = (
        "SELECT count(*) FROM activity",
        "SELECT count(DISTINCT title) FROM activity",
    );
    assert_eq!(
        (
            server.count(all.to_owned()).await,
            server.count(distinct.to_owned()).await
        ),
        (made, made)
    );
    let left = "SELECT count(*) FROM inkfast_submission WHERE account LIKE 'a drill %'";
    nothing_stays(async || server.count(left.to_owned()).await).await;
}

/// A COMMIT that was given up may come late, and is forgotten a moment after the others.
async fn nothing_stays(left: impl AsyncFn() -> i64) {
    for _ in 0..100 {
        if left().await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("something of the drills stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_saves_it_says_so_and_a_save_that_is_gone_is_found() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let nobody = drill(server.address(), &["refuse", "--seconds", "1"]).await;
    assert_eq!(code(&nobody), 0, "{}", said(&nobody));
    assert!(
        said(&nobody).contains("nobody saved during the drill"),
        "{}",
        said(&nobody)
    );

    let file = tempfile::NamedTempFile::new().expect("a file");
    let file_name = file.path().to_str().expect("a plain name").to_owned();
    let endpoint = format!("http://{}", server.address());
    let arguments = [
        "slow",
        "--seconds",
        "8",
        "--endpoint",
        &endpoint,
        "--output",
        "json",
        "--file",
        &file_name,
    ];
    let tampering = async {
        let form = opened(&server, &new_form()).await.with("v.title", "Gone again");
        // Begun before the drill was, or done in it: only a save of the drill is looked for.
        until_a_drill_runs(&server).await;
        while server.save(&form).await.expect("an answer").outcome != Outcome::Saved {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        server
            .run("DELETE FROM inkfast_submission WHERE account = 'admin'")
            .await;
    };
    let (output, ()) = tokio::join!(drill(server.address(), &arguments), tampering);
    assert_eq!(code(&output), 1, "{}", said(&output));
    let report: Value = serde_json::from_slice(&std::fs::read(file.path()).expect("the file")).expect("JSON");
    assert_eq!(
        (&report["verdict"], &report["check"]["missing"]),
        (&"lost".into(), &1.into()),
        "{report}"
    );
}

async fn until_a_drill_runs(server: &RunningServer) {
    for _ in 0..1_000 {
        let page = server.through_proxy(Method::GET, "/monitoring/drills", None, &[]).await;
        if page.is_some_and(|page| page.body.contains(r#"data-drill="running""#)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no drill runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_ends_with_two() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let address = server.address();
    let wrong: [&[&str]; 6] = [
        &["explode"],
        &[],
        &["refuse", "--seconds", "0"],
        &["refuse", "--seconds", "121"],
        &["refuse", "--endpoint", "https://127.0.0.1:1"],
        &["refuse", "--seconds", "1", "--file", "/nowhere/at/all"],
    ];
    for arguments in wrong {
        let output = drill(address, arguments).await;
        assert_eq!(code(&output), 2, "{arguments:?}: {}", said(&output));
    }
    let stranger = command(address, "another token of sixteen", &["refuse"]).output();
    let stranger = stranger.expect("the program was built");
    assert_eq!(code(&stranger), 2);
    assert!(said(&stranger).contains("INKFAST_API_TOKEN"), "{}", said(&stranger));
    let nobody = SocketAddr::from(([127, 0, 0, 1], fault_proxy::free_port().expect("a free port")));
    assert_eq!(code(&drill(nobody, &["refuse"]).await), 2);

    let without = RunningServer::with(SCHEMA, &[("RUST_LOG", "off"), ("INKFAST_API_TOKEN", TOKEN)]).await;
    let off = drill(without.address(), &["refuse"]).await;
    assert_eq!(code(&off), 2);
    assert!(said(&off).contains("--drills"), "{}", said(&off));
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_is_stopped_and_checked() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let mut drilling = command(server.address(), TOKEN, &["refuse", "--seconds", "120"]);
    let child = drilling.spawn().expect("the program was built");
    until_a_drill_runs(&server).await;
    // It says so once it follows the drill.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(told.expect("kill is installed").success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().expect("a child of ours"));
    assert_eq!(code(&output.await.expect("no panic")), 0);
    assert_eq!(
        server
            .through_proxy(Method::GET, "/readyz", None, &[])
            .await
            .map(|ready| ready.status.as_u16()),
        Some(200),
        "no fault is in force"
    );
}

#[test]
fn every_kind_is_drilled() {
    let drilled: BTreeSet<&str> = KINDS.into();
    let all = app::monitoring::model::DrillKind::ALL.map(app::monitoring::model::DrillKind::word);
    assert_eq!(drilled, all.into());
}
