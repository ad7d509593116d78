//! What every request has to pass and every answer carries.

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::answers;
use crate::config::is_loopback_authority;
use crate::services::Services;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests for another host, and requests that another site makes a browser send.
/// A refused one reaches nothing and is stored nowhere.
pub async fn refuse_foreign(State(services): State<Services>, request: Request, next: Next) -> Response {
    let ours = &services.settings.listen.public_url;
    let host = host_of(&request);
    let host_is_ours = host
        .as_deref()
        .is_some_and(|host| host == ours.authority || is_loopback_authority(host));
    // A probe asks by whatever address it has; these two say nothing but that the process runs.
    let says_nothing = matches!(request.uri().path(), "/livez" | "/health/simple");
    if !host_is_ours && !says_nothing {
        return answers::refused(
            request.headers(),
            StatusCode::MISDIRECTED_REQUEST,
            "This is not the address of this server.",
        );
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads
        && is_cross_site(
            request.headers(),
            &ours.to_string(),
            host.as_deref().unwrap_or_default(),
        )
    {
        return answers::refused(
            request.headers(),
            StatusCode::FORBIDDEN,
            "This request came from another site and was refused.",
        );
    }
    next.run(request).await
}

/// `Sec-Fetch-Site` cannot be set by a page; where a browser does not send it (plain http off
/// loopback), `Origin` decides. Without either it is no browser.
fn is_cross_site(headers: &HeaderMap, public_url: &str, host: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let site = text(&SEC_FETCH_SITE);
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    match text(&ORIGIN) {
        Some("null") | None => site.is_none() && headers.contains_key(ORIGIN),
        Some(origin) => {
            let on_loopback = is_loopback_authority(host) && origin == format!("http://{host}");
            origin != public_url && !on_loopback
        }
    }
}

fn host_of(request: &Request) -> Option<String> {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(|authority| authority.as_str()))?;
    Some(host.to_ascii_lowercase())
}

/// The same for every answer; a page sets a policy of its own with its nonce.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let always = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ];
    for (name, value) in always {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ));
    response
}

/// Scripts run only with this answer's nonce; styles come from files alone.
pub fn page_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'; object-src 'none'; worker-src 'self'; manifest-src 'self'"
    );
    HeaderValue::try_from(policy).expect("a nonce is base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross_site(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_cross_site(&headers, "https://admin.example.org", "admin.example.org")
    }

    #[test]
    fn only_our_own_pages_and_programs_may_change_things() {
        assert!(!cross_site(&[]));
        assert!(!cross_site(&[("sec-fetch-site", "same-origin")]));
        assert!(!cross_site(&[("sec-fetch-site", "none")]));
        assert!(!cross_site(&[("origin", "https://admin.example.org")]));
        for site in ["cross-site", "same-site", "rubbish"] {
            assert!(cross_site(&[("sec-fetch-site", site)]), "{site}");
        }
        for origin in [
            "null",
            "https://evil.example",
            "http://admin.example.org",
            "https://admin.example.org:8443",
        ] {
            assert!(cross_site(&[("origin", origin)]), "{origin}");
        }
        assert!(cross_site(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://evil.example")
        ]));
    }

    #[test]
    fn on_loopback_any_port_that_was_asked_is_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("http://localhost:4000"));
        assert!(!is_cross_site(&headers, "http://127.0.0.1:3000", "localhost:4000"));
        assert!(is_cross_site(&headers, "http://127.0.0.1:3000", "localhost:3000"));
    }
}
