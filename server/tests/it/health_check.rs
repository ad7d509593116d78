//! `inkfast health-check`, the real program against the real program: what it says, and how it ends.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::Value;

use crate::support::running_server::RunningServer;

const TOKEN: &str = "a token of sixteen and more";
const SETTINGS: &[(&str, &str)] = &[
    ("RUST_LOG", "off"),
    ("INKFAST_API_TOKEN", TOKEN),
    ("INKFAST_DRILLS", "1"),
];
const SCHEMA: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)";

fn command(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inkfast"));
    command
        .arg("health-check")
        .args(arguments)
        .env_clear()
        .env("INKFAST_LISTEN", address)
        .env("INKFAST_API_TOKEN", TOKEN);
    command
}

fn run(address: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = command(&address.to_string(), arguments);
    command.output().expect("the program was built")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_what_the_server_is() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let address = server.address();
    let healthy = run(address, &[]);
    assert_eq!(code(&healthy), 0, "{}", said(&healthy));
    assert!(
        said(&healthy).contains("healthy: /health answered 200"),
        "{}",
        said(&healthy)
    );
    for endpoint in ["/readyz", "/livez", "/health/detailed", "/api/database/health"] {
        assert_eq!(code(&run(address, &["--endpoint", endpoint])), 0, "{endpoint}");
    }
    for endpoint in ["/nowhere", "/monitoring", "/api/errors/recent"] {
        let output = run(address, &["--endpoint", endpoint]);
        assert_eq!(
            code(&output),
            4,
            "{endpoint} says nothing about health: {}",
            said(&output)
        );
    }
    let stranger = command(&address.to_string(), &["--endpoint", "/health/detailed"])
        .env("INKFAST_API_TOKEN", "another token of sixteen")
        .output()
        .expect("the program was built");
    assert_eq!(code(&stranger), 4, "{}", said(&stranger));

    let drill = [("kind", "refuse"), ("seconds", "60")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let began = server
        .through_proxy(Method::POST, "/monitoring/drills", Some(&drill), &[])
        .await;
    assert_eq!(began.expect("an answer").status, 303);
    let begun = Instant::now();
    while code(&run(address, &[])) != 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is not unhealthy");
    }
    let unhealthy = run(address, &["--output", "json"]);
    assert_eq!(code(&unhealthy), 2);
    let told: Value = serde_json::from_str(&said(&unhealthy)).expect("JSON");
    assert_eq!((&told["status"], &told["exit_code"]), (&"unhealthy".into(), &2.into()));
    assert_eq!(
        (&told["answer"]["database"], &told["http_status"]),
        (&"down".into(), &200.into())
    );
    assert_eq!(code(&run(address, &["--endpoint", "/readyz"])), 2);
    assert_eq!(
        code(&run(address, &["--endpoint", "/livez"])),
        0,
        "it lives all the same"
    );

    server.kill();
    // Up to three times: one that waits does so each time, and a busy machine is not late each time.
    let mut took = Vec::new();
    let gone = loop {
        let begun = Instant::now();
        let gone = run(address, &["--output", "json"]);
        assert_eq!(code(&gone), 3);
        took.push(begun.elapsed());
        if begun.elapsed() < Duration::from_secs(3) {
            break gone;
        }
        assert!(took.len() < 3, "a refusal is no wait: {took:?}");
    };
    let told: Value = serde_json::from_str(&said(&gone)).expect("JSON");
    assert_eq!(
        (&told["status"], &told["http_status"]),
        (&"unreachable".into(), &Value::Null)
    );
    assert!(
        told["problem"]
            .as_str()
            .is_some_and(|problem| problem.contains(&address.to_string())),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn continuously_it_follows_the_server_and_ends_with_the_last_it_heard() {
    let server = RunningServer::with(SCHEMA, SETTINGS).await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("health.jsonl");
    let path = file.to_str().expect("a plain path");
    let address = server.address().to_string();
    let arguments = ["--continuous", "--interval", "1", "--output", "json", "--file", path];
    let mut checking = command(&address, &arguments);
    let mut checking = checking.stdout(Stdio::piped()).spawn().expect("the program was built");
    let until = async |status: &str| {
        let begun = Instant::now();
        while json_lines(&file).last().is_none_or(|line| line["status"] != status) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "never {status}: {:?}",
                json_lines(&file)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until("healthy").await;
    // Somebody takes an own table away: nothing can be saved, and everything can be read.
    server.run("ALTER TABLE inkfast_audit RENAME TO elsewhere").await;
    until("degraded").await;
    server.kill();
    until("unreachable").await;
    let told = Command::new("kill")
        .args(["-TERM", &checking.id().to_string()])
        .status();
    assert!(told.expect("kill is installed").success());
    assert_eq!(checking.wait().expect("a child of ours").code(), Some(3));
    let lines = json_lines(&file);
    assert!(lines.len() >= 3, "{lines:?}");
    assert!(
        lines
            .windows(2)
            .all(|pair| pair[0]["at_unix_ms"].as_u64() < pair[1]["at_unix_ms"].as_u64())
    );

    let single = run(server.address(), &["--output", "json", "--file", path]);
    assert_eq!((code(&single), said(&single).as_str()), (3, ""));
    assert_eq!(json_lines(&file).len(), 1, "a single check replaces the file");
    let nowhere = folder.path().join("no").join("such").join("folder");
    let unwritten = run(server.address(), &["--file", nowhere.to_str().expect("a plain path")]);
    assert_eq!(code(&unwritten), 4);
    assert!(String::from_utf8_lossy(&unwritten.stderr).contains("cannot be written"));
}

#[test]
fn what_does_not_answer_is_not_waited_for_long() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let begun = Instant::now();
    let output = run(silent.local_addr().expect("bound"), &[]);
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!((4..9).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn what_is_wrong_with_the_question_is_no_verdict_on_the_server() {
    for arguments in [
        &["--interval", "0"][..],
        &["--endpoint", "health"],
        &["--endpoint", "/a b"],
        &["--output", "xml"],
        &["--no-such-option"],
    ] {
        let output = command("127.0.0.1:1", arguments)
            .output()
            .expect("the program was built");
        assert_eq!(code(&output), 4, "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let output = command("here", &[]).output().expect("the program was built");
    assert_eq!(code(&output), 4);
    assert!(String::from_utf8_lossy(&output.stderr).contains("INKFAST_LISTEN"));
    let help = command("127.0.0.1:1", &["--help"])
        .output()
        .expect("the program was built");
    assert_eq!(code(&help), 0);
    for words in ["Exit codes:", "3  not reachable", "by plain http"] {
        assert!(said(&help).contains(words), "{words} is missing: {}", said(&help));
    }
}
