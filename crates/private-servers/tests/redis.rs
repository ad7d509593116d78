//! The private Redis does what a real one does when it is cut, because it is one.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

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
    let began = Instant::now();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.command(&["PING"]));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!asked.is_finished(), "it accepts, and does not answer");
        server.thaw();
        assert_eq!(asked.join().unwrap().unwrap(), "PONG");
    });
    assert!(began.elapsed() > Duration::from_millis(300));
    server.freeze();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(5));
}
