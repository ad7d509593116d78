//! What starts in the browser. The server has drawn everything; this goes over it, so nothing of Leptos is loaded.

#[cfg(target_arch = "wasm32")]
mod browser {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(start)]
    pub fn start() {
        // The form first: until it runs, what is typed is only recorded.
        resilient_form::enhance_form();
        resilient_form::watch_connection();
        resilient_form::show_toasts();
        resilient_form::list_device_drafts();
    }
}
