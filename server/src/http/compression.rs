//! Pages and answers, compressed on the way out.
//!
//! A page reflects what its address says, so its compressed length tells of what stands beside it, to whoever can
//! make a browser ask again and again and see the lengths. What another site makes a browser ask for therefore
//! goes out as it is.

use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::middleware::Next;
use axum::response::Response;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Below this many bytes it is not worth it.
const LEAST: u64 = 1_024;
/// Brotli's: a page of 60 kB takes about a millisecond.
const LEVEL: CompressionLevel = CompressionLevel::Precise(5);

/// Built assets are compressed when they are built, and events must not wait to fill a block.
pub fn layer() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(LEAST).and(NotForContentType::const_new("text/event-stream"));
    CompressionLayer::new()
        .br(true)
        .gzip(true)
        .quality(LEVEL)
        .compress_when(worth_it)
}

/// Stands before the layer.
pub async fn leave_plain_what_others_ask(mut request: Request, next: Next) -> Response {
    let asked_by = request.headers().get("sec-fetch-site");
    if asked_by.is_some_and(|site| site != "same-origin" && site != "none") {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn encoding(kind: &'static str, length: usize, asked_by: &str) -> Option<String> {
        let page = move || async move { ([(CONTENT_TYPE, kind)], "x".repeat(length)) };
        let app = Router::new()
            .route("/", get(page))
            .layer(layer())
            .layer(from_fn(leave_plain_what_others_ask));
        let request = Request::get("/")
            .header(ACCEPT_ENCODING, "gzip, br")
            .header("sec-fetch-site", asked_by);
        let answer = app.oneshot(request.body(Body::empty()).expect("a request")).await;
        let answer = answer.expect("an answer");
        let encoding = answer.headers().get(CONTENT_ENCODING)?;
        encoding.to_str().ok().map(str::to_owned)
    }

    #[tokio::test]
    async fn a_page_is_compressed_and_events_and_small_answers_are_not() {
        assert_eq!(encoding("text/html", 5_000, "none").await.as_deref(), Some("br"));
        assert_eq!(
            encoding("application/json", 5_000, "same-origin").await.as_deref(),
            Some("br")
        );
        assert_eq!(encoding("text/event-stream", 5_000, "same-origin").await, None);
        assert_eq!(encoding("text/html", 100, "none").await, None);
    }

    #[tokio::test]
    async fn what_another_site_makes_a_browser_ask_for_tells_nothing_by_its_length() {
        assert_eq!(encoding("text/html", 5_000, "cross-site").await, None);
        assert_eq!(encoding("text/html", 5_000, "same-site").await, None);
    }
}
