//! Whether the server and its database can be reached.

use leptos::prelude::*;

use crate::browser;

/// Draws `<output data-connection="online|slow|degraded|reconnecting|offline" role="status">` with the
/// words and, while not online, *Retry now*. Asks `/readyz` every second while the page is visible.
/// Every page of a signed-in person should have one: it also sends what is queued for other forms.
#[island]
pub fn ConnectionStatus() -> impl IntoView {
    browser::watch_connection();
    view! {
        <output data-connection="online" role="status">
            "Online"
        </output>
    }
}
