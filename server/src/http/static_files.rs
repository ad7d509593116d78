//! The built assets: the browser's module, its loader script's target and the style sheet.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::services::ServeDir;

/// Names that every build gives again; all others carry a hash of their content.
const UNHASHED: [&str; 3] = ["/pkg/inkfast.js", "/pkg/inkfast_bg.wasm", "/pkg/inkfast.css"];

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
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
