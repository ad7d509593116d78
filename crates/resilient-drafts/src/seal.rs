//! Authenticated encryption for what is kept, or handed out, and must come back unchanged.
//!
//! XChaCha20-Poly1305 with a random nonce per message (24 bytes: no counting needed), under a key
//! that HKDF-SHA-256 derives from the secret for one purpose, so that a text sealed for one use
//! never opens in another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

/// First byte of everything sealed; another one for another format.
const FORMAT: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No sealer has ever made this.
    #[error("not a sealed text")]
    Malformed,
    /// It has the right form, but was sealed with another secret, for another purpose, bound to
    /// something else, or was changed.
    #[error("sealed with another key, or changed since")]
    WrongKey,
}

/// Seals and opens for one purpose.
#[derive(Clone)]
pub struct Sealer {
    /// Tells texts of other keys apart without trying; derived from the key, and tells nothing of it.
    key_id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// A sealer whose texts open only with the same secret and purpose. `purpose` is a constant
    /// such as `"session"`; two uses of one secret take two.
    pub fn new(secret: &[u8; 32], purpose: &'static str) -> Self {
        let expander = Hkdf::<Sha256>::new(Some(b"resilient seal 1"), secret);
        let derive = |part: &str, out: &mut [u8]| {
            let info = [purpose.as_bytes(), b"\0", part.as_bytes()].concat();
            // It fails only above 8160 bytes.
            expander.expand(&info, out).expect("a key of 32 bytes can be derived");
        };
        let (mut key, mut key_id) = ([0; 32], [0; KEY_ID]);
        derive("key", &mut key);
        derive("key id", &mut key_id);
        Self {
            key_id,
            cipher: XChaCha20Poly1305::new(&key.into()),
        }
    }

    /// Seals `plain` as base64url text without padding, 60 characters longer than the plain text's.
    /// It opens only with the same `bound_to` (see [`binding`]), which is not part of the text.
    ///
    /// # Panics
    /// Where the operating system has no random numbers.
    pub fn seal(&self, bound_to: &[u8], plain: &[u8]) -> String {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).expect("the operating system has random numbers");
        let payload = Payload {
            msg: plain,
            aad: bound_to,
        };
        // It fails only above 256 GiB.
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("what fits into memory can be sealed");
        URL_SAFE_NO_PAD.encode([&[FORMAT], &self.key_id[..], &nonce, &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for what was never sealed, [`SealError::WrongKey`] for what was, but
    /// cannot be opened here.
    pub fn open(&self, bound_to: &[u8], text: &str) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?;
        let (format, rest) = bytes.split_first().ok_or(SealError::Malformed)?;
        if *format != FORMAT || rest.len() < KEY_ID + NONCE + TAG {
            return Err(SealError::Malformed);
        }
        let (key_id, rest) = rest.split_at(KEY_ID);
        let (nonce, sealed) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::Malformed)?;
        if key_id != self.key_id {
            return Err(SealError::WrongKey);
        }
        let payload = Payload {
            msg: sealed,
            aad: bound_to,
        };
        self.cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::WrongKey)
    }
}

/// A key for one purpose, for uses other than sealing (an HMAC). It is none of a [`Sealer`]'s.
pub fn derive_key(secret: &[u8; 32], purpose: &'static str) -> [u8; 32] {
    let mut key = [0; 32];
    derive(secret, &[purpose], &mut key);
    key
}

/// Binds a sealed text to several things: each part with its length before it, so that `["ab", "c"]`
/// is not `["a", "bc"]`.
pub fn binding(parts: &[&str]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| [&(part.len() as u64).to_le_bytes()[..], part.as_bytes()].concat())
        .collect()
}

fn derive(secret: &[u8; 32], purpose: &[&str], key: &mut [u8]) {
    let expander = Hkdf::<Sha256>::new(Some(b"resilient seal 1"), secret);
    // It fails only above 8160 bytes.
    expander
        .expand(&binding(purpose), key)
        .expect("a key of 32 bytes can be derived");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(purpose: &'static str) -> Sealer {
        Sealer::new(&[7; 32], purpose)
    }

    #[test]
    fn what_was_sealed_opens_again_and_never_looks_the_same_twice() {
        let (one, other) = (sealer("a").seal(b"x", b"text"), sealer("a").seal(b"x", b"text"));
        assert_ne!(one, other);
        assert_eq!(sealer("a").open(b"x", &one), Ok(b"text".to_vec()));
        assert_eq!(sealer("a").open(b"x", &other), Ok(b"text".to_vec()));
        assert_eq!(sealer("a").seal(b"", b"").len(), 60);
    }

    #[test]
    fn another_secret_purpose_or_binding_does_not_open_it() {
        let text = sealer("a").seal(&binding(&["ab", "c"]), b"text");
        assert_eq!(
            Sealer::new(&[8; 32], "a").open(&binding(&["ab", "c"]), &text),
            Err(SealError::WrongKey)
        );
        assert_eq!(
            sealer("b").open(&binding(&["ab", "c"]), &text),
            Err(SealError::WrongKey)
        );
        assert_eq!(
            sealer("a").open(&binding(&["a", "bc"]), &text),
            Err(SealError::WrongKey)
        );
        assert_eq!(sealer("a").open(&binding(&["ab"]), &text), Err(SealError::WrongKey));
    }

    #[test]
    fn a_changed_text_does_not_open_and_one_that_was_never_sealed_is_malformed() {
        let text = sealer("a").seal(b"", b"some text");
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'Q' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealer("a").open(b"", &changed).is_err(), "{changed}");
        }
        for never in [
            "",
            "A",
            "x y",
            &text[..50],
            "____________________________________________________________",
        ] {
            assert_eq!(sealer("a").open(b"", never), Err(SealError::Malformed), "{never:?}");
        }
    }
}
