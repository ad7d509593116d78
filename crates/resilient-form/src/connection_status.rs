//! Whether the server and its database can be reached.

use leptos::prelude::*;

use crate::browser;

/// Draws `<output data-connection="online|slow|degraded|reconnecting|offline" role="status">` with the
/// words and, while not online, *Retry now*. One tab of a browser reads the server's `/events`; a visible
/// page asks `/readyz` when they fall silent, and every second where there are none.
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
