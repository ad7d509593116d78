//! The private server does what a real one does when it is cut, because it is one.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use private_servers::PrivatePostgres;

/// Far longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn what_was_committed_survives_a_kill_and_the_data_are_gone_with_the_server() {
    let server = PrivatePostgres::start().unwrap();
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
    assert_eq!(server.query("records", "show synchronous_commit").unwrap(), "on");

    let directory = server.query("postgres", "show data_directory").unwrap();
    assert!(std::path::Path::new(&directory).exists());
    drop(server);
    assert!(!std::path::Path::new(&directory).exists());
}

#[test]
fn a_frozen_server_answers_nobody_until_it_is_thawed() {
    let server = Arc::new(PrivatePostgres::start().unwrap());
    let directory = server.query("postgres", "show data_directory").unwrap();
    // Done as soon as there is a file, for which nobody has to ask the server.
    let question = "do $$ begin \
         for turn in 1..6000 loop \
         exit when (pg_stat_file('may-be-done', true)).size is not null; perform pg_sleep(0.01); \
         end loop; end $$";
    let asked = Arc::clone(&server);
    let running = std::thread::spawn(move || asked.query("postgres", question));
    let at_work = "select count(*) from pg_stat_activity where state = 'active' and query like 'do %'";
    let began = Instant::now();
    while server.query("postgres", at_work).unwrap() != "1" {
        assert!(began.elapsed() < LONG, "it is not at work");
        std::thread::sleep(Duration::from_millis(20));
    }

    server.freeze();
    std::fs::write(std::path::Path::new(&directory).join("may-be-done"), "").unwrap();
    std::thread::sleep(Duration::from_millis(800));
    assert!(!running.is_finished(), "the backend that was at work is frozen too");
    server.thaw();

    running.join().unwrap().unwrap();
    assert_eq!(server.query("postgres", "select 1").unwrap(), "1");
}

#[test]
fn a_standby_follows_its_primary_takes_no_writes_and_is_a_primary_once_it_was_promoted() {
    let primary = PrivatePostgres::start().unwrap();
    primary
        .query(
            "postgres",
            "create table note (text text); insert into note values ('before')",
        )
        .unwrap();
    let standby = primary.start_standby().unwrap();
    assert_eq!(standby.query("postgres", "select text from note").unwrap(), "before");

    primary.query("postgres", "insert into note values ('after')").unwrap();
    let followed = || standby.query("postgres", "select count(*) from note").unwrap() == "2";
    let began = Instant::now();
    while !followed() {
        assert!(began.elapsed() < LONG, "it does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        standby.query("postgres", "delete from note").is_err(),
        "it is read-only"
    );

    primary.kill();
    assert_eq!(standby.query("postgres", "select count(*) from note").unwrap(), "2");
    standby.promote().unwrap();
    standby
        .query("postgres", "insert into note values ('promoted')")
        .unwrap();
    assert_eq!(standby.query("postgres", "select count(*) from note").unwrap(), "3");
}

#[test]
fn a_frozen_server_can_be_thrown_away() {
    let server = PrivatePostgres::start().unwrap();
    server.freeze();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < LONG);
}

#[test]
fn the_program_ends_its_server_when_its_input_closes() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_private-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = std::io::BufReader::new(program.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut said).unwrap();
    let state: serde_json::Value = serde_json::from_str(&said).unwrap();
    let postmaster = format!("/proc/{}", state["pid"]);
    assert!(std::path::Path::new(&postmaster).exists());

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    assert!(!std::path::Path::new(&postmaster).exists());
}
