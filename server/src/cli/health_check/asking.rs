//! One question to a server, and what came of it.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::verdict::{Checked, Verdict};
use crate::clock::now_ms;
use crate::report;

/// A server that is well answers within milliseconds, whatever became of its database.
const LIMIT: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 1024 * 1024;

pub struct Server {
    pub address: SocketAddr,
    pub host: String,
    pub endpoint: PathAndQuery,
    pub token: Option<String>,
}

/// Where a server that listens on every address can be reached from here.
pub fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

impl Server {
    pub async fn check(&self) -> Checked {
        let (at_ms, began) = (now_ms(), Instant::now());
        let answered = match timeout(LIMIT, self.ask()).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(error)) => Err(report::chain(&*error)),
            Err(_) => Err(format!("no answer within {} seconds", LIMIT.as_secs())),
        };
        let took = began.elapsed();
        let endpoint = self.endpoint.to_string();
        match answered {
            Ok((status, body)) => Checked {
                verdict: Verdict::of(status, &body),
                at_ms,
                took,
                endpoint,
                status: Some(status.as_u16()),
                answer: serde_json::from_slice(&body).ok(),
                problem: None,
            },
            Err(problem) => Checked {
                verdict: Verdict::Unreachable,
                at_ms,
                took,
                endpoint,
                status: None,
                answer: None,
                problem: Some(format!("{}: {problem}", self.address)),
            },
        }
    }

    async fn ask(&self) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the answer: nobody keeps the sender.
        tokio::spawn(connection);
        let mut request = Request::get(self.endpoint.as_str())
            .header(HOST, &self.host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "inkfast-health-check");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = sender.send_request(request.body(Body::empty())?).await?;
        let (parts, body) = response.into_parts();
        Ok((parts.status, to_bytes(Body::new(body), LONGEST_ANSWER).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_this_machine() {
        for (listens, asked) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:80", "[::1]:80"),
            ("192.168.1.5:3000", "192.168.1.5:3000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            let listens = listens.parse().expect("an address");
            assert_eq!(reachable(listens).to_string(), asked);
        }
    }
}
