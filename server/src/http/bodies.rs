//! How large a request may be.
//!
//! An oversize body is read to its end and thrown away before it is refused: closing early makes
//! browsers see a reset, which they take for a failing network and try again.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::answers;

const MIB: usize = 1024 * 1024;
pub const FORM_LIMIT: usize = 32 * MIB;
const DRAFT_LIMIT: usize = 2 * MIB;
const OTHER_LIMIT: usize = 64 * 1024;
/// Beyond this the connection is closed after all.
const DISCARD_LIMIT: usize = 64 * MIB;

/// Reads the whole body, so that everything behind works on bytes.
pub async fn limit(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let limit = limit_of(request.uri().path());
    let (parts, body) = request.into_parts();
    match read(body, limit).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(Unread::TooLarge) => answers::too_large(&parts.headers, parts.uri.path(), limit),
        Err(Unread::Broken) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn limit_of(path: &str) -> usize {
    if path.starts_with("/records/") || path == "/api/records/save" || path == "/login" {
        FORM_LIMIT
    } else if path.starts_with("/api/drafts/") {
        DRAFT_LIMIT
    } else {
        OTHER_LIMIT
    }
}

enum Unread {
    TooLarge,
    Broken,
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Unread> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut seen = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        seen += chunk.len();
        if seen > DISCARD_LIMIT {
            break;
        }
        if seen <= limit {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    if seen > limit {
        Err(Unread::TooLarge)
    } else {
        Ok(bytes.into())
    }
}

/// Beyond this many controls a form is not a form.
pub const MOST_CONTROLS: usize = 2_000;

/// More controls than a form has.
#[derive(Debug)]
pub struct TooMany;

/// The pairs of an urlencoded form, counted before they are taken apart.
pub fn pairs(body: &[u8]) -> Result<Vec<(String, String)>, TooMany> {
    if body.iter().filter(|byte| **byte == b'&').count() >= MOST_CONTROLS {
        return Err(TooMany);
    }
    Ok(form_urlencoded::parse(body).into_owned().collect())
}
