//! One event as it goes over the wire. Every part of it is bounded.

use std::collections::BTreeSet;

use bytes::Bytes;
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use super::places::Place;

/// More people than this are not named.
pub const MOST_NAMED: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    text: Bytes,
    /// Whoever hears it needs the right to read this table.
    about: Option<String>,
}

impl Message {
    /// `stream` is what the browser names itself by when it tells what it has open.
    pub fn hello(build: &str, stream: &str) -> Self {
        Self::new("hello", &json!({ "build": build, "stream": stream }))
    }

    /// An event, not a comment: pages do not see comments, and a frozen server sends no reset.
    pub fn tick() -> Self {
        Self {
            text: Bytes::from_static(b"event: tick\ndata: {}\n\n"),
            about: None,
        }
    }

    pub fn status(database: &str, drafts: &str, retry_after_ms: Option<u64>) -> Self {
        let breaker = if retry_after_ms.is_some() { "open" } else { "closed" };
        let status = json!({
            "database": database,
            "drafts": drafts,
            "breaker": breaker,
            "retry_after_ms": retry_after_ms,
        });
        Self::new("status", &status)
    }

    /// Somebody saved a record. Their own pages are told by which submission, and know their own.
    pub fn record(place: &Place, by: &str, submission: Option<&str>) -> Self {
        let mut record = json!({ "table": place.table, "key": place.key, "by": by });
        if let Some(id) = submission {
            record["id"] = id.into();
        }
        Self::new("record", &record).about(place)
    }

    pub fn submission(id: &str, outcome: Outcome) -> Self {
        Self::new("submission", &json!({ "id": id, "outcome": outcome.code() }))
    }

    pub fn presence(place: &Place, who: &BTreeSet<&str>) -> Self {
        let named: Vec<&str> = who.iter().copied().take(MOST_NAMED).collect();
        Self::new(
            "presence",
            &json!({ "table": place.table, "key": place.key, "who": named }),
        )
        .about(place)
    }

    pub fn table(&self) -> Option<&str> {
        self.about.as_deref()
    }

    pub fn into_bytes(self) -> Bytes {
        self.text
    }

    fn new(name: &str, data: &Value) -> Self {
        // JSON written without blanks has no line break, which would end the event.
        Self {
            text: Bytes::from(format!("event: {name}\ndata: {data}\n\n")),
            about: None,
        }
    }

    fn about(self, place: &Place) -> Self {
        Self {
            about: Some(place.table.clone()),
            ..self
        }
    }
}
