//! What starts in the browser: one function for each island, under the island's name.
//!
//! The server draws the islands with Leptos; the browser needs nothing of it, because an island here goes over
//! HTML that stands already. Leptos's own hydration would double what a page transfers.

use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Called by the loader before it starts the islands.
#[wasm_bindgen]
pub fn begin() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
}

#[wasm_bindgen(js_name = ResilientForm)]
pub fn resilient_form() {
    resilient_form::enhance_form();
}

#[wasm_bindgen(js_name = ConnectionStatus)]
pub fn connection_status() {
    resilient_form::watch_connection();
}

#[wasm_bindgen(js_name = Toasts)]
pub fn toasts() {
    resilient_form::show_toasts();
}

#[wasm_bindgen(js_name = DeviceDrafts)]
pub fn device_drafts() {
    resilient_form::list_device_drafts();
}
