//! Authenticated encryption for what is kept, or handed out, and must come back unchanged.
//!
//! XChaCha20-Poly1305 with a random nonce per message (24 bytes: no counting needed), under a key
//! that HKDF-SHA-256 derives from the secret for one purpose, so that a text sealed for one use
//! never opens in another.

use std::sync::Arc;

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

/// The secret that seals, and others whose texts open as well, so that one can take the place of another while
/// nothing is lost.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Everything new is sealed with it.
    pub present: [u8; 32],
    /// In use by servers that have changed over already. What they seal opens, and is left as it is.
    pub next: Vec<[u8; 32]>,
    /// No longer in use, the oldest last. What they sealed opens, and is sealed anew bit by bit.
    pub old: Vec<[u8; 32]>,
}

impl Secrets {
    /// All, the present one first, each once.
    pub fn all(&self) -> Vec<[u8; 32]> {
        let mut all = vec![self.present];
        for secret in self.next.iter().chain(&self.old) {
            if !all.contains(secret) {
                all.push(*secret);
            }
        }
        all
    }
}

impl From<[u8; 32]> for Secrets {
    fn from(present: [u8; 32]) -> Self {
        Self {
            present,
            next: Vec::new(),
            old: Vec::new(),
        }
    }
}

/// Seals and opens for one purpose.
#[derive(Clone)]
pub struct Sealer {
    /// In the order of [`Secrets::all`]: the first one seals.
    keys: Arc<[Key]>,
}

struct Key {
    /// Tells texts of other keys apart without trying; derived from the key, and tells nothing of it.
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
    is_old: bool,
}

/// What was opened, and which of the secrets had sealed it: its place in [`Secrets::all`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub plain: Vec<u8>,
    pub sealed_by: usize,
}

impl Sealer {
    /// A sealer whose texts open only with the same secret and purpose. `purpose` is a constant
    /// such as `"session"`; two uses of one secret take two.
    pub fn new(secret: &[u8; 32], purpose: &'static str) -> Self {
        Self::of(&Secrets::from(*secret), purpose)
    }

    /// The same for one that opens texts of other secrets as well.
    pub fn of(secrets: &Secrets, purpose: &'static str) -> Self {
        let key = |secret: [u8; 32]| {
            let is_newer = secret == secrets.present || secrets.next.contains(&secret);
            Key::of(&secret, purpose, !is_newer)
        };
        Self {
            keys: secrets.all().into_iter().map(key).collect(),
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
        let key = &self.keys[0];
        // It fails only above 256 GiB.
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("what fits into memory can be sealed");
        URL_SAFE_NO_PAD.encode([&[FORMAT], &key.id[..], &nonce, &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for what was never sealed, [`SealError::WrongKey`] for what was, but
    /// cannot be opened here.
    pub fn open(&self, bound_to: &[u8], text: &str) -> Result<Vec<u8>, SealError> {
        self.open_and_tell(bound_to, text).map(|opened| opened.plain)
    }

    /// The same, and which of the secrets had sealed it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_and_tell(&self, bound_to: &[u8], text: &str) -> Result<Opened, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?;
        let (format, rest) = bytes.split_first().ok_or(SealError::Malformed)?;
        if *format != FORMAT || rest.len() < KEY_ID + NONCE + TAG {
            return Err(SealError::Malformed);
        }
        let (key_id, rest) = rest.split_at(KEY_ID);
        let (nonce, sealed) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::Malformed)?;
        let opened = self.keys.iter().enumerate().find_map(|(sealed_by, key)| {
            let payload = Payload {
                msg: sealed,
                aad: bound_to,
            };
            let plain = (key.id == key_id).then(|| key.cipher.decrypt(&XNonce::from(nonce), payload).ok())??;
            Some(Opened { plain, sealed_by })
        });
        opened.ok_or(SealError::WrongKey)
    }

    /// Which of the secrets a text says it was sealed with: its place in [`Secrets::all`]. `None` where none of
    /// these did, or it is no sealed text. Nothing is opened for that.
    pub fn sealed_by(&self, text: &str) -> Option<usize> {
        let key_id = key_id_of(text)?;
        self.keys.iter().position(|key| key.id == key_id)
    }

    /// Whether a text was sealed, and with none of these secrets, as far as it says.
    pub fn is_of_another_secret(&self, text: &str) -> bool {
        key_id_of(text).is_some() && self.sealed_by(text).is_none()
    }

    /// Whether a text was sealed with a secret that is no longer in use.
    pub fn is_old(&self, text: &str) -> bool {
        self.sealed_by(text).is_some_and(|key| self.keys[key].is_old)
    }
}

/// Eight characters are six bytes: the format, the key id, and one more.
fn key_id_of(text: &str) -> Option<[u8; KEY_ID]> {
    let head = URL_SAFE_NO_PAD.decode(text.get(..8)?).ok()?;
    let (format, rest) = head.split_first()?;
    (*format == FORMAT).then(|| rest.get(..KEY_ID)?.try_into().ok())?
}

impl Key {
    fn of(secret: &[u8; 32], purpose: &'static str, is_old: bool) -> Self {
        let expander = Hkdf::<Sha256>::new(Some(b"resilient seal 1"), secret);
        let derive = |part: &str, out: &mut [u8]| {
            let info = [purpose.as_bytes(), b"\0", part.as_bytes()].concat();
            // It fails only above 8160 bytes.
            expander.expand(&info, out).expect("a key of 32 bytes can be derived");
        };
        let (mut key, mut id) = ([0; 32], [0; KEY_ID]);
        derive("key", &mut key);
        derive("key id", &mut id);
        Self {
            id,
            cipher: XChaCha20Poly1305::new(&key.into()),
            is_old,
        }
    }
}

/// A key for one purpose, for uses other than sealing (an HMAC). It is none of a [`Sealer`]'s.
pub fn derive_key(secret: &[u8; 32], purpose: &'static str) -> [u8; 32] {
    let mut key = [0; 32];
    derive(secret, &[purpose], &mut key);
    key
}

/// The same for each of many, such as an account: two names have two keys.
pub fn derive_key_for(secret: &[u8; 32], purpose: &'static str, name: &str) -> [u8; 32] {
    let mut key = [0; 32];
    derive(secret, &[purpose, name], &mut key);
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

    fn ring(present: u8, next: &[u8], old: &[u8]) -> Secrets {
        let secrets = |numbers: &[u8]| numbers.iter().map(|number| [*number; 32]).collect();
        Secrets {
            present: [present; 32],
            next: secrets(next),
            old: secrets(old),
        }
    }

    #[test]
    fn what_an_old_or_the_next_secret_sealed_opens_and_what_is_new_is_sealed_with_the_present_one() {
        let of = |secrets: &Secrets| Sealer::of(secrets, "a");
        let now = of(&ring(3, &[4], &[2, 1]));
        for (secret, place, is_old) in [(3, 0, false), (4, 1, false), (2, 2, true), (1, 3, true)] {
            let text = of(&ring(secret, &[], &[])).seal(b"x", b"text");
            let opened = now.open_and_tell(b"x", &text).unwrap();
            assert_eq!((&opened.plain[..], opened.sealed_by), (&b"text"[..], place));
            assert_eq!((now.sealed_by(&text), now.is_old(&text)), (Some(place), is_old));
            assert_eq!(now.open(b"y", &text), Err(SealError::WrongKey), "bound all the same");
        }
        let unknown = of(&ring(9, &[], &[])).seal(b"x", b"text");
        assert_eq!(now.open(b"x", &unknown), Err(SealError::WrongKey));
        assert_eq!((now.sealed_by(&unknown), now.sealed_by("x")), (None, None));
        let new = now.seal(b"x", b"text");
        assert_eq!(of(&ring(3, &[], &[])).open(b"x", &new), Ok(b"text".to_vec()));
    }

    #[test]
    fn a_secret_that_is_named_twice_is_one() {
        let secrets = ring(1, &[2, 1], &[2, 3, 1]);
        assert_eq!(secrets.all(), [[1; 32], [2; 32], [3; 32]]);
        let text = Sealer::new(&[2; 32], "a").seal(b"", b"text");
        assert!(!Sealer::of(&secrets, "a").is_old(&text), "it is in use elsewhere");
    }
}
