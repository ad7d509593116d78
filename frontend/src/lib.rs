//! What starts in the browser: the islands, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

// An island that nothing here names is dropped by the linker, without a word.
pub use resilient_form::{ConnectionStatus, DeviceDrafts, ResilientForm, Toasts};

/// Called by the loader before it hydrates the islands.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
