//! How text lies on the device, where the page says how: an object `resilientSeal` that seals each entry under its name and
//! opens it again. Without one it lies there as it is.

use wasm_bindgen::prelude::*;

use crate::stored::EARLY;

/// What sealed entries begin with, and no JSON does.
const SEALED: &str = "s1.";

#[wasm_bindgen]
extern "C" {
    type Seal;

    #[wasm_bindgen(thread_local_v2, js_namespace = globalThis, js_name = resilientSeal)]
    static SEAL: Option<Seal>;

    #[wasm_bindgen(method, getter, js_name = isLocked)]
    fn is_locked(this: &Seal) -> Option<bool>;

    #[wasm_bindgen(method)]
    fn seal(this: &Seal, name: &str, text: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn open(this: &Seal, name: &str, entry: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn removed(this: &Seal, name: &str);
}

/// Whether text of the person's may lie here that nobody can read now.
pub fn is_locked() -> bool {
    SEAL.with(|seal| seal.as_ref()?.is_locked()) == Some(true)
}

/// What is to be stored for a text; `None` where it may not be.
pub fn sealed(name: &str, text: &str) -> Option<String> {
    SEAL.with(|seal| match seal {
        Some(seal) => seal.seal(name, text),
        None => Some(text.to_owned()),
    })
}

/// The text of what is stored. What cannot be opened stays as it is, and nobody can read it.
pub fn opened(name: &str, entry: String) -> String {
    if !entry.starts_with(SEALED) {
        return entry;
    }
    SEAL.with(|seal| seal.as_ref()?.open(name, &entry)).unwrap_or(entry)
}

/// Whether it could not be opened.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(SEALED)
}

pub fn removed(name: &str) {
    if name.starts_with(EARLY) {
        SEAL.with(|seal| {
            if let Some(seal) = seal {
                seal.removed(name);
            }
        });
    }
}
