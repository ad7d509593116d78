//! The banners above the fields.

use leptos::prelude::*;
use resilient_core::draft::Text;
use resilient_core::submission::answer::Outcome;

use super::Found;
use super::conflict::text;
use super::form::create_another;
use super::kept_draft;
use crate::records::form_view::{FormView, Notice};
use crate::ui::notice::{Tone, notice};
use crate::ui::written;

pub fn notices(view: &FormView, found: &Found) -> AnyView {
    let drafts = found.without_drafts.then(|| {
        let which = if found.drafts.is_empty() {
            "Unsaved work on the server cannot be read at the moment."
        } else {
            "Not all unsaved work on the server can be read at the moment."
        };
        notice(
            Tone::Waiting,
            which,
            view! { <p>"If you left something unsaved here, it will be shown again when that is back."</p> },
        )
    });
    let each = view
        .notices
        .iter()
        .map(|one| one_notice(view, found, one))
        .collect_view();
    view! { <div class="notices">{drafts} {each}</div> }.into_any()
}

fn one_notice(view: &FormView, found: &Found, one: &Notice) -> AnyView {
    match one {
        Notice::Saved { merged } => saved(merged),
        Notice::Restored { changed_at_ms, columns } => kept_draft::restored(view, *changed_at_ms, columns),
        Notice::Beside { draft, reason } => kept_draft::beside(view, draft, *reason),
        Notice::Failure { outcome, message } => failure(*outcome, message),
        Notice::RetypeSecrets(labels) => notice(
            Tone::Attention,
            format!("Type again: {}.", written::listed(labels)),
            view! { <p>"Secrets are never sent back to a page, so this one field is empty again."</p> },
        ),
        Notice::WithoutField(texts) => without_field(texts),
        Notice::Recreates => notice(
            Tone::Attention,
            "This record was deleted meanwhile.",
            view! { <p>
                "What you typed is in the form below. Save creates it as a new record. Another text of it that \
                 this device keeps is listed below the form."
            </p> },
        ),
        Notice::AlreadyCreated => notice(
            Tone::Attention,
            "Your first Save had created this record.",
            view! {
                <p>"What you typed since is in the form. Save changes this record; it does not create a second one."</p>
                <p class="actions">{create_another(found)}</p>
            },
        ),
        Notice::WithoutRecord => notice(
            Tone::Waiting,
            "The database cannot be reached, so the record cannot be shown.",
            view! {
                <p>
                    "The form holds what you typed and did not save. Fields you did not change are left out and stay as they are. \
                     Go on typing: it is kept."
                </p>
            },
        ),
    }
}

fn saved(merged: &[String]) -> AnyView {
    let body = (!merged.is_empty()).then(|| {
        let words = format!(
            "Somebody else had changed {} meanwhile: that was kept.",
            written::listed(merged)
        );
        view! { <p>{words}</p> }
    });
    view! { <div data-form-message="" role="status">{notice(Tone::Good, "Saved.", body)}</div> }.into_any()
}

fn failure(outcome: Outcome, message: &str) -> AnyView {
    let tone = match outcome {
        Outcome::Kept | Outcome::InProgress | Outcome::RateLimited => Tone::Waiting,
        Outcome::Conflict | Outcome::Mismatch | Outcome::Expired => Tone::Attention,
        _ => Tone::Failure,
    };
    // What happened to the input stands first, and stands out.
    let (first, rest) = message.split_once(". ").unwrap_or((message.trim_end_matches('.'), ""));
    let rest = (!rest.is_empty()).then(|| view! { <p>{rest.to_owned()}</p> });
    view! { <div data-form-message="" role="alert">{notice(tone, format!("{first}."), rest)}</div> }.into_any()
}

fn without_field(texts: &[(String, Text)]) -> AnyView {
    let each = texts.iter().map(|(label, value)| {
        view! { <h2>{label.clone()}</h2> {text(value)} }
    });
    notice(
        Tone::Attention,
        "Some of what you typed has no field here any more.",
        view! { <p>"The column is gone, or you may not write it. The text is here to copy."</p> {each.collect_view()} },
    )
}
