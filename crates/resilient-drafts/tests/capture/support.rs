//! A router with a form on it, and a store in a file.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use axum::routing::MethodRouter;
use resilient_drafts::capture::{Capture, CapturedForm, FormDrafts};
use resilient_drafts::{DraftStore, Sealer, SqliteStore};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

pub const FORM: &str = "/notes/7";
/// On a busy machine what is slow is not lost.
pub const ENOUGH: Duration = Duration::from_secs(30);

/// Drafts in a file of their own.
pub struct Kept {
    pub drafts: FormDrafts,
    pub store: Arc<dyn DraftStore>,
    directory: TempDir,
}

impl Kept {
    pub async fn in_a_file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[7; 32], "drafts");
        let file = directory.path().join("drafts.db");
        let store: Arc<dyn DraftStore> = Arc::new(SqliteStore::open(&file, sealer).await.unwrap());
        Self {
            drafts: FormDrafts::new(Arc::clone(&store), account),
            store,
            directory,
        }
    }

    /// The same drafts, to somebody who cannot open them.
    pub async fn with_another_secret(&self) -> FormDrafts {
        let sealer = Sealer::new(&[8; 32], "drafts");
        let store = SqliteStore::open(&self.directory.path().join("drafts.db"), sealer).await;
        FormDrafts::new(Arc::new(store.unwrap()), account)
    }

    /// The layer, which waits for its store as long as it takes.
    pub fn capture(&self) -> Capture {
        Capture::new(self.drafts.clone()).patience(ENOUGH)
    }

    pub async fn forms(&self) -> Vec<CapturedForm> {
        self.drafts.load("ann", FORM).await.unwrap().forms
    }

    /// The one form that is kept by now, or soon.
    pub async fn form(&self) -> CapturedForm {
        let kept = async {
            loop {
                match self.forms().await.pop() {
                    Some(form) => return form,
                    None => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(ENOUGH, kept).await.expect("it is kept")
    }
}

pub fn account(parts: &Parts) -> Option<String> {
    let account = parts.headers.get("x-account")?.to_str().ok()?;
    Some(account.to_owned())
}

pub fn app(handler: MethodRouter, capture: Capture) -> Router {
    Router::new().route("/notes/{id}", handler).layer(capture)
}

/// What `ann`'s browser posts.
pub fn posted(body: &str) -> Request<Body> {
    let request = Request::post(FORM)
        .header("x-account", "ann")
        .header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(body.to_owned())).unwrap()
}

pub async fn answered(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

pub async fn text_of(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn pair(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

/// A header of an answer; empty where it has none.
pub fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}
