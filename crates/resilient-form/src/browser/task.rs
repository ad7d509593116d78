//! Work that goes on beside the page, and callbacks. Each kind of future and of closure that is handed to
//! JavaScript is compiled with what carries it, so here they are all of one kind: a box.

use std::pin::Pin;

use wasm_bindgen::prelude::*;

/// Lets `work` go on by itself.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(work));
}

fn spawn_boxed(work: Pin<Box<dyn Future<Output = ()>>>) {
    wasm_bindgen_futures::spawn_local(work);
}

/// A function for JavaScript that is called as often as it likes, with one argument. Never freed.
pub fn callback(heard: Box<dyn FnMut(JsValue)>) -> JsValue {
    Closure::<dyn FnMut(JsValue)>::new(heard).into_js_value()
}

/// A function for JavaScript that is called once, and freed then.
pub fn once(called: impl FnOnce() + 'static) -> JsValue {
    once_answering(move |_| {
        called();
        JsValue::UNDEFINED
    })
}

/// The same with one argument and an answer.
pub fn once_answering(called: impl FnOnce(JsValue) -> JsValue + 'static) -> JsValue {
    once_boxed(Box::new(called))
}

fn once_boxed(called: Box<dyn FnOnce(JsValue) -> JsValue>) -> JsValue {
    Closure::once_into_js(called)
}
