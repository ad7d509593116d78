//! The private server does what a real one does when it is cut, because it is one.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use private_servers::PrivateMariaDb;

/// Far longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn what_was_committed_survives_a_kill_and_the_data_are_gone_with_the_server() {
    let server = PrivateMariaDb::start().unwrap();
    let url = server.create_database("records").unwrap();
    assert!(url.ends_with("/records"));
    server
        .query(
            "records",
            "create table note (text text); insert into note values ('kept')",
        )
        .unwrap();
    let before = server.pid();

    server.kill();
    assert_eq!(server.pid(), 0);
    assert!(server.query("records", "select 1").is_err(), "a killed server refuses");

    server.restart().unwrap();
    assert_ne!(server.pid(), before);
    assert_eq!(server.query("records", "select text from note").unwrap(), "kept");
    let durable = "select @@innodb_flush_log_at_trx_commit";
    assert_eq!(server.query("records", durable).unwrap(), "1");

    let directory = server.query("main", "select @@datadir").unwrap();
    assert!(std::path::Path::new(&directory).exists());
    drop(server);
    assert!(!std::path::Path::new(&directory).exists());
}

#[test]
fn a_standby_follows_its_primary_takes_no_writes_and_is_a_primary_once_it_was_promoted() {
    let primary = PrivateMariaDb::start_primary().unwrap();
    primary
        .query(
            "main",
            "create table note (text text); insert into note values ('before')",
        )
        .unwrap();
    let standby = primary.start_standby().unwrap();
    primary.query("main", "insert into note values ('after')").unwrap();
    let followed = || {
        standby
            .query("main", "select count(*) from note")
            .is_ok_and(|count| count == "2")
    };
    let began = Instant::now();
    while !followed() {
        assert!(began.elapsed() < LONG, "it does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(standby.query("main", "select @@read_only").unwrap(), "1");

    primary.kill();
    assert_eq!(standby.query("main", "select count(*) from note").unwrap(), "2");
    standby.promote().unwrap();
    assert_eq!(standby.query("main", "select @@read_only").unwrap(), "0");
}

#[test]
fn a_frozen_server_answers_nobody_until_it_is_thawed() {
    let server = PrivateMariaDb::start().unwrap();
    // One process, whose threads are frozen together: whoever is at work is no other case.
    server.freeze();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.query("main", "select 1"));
        std::thread::sleep(Duration::from_millis(800));
        assert!(!asked.is_finished(), "it accepts, and does not answer");
        server.thaw();
        assert_eq!(asked.join().unwrap().unwrap(), "1");
    });
    assert_eq!(server.query("main", "select 1").unwrap(), "1");
}

#[test]
fn a_frozen_server_can_be_thrown_away() {
    let server = PrivateMariaDb::start().unwrap();
    server.freeze();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < LONG);
}

#[test]
fn the_program_ends_its_server_when_its_input_closes() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_private-mariadb"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = std::io::BufReader::new(program.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut said).unwrap();
    let state: serde_json::Value = serde_json::from_str(&said).unwrap();
    let server_process = format!("/proc/{}", state["pid"]);
    assert!(std::path::Path::new(&server_process).exists());

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    assert!(!std::path::Path::new(&server_process).exists());
}
