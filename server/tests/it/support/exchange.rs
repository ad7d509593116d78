//! One request on a connection of its own, byte by byte: what is broken on the way is seen.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::header::{CONTENT_LENGTH, HeaderName};
use axum::http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::test_app::Answered;

/// Longer than the server takes for any answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);

/// Who asks, and by what name.
pub struct Caller {
    pub host: String,
    pub cookie: String,
}

/// `None` where no whole answer came. `kind` and the body go together.
pub async fn exchange(
    address: SocketAddr,
    caller: &Caller,
    method: Method,
    path: &str,
    (kind, body): (&str, String),
    headers: &[(&str, &str)],
) -> Option<Answered> {
    let (Caller { host, cookie }, length) = (caller, body.len());
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let asking = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        read_answer(&answer)
    };
    tokio::time::timeout(ANSWER_LIMIT, asking).await.ok()?
}

/// `None` where it breaks off.
fn read_answer(answer: &[u8]) -> Option<Answered> {
    let head_end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = str::from_utf8(&answer[..head_end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value.parse().ok()?);
    }
    let body = &answer[head_end + 4..];
    let length: usize = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (body.len() == length).then(|| Answered {
        status,
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}
