//! `/offline`: what a browser shows in place of a page that it has no copy of, while the server cannot be reached.
//!
//! It is drawn while the server is there, and kept; so it says nothing that may be otherwise by then.

use leptos::prelude::*;
use leptos_meta::Title;
use resilient_form::DeviceDrafts;

use crate::drafts::port::{SentSaves, Unsaved};
use crate::ui::icon::icon;
use crate::ui::layout::{Frame, PageKind, framed, reading_style};
use crate::ui::visit::Visit;

const TITLE: &str = "Not on this device";

/// In the frame of whoever is signed in, with the texts of theirs that this device has.
#[component]
pub fn OfflinePage() -> impl IntoView {
    let Some(visit) = Visit::here() else {
        return signed_out();
    };
    let content = view! {
        <section class="blank" data-offline-page="">
            <div class="blank-icon">{icon("clock")}</div>
            <h1>"This page is not on this device"</h1>
            <p>"The server cannot be reached, and there is no copy of this page here. It is shown as soon as the server answers."</p>
            <p class="actions">
                <a class="button button-primary" href="">"Try again now"</a>
                <a class="button" href="/">"All tables"</a>
            </p>
        </section>
        <DeviceDrafts account=visit.account.name.clone() records_url="/records".to_owned() form_key=String::new() />
    };
    let frame = Frame {
        title: TITLE.to_owned(),
        active: None,
        unsaved: Unsaved {
            forms: None,
            sent: SentSaves::default(),
        },
        kind: PageKind::Reading,
    };
    framed(&visit, frame, content.into_any())
}

/// Nobody is signed in on this device: there is nothing of anybody's to show.
fn signed_out() -> AnyView {
    view! {
        <Title text=format!("{TITLE} – Inkfast") />
        {reading_style()}
        <main>
            <section class="blank" data-offline-page="">
                <div class="blank-icon">{icon("clock")}</div>
                <h1>"The server cannot be reached"</h1>
                <p data-away-words="">"Signing in needs it. This page tries again by itself."</p>
                <p data-leaving-words="" hidden="">
                    "You are signed out on this device. The server is told as soon as it can be reached."
                </p>
                <p class="actions"><a class="button button-primary" href="">"Try again now"</a></p>
            </section>
        </main>
    }
    .into_any()
}
