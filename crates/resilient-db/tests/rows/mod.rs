//! The rows of the `.txt` files beside this, and classes in the same notation.

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Outcome, Pace, Retry};

/// One code and what it is expected to mean. A dash in a column leaves it open.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub code: &'a str,
    /// The server closes the connection after it.
    pub fatal: bool,
    pub outcome: &'a str,
    pub retry: &'a str,
    pub connection: &'a str,
    pub breaker: &'a str,
    pub severity: &'a str,
    pub action: &'a str,
    pub message: &'a str,
}

impl Row<'_> {
    /// The columns that a [`Class`] has.
    pub fn class(&self) -> [&str; 6] {
        [
            self.outcome,
            self.retry,
            self.connection,
            self.breaker,
            self.severity,
            self.action,
        ]
    }
}

/// One row for each code of a file.
pub fn rows(file: &'static str) -> impl Iterator<Item = Row<'static>> {
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(rows_of_line)
}

fn rows_of_line(line: &'static str) -> impl Iterator<Item = Row<'static>> {
    let (codes, meaning) = line.split_once(" | ").unwrap_or_else(|| panic!("no bar: {line}"));
    let columns: Vec<&str> = meaning.split(' ').collect();
    let [outcome, retry, connection, breaker, severity, action, message] = columns[..] else {
        panic!("a row has seven columns: {line}");
    };
    let (fatal, codes) = match codes.strip_prefix("FATAL ") {
        Some(codes) => (true, codes),
        None => (false, codes),
    };
    codes.split(' ').map(move |code| Row {
        code,
        fatal,
        outcome,
        retry,
        connection,
        breaker,
        severity,
        action,
        message,
    })
}

/// Fails where a class is not what is expected of it.
pub fn assert_class(what: &str, class: &Class, expected: [&str; 6]) {
    let found = notation(class);
    let agrees = expected
        .iter()
        .zip(&found)
        .all(|(expected, found)| *expected == "-" || expected == found);
    assert!(agrees, "{what}: expected {expected:?}, found {found:?}");
}

fn notation(class: &Class) -> [String; 6] {
    let outcome = match class.outcome {
        Outcome::NotSent => "NotSent",
        Outcome::RolledBack => "RolledBack",
        Outcome::Unknown => "Unknown",
        Outcome::Applied => "Applied",
    };
    let retry = match class.retry {
        Retry::Yes(Pace::Ordinary) => "Y",
        Retry::Yes(Pace::Fast) => "Yfast",
        Retry::Yes(Pace::Slow) => "Yslow",
        Retry::IfRepeatable(_) => "K",
        Retry::Once => "1",
        Retry::OnceIfRead => "R1",
        Retry::Never => "N",
    };
    let connection = match class.connection {
        ConnectionFate::Keep => "keep",
        ConnectionFate::Drop => "drop",
        ConnectionFate::Reprepare => "reprep",
    };
    let breaker = match class.breaker {
        BreakerEffect::Failure => "F",
        BreakerEffect::FailureOfWrites => "Fwrite",
        BreakerEffect::Success => "ok",
        BreakerEffect::Slow => "slow",
        BreakerEffect::Isolate => "iso",
        BreakerEffect::Ignored => "ignored",
    };
    let action = match class.action {
        Action::Fix => "FIX",
        Action::RetryTransaction => "RETRY-TX",
        Action::Reconnect => "RECONN",
        Action::Wait => "WAIT",
        Action::FailOver => "FAILOVER",
        Action::Resolve => "RESOLVE",
        Action::Shed => "SHED",
        Action::ReadOnly => "READONLY",
        Action::Report => "BUG",
        Action::Page => "PAGE",
        Action::Narrow => "M10",
        Action::NotFound => "404",
    };
    let severity = (class.severity as u8).to_string();
    [outcome, retry, connection, breaker, &severity, action].map(str::to_owned)
}
