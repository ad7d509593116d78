//! One request on its way through the layer.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::time::timeout;
use tower::{BoxError, Service, ServiceExt};
use tracing::Instrument;

use super::answer;
use super::body::{ReadAhead, read_ahead};
use super::hang_up::{Posted, Unanswered};
use super::{Capture, Failed, Failure, Kept, NotKept};

const KEPT: HeaderName = HeaderName::from_static("draft-kept");
const NOT_KEPT: HeaderName = HeaderName::from_static("draft-not-kept");

/// What [`Capture`] makes of a service. It answers errors of that service, and so has none.
#[derive(Clone)]
pub struct Captured<S> {
    pub(super) inner: S,
    pub(super) capture: Capture,
}

impl<S> Service<Request> for Captured<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    /// Always: what the service inside is not ready for is waited for, or fails, with the form in hand.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (inner, capture) = (self.inner.clone(), self.capture.clone());
        Box::pin(async move { Ok(capture.answer(inner, request).await) })
    }
}

impl Capture {
    async fn answer<S>(&self, inner: S, request: Request) -> Response
    where
        S: Service<Request> + Send + 'static,
        S::Response: IntoResponse,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let (parts, body) = request.into_parts();
        if !is_form(&parts) || !self.keeper.takes(&parts) {
            return answered(inner, Request::from_parts(parts, body)).await;
        }
        let body = match self.is_too_long(&parts) {
            true => ReadAhead::TooLong(body),
            false => read_ahead(body, self.longest_body, self.arrival).await,
        };
        let (body, why) = match body {
            ReadAhead::Whole(bytes) => return self.captured(inner, parts, bytes).await,
            ReadAhead::TooLong(body) => (body, NotKept::TooLarge),
            ReadAhead::TooSlow(body) => (body, NotKept::Slow),
        };
        let mut response = answered(inner, Request::from_parts(parts, body)).await;
        if (self.fails)(response.status()) {
            tracing::warn!(error = %why, "a form failed, and what was posted is not kept");
            let (name, value) = told(&Err(why));
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The whole form is in hand.
    async fn captured<S>(&self, inner: S, parts: Parts, bytes: Bytes) -> Response
    where
        S: Service<Request> + Send + 'static,
        S::Response: IntoResponse,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let posted = Arc::new(Posted {
            keeper: Arc::clone(&self.keeper),
            parts: parts.clone(),
            body: bytes.clone(),
        });
        let request = Request::from_parts(parts, Body::from(bytes));
        let unanswered = Unanswered::new(Arc::clone(&posted), self.keeps_what_is_hung_up);
        let outcome = self.outcome(inner, request).await;
        unanswered.answered();
        match outcome {
            Err(failure) => self.failed(posted, failure).await,
            Ok(response) if (self.fails)(response.status()) => self.failed(posted, Failure::Answered(response)).await,
            Ok(response) => {
                if (self.succeeds)(&response) {
                    let succeeded = async move { posted.keeper.succeeded(&posted.parts, &posted.body).await };
                    // The keeper tells of its own failures; a draft that stays is shown once too often.
                    let _ = self.done_in_time(succeeded).await;
                }
                response
            }
        }
    }

    async fn outcome<S>(&self, inner: S, request: Request) -> Result<Response, Failure>
    where
        S: Service<Request> + Send + 'static,
        S::Response: IntoResponse,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let working = async {
            let answer = inner.oneshot(request).await;
            answer.map(IntoResponse::into_response).map_err(|error| error.into())
        };
        // Nothing of what the handler had in hand is looked at again.
        let working = AssertUnwindSafe(working).catch_unwind();
        let ended = match self.within {
            Some(limit) => timeout(limit, working).await.map_err(|_| Failure::TimedOut)?,
            None => working.await,
        };
        match ended {
            Ok(answer) => answer.map_err(Failure::Refused),
            Err(panic) => {
                tracing::error!(panic = words_of(&*panic), "the handler of a form panicked");
                Err(Failure::Panicked)
            }
        }
    }

    async fn failed(&self, posted: Arc<Posted>, why: Failure) -> Response {
        let parts = posted.parts.clone();
        let keeping = async move { posted.keep().await };
        let kept = self.done_in_time(keeping).await.flatten();
        match &kept {
            Ok(kept) => tracing::warn!(
                ?why,
                kept_in = kept.place.word(),
                "a form failed: what was posted is kept"
            ),
            Err(error) => tracing::warn!(?why, ?error, "a form failed, and what was posted is not kept"),
        }
        let (name, value) = told(&kept);
        let retry_after = self.retry_after;
        let mut response = (self.answering)(&parts, Failed { why, kept, retry_after });
        response.headers_mut().insert(name, value);
        response
    }

    /// In a task of its own, so that a client that hangs up now changes nothing.
    async fn done_in_time<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, NotKept> {
        let task = tokio::spawn(work.in_current_span());
        match timeout(self.patience, task).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(stopped)) => {
                tracing::error!(%stopped, "the keeper of a form panicked");
                Err(NotKept::Panicked)
            }
            Err(_) => Err(NotKept::Slow),
        }
    }

    fn is_too_long(&self, parts: &Parts) -> bool {
        let length = parts.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        length.is_some_and(|length| length > self.longest_body)
    }
}

/// What is not captured goes its way: a panic stays one, an error is answered as well as can be.
async fn answered<S>(inner: S, request: Request) -> Response
where
    S: Service<Request> + Send + 'static,
    S::Response: IntoResponse,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    match inner.oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(error) => answer::refused(&error.into()),
    }
}

fn is_form(parts: &Parts) -> bool {
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    parts.method == Method::POST
        && essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && !parts.headers.contains_key(CONTENT_ENCODING)
}

fn told(kept: &Result<Kept, NotKept>) -> (HeaderName, HeaderValue) {
    match kept {
        Ok(kept) => (KEPT, HeaderValue::from_static(kept.place.word())),
        Err(error) => (NOT_KEPT, HeaderValue::from_static(error.word())),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// Whole seconds, at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    (wait.as_millis() as u64).div_ceil(1_000).max(1)
}
