//! What becomes of a form whose client goes away while it is worked on: the server drops the request's future.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::request::Parts;
use tokio::runtime::Handle;
use tracing::Instrument;

use super::{Keeper, Kept, NotKept};

/// A form that was posted, while nobody knows yet what comes of it.
pub struct Posted {
    pub keeper: Arc<dyn Keeper>,
    pub parts: Parts,
    pub body: Bytes,
}

impl Posted {
    pub async fn keep(&self) -> Result<Kept, NotKept> {
        self.keeper.keep(&self.parts, &self.body).await
    }
}

/// Keeps the form when it is dropped before it was [`answered`](Self::answered).
pub struct Unanswered {
    posted: Arc<Posted>,
    is_open: bool,
}

impl Unanswered {
    /// With `keeps` false it does nothing.
    pub fn new(posted: Arc<Posted>, keeps: bool) -> Self {
        Self { posted, is_open: keeps }
    }

    pub fn answered(mut self) {
        self.is_open = false;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let posted = Arc::clone(&self.posted);
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!("a client hung up and the runtime is gone: what it posted is not kept");
            return;
        };
        let keeping = async move {
            match posted.keep().await {
                Ok(kept) => tracing::info!(kept_in = kept.place.word(), "a client hung up: what it posted is kept"),
                Err(error) => tracing::warn!(?error, "a client hung up, and what it posted could not be kept"),
            }
        };
        runtime.spawn(keeping.in_current_span());
    }
}
