//! A server for a test that is not written in Rust: a process of its own, steered line by line.
//!
//! It says its state as one JSON line and keeps the server until its standard input closes or it is
//! told to end. Each line on standard input is an order, answered by one JSON line: the state
//! afterwards, or `{"error":…}`.

use std::io::{Write, stdout};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::signal::unix::{SignalKind, signal};

use crate::ServerError;

/// A server that takes orders.
pub trait TakesOrders: Sized {
    /// Starts it; blocks the calling thread.
    ///
    /// # Errors
    /// Where it is not installed, or does not start.
    fn begin() -> Result<Self, ServerError>;

    /// Where it is and what it is, as an object.
    fn state(&self) -> Value;

    /// Carries out one order: its first word, and what stands behind that. What it says, besides what it
    /// always says; `None` where there is no such order.
    ///
    /// # Errors
    /// Where the server cannot do it.
    fn obey(&self, order: &str, about: &str) -> Result<Option<Value>, ServerError>;
}

/// Runs one until the end of this process. Where it does not start, that is said on standard error and
/// the exit code is 1.
///
/// # Errors
/// Where standard input or output breaks.
pub async fn take_orders<S: TakesOrders>() -> std::io::Result<()> {
    let (mut told_to_end, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = match S::begin() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    say(&server.state())?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            _ = told_to_end.recv() => break,
            _ = interrupted.recv() => break,
            line = lines.next_line() => match line? {
                Some(line) => say(&answer(&server, line.trim()))?,
                None => break,
            },
        }
    }
    // Reading standard input holds a thread of the runtime that would keep the process alive.
    drop(server);
    std::process::exit(0);
}

fn answer(server: &impl TakesOrders, line: &str) -> Value {
    let (order, about) = line.split_once(' ').unwrap_or((line, ""));
    match server.obey(order, about) {
        Ok(Some(more)) => joined(server.state(), more),
        Ok(None) => json!({"error": format!("unknown order {line:?}")}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

/// What `more` says comes first.
fn joined(mut state: Value, more: Value) -> Value {
    if let (Value::Object(state), Value::Object(more)) = (&mut state, more) {
        state.extend(more);
    }
    state
}

fn say(value: &Value) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
