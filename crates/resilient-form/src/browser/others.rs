//! Other people at the record that this page shows: who is there, and who has saved it. Nothing here
//! changes a field.

use std::cell::RefCell;

use super::dom::{self, Make, button, find, notice, set_attribute, set_text, window};
use super::form;

/// Says who else is here; its value is the form key of the record that is shown.
const PRESENCE: &str = "data-presence";
const NEWS: &str = "[data-record-news]";

thread_local! {
    /// Who saved it while it was open here, and whether it has unsaved text, as it was last drawn.
    static SAVED: RefCell<Option<(String, Option<bool>)>> = const { RefCell::new(None) };
}

/// The form key of the record that is open here.
pub fn open_record() -> Option<String> {
    find("[data-presence]")?.get_attribute(PRESENCE)
}

/// `who` are all who have it open, this account included.
pub fn present(record: &str, who: &[String]) {
    let Some(place) = find("[data-presence]").filter(|place| place.get_attribute(PRESENCE).as_deref() == Some(record))
    else {
        return;
    };
    let account = dom::account();
    let others: Vec<&str> = who
        .iter()
        .filter(|name| Some(*name) != account.as_ref())
        .map(String::as_str)
        .collect();
    let words = match others.as_slice() {
        [] => String::new(),
        [one] => format!("{one} also has this record open"),
        [one, other] => format!("{one} and {other} also have this record open"),
        [one, rest @ ..] => format!("{one} and {} others also have this record open", rest.len()),
    };
    set_text(&place, &words);
    set_attribute(&place, "hidden", words.is_empty().then_some(""));
}

/// Somebody saved it. `submission` is named where it was this account: this page's own is no news.
pub fn saved(record: &str, by: &str, submission: &str) {
    if open_record().as_deref() == Some(record) && !form::has_sent(submission) {
        SAVED.set(Some((by.to_owned(), None)));
        draw();
    }
}

/// This page has saved, and with that has what the others wrote.
pub fn is_up_to_date() {
    if SAVED.take().is_some()
        && let Some(place) = find(NEWS)
    {
        place.set_text_content(None);
    }
}

/// What it says depends on whether there is unsaved text.
pub fn draw() {
    SAVED.with_borrow_mut(|saved| {
        let (Some((by, drawn)), Some(place)) = (saved, find(NEWS)) else {
            return;
        };
        let unsaved = form::has_unsaved();
        if drawn.replace(unsaved) != Some(unsaved) {
            place.set_text_content(None);
            let _ = place.append_child(&banner(by, unsaved).done());
        }
    });
}

fn banner(by: &str, unsaved: bool) -> Make {
    let heading = if dom::account().as_deref() == Some(by) {
        "You saved this record in another tab or on another device.".to_owned()
    } else {
        format!("{by} saved this record.")
    };
    let (words, actions) = if unsaved {
        let merged =
            "Your changes stay. When you save, they are merged; where both changed the same field, you choose.";
        (merged, Vec::new())
    } else {
        let load = button("Load again", |_| {
            let _ = window().location().reload();
        });
        ("This page shows it as it was before.", vec![load])
    };
    notice("attention", &heading, words, actions).with("data-saved-by", by)
}
