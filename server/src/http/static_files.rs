//! The built assets: the browser's module, its loader script's target and the style sheet.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::services::ServeDir;

/// Names that every build gives again; all others carry a hash of their content.
pub const UNHASHED: [&str; 7] = [
    "/pkg/inkfast.js",
    "/pkg/inkfast_bg.wasm",
    "/pkg/inkfast.css",
    "/pkg/inkfast-reading.css",
    "/pkg/page.js",
    "/pkg/sealed.js",
    "/pkg/sealed_bg.wasm",
];

pub fn routes(site_dir: &Path) -> Router {
    let files = ServeDir::new(site_dir.join("pkg"))
        .precompressed_br()
        .precompressed_gzip();
    Router::new().nest_service("/pkg", files).layer(from_fn(set_caching))
}

/// Logical names to URL paths, as the build wrote them; the plain names where there is no build.
pub fn asset_paths(site_dir: &Path) -> BTreeMap<String, String> {
    std::fs::read(site_dir.join("assets.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| {
            tracing::warn!(path = %site_dir.display(), "no built assets here: pages work, but without script and style");
            UNHASHED.iter().map(|path| (path.trim_start_matches("/pkg/").to_owned(), (*path).to_owned())).collect()
        })
}

async fn set_caching(request: Request, next: Next) -> Response {
    let hashed = !UNHASHED.contains(&request.uri().path());
    let mut response = next.run(request).await;
    let caching = match (response.status().is_success(), hashed) {
        (true, true) => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    // Also on the answer that is not compressed: a cache must not give it, or the other, to everybody.
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::http::header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    };
    use tower::ServiceExt;

    use super::*;

    const HASHED: &str = "/pkg/inkfast_bg.0123456789abcdef.wasm";

    /// A released module with its twins, and a stylesheet as a development build leaves it.
    fn site() -> tempfile::TempDir {
        let site = tempfile::tempdir().expect("a folder");
        let folder = site.path().join("pkg");
        std::fs::create_dir(&folder).expect("a folder");
        for (name, content) in [
            ("inkfast_bg.0123456789abcdef.wasm", "as it is"),
            ("inkfast_bg.0123456789abcdef.wasm.br", "in brotli"),
            ("inkfast_bg.0123456789abcdef.wasm.gz", "in gzip"),
            ("inkfast.css", "body {}"),
        ] {
            std::fs::write(folder.join(name), content).expect("a file");
        }
        site
    }

    async fn get(site: &Path, path: &str, headers: &[(HeaderName, &str)]) -> (Response<()>, String) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = routes(site).oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1_000).await.expect("a body");
        (
            Response::from_parts(parts, ()),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    fn header(response: &Response<()>, name: HeaderName) -> Option<&str> {
        response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    #[tokio::test]
    async fn a_file_named_by_its_content_is_kept_for_ever_and_comes_compressed_to_who_can_read_it() {
        let site = site();
        for (accepted, encoding, content) in [
            ("gzip, deflate, br", Some("br"), "in brotli"),
            ("gzip", Some("gzip"), "in gzip"),
            ("identity", None, "as it is"),
        ] {
            let (answer, body) = get(site.path(), HASHED, &[(ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(
                (header(&answer, CONTENT_ENCODING), body.as_str()),
                (encoding, content),
                "{accepted}"
            );
            assert_eq!(
                header(&answer, CACHE_CONTROL),
                Some("public, max-age=31536000, immutable")
            );
            assert_eq!(header(&answer, VARY), Some("accept-encoding"));
            // Without this type the browser waits for the whole before it compiles.
            assert_eq!(header(&answer, CONTENT_TYPE), Some("application/wasm"));
        }
    }

    #[tokio::test]
    async fn a_name_that_every_build_gives_again_is_asked_for_each_time_and_sent_once() {
        let site = site();
        let (answer, body) = get(site.path(), "/pkg/inkfast.css", &[]).await;
        assert_eq!(
            (header(&answer, CACHE_CONTROL), body.as_str()),
            (Some("no-cache"), "body {}")
        );
        let tag = header(&answer, axum::http::header::ETAG).map(str::to_owned);
        let changed = header(&answer, LAST_MODIFIED).map(str::to_owned);
        let known = match (&tag, &changed) {
            (Some(tag), _) => (IF_NONE_MATCH, tag.as_str()),
            (None, Some(changed)) => (IF_MODIFIED_SINCE, changed.as_str()),
            (None, None) => panic!("nothing to ask again with"),
        };
        let (again, body) = get(site.path(), "/pkg/inkfast.css", &[known]).await;
        assert_eq!((again.status(), body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_not_remembered_as_missing() {
        let (answer, _) = get(site().path(), "/pkg/inkfast_bg.fedcba9876543210.wasm", &[]).await;
        assert_eq!(
            (answer.status(), header(&answer, CACHE_CONTROL)),
            (StatusCode::NOT_FOUND, Some("no-cache"))
        );
    }
}
