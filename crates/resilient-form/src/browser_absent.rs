//! What the islands ask of the browser, where there is none.
//!
//! # On the server
//! Nothing happens: the islands' HTML is drawn as it stands, and the same calls start them once the
//! module runs in a page. This file is chosen by target, never by feature: a build of the whole
//! workspace turns `ssr` and `hydrate` on together.

pub fn enhance_form() {}

pub fn watch_connection() {}

pub fn show_toasts() {}

pub fn list_device_drafts() {}
