//! Questions to a running server.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use clap::ValueEnum;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{files, report};

/// A server that is well answers within milliseconds, whatever became of its database.
pub const LIMIT: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 1024 * 1024;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

/// Whether a file is written anew, or added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    Whole,
    MoreLines,
}

/// To the file, or else printed.
///
/// # Errors
/// Those of the file system.
pub fn write(file: Option<&Path>, writing: Writing, text: &str) -> io::Result<()> {
    match file {
        None => io::stdout().lock().write_all(text.as_bytes()),
        Some(file) if writing == Writing::MoreLines => {
            let mut file = OpenOptions::new().create(true).append(true).open(file)?;
            file.write_all(text.as_bytes())
        }
        Some(file) => files::write_whole(file, text.as_bytes()),
    }
}

pub struct Server {
    /// `host:port`, or an address and a port.
    pub at: String,
    /// What it is called, for those who look at that.
    pub host: String,
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
    /// One question, and its answer within [`LIMIT`].
    ///
    /// # Errors
    /// In words: why no answer came.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Bytes), String> {
        let problem = match timeout(LIMIT, self.exchange(method, path, body)).await {
            Ok(Ok(answered)) => return Ok(answered),
            Ok(Err(error)) => report::chain(&*error),
            Err(_) => format!("no answer within {} seconds", LIMIT.as_secs()),
        };
        Err(format!("{}: {problem}", self.at))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.at).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the answer: nobody keeps the sender.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "inkfast");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let response = sender.send_request(request.body(body)?).await?;
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
