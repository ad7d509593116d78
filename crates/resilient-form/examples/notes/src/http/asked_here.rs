//! Whether a request is from a page of this application. Nobody signs in here, so this is all that keeps other sites out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What this server may be called, beside what stands for the machine itself.
pub struct OwnHosts {
    /// As the listener was named.
    name: String,
    address: IpAddr,
}

impl OwnHosts {
    pub fn of(listen: &str, bound: SocketAddr) -> Self {
        let name = listen.parse::<Authority>().map(|named| named.host().to_owned());
        Self {
            name: name.unwrap_or_default(),
            address: bound.ip(),
        }
    }

    /// Another site can let its own name lead here; to its pages, what answers is then that site.
    fn has(&self, host: &str) -> bool {
        let Ok(host) = host.parse::<Authority>() else {
            return false;
        };
        let host = host.host();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            // Listening everywhere, any address may be this machine's. No site can have one of them for its name.
            Ok(address) => address.is_loopback() || address == self.address || self.address.is_unspecified(),
            Err(_) => host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case(&self.name),
        }
    }
}

pub async fn only(State(own): State<Arc<OwnHosts>>, request: Request, next: Next) -> Response {
    let host = text_of(request.headers(), &HOST).unwrap_or_default();
    if !own.has(host) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    if request.method().is_safe() || is_from_here(request.headers(), host) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Browsers say where a post comes from. Without this any page could save a note of whoever looks at it.
fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    if let Some(from) = headers.get(FETCH_SITE) {
        return from == "same-origin" || from == "none";
    }
    // Over plain HTTP a browser says this alone, unless the server is on its own machine.
    match headers.get(ORIGIN) {
        Some(_) => text_of(headers, &ORIGIN)
            .and_then(|from| from.split_once("://"))
            .is_some_and(|(_, from)| from == host),
        // No browser.
        None => true,
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
