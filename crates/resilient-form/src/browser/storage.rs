//! `localStorage`: small and synchronous, so it can still be written while the page goes away.

use std::cell::OnceCell;

use gloo_storage::{LocalStorage, Storage};

use super::dom::window;

thread_local! {
    static ALLOWED: OnceCell<bool> = const { OnceCell::new() };
}

/// Whether there is any storage. Asked once, before gloo is: it panics where storage is forbidden.
fn is_allowed() -> bool {
    ALLOWED.with(|allowed| *allowed.get_or_init(|| matches!(window().local_storage(), Ok(Some(_)))))
}

/// Characters above which an entry is IndexedDB's alone: writing more would be felt with each key.
const LARGEST: usize = 512 * 1024;

/// Whether it was written. What was there before stays if there is no room.
pub fn write(key: &str, value: &str) -> bool {
    value.len() <= LARGEST && is_allowed() && LocalStorage::raw().set_item(key, value).is_ok()
}

pub fn read(key: &str) -> Option<String> {
    if !is_allowed() {
        return None;
    }
    LocalStorage::raw().get_item(key).ok().flatten()
}

pub fn remove(key: &str) {
    if is_allowed() {
        let _ = LocalStorage::raw().remove_item(key);
    }
}

/// All entries whose key begins so, read one by one: one foreign value spoils nothing.
pub fn entries(prefix: &str) -> Vec<(String, String)> {
    if !is_allowed() {
        return Vec::new();
    }
    let storage = LocalStorage::raw();
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|at| storage.key(at).ok().flatten());
    let keys: Vec<String> = keys.filter(|key| key.starts_with(prefix)).collect();
    keys.into_iter()
        .filter_map(|key| read(&key).map(|value| (key, value)))
        .collect()
}
