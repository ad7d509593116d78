//! `GET /events`: one browser's stream, and `POST /api/presence`: what that browser has open.
//!
//! Neither counts as activity: a page left open does not keep its session alive.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use futures::stream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::visitor::{self, Visitor};
use super::{answers, bodies};
use crate::auth::session::Session;
use crate::events::{Message, Place, Refused, Subscription, condition_message};
use crate::services::Services;

/// A page takes a little more silence than this for the end of the way.
const TICK_EVERY: Duration = Duration::from_secs(1);
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const TRY_AGAIN_MS: u64 = 5_000;

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/events", get(events))
        .route("/api/presence", post(presence))
        .route_layer(from_fn(visitor::require_account))
        .with_state(services.clone())
}

async fn events(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    let Some((account, session)) = visitor.signed_in else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let subscription = match services.events.subscribe(&account.name) {
        Ok(subscription) => subscription,
        Err(Refused::Closed) => return no_stream("This server is going down."),
        Err(Refused::TooMany) => {
            return no_stream("There are as many open pages as this server can tell of changes.");
        }
    };
    let telling = Telling::new(services, session, subscription);
    let messages = stream::unfold(telling, |mut telling| async {
        let message = telling.next().await?;
        Some((Ok::<Bytes, Infallible>(message.into_bytes()), telling))
    });
    let mut response = Body::from_stream(messages).into_response();
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (BUFFERING, "no"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn no_stream(why: &str) -> Response {
    let mut response = answers::json_failure(StatusCode::SERVICE_UNAVAILABLE, "overload", why);
    answers::set_retry_after(response.headers_mut(), Some(TRY_AGAIN_MS));
    response
}

/// What is told to one browser, message by message: nothing is made before the last was taken.
struct Telling {
    services: Services,
    session: Session,
    subscription: Subscription,
    first: VecDeque<Message>,
    ticks: Interval,
}

impl Telling {
    fn new(services: Services, session: Session, subscription: Subscription) -> Self {
        let hello = Message::hello(&services.offline.build, &subscription.token);
        let first = VecDeque::from([hello, condition_message(&services.monitor.condition())]);
        let mut ticks = interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            services,
            session,
            subscription,
            first,
            ticks,
        }
    }

    /// `None`: the stream ends, by the hub's word or because the session does not count any more.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let message = match self.first.pop_front() {
                Some(first) => first,
                None => tokio::select! {
                    message = self.subscription.next() => message?,
                    _ = self.ticks.tick() => Message::tick(),
                },
            };
            let account = self.services.auth.account_of(&self.session)?;
            let may_hear = |table| self.services.records.table(&account, table).is_ok();
            if message.table().is_none_or(may_hear) {
                return Some(message);
            }
        }
    }
}

/// `stream` is the token of `hello`, each `open` a form key `{table}/{key}`.
async fn presence(State(services): State<Services>, Extension(visitor): Extension<Visitor>, body: Bytes) -> Response {
    let Some(account) = visitor.account() else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let pairs = bodies::pairs(&body).unwrap_or_default();
    let named = |wanted: &'static str| {
        pairs
            .iter()
            .filter(move |(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    let places = Place::read_all(named("open")).into_iter();
    let open = places.filter(|place| services.records.table(account, &place.table).is_ok());
    let token = named("stream").next().unwrap_or_default();
    if services.events.opened(&account.name, token, open.collect()) {
        answers::json_success(StatusCode::OK, ())
    } else {
        answers::json_failure(StatusCode::NOT_FOUND, "not_found", "There is no such stream.")
    }
}
