//! Toasts: at most three; failures stay until closed.

use std::time::Duration;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement};

use super::dom::{all_in, document, find, listen, make, set_attribute};
use super::task::spawn;
use super::timer::sleep;

const MOST: usize = 3;
const FAILURE: &str = "toast-failure";
const SHOWN_FOR: Duration = Duration::from_secs(6);

/// What a toast is about: `data-toast`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Lost,
    Back,
    Degraded,
    Restored,
    Queued,
    Saved,
    Conflict,
    Refused,
    Notice,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Back => "back",
            Self::Degraded => "degraded",
            Self::Restored => "restored",
            Self::Queued => "queued",
            Self::Saved => "saved",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Notice => "notice",
        }
    }

    fn is_failure(self) -> bool {
        matches!(self, Self::Lost | Self::Refused | Self::Conflict)
    }

    /// What it makes untrue: a toast about the opposite goes.
    fn replaces(self) -> &'static [&'static str] {
        match self {
            Self::Back => &["lost", "degraded"],
            Self::Lost | Self::Degraded => &["back", "lost", "degraded"],
            Self::Saved => &["queued", "refused"],
            Self::Queued => &["saved", "queued"],
            Self::Refused => &["queued", "refused"],
            _ => &[],
        }
    }
}

pub fn start() {
    listen(&document(), "focusin", |_: Event| keep_off_the_field());
}

/// Shows words once. Nothing takes the focus.
pub fn show(kind: Kind, words: &str) {
    bring_up(kind, toast(kind, words, None));
}

/// With something that can be done about it.
pub fn offer(kind: Kind, words: &str, label: &str, pressed: fn()) {
    bring_up(kind, toast(kind, words, Some((label, pressed))));
}

fn bring_up(kind: Kind, toast: HtmlElement) {
    let Some(place) = find("[data-toasts]") else { return };
    let live = if kind.is_failure() {
        "[data-toasts-assertive]"
    } else {
        "[data-toasts-polite]"
    };
    let Some(live) = find(live) else { return };
    for shown in all_in(&place, "[data-toast]") {
        let about = shown.get_attribute("data-toast").unwrap_or_default();
        if kind.replaces().contains(&about.as_str()) {
            shown.remove();
        }
    }
    make_room(&place);
    let _ = live.append_child(&toast);
    keep_off_the_field();
    if !kind.is_failure() {
        spawn(async move {
            sleep(SHOWN_FOR).await;
            take_away(&toast);
        });
    }
}

/// Failures stay until they are closed, unless there is nothing else to go.
fn make_room(place: &Element) {
    let shown = all_in(place, "[data-toast]");
    let too_many = (shown.len() + 1).saturating_sub(MOST);
    let (failures, others): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|toast| toast.class_list().contains(FAILURE));
    others.iter().chain(&failures).take(too_many).for_each(Element::remove);
}

/// At the top while they would lie over the field in use.
fn keep_off_the_field() {
    let Some(place) = find("[data-toasts]") else { return };
    let field = document().active_element().filter(|field| {
        field.matches("input, textarea, select, button").unwrap_or(false) && !place.contains(Some(field))
    });
    set_attribute(&place, "data-at", None);
    let (toasts, field) = (
        place.get_bounding_client_rect(),
        field.map(|field| field.get_bounding_client_rect()),
    );
    let covers = field.is_some_and(|field| {
        field.right() > toasts.left() && field.bottom() > toasts.top() && field.top() < toasts.bottom()
    });
    set_attribute(&place, "data-at", covers.then_some("top"));
}

fn take_away(toast: &HtmlElement) {
    let had_focus = document()
        .active_element()
        .is_some_and(|focus| toast.contains(Some(&focus)));
    toast.remove();
    if had_focus {
        // What is left to close, or the page's content: never nowhere.
        let next = find("[data-toast] button").or_else(|| find("main"));
        if let Some(next) = next {
            let _ = next.unchecked_ref::<HtmlElement>().focus();
        }
    }
}

fn toast(kind: Kind, words: &str, action: Option<(&str, fn())>) -> HtmlElement {
    let toast = make("div").with("data-toast", kind.name()).with(
        "class",
        if kind.is_failure() {
            "toast toast-failure"
        } else {
            "toast"
        },
    );
    let toast = toast
        .child(make("span").with("class", "toast-words").text(words))
        .children(action.map(|(label, pressed)| {
            make("button")
                .with("type", "button")
                .with("class", "button-plain toast-action")
                .text(label)
                .on("click", move |_| pressed())
        }))
        .done();
    let closing = toast.clone();
    let close = make("button")
        .with("type", "button")
        .with("class", "button-plain toast-close")
        .with("aria-label", "Close");
    let _ = toast.append_child(&close.text("×").on("click", move |_| take_away(&closing)).done());
    toast
}
