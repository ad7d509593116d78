//! Time as the page has it.

use std::cell::Cell;
use std::time::Duration;

use resilient_core::time::{Moment, milliseconds};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dom::{document, window};
use super::task::once;

/// Since the page was loaded; never goes back.
pub fn now() -> Moment {
    let ms = window().performance().map_or(0.0, |performance| performance.now());
    Moment::after_start(Duration::from_micros((ms * 1_000.0) as u64))
}

/// Unix time. Only ever shown, or to shorten a wait that was promised.
pub fn wall_clock_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// When this page was asked for, as Unix time; one that was there before it was asked for says when that was.
pub fn page_asked_for_ms() -> u64 {
    let before = document()
        .document_element()
        .and_then(|root| root.get_attribute("data-asked-at"));
    if let Some(at) = before.and_then(|at| at.parse().ok()) {
        return at;
    }
    window()
        .performance()
        .map_or(0.0, |performance| performance.time_origin()) as u64
}

fn whole_ms(pause: Duration) -> i32 {
    // Rounded up: a timer that fires early would find nothing due.
    i32::try_from(milliseconds(pause).saturating_add(1)).unwrap_or(i32::MAX)
}

pub async fn sleep(pause: Duration) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, whole_ms(pause));
    });
    let _ = JsFuture::from(promise).await;
}

/// `promise` if it settles within the limit.
pub async fn within(limit: Duration, promise: js_sys::Promise) -> Option<JsValue> {
    let late = js_sys::Promise::new(&mut |_, reject| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&reject, whole_ms(limit));
    });
    JsFuture::from(js_sys::Promise::race(&js_sys::Array::of2(&promise, &late)))
        .await
        .ok()
}

/// An alarm that can be set anew; only the last setting rings.
#[derive(Default)]
pub struct Alarm {
    handle: Cell<Option<i32>>,
}

impl Alarm {
    pub fn set(&self, at: Option<Moment>, ring: impl FnOnce() + 'static) {
        if let Some(handle) = self.handle.take() {
            window().clear_timeout_with_handle(handle);
        }
        let Some(at) = at else { return };
        let ring = once(ring);
        let pause = whole_ms(at.since(now()));
        let handle = window().set_timeout_with_callback_and_timeout_and_arguments_0(ring.unchecked_ref(), pause);
        self.handle.set(handle.ok());
    }
}
