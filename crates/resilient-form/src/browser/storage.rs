//! `localStorage`: small and synchronous, so it can still be written while the page goes away.

use std::cell::OnceCell;

use web_sys::Storage;

use super::dom::window;
use super::seal;

thread_local! {
    static STORAGE: OnceCell<Option<Storage>> = const { OnceCell::new() };
}

/// `None` where storage is forbidden. Asked once.
fn storage() -> Option<Storage> {
    STORAGE.with(|storage| storage.get_or_init(|| window().local_storage().ok().flatten()).clone())
}

/// Characters above which an entry is IndexedDB's alone: writing more would be felt with each key.
const LARGEST: usize = 512 * 1024;

/// Whether it was written. What was there before stays if there is no room.
pub fn write(key: &str, value: &str) -> bool {
    let written = |entry: String| storage().is_some_and(|storage| storage.set_item(key, &entry).is_ok());
    value.len() <= LARGEST && seal::sealed(key, value).is_some_and(written)
}

pub fn read(key: &str) -> Option<String> {
    Some(seal::opened(key, storage()?.get_item(key).ok().flatten()?))
}

pub fn remove(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
    seal::removed(key);
}

/// All entries whose key begins so, read one by one: one foreign value spoils nothing.
pub fn entries(prefix: &str) -> Vec<(String, String)> {
    let Some(storage) = storage() else {
        return Vec::new();
    };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|at| storage.key(at).ok().flatten());
    let keys: Vec<String> = keys.filter(|key| key.starts_with(prefix)).collect();
    keys.into_iter()
        .filter_map(|key| read(&key).map(|value| (key, value)))
        .collect()
}
