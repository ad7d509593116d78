//! Seals what a browser keeps on a device: ChaCha20-Poly1305 (RFC 8439), one entry at a time, bound to the name it is stored
//! under, so that none can stand in another's place.
//!
//! It is synchronous, which the browser's own cryptography is not: a page that is left writes its last text at once or
//! never. And it is there on plain http, which that is not, either.
//!
//! A nonce is 96 random bits. A device that writes ten entries a second under one key for ten years writes 2^32 of them, and
//! two share a nonce with a probability of 2^-33.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};

/// What every sealed entry begins with; another one for another format. No entry that is not sealed begins so: those are
/// JSON.
pub const FORMAT: &str = "s1.";
pub const NONCE: usize = 12;
const TAG: usize = 16;

/// [`FORMAT`], and nonce, sealed text and tag as base64url. `None` only where the text is longer than 256 GiB.
pub fn seal(key: &[u8; 32], nonce: &[u8; NONCE], name: &str, text: &str) -> Option<String> {
    let mut sealed = [&nonce[..], text.as_bytes()].concat();
    let tag = ChaCha20Poly1305::new(&Key::from(*key)).encrypt_inout_detached(
        &Nonce::from(*nonce),
        name.as_bytes(),
        (&mut sealed[NONCE..]).into(),
    );
    sealed.extend_from_slice(&tag.ok()?);
    let mut entry = FORMAT.to_owned();
    URL_SAFE_NO_PAD.encode_string(&sealed, &mut entry);
    Some(entry)
}

/// The text; `None` for what was sealed with another key or under another name, was changed since, or never was sealed.
pub fn open(key: &[u8; 32], name: &str, entry: &str) -> Option<String> {
    let mut sealed = URL_SAFE_NO_PAD.decode(entry.strip_prefix(FORMAT)?).ok()?;
    let tag = sealed.split_off(sealed.len().checked_sub(TAG)?);
    let tag: [u8; TAG] = tag.try_into().ok()?;
    let (nonce, text) = sealed.split_first_chunk_mut::<NONCE>()?;
    ChaCha20Poly1305::new(&Key::from(*key))
        .decrypt_inout_detached(
            &Nonce::from(*nonce),
            name.as_bytes(),
            (&mut *text).into(),
            &Tag::from(tag),
        )
        .ok()?;
    String::from_utf8(text.to_vec()).ok()
}

/// For a script: keys and nonces are its bytes, and what does not fit answers `undefined`.
#[cfg(target_arch = "wasm32")]
mod exports {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    pub fn seal(key: &[u8], nonce: &[u8], name: &str, text: &str) -> Option<String> {
        super::seal(key.try_into().ok()?, nonce.try_into().ok()?, name, text)
    }

    #[wasm_bindgen]
    pub fn open(key: &[u8], name: &str, entry: &str) -> Option<String> {
        super::open(key.try_into().ok()?, name, entry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const NAME: &str = "inkfast:1:draft:anna:site/1:0123";

    fn sealed(text: &str) -> String {
        seal(&KEY, &[1; NONCE], NAME, text).expect("a short text")
    }

    #[test]
    fn it_is_the_cipher_of_rfc_8439() {
        // Section 2.8.2: the key, the nonce, and the first bytes of what its text becomes.
        let key: [u8; 32] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                    sunscreen would be it.";
        let entry = seal(&key, &nonce, "", text).expect("a short text");
        let bytes = URL_SAFE_NO_PAD.decode(&entry[FORMAT.len()..]).expect("base64url");
        assert_eq!(bytes[..NONCE], nonce);
        assert_eq!(bytes[NONCE..][..8], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
        assert_eq!(bytes.len(), NONCE + text.len() + TAG);
    }

    #[test]
    fn it_opens_only_with_its_key_under_its_name_and_unchanged() {
        let entry = sealed("{\"v\":1}");
        assert_eq!(open(&KEY, NAME, &entry).as_deref(), Some("{\"v\":1}"));
        assert_eq!(open(&[8; 32], NAME, &entry), None);
        assert_eq!(open(&KEY, "inkfast:1:draft:anna:site/2:0123", &entry), None);
        for at in FORMAT.len()..entry.len() {
            let mut other = entry.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).expect("ASCII");
            assert_eq!(open(&KEY, NAME, &other), None, "{at}");
        }
        for short in ["", FORMAT, "s1.AAAA", "s2.AAAA", "{\"v\":1}", &entry[..entry.len() - 4]] {
            assert_eq!(open(&KEY, NAME, short), None, "{short}");
        }
    }

    #[test]
    fn nothing_of_the_text_is_in_the_entry() {
        let (one, other) = (sealed("the same text"), seal(&KEY, &[2; NONCE], NAME, "the same text"));
        assert!(!one.contains("same"));
        assert_ne!(Some(one), other);
    }

    proptest! {
        #[test]
        fn whatever_was_sealed_comes_back(key: [u8; 32], nonce: [u8; NONCE], name: String, text: String) {
            let entry = seal(&key, &nonce, &name, &text).expect("a short text");
            prop_assert_eq!(open(&key, &name, &entry), Some(text));
        }
    }
}
