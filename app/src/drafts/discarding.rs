//! Throwing unsaved work away: asked about first, also without script.

use leptos::prelude::*;
use resilient_core::draft::Revision;

use crate::ui::written;

/// What is to be thrown away.
pub struct Discarded<'a> {
    pub form_key: &'a str,
    pub revision: &'a Revision,
    /// What the form is called.
    pub title: &'a str,
    /// Unix time in milliseconds, where it is known.
    pub changed_at_ms: Option<u64>,
    /// Of the question, once on its page.
    pub id: String,
}

/// The button and its question: a popover needs no script.
pub fn discard(of: &Discarded) -> AnyView {
    let heading = format!("{}-heading", of.id);
    let changed = match of.changed_at_ms {
        Some(at_ms) => format!("last changed {}", written::moment(at_ms)),
        None => "last changed at an unknown time".to_owned(),
    };
    view! {
        <button class="button-plain" type="button" popovertarget=of.id.clone()>
            "Discard…"<span class="visually-hidden">{format!(" {}", of.title)}</span>
        </button>
        <div class="ask" id=of.id.clone() popover="auto" role="dialog" aria-labelledby=heading.clone()>
            <h3 id=heading.clone()>"Discard what you typed?"</h3>
            <p>{format!("{}, {changed}. It goes from the server and from your devices, and cannot be brought back.", of.title)}</p>
            <form method="post" action="/drafts/discard" autocomplete="off" class="actions">
                <input type="hidden" name="form_key" value=of.form_key.to_owned() autocomplete="off" />
                <input type="hidden" name="seq" value=of.revision.seq.to_string() autocomplete="off" />
                <input type="hidden" name="writer" value=of.revision.writer.clone() autocomplete="off" />
                <button type="submit" class="button button-danger">"Discard"</button>
                <button type="button" class="button" popovertarget=of.id.clone() popovertargetaction="hide">"Keep it"</button>
            </form>
        </div>
    }
    .into_any()
}
