//! Password hashes: Argon2id with the library's parameters (19 MiB, 2 passes, 1 lane), two at a time,
//! so that a burst of sign-ins cannot take all processors or the memory.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

const AT_A_TIME: usize = 2;

#[derive(Clone)]
pub struct Passwords {
    slots: Arc<Semaphore>,
    /// The hash of a password nobody has, so that an unknown account takes as long as a known one.
    decoy: Arc<str>,
}

impl Passwords {
    pub fn new() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(AT_A_TIME)),
            decoy: hash_now(&random_password()).into(),
        }
    }

    /// A PHC string with a random salt.
    pub async fn hash(&self, password: String) -> String {
        self.in_slot(move || hash_now(&password)).await
    }

    /// Whether `password` is the one of `hash`. Without a hash it takes as long and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> bool {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let matches = self
            .in_slot(move || {
                PasswordHash::new(&hash)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await;
        known && matches
    }

    async fn in_slot<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn hash_now(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes())
        .expect("the default parameters are valid")
        .to_string()
}

/// 20 characters without look-alikes: 98 bits.
pub fn random_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
    let mut bytes = [0u8; 20];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
        .iter()
        .map(|byte| LETTERS[usize::from(byte % 32)] as char)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_passes() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".to_owned()).await;
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".to_owned(), Some(hash.clone())).await);
        assert!(!passwords.verify("wrong horse".to_owned(), Some(hash)).await);
        assert!(!passwords.verify("correct horse".to_owned(), None).await);
    }
}
