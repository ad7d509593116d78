//! The connection's driver: performs probes, hears of the stream and of the page's own requests, draws
//! the status.

use std::cell::RefCell;
use std::time::Duration;

use resilient_core::connection::{Connection, DraftStore, Effect, Event, PROBE_LIMIT, Status, Transition};
use resilient_core::time::{Moment, milliseconds};
use web_sys::{Element, Event as DomEvent};

use super::connection::Request;
use super::dom::{document, find, is_hidden, listen, make, set_attribute, set_text, window};
use super::task::spawn;
use super::timer::{Alarm, now, sleep};
use super::{addresses, form, outbox_runner, random, sign_out, stream, toasts};
use crate::reply;

/// Pages that learned at the same time that the server is ready do not all come at once.
const READY_SPREAD_MS: u64 = 800;

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
    if is_hidden() {
        Event::PageHidden
    } else {
        Event::PageShown
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
        Effect::Probe => spawn(probe()),
        Effect::ServerReady => spawn(async {
            sign_out::finish_what_was_promised().await;
            form::server_ready();
            sleep(Duration::from_millis(random::bits() as u64 % READY_SPREAD_MS)).await;
            outbox_runner::run().await;
        }),
        Effect::BeginStream => stream::begin(),
        Effect::Announce(transition) => announce(transition),
    }
}

async fn probe() {
    let left = now();
    let url = addresses::readiness();
    let probe = Request {
        method: "GET",
        url: &url,
        body: None,
        limit: PROBE_LIMIT,
    };
    let reply = probe.send().await;
    tell(match reply::readiness(reply.as_ref()) {
        Some(report) => Event::ProbeAnswered {
            took: now().since(left),
            report,
        },
        None => Event::ProbeFailed,
    });
}

fn announce(transition: Transition) {
    use toasts::Kind;
    let (kind, words) = match transition {
        Transition::Lost => (Kind::Lost, "Connection lost"),
        Transition::Back => (Kind::Back, "Connection is back."),
        Transition::Degraded => (Kind::Degraded, "Database unreachable"),
        Transition::Recovered => (Kind::Back, "The database is back."),
        Transition::DraftsElsewhere(DraftStore::Down) => (Kind::Degraded, "Drafts are kept on this device only"),
        Transition::DraftsElsewhere(_) => (Kind::Degraded, "Drafts are kept in the server\u{2019}s own store"),
        Transition::DraftsBack => (Kind::Back, "Drafts are kept as usual again."),
    };
    match transition {
        Transition::Lost | Transition::Degraded => toasts::offer(kind, words, "Retry now", retry_now),
        _ => toasts::show(kind, words),
    }
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

pub fn hears_the_stream() -> bool {
    CONNECTION.with_borrow(|connection| {
        connection
            .as_ref()
            .is_some_and(|connection| connection.hears_the_stream(now()))
    })
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
    let Some((status, report, next_try)) = CONNECTION.with_borrow(|connection| {
        let connection = connection.as_ref()?;
        Some((connection.status(now()), connection.report(), connection.next_try()))
    }) else {
        return;
    };
    set_attribute(&output, "data-connection", Some(status.name()));
    let drafts_only = report.filter(|report| report.can_save() && status == Status::Degraded);
    let next_try = match status {
        Status::Online | Status::Slow => None,
        _ if drafts_only.is_some() => None,
        _ => form::next_try().or(next_try),
    };
    draw_words(
        &output,
        &words(status, drafts_only.map(|report| report.drafts)),
        next_try,
    );
    if let Some(retry) = find("[data-retry-now]") {
        let idle = matches!(status, Status::Online | Status::Slow) || drafts_only.is_some();
        set_attribute(&retry, "hidden", idle.then_some(""));
    }
    let again = next_try.map(|_| now() + Duration::from_millis(1_000));
    SECOND.with(|second| second.set(again, draw));
}

fn words(status: Status, drafts_only: Option<DraftStore>) -> String {
    let words = match (status, drafts_only) {
        (Status::Online, _) => "Online",
        (Status::Slow, _) => "Slow",
        (Status::Degraded, Some(DraftStore::Down)) => return "Drafts are kept on this device only".to_owned(),
        (Status::Degraded, Some(_)) => return "Drafts are kept in the server\u{2019}s own store".to_owned(),
        (Status::Degraded, None) => "Database unreachable",
        (Status::Reconnecting, _) => "Reconnecting\u{2026}",
        (Status::Offline, _) => "Offline",
    };
    let kept = matches!(status, Status::Degraded | Status::Offline) && form::keeps_unsaved();
    if kept {
        [words, ": your changes are kept"].concat()
    } else {
        words.to_owned()
    }
}

fn draw_words(output: &Element, words: &str, next_try: Option<Moment>) {
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
        set_text(&place, words);
    }
    let seconds = next_try.map(|at| milliseconds(at.since(now())).div_ceil(1_000).max(1));
    if let Some(place) = find("[data-next-try]") {
        let words = seconds.map(|seconds| ["next try in ", &seconds.to_string(), " s"].concat());
        set_text(&place, &words.unwrap_or_default());
    }
}

fn retry_now() {
    tell(Event::RetryPressed);
    form::retry_now();
}
