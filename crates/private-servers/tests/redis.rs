//! The private Redis does what a real one does when it is cut, because it is one.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use private_servers::PrivateRedis;

#[test]
fn what_was_acknowledged_survives_a_kill_and_a_flush_forgets_it() {
    let server = PrivateRedis::start().unwrap();
    server.command(&["SET", "note", "kept"]).unwrap();
    let before = server.pid();
    server.kill();
    assert_eq!(server.pid(), 0);
    assert!(server.command(&["PING"]).is_err(), "a killed server refuses");

    server.restart().unwrap();
    assert_ne!(server.pid(), before);
    assert_eq!(server.command(&["GET", "note"]).unwrap(), "kept");
    assert_eq!(server.keys("n*").unwrap(), ["note"]);
    server.command(&["FLUSHALL"]).unwrap();
    assert!(server.keys("*").unwrap().is_empty());
    assert!(server.command(&["NOSUCH"]).is_err());
}

#[test]
fn a_frozen_server_answers_nobody_until_it_is_thawed_and_can_be_thrown_away() {
    let server = PrivateRedis::start().unwrap();
    server.freeze();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.command(&["PING"]));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!asked.is_finished(), "it accepts, and does not answer");
        server.thaw();
        assert_eq!(asked.join().unwrap().unwrap(), "PONG");
    });
    server.freeze();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_program_takes_orders_and_ends_its_server_when_its_input_closes() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_private-redis"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = program.stdin.take().unwrap();
    let mut said = BufReader::new(program.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    };
    let begun = next();
    let mut ask = |order: &str| {
        writeln!(orders, "{order}").unwrap();
        next()
    };
    assert_eq!(ask("count *")["keys"], 0);
    assert_eq!(ask("kill")["pid"], 0);
    assert!(ask("count *")["error"].is_string(), "nobody is there to count");
    let again = ask("start");
    assert_eq!(again["url"], begun["url"]);
    assert_ne!(again["pid"], begun["pid"]);
    assert_eq!(ask("dance")["error"], "unknown order \"dance\"");
    let process = format!("/proc/{}", again["pid"]);
    assert!(std::path::Path::new(&process).exists());
    drop(orders);
    assert!(program.wait().unwrap().success());
    assert!(!std::path::Path::new(&process).exists());
}
