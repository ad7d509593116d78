//! Other people at the record that this page shows: who is there, and who has saved it. Nothing here
//! changes a field.

use super::dom::{self, button, find, notice, set_attribute, set_text, window};
use super::form;

/// Says who else is here; its value is the form key of the record that is shown.
const PRESENCE: &str = "data-presence";

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
        [one] => [one, " also has this record open"].concat(),
        [one, other] => [one, " and ", other, " also have this record open"].concat(),
        [one, rest @ ..] => [
            one,
            " and ",
            &rest.len().to_string(),
            " others also have this record open",
        ]
        .concat(),
    };
    set_text(&place, &words);
    set_attribute(&place, "hidden", words.is_empty().then_some(""));
}

/// Somebody saved it, this person elsewhere included. A form says so itself, with what becomes of its text.
pub fn saved(record: &str, by: &str, submission: &str) {
    if open_record().as_deref() != Some(record) {
        return;
    }
    let by = if dom::account().as_deref() == Some(by) { "" } else { by };
    if form::record_changed(record, by, submission) {
        return;
    }
    let Some(place) = find("[data-record-news]") else {
        return;
    };
    let heading = match by {
        "" => "You saved this record in another tab.".to_owned(),
        by => [by, " saved this record."].concat(),
    };
    let load = button("Show it as it is now", |_| {
        let _ = window().location().reload();
    });
    let news = notice("waiting", &heading, "This page shows it as it was before.", vec![load]);
    place.set_text_content(None);
    let _ = place.append_child(&news.done());
}
