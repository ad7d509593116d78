//! The connection's driver: performs probes, hears of the page's own requests, draws the status.

use std::cell::RefCell;
use std::time::Duration;

use resilient_core::connection::{Connection, Effect, Event, PROBE_LIMIT, Status, Transition};
use resilient_core::time::Moment;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event as DomEvent, VisibilityState};

use super::connection::Request;
use super::dom::{document, find, listen, make, set_attribute, set_text, window};
use super::timer::{Alarm, now};
use super::{form, outbox_runner, random, sign_out, toasts};
use crate::reply;

const READY: &str = "/readyz";

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
    static ALARM: Alarm = Alarm::default();
    static SECOND: Alarm = Alarm::default();
}

/// Begins to watch. The machine is there from the first word of any island.
pub fn start() {
    listen(&document(), "visibilitychange", |_: DomEvent| tell(visibility()));
    listen(&window(), "pageshow", |_: DomEvent| tell(Event::PageShown));
    for hint in ["online", "offline"] {
        listen(&window(), hint, |_: DomEvent| tell(Event::NetworkHinted));
    }
    tell(visibility());
    tell(Event::Woke);
}

fn visibility() -> Event {
    match document().visibility_state() {
        VisibilityState::Hidden => Event::PageHidden,
        _ => Event::PageShown,
    }
}

/// Tells the machine what happened, performs what it orders and draws what it says.
pub fn tell(event: Event) {
    let effects = CONNECTION.with_borrow_mut(|connection| {
        let before = connection.take().unwrap_or_else(|| Connection::new(now()));
        let (after, effects) = before.handle(event, now(), random::bits() as u64);
        *connection = Some(after);
        effects
    });
    effects.into_iter().for_each(perform);
    draw();
    let wake =
        CONNECTION.with_borrow(|connection| connection.as_ref().and_then(|connection| connection.next_wake(now())));
    ALARM.with(|alarm| alarm.set(wake, || tell(Event::Woke)));
}

fn perform(effect: Effect) {
    match effect {
        Effect::Probe => spawn_local(probe()),
        Effect::ServerReady => spawn_local(async {
            sign_out::finish_what_was_promised().await;
            form::server_ready();
            outbox_runner::run().await;
        }),
        Effect::Announce(transition) => announce(transition),
    }
}

async fn probe() {
    let left = now();
    let probe = Request {
        method: "GET",
        url: READY,
        body: None,
        limit: PROBE_LIMIT,
    };
    let reply = probe.send().await;
    tell(match reply::ready(reply.as_ref()) {
        Some(ready) => Event::ProbeAnswered {
            took: now().since(left),
            ready,
        },
        None => Event::ProbeFailed,
    });
}

fn announce(transition: Transition) {
    let (kind, words) = match transition {
        Transition::Lost => (toasts::Kind::Lost, "Connection lost."),
        Transition::Back => (toasts::Kind::Back, "Connection is back."),
        Transition::Degraded => (
            toasts::Kind::Degraded,
            "The database cannot be reached. What you type is kept; Save is queued until it is back.",
        ),
        Transition::Recovered => (toasts::Kind::Back, "The database is back."),
    };
    toasts::show(kind, words);
}

/// Watches a request of the page's own: its answer, or the lack of one, is news of the way.
pub async fn watched(request: Request<'_>) -> Option<reply::Reply> {
    let id = random::bits() as u32;
    tell(Event::RequestLeft { id });
    let reply = request.send().await;
    let ours = reply.as_ref().is_some_and(|reply| reply.is_json || reply.status < 500);
    tell(if ours {
        Event::RequestAnswered { id }
    } else {
        Event::RequestFailed { id }
    });
    if reply.as_ref().is_some_and(|reply| reply.status == 503) {
        tell(Event::SaveKept);
    }
    reply
}

/// Whether the server is known to answer.
pub fn is_reachable() -> bool {
    CONNECTION.with_borrow(|connection| {
        let status = connection.as_ref().map(|connection| connection.status(now()));
        !matches!(status, Some(Status::Offline | Status::Reconnecting))
    })
}

fn draw() {
    let Some(output) = find("[data-connection]") else {
        return;
    };
    let Some((status, next_probe)) = CONNECTION.with_borrow(|connection| {
        connection
            .as_ref()
            .map(|connection| (connection.status(now()), connection.next_probe()))
    }) else {
        return;
    };
    set_attribute(&output, "data-connection", Some(status.name()));
    let next_try = match status {
        Status::Online | Status::Slow => None,
        _ => form::next_try().or(next_probe),
    };
    draw_words(&output, status, next_try);
    let again = next_try.map(|_| now() + Duration::from_millis(1_000));
    SECOND.with(|second| second.set(again, draw));
}

fn draw_words(output: &Element, status: Status, next_try: Option<Moment>) {
    let words = match status {
        Status::Online => "Online",
        Status::Slow => "Slow",
        Status::Degraded => "Database unreachable",
        Status::Reconnecting => "Reconnecting…",
        Status::Offline => "Offline",
    };
    let kept = matches!(status, Status::Degraded | Status::Offline) && form::keeps_unsaved();
    let words = if kept {
        format!("{words}: your changes are kept")
    } else {
        words.to_owned()
    };
    if output.query_selector("[data-status-words]").ok().flatten().is_none() {
        output.set_text_content(None);
        let _ = output.append_child(&make("span").with("data-status-words", "").done());
        // Not announced: a number that counts down is no transition.
        let _ = output.append_child(
            &make("span")
                .with("data-next-try", "")
                .with("aria-hidden", "true")
                .done(),
        );
        let retry = make("button")
            .with("type", "button")
            .with("data-retry-now", "")
            .text("Retry now");
        let _ = output.append_child(&retry.on("click", |_| retry_now()).done());
    }
    if let Some(place) = find("[data-status-words]") {
        set_text(&place, &words);
    }
    let seconds = next_try.map(|at| at.since(now()).as_millis().div_ceil(1_000).max(1));
    if let Some(place) = find("[data-next-try]") {
        set_text(
            &place,
            &seconds
                .map(|seconds| format!("next try in {seconds} s"))
                .unwrap_or_default(),
        );
    }
    if let Some(retry) = find("[data-retry-now]") {
        let idle = matches!(status, Status::Online | Status::Slow);
        set_attribute(&retry, "hidden", idle.then_some(""));
    }
}

fn retry_now() {
    tell(Event::RetryPressed);
    form::retry_now();
}
