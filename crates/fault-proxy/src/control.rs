//! Steering a proxy over plain HTTP/1.1, for tests that are not written in Rust.
//!
//! `POST /fault` with an [`Order`] as JSON puts it in force and answers when it is; `GET /` tells
//! the state. Answers are JSON: `{"address":…,"fault":…,"counters":{…}}`, or `{"error":…}`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Fault, FaultProxy};

const LONGEST_REQUEST: usize = 64 * 1024;
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// A [`Fault`] as JSON: `{"kind":"refuse"}`, `{"kind":"slow","bytes_per_second":1000,"latency_ms":200}`,
/// `{"kind":"cut_after_forwarding","pattern":"COMMIT"}` (`times` is 1 unless given).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    Pass,
    Refuse,
    Cut,
    Freeze,
    BlackHole,
    Slow {
        #[serde(default)]
        bytes_per_second: u64,
        #[serde(default)]
        latency_ms: u64,
    },
    CutAfterForwarding {
        pattern: String,
        #[serde(default = "once")]
        times: u32,
    },
    CutAnswerTo {
        pattern: String,
        #[serde(default = "once")]
        times: u32,
    },
    AnswerInstead {
        pattern: String,
        answer: String,
        #[serde(default = "once")]
        times: u32,
    },
    DropAnswerOnce,
    CutAtRandom {
        probability: f64,
        #[serde(default)]
        seed: u64,
    },
}

fn once() -> u32 {
    1
}

impl From<Order> for Fault {
    fn from(order: Order) -> Self {
        match order {
            Order::Pass => Self::Pass,
            Order::Refuse => Self::Refuse,
            Order::Cut => Self::Cut,
            Order::Freeze => Self::Freeze,
            Order::BlackHole => Self::BlackHole,
            Order::Slow {
                bytes_per_second,
                latency_ms,
            } => Self::Slow {
                bytes_per_second,
                latency: Duration::from_millis(latency_ms),
            },
            Order::CutAfterForwarding { pattern, times } => Self::CutAfterForwarding {
                pattern: pattern.into_bytes(),
                times,
            },
            Order::CutAnswerTo { pattern, times } => Self::CutAnswerTo {
                pattern: pattern.into_bytes(),
                times,
            },
            Order::AnswerInstead { pattern, answer, times } => Self::AnswerInstead {
                pattern: pattern.into_bytes(),
                answer: answer.into_bytes(),
                times,
            },
            Order::DropAnswerOnce => Self::DropAnswerOnce,
            Order::CutAtRandom { probability, seed } => Self::CutAtRandom { probability, seed },
        }
    }
}

/// Serves one request per connection until the task is dropped.
pub async fn serve(listener: TcpListener, proxy: Arc<FaultProxy>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move { tokio::time::timeout(REQUEST_LIMIT, answer(stream, &proxy)).await });
        }
    }
}

async fn answer(mut stream: TcpStream, proxy: &FaultProxy) -> io::Result<()> {
    let (status, body) = match read_request(&mut stream).await? {
        Some((line, body)) => obey(&line, &body, proxy).await,
        None => (400, json!({"error": "not an HTTP request of at most 64 KiB"})),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// The request line and the body.
async fn read_request(stream: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await?;
        received.extend_from_slice(&chunk[..read]);
        if let Some((head, body)) = split_head(&received)
            && body.len() >= content_length(&head)
        {
            let line = head.lines().next().unwrap_or_default().to_owned();
            return Ok(Some((line, body[..content_length(&head)].to_vec())));
        }
        if read == 0 || received.len() > LONGEST_REQUEST {
            return Ok(None);
        }
    }
}

fn split_head(received: &[u8]) -> Option<(String, &[u8])> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((
        String::from_utf8_lossy(&received[..end]).into_owned(),
        &received[end + 4..],
    ))
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

async fn obey(line: &str, body: &[u8], proxy: &FaultProxy) -> (u16, Value) {
    if line.starts_with("GET / ") {
        return (200, state(proxy));
    }
    if !line.starts_with("POST /fault ") {
        return (404, json!({"error": "there are GET / and POST /fault"}));
    }
    match serde_json::from_slice::<Order>(body) {
        Ok(order) => {
            proxy.set(order.into()).await;
            (200, state(proxy))
        }
        Err(error) => (400, json!({"error": error.to_string()})),
    }
}

fn state(proxy: &FaultProxy) -> Value {
    json!({
        "address": proxy.address().to_string(),
        "fault": format!("{:?}", proxy.fault()),
        "counters": proxy.counters(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_with_its_defaults_and_a_misspelt_one_is_refused() {
        let order: Order = serde_json::from_str(r#"{"kind":"cut_after_forwarding","pattern":"COMMIT"}"#).unwrap();
        assert_eq!(
            Fault::from(order),
            Fault::CutAfterForwarding {
                pattern: b"COMMIT".to_vec(),
                times: 1
            }
        );
        let order: Order = serde_json::from_str(r#"{"kind":"slow","latency_ms":200}"#).unwrap();
        let slow = Fault::Slow {
            bytes_per_second: 0,
            latency: Duration::from_millis(200),
        };
        assert_eq!(Fault::from(order), slow);
        assert!(serde_json::from_str::<Order>(r#"{"kind":"slow","latency":200}"#).is_err());
        assert!(serde_json::from_str::<Order>(r#"{"kind":"explode"}"#).is_err());
    }
}
