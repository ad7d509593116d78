//! Short words about transitions.

use leptos::prelude::*;

use crate::browser;

/// Draws the place for `[data-toast]`: at most three, politely announced, failures assertively, and none of them again
/// when another one comes; a failure stays until it is closed.
#[island]
pub fn Toasts() -> impl IntoView {
    browser::show_toasts();
    view! {
        <div data-toasts="" class="toasts">
            <div data-toasts-polite="" role="status" aria-live="polite" aria-atomic="false"></div>
            <div data-toasts-assertive="" role="alert" aria-live="assertive" aria-atomic="false"></div>
        </div>
    }
}
