//! A Redis for a test that is not written in Rust: prints `{"url":…,"port":…,"pid":…}` as one line
//! and keeps the server until its standard input closes or it is told to end.
//!
//! Lines on standard input steer it: `kill`, `start`, `freeze`, `thaw`, `flush`, and `count PATTERN`,
//! which adds `"keys"`, how many match. Each is answered by one JSON line of the same form, or
//! `{"error":…}`.

use std::io::{Write, stdout};

use private_servers::{PrivateRedis, ServerError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut told_to_end, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = match PrivateRedis::start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    say(&state(&server))?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            _ = told_to_end.recv() => break,
            _ = interrupted.recv() => break,
            line = lines.next_line() => match line? {
                Some(line) => say(&obey(&server, line.trim()))?,
                None => break,
            },
        }
    }
    // Reading standard input holds a thread of the runtime that would keep the process alive.
    drop(server);
    std::process::exit(0);
}

fn obey(server: &PrivateRedis, order: &str) -> Value {
    perform(server, order).unwrap_or_else(|error| json!({"error": error.to_string()}))
}

fn perform(server: &PrivateRedis, order: &str) -> Result<Value, ServerError> {
    match order.split_once(' ').unwrap_or((order, "")) {
        ("kill", _) => server.kill(),
        ("start", _) => server.restart()?,
        ("freeze", _) => server.freeze(),
        ("thaw", _) => server.thaw(),
        ("flush", _) => drop(server.command(&["FLUSHALL"])?),
        ("count", pattern) => {
            let mut counted = state(server);
            counted["keys"] = json!(server.keys(pattern)?.len());
            return Ok(counted);
        }
        _ => return Ok(json!({"error": format!("unknown order {order:?}")})),
    }
    Ok(state(server))
}

fn state(server: &PrivateRedis) -> Value {
    json!({"url": server.url(), "port": server.port(), "pid": server.pid()})
}

fn say(value: &Value) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
