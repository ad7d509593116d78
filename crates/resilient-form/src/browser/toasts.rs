//! Toasts: at most three; failures stay until closed.

use std::time::Duration;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement};

use super::dom::{all_in, find, make};
use super::timer::sleep;

const MOST: usize = 3;
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
    debug_assert!(find("[data-toasts]").is_some());
}

/// Shows words once. Nothing takes the focus.
pub fn show(kind: Kind, words: &str) {
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
    let toast = toast(kind, words);
    let _ = live.append_child(&toast);
    if !kind.is_failure() {
        spawn_local(async move {
            sleep(SHOWN_FOR).await;
            toast.remove();
        });
    }
}

fn make_room(place: &Element) {
    let shown = all_in(place, "[data-toast]");
    let too_many = (shown.len() + 1).saturating_sub(MOST);
    shown.into_iter().take(too_many).for_each(|oldest| oldest.remove());
}

fn toast(kind: Kind, words: &str) -> HtmlElement {
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
        .done();
    let closing = toast.clone();
    let close = make("button")
        .with("type", "button")
        .with("class", "button-plain toast-close")
        .with("aria-label", "Close");
    let _ = toast.append_child(&close.text("×").on("click", move |_| closing.remove()).done());
    toast
}
