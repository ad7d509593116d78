//! That what is inessential is left out, since when, and by whose wish.

use leptos::prelude::*;

use super::model::{Degraded, DegradedBy};
use crate::ui::notice::{Tone, notice};
use crate::ui::written;

pub fn degraded(degraded: &Degraded) -> AnyView {
    let since = written::time_of_day(degraded.since_ms);
    let words = match &degraded.by {
        DegradedBy::Itself(cause) => format!("Degraded mode since {since}: {}.", trouble(cause)),
        DegradedBy::Hand {
            who,
            reason,
            remaining_ms,
        } => format!(
            "Degraded mode since {since} by {who}, for {} more: {reason}",
            written::span(*remaining_ms)
        ),
    };
    let body = view! { <p>"Histories, what others changed in an open form, and test queries are left out; signing in, lists, forms, saving and drafts go on."</p> };
    view! { <div data-degraded="">{notice(Tone::Waiting, words, body)}</div> }.into_any()
}

fn trouble(cause: &str) -> &'static str {
    match cause {
        "database_away" => "the database cannot be read",
        "no_changes_taken" => "the database takes no changes",
        _ => "the database is slow",
    }
}
