//! Short words about transitions.

use leptos::prelude::*;

use crate::browser;

/// Draws the place for `[data-toast]`: at most three, politely announced, failures assertively; a
/// failure stays until it is closed.
#[island]
pub fn Toasts() -> impl IntoView {
    browser::show_toasts();
    view! {
        <div data-toasts="" class="toasts">
            // What stands there already was said: only what comes is.
            <div data-toasts-polite="" role="status" aria-live="polite" aria-atomic="false"></div>
            <div data-toasts-assertive="" role="alert" aria-live="assertive" aria-atomic="false"></div>
        </div>
    }
}
