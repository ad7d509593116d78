//! What an answer says of a server's health.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    Healthy = 0,
    Degraded = 1,
    Unhealthy = 2,
    Unreachable = 3,
    /// Nothing is known of the server.
    NotChecked = 4,
}

impl Verdict {
    /// By the answer's own word, bare or in an envelope. Whatever else answers well says nothing about health.
    pub fn of(status: StatusCode, body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        match answer["status"].as_str().or(answer["data"]["status"].as_str()) {
            Some("healthy") => Self::Healthy,
            Some("degraded") => Self::Degraded,
            Some("unhealthy") => Self::Unhealthy,
            // `/livez` and the like.
            _ if status.is_success() && body.trim_ascii() == b"ok" => Self::Healthy,
            _ if status.is_server_error() => Self::Unhealthy,
            _ => Self::NotChecked,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unreachable => "unreachable",
            Self::NotChecked => "not_checked",
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(verdict as u8)
    }
}

/// One check.
#[derive(Clone, Debug)]
pub struct Checked {
    pub verdict: Verdict,
    /// Unix time at which it was asked.
    pub at_ms: u64,
    pub took: Duration,
    pub endpoint: String,
    /// `None` where no answer came; then there is a problem.
    pub status: Option<u16>,
    /// Where it is JSON.
    pub answer: Option<Value>,
    pub problem: Option<String>,
}

impl Checked {
    pub fn to_json(&self) -> Value {
        json!({
            "at_unix_ms": self.at_ms,
            "status": self.verdict.word(),
            "exit_code": self.verdict as u8,
            "endpoint": self.endpoint,
            "http_status": self.status,
            "took_ms": self.took.as_millis() as u64,
            "problem": self.problem,
            "answer": self.answer,
        })
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, word) = (app::ui::written::time_of_day(self.at_ms), self.verdict.word());
        write!(formatter, "{at} {}", word.replace('_', " "))?;
        if let Some(status) = self.status {
            write!(
                formatter,
                ": {} answered {status} in {} ms",
                self.endpoint,
                self.took.as_millis()
            )?;
        }
        if let Some(problem) = &self.problem {
            write!(formatter, ": {problem}")?;
        }
        let answer = self.answer.as_ref();
        let answer = answer.map(|answer| answer.get("data").filter(|data| data.is_object()).unwrap_or(answer));
        for part in ["database", "drafts"] {
            if let Some(state) = answer.and_then(|answer| answer[part].as_str()) {
                write!(formatter, ", {part} {state}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_own_word_counts_and_without_one_its_status() {
        for (status, body, expected) in [
            (200, r#"{"status":"healthy"}"#, Verdict::Healthy),
            (200, r#"{"status":"degraded"}"#, Verdict::Degraded),
            (200, r#"{"status":"unhealthy"}"#, Verdict::Unhealthy),
            (
                200,
                r#"{"success":true,"data":{"status":"degraded"}}"#,
                Verdict::Degraded,
            ),
            (
                503,
                r#"{"success":false,"data":{"status":"unhealthy"}}"#,
                Verdict::Unhealthy,
            ),
            (200, "ok", Verdict::Healthy),
            (200, "It works!", Verdict::NotChecked),
            (204, "", Verdict::NotChecked),
            (500, "<h1>Something went wrong</h1>", Verdict::Unhealthy),
            (502, "", Verdict::Unhealthy),
            (303, "", Verdict::NotChecked),
            (
                401,
                r#"{"success":false,"error":"unauthenticated"}"#,
                Verdict::NotChecked,
            ),
            (404, r#"{"status":"lost"}"#, Verdict::NotChecked),
            (421, "", Verdict::NotChecked),
        ] {
            let found = Verdict::of(StatusCode::from_u16(status).expect("a status"), body.as_bytes());
            assert_eq!(found, expected, "{status} {body}");
        }
    }

    #[test]
    fn a_line_for_people_says_when_what_and_why() {
        let mut checked = Checked {
            verdict: Verdict::Degraded,
            at_ms: 3_600_000,
            took: Duration::from_millis(3),
            endpoint: "/readyz".to_owned(),
            status: Some(503),
            answer: Some(json!({ "success": false, "data": { "database": "slow", "drafts": "up" } })),
            problem: None,
        };
        let expected = "01:00:00 UTC degraded: /readyz answered 503 in 3 ms, database slow, drafts up";
        assert_eq!(checked.to_string(), expected);
        checked = Checked {
            verdict: Verdict::Unreachable,
            status: None,
            answer: None,
            problem: Some("127.0.0.1:1: connection refused".to_owned()),
            ..checked
        };
        assert_eq!(
            checked.to_string(),
            "01:00:00 UTC unreachable: 127.0.0.1:1: connection refused"
        );
    }
}
