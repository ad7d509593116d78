//! A page's ear: the server's event stream, message by message.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{COOKIE, HOST};
use axum::http::{HeaderMap, Request, StatusCode};
use futures::StreamExt;
use serde_json::Value;

use super::test_app::TestApp;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct EventStream {
    pub headers: HeaderMap,
    /// What the browser names itself by.
    pub token: String,
    body: BodyDataStream,
    text: String,
}

impl EventStream {
    /// Opens a stream for the account of this cookie, and hears its `hello`.
    pub async fn open(app: &TestApp, cookie: &str) -> Self {
        let mut stream = Self::try_open(app, cookie, "").await.expect("a stream");
        let hello = stream.until("hello").await;
        stream.token = hello["stream"].as_str().expect("a token").to_owned();
        stream
    }

    pub async fn try_open(app: &TestApp, cookie: &str, query: &str) -> Result<Self, StatusCode> {
        let request = Request::get(format!("/events{query}"))
            .header(HOST, "127.0.0.1:3000")
            .header(COOKIE, cookie)
            .body(Body::empty())
            .expect("a request");
        let response = app.answer(request).await;
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        let (parts, body) = response.into_parts();
        Ok(Self {
            headers: parts.headers,
            token: String::new(),
            body: body.into_data_stream(),
            text: String::new(),
        })
    }

    /// The next event; `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        tokio::time::timeout(PATIENCE, self.next_however_late())
            .await
            .expect("silence")
    }

    async fn next_however_late(&mut self) -> Option<(String, Value)> {
        while !self.text.contains("\n\n") {
            let chunk = self.body.next().await?.expect("no failure of the way");
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        let (event, rest) = self.text.split_once("\n\n").expect("looked for above");
        let name = event.lines().find_map(|line| line.strip_prefix("event: "));
        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
        let data = serde_json::from_str(data.expect("data")).expect("JSON");
        let event = (name.expect("a name").to_owned(), data);
        self.text = rest.to_owned();
        Some(event)
    }

    /// The next event of this name.
    pub async fn until(&mut self, name: &str) -> Value {
        self.until_one(name, |_| true).await
    }

    /// The next event of this name that is the one.
    pub async fn until_one(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let heard = async {
            while let Some((found, data)) = self.next().await {
                if found == name && is_it(&data) {
                    return data;
                }
            }
            panic!("the stream ended before `{name}`");
        };
        // It ticks forever: a stream that goes on is no proof that this one comes.
        tokio::time::timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("no `{name}` that is the one"))
    }

    /// Everything up to the next tick but one: what was said before has been heard by then.
    pub async fn said_in_a_second(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        let mut ticks = 0;
        while ticks < 2 {
            let (name, data) = self.next().await.expect("the stream goes on");
            ticks += u32::from(name == "tick");
            if name != "tick" {
                said.push(format!("{name} {data}"));
            }
        }
        said
    }

    /// What was said of records and submissions by the next tick but one. The server's condition is told whenever it
    /// changes, and a probe may be slow at any time.
    pub async fn saves_told_in_a_second(&mut self) -> Vec<String> {
        let mut said = self.said_in_a_second().await;
        said.retain(|said| said.starts_with("record") || said.starts_with("submission"));
        said
    }

    /// Comes back when it has ended; after so many ticks.
    pub async fn ends(&mut self) -> usize {
        let mut ticks = 0;
        while let Some((name, _)) = self.next().await {
            ticks += usize::from(name == "tick");
            assert!(ticks < 60, "it goes on");
        }
        ticks
    }
}
