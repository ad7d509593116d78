//! One tab at a time: the browser's locks where it has them, else a note in `localStorage` with an end.
//! Nothing depends on it for its truth; it only keeps two tabs from doing the same at once.

use std::time::Duration;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dom::window;
use super::storage;
use super::task::once_answering;
use super::timer::{wall_clock_ms, within};

/// A note of a tab that is gone counts for so long.
const NOTE_FOR_MS: u64 = 20_000;
const NOTE: &str = "inkfast:1:lock:";

/// Held until it is dropped.
pub struct Lock {
    release: Option<Function>,
    note: Option<String>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            let _ = release.call0(&JsValue::NULL);
        }
        if let Some(note) = &self.note {
            storage::remove(note);
        }
    }
}

/// The lock if no other tab has it now.
pub async fn try_lock(name: &str) -> Option<Lock> {
    match manager() {
        Some(manager) => ask(&manager, name, true, Duration::from_secs(5)).await,
        None => note(name),
    }
}

/// Waits for the lock, but not longer than `limit`: a tab that holds it may be asleep.
pub async fn lock(name: &str, limit: Duration) -> Option<Lock> {
    ask(&manager()?, name, false, limit).await
}

/// Whether the browser has locks: absent on plain http off loopback.
pub fn are_there() -> bool {
    manager().is_some()
}

/// Waits for the lock, or takes it from whoever has it, and keeps it. Comes back when another has
/// taken it, or when there was none to get.
pub async fn hold(name: &str, steal: bool, held: impl FnOnce() + 'static) {
    let Some(manager) = manager() else { return };
    let Some(request) = request_of(&manager) else { return };
    let options = Object::new();
    let _ = Reflect::set(&options, &"steal".into(), &steal.into());
    let granted = once_answering(move |_| {
        held();
        // Never settled: it is held as long as the page lives.
        Promise::new(&mut |_, _| {}).into()
    });
    let asked = request.call3(&manager, &name.into(), &options, &granted);
    if let Ok(asked) = asked {
        let _ = JsFuture::from(asked.unchecked_into::<Promise>()).await;
    }
}

fn request_of(manager: &JsValue) -> Option<Function> {
    Reflect::get(manager, &"request".into()).ok()?.dyn_into().ok()
}

fn manager() -> Option<JsValue> {
    let manager = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    manager.is_object().then_some(manager)
}

async fn ask(manager: &JsValue, name: &str, only_if_free: bool, limit: Duration) -> Option<Lock> {
    let request = request_of(manager)?;
    let options = Object::new();
    let _ = Reflect::set(&options, &"ifAvailable".into(), &only_if_free.into());
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let granted = Promise::new(&mut |resolve, _| {
        let held = held.clone();
        let grant = once_answering(move |lock| {
            let _ = resolve.call1(&JsValue::NULL, &lock);
            if lock.is_null() { JsValue::NULL } else { held.into() }
        });
        let _ = request.call3(manager, &name.into(), &options, &grant);
    });
    let lock = Lock { release, note: None };
    // Given up on, it is let go as soon as it is granted.
    within(limit, granted)
        .await
        .filter(|granted| !granted.is_null())
        .map(|_| lock)
}

fn note(name: &str) -> Option<Lock> {
    let key = [NOTE, name].concat();
    let until = storage::read(&key).and_then(|until| until.parse::<u64>().ok());
    let now = wall_clock_ms();
    if until.is_some_and(|until| (now..=now + NOTE_FOR_MS).contains(&until)) {
        return None;
    }
    storage::write(&key, &(now + NOTE_FOR_MS).to_string());
    Some(Lock {
        release: None,
        note: Some(key),
    })
}
