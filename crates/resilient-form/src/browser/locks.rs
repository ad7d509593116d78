//! Web Locks: one holder among all tabs of a browser, freed by the browser when its tab is gone.
//!
//! Absent on plain http off loopback.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dom::window;

fn manager() -> Option<JsValue> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    locks.is_object().then_some(locks)
}

pub fn are_there() -> bool {
    manager().is_some()
}

/// Waits for the lock, or takes it from whoever has it, and keeps it. Comes back when another has
/// taken it, or when there was none to get.
pub async fn hold(name: &str, steal: bool, held: impl FnOnce() + 'static) {
    let Some(manager) = manager() else { return };
    let Ok(request) = Reflect::get(&manager, &"request".into()).and_then(JsCast::dyn_into::<Function>) else {
        return;
    };
    let options = Object::new();
    let _ = Reflect::set(&options, &"steal".into(), &steal.into());
    let granted = Closure::once_into_js(move || {
        held();
        // Never settled: it is held as long as the page lives.
        Promise::new(&mut |_, _| {})
    });
    let asked = request.call3(&manager, &name.into(), &options, &granted);
    if let Ok(asked) = asked.and_then(JsCast::dyn_into::<Promise>) {
        let _ = JsFuture::from(asked).await;
    }
}
