//! When something is kept, and what is told of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use resilient_core::draft::Revision;
use tower::{BoxError, Layer};

use super::answer;
use super::fields::TooManyFields;
use super::service::Captured;
use crate::{LONGEST_DRAFT, Place, StoreError};

/// A store that takes longer is not waited for; it may still do it.
const PATIENCE: Duration = Duration::from_secs(1);
/// A body that takes longer to arrive is handed on as it comes.
const ARRIVAL: Duration = Duration::from_secs(10);

/// What is kept of a form, and where. Called with the request's head and its whole body.
#[async_trait]
pub trait Keeper: Send + Sync + 'static {
    /// Whether this form is looked after at all. Asked before its body is read.
    fn takes(&self, parts: &Parts) -> bool;

    /// Keeps what was posted and has failed.
    ///
    /// # Errors
    /// When nothing was kept. What was kept before is as it was.
    async fn keep(&self, parts: &Parts, body: &[u8]) -> Result<Kept, NotKept>;

    /// What was posted has succeeded: it is unsaved no more. A draft that cannot be ended now is shown once too often.
    async fn succeeded(&self, parts: &Parts, body: &[u8]);
}

/// Where a failed form is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub place: Place,
    /// Under which name.
    pub revision: Revision,
    /// Names of fields that had a text, and are not in it: secrets.
    pub left_out: Vec<String>,
}

/// Why a failed form has left no draft.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    #[error("the body is longer than what is kept")]
    TooLarge,
    #[error(transparent)]
    TooManyFields(#[from] TooManyFields),
    #[error("all of its fields are left out or empty of names")]
    NothingToKeep,
    #[error("it was saved or discarded meanwhile")]
    Ended,
    #[error("it came too slowly, or the store did not say in time that it is kept")]
    Slow,
    #[error("the keeper itself panicked")]
    Panicked,
    #[error("the store did not take it")]
    Store(#[from] StoreError),
}

impl NotKept {
    /// As the header `draft-not-kept` has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::Store(StoreError::TooLarge { .. }) => "too-large",
            Self::TooManyFields(_) => "too-many-fields",
            Self::NothingToKeep => "nothing-to-keep",
            Self::Ended => "ended",
            Self::Slow => "slow",
            Self::Panicked => "panicked",
            Self::Store(StoreError::TooMany) => "too-many-drafts",
            Self::Store(StoreError::TooMuch) => "too-many-bytes",
            Self::Store(StoreError::NearlyFull) => "nearly-full",
            Self::Store(StoreError::Unavailable(_)) => "unavailable",
        }
    }
}

/// How a form's post failed.
pub enum Failure {
    /// By its answer.
    Answered(Response),
    /// By an error of a service inside: refused under load, or given up.
    Refused(BoxError),
    Panicked,
    /// There was no answer within [`Capture::within`]. The handler was dropped where it stood.
    TimedOut,
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(response) => write!(formatter, "Answered({})", response.status()),
            Self::Refused(error) => write!(formatter, "Refused({error})"),
            Self::Panicked => formatter.write_str("Panicked"),
            Self::TimedOut => formatter.write_str("TimedOut"),
        }
    }
}

/// A form's post that failed, to be answered.
#[derive(Debug)]
pub struct Failed {
    pub why: Failure,
    pub kept: Result<Kept, NotKept>,
    /// How long to say that one should wait.
    pub retry_after: Duration,
}

pub(super) type Answering = Arc<dyn Fn(&Parts, Failed) -> Response + Send + Sync>;
pub(super) type OfStatus = Arc<dyn Fn(StatusCode) -> bool + Send + Sync>;
pub(super) type OfAnswer = Arc<dyn Fn(&Response) -> bool + Send + Sync>;

/// The layer.
#[derive(Clone)]
pub struct Capture {
    pub(super) keeper: Arc<dyn Keeper>,
    pub(super) within: Option<Duration>,
    pub(super) longest_body: usize,
    pub(super) arrival: Duration,
    pub(super) patience: Duration,
    pub(super) retry_after: Duration,
    pub(super) keeps_what_is_hung_up: bool,
    pub(super) fails: OfStatus,
    pub(super) succeeds: OfAnswer,
    pub(super) answering: Answering,
}

impl Capture {
    pub fn new(keeper: impl Keeper) -> Self {
        Self {
            keeper: Arc::new(keeper),
            within: None,
            longest_body: LONGEST_DRAFT,
            arrival: ARRIVAL,
            patience: PATIENCE,
            retry_after: Duration::from_secs(5),
            keeps_what_is_hung_up: true,
            fails: Arc::new(fails),
            succeeds: Arc::new(|answer| succeeds(answer.status())),
            answering: Arc::new(answer::plain_page),
        }
    }

    /// How long a handler may take; no limit by default. Then it is dropped: whether it had done its work is not known.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    /// Bytes that are read ahead and kept; 1 MiB by default, which is what stores take. What is longer passes through.
    pub fn longest_body(mut self, bytes: usize) -> Self {
        self.longest_body = bytes;
        self
    }

    /// How long a body may take to arrive; 10 s by default. A slower one is handed on as it comes.
    pub fn arrival(mut self, arrival: Duration) -> Self {
        self.arrival = arrival;
        self
    }

    /// How long the store is waited for; 1 s by default. It delays answers by no more than that.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What `Retry-After` says where nobody else has said it; 5 s by default.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = wait;
        self
    }

    /// For handlers that go on to their end when a client hangs up: what they do is then not known to have failed.
    pub fn leaves_what_is_hung_up(mut self) -> Self {
        self.keeps_what_is_hung_up = false;
        self
    }

    /// Which answers say that it failed; by default 5xx, 408 and 429.
    pub fn fails(mut self, fails: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.fails = Arc::new(fails);
        self
    }

    /// Which answers say that it succeeded, so that its draft ends; by default redirects (301, 302, 303, 307 and 308),
    /// 201 and 204. A redirect to a sign-in page is none: either [`Keeper::takes`] knows nobody then, or say it here.
    pub fn succeeds(mut self, succeeds: impl Fn(&Response) -> bool + Send + Sync + 'static) -> Self {
        self.succeeds = Arc::new(succeeds);
        self
    }

    /// What is answered where it failed; [`plain_page`](super::plain_page) by default, which takes the place of the
    /// handler's own answer. [`as_it_is`](super::as_it_is) leaves that. Both headers, `draft-kept` and
    /// `draft-not-kept`, are set afterwards.
    pub fn answers(mut self, answering: impl Fn(&Parts, Failed) -> Response + Send + Sync + 'static) -> Self {
        self.answering = Arc::new(answering);
        self
    }
}

fn fails(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS
}

fn succeeds(status: StatusCode) -> bool {
    let leads_on = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
    leads_on || status == StatusCode::CREATED || status == StatusCode::NO_CONTENT
}

impl<S> Layer<S> for Capture {
    type Service = Captured<S>;

    fn layer(&self, inner: S) -> Captured<S> {
        Captured {
            inner,
            capture: self.clone(),
        }
    }
}
