//! The session cookie's content and its life.

use resilient_drafts::seal::Sealer;
use serde::{Deserialize, Serialize};

/// Without a request that counts for this long, one is signed out.
pub const IDLE_MS: u64 = 30 * 60 * 1000;
/// However busy: after this long one signs in again.
pub const ABSOLUTE_MS: u64 = 12 * 60 * 60 * 1000;
/// A cookie younger than this is not written anew.
const RENEW_AFTER_MS: u64 = 60 * 1000;

/// What the sealed cookie holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    #[serde(rename = "a")]
    pub account: String,
    /// Names the session for revocation.
    #[serde(rename = "s")]
    pub id: String,
    /// The account's epoch at sign-in: raising it ends all its sessions.
    #[serde(rename = "e")]
    pub epoch: i64,
    /// Unix time in milliseconds.
    #[serde(rename = "i")]
    pub issued_at_ms: u64,
    /// Unix time in milliseconds of the last request that counted.
    #[serde(rename = "l")]
    pub seen_at_ms: u64,
}

impl Session {
    pub fn is_over(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.seen_at_ms) > IDLE_MS || now_ms.saturating_sub(self.issued_at_ms) > ABSOLUTE_MS
    }

    /// The same session seen now, where the cookie is old enough to be worth writing.
    pub fn renewed(&self, now_ms: u64) -> Option<Self> {
        (now_ms.saturating_sub(self.seen_at_ms) > RENEW_AFTER_MS).then(|| Self {
            seen_at_ms: now_ms,
            ..self.clone()
        })
    }

    pub fn seal(&self, sealer: &Sealer) -> String {
        sealer.seal(
            b"",
            &serde_json::to_vec(self).expect("a session is plain text and numbers"),
        )
    }

    pub fn open(sealer: &Sealer, text: &str) -> Option<Self> {
        serde_json::from_slice(&sealer.open(b"", text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_idle_and_after_half_a_day() {
        let session = Session {
            account: "anna".into(),
            id: "1".into(),
            epoch: 1,
            issued_at_ms: 0,
            seen_at_ms: 0,
        };
        assert!(!session.is_over(IDLE_MS));
        assert!(session.is_over(IDLE_MS + 1));
        let busy = Session {
            seen_at_ms: ABSOLUTE_MS,
            ..session.clone()
        };
        assert!(!busy.is_over(ABSOLUTE_MS));
        assert!(busy.is_over(ABSOLUTE_MS + 1));
        assert_eq!(session.renewed(1000), None);
        assert_eq!(
            session.renewed(IDLE_MS).map(|renewed| renewed.seen_at_ms),
            Some(IDLE_MS)
        );
    }

    #[test]
    fn a_cookie_made_with_another_secret_is_nobody() {
        let session = Session {
            account: "anna".into(),
            id: "1".into(),
            epoch: 1,
            issued_at_ms: 0,
            seen_at_ms: 0,
        };
        let cookie = session.seal(&Sealer::new(&[1; 32], "s"));
        assert_eq!(Session::open(&Sealer::new(&[1; 32], "s"), &cookie), Some(session));
        assert_eq!(Session::open(&Sealer::new(&[2; 32], "s"), &cookie), None);
    }
}
