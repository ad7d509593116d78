//! What lies on this machine: the data directory, the secret, the built assets.

use std::io;
use std::path::PathBuf;

use resilient_drafts::Secrets;
use sqlx::sqlite::SqliteConnectOptions;

use super::Lookup;
use crate::keys::{self, secret_from_text};

#[derive(Clone)]
pub struct StorageSettings {
    /// `INKFAST_DATA_DIR`, default `data`.
    pub data_dir: PathBuf,
    /// `INKFAST_SECRET`; absent: the file `secret` in the data directory.
    pub secret: Option<[u8; 32]>,
    /// `INKFAST_NEXT_SECRET`: in use by servers that have changed over already.
    pub next_secret: Option<[u8; 32]>,
    /// `INKFAST_OLD_SECRETS`, the latest first, separated by commas or line breaks.
    pub old_secrets: Vec<[u8; 32]>,
    /// `INKFAST_ADMIN_PASSWORD`: the first account's password; used only while no account exists.
    pub admin_password: Option<String>,
    /// `INKFAST_API_TOKEN`: bearer token of `/health/detailed`.
    pub api_token: Option<String>,
    /// `INKFAST_SITE_DIR`, default `target/site`: where the build put assets.json and pkg/.
    pub site_dir: PathBuf,
}

impl StorageSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let secret = lookup("INKFAST_SECRET");
        if secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            problems.push("INKFAST_SECRET is too short; it takes at least 32 characters.".to_owned());
        }
        let next_secret = lookup("INKFAST_NEXT_SECRET");
        if next_secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            problems.push("INKFAST_NEXT_SECRET is too short; it takes at least 32 characters.".to_owned());
        }
        let old_secrets = lookup("INKFAST_OLD_SECRETS").unwrap_or_default();
        let old_secrets: Vec<&str> = parts_of(&old_secrets).collect();
        if old_secrets.iter().any(|secret| secret.len() < 32) {
            problems.push(
                "INKFAST_OLD_SECRETS has a secret that is too short; each has at least 32 characters. One with a comma in \
                 it takes a line of its own."
                    .to_owned(),
            );
        }
        let api_token = lookup("INKFAST_API_TOKEN");
        if api_token.as_ref().is_some_and(|token| token.len() < 16) {
            problems.push("INKFAST_API_TOKEN is too short; it takes at least 16 characters.".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            data_dir: data_dir(lookup),
            secret: secret.map(|secret| secret_from_text(&secret)),
            next_secret: next_secret.map(|secret| secret_from_text(&secret)),
            old_secrets: old_secrets.into_iter().map(secret_from_text).collect(),
            admin_password: lookup("INKFAST_ADMIN_PASSWORD"),
            api_token,
            site_dir: lookup("INKFAST_SITE_DIR").map_or_else(|| PathBuf::from("target/site"), PathBuf::from),
        })
    }

    /// The secret in use, made where there is none, and all others that are at hand.
    ///
    /// # Errors
    /// Where a file of them cannot be read or made.
    pub fn secrets(&self) -> io::Result<Secrets> {
        let present = match self.secret {
            Some(secret) => secret,
            None => keys::secret_from_file(&self.data_dir.join("secret"))?,
        };
        self.secrets_around(present)
    }

    /// The same where the secret in use is this one.
    ///
    /// # Errors
    /// Where an old secret's file cannot be read.
    pub fn secrets_around(&self, present: [u8; 32]) -> io::Result<Secrets> {
        let in_files = keys::old_secret_files(&self.data_dir)?;
        let old = self.old_secrets.iter().copied();
        Ok(Secrets {
            present,
            next: self.next_secret.into_iter().collect(),
            old: old.chain(in_files.into_iter().map(|(_, secret)| secret)).collect(),
        })
    }

    /// The demonstration's file.
    pub fn embedded_database(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.data_dir.join("inkfast.db"))
            .create_if_missing(true)
    }
}

/// By lines, or by commas where it is one line: a passphrase that has a comma in it takes a line of its own.
fn parts_of(list: &str) -> impl Iterator<Item = &str> {
    let by = if list.contains('\n') { '\n' } else { ',' };
    list.split(by).map(str::trim).filter(|part| !part.is_empty())
}

pub(super) fn data_dir(lookup: Lookup) -> PathBuf {
    lookup("INKFAST_DATA_DIR").map_or_else(|| PathBuf::from("data"), PathBuf::from)
}

impl std::fmt::Debug for StorageSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StorageSettings")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_secrets_stand_in_lines_or_between_commas() {
        let parts = |list| parts_of(list).collect::<Vec<_>>();
        assert_eq!(parts("one, two,"), ["one", "two"]);
        assert_eq!(parts("one, with a comma\n two \n"), ["one, with a comma", "two"]);
        assert!(parts("").is_empty());
    }
}
