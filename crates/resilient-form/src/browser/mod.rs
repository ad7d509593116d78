//! The one place that knows the browser. Everything here runs in the page; the rules it performs are
//! in `resilient_core`.
//!
//! Text is put together by `concat`: with one `format!` comes all of core's formatting, for every page to load.
// A released module stops where it would put a `JsValue` into words.
#![warn(clippy::use_debug)]

mod addresses;
mod channel;
mod connection;
mod device;
mod device_drafts;
mod dom;
mod form;
mod idb;
mod locks;
mod others;
mod outbox_runner;
mod random;
mod seal;
mod sign_out;
mod status;
mod storage;
#[cfg(test)]
mod storage_tests;
mod stream;
mod task;
mod timer;
mod toasts;

use self::task::spawn;

/// Takes over the page's form, once hydration is through.
pub fn enhance_form() {
    spawn(form::enhance());
}

pub fn watch_connection() {
    spawn(async {
        status::start();
        stream::start();
        sign_out::guard();
        device_drafts::hear_discards();
    });
}

pub fn show_toasts() {
    spawn(async { toasts::start() });
}

pub fn list_device_drafts() {
    spawn(device_drafts::start());
}
