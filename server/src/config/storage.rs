//! What lies on this machine: the data directory, the secret, the built assets.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;

use super::Lookup;
use crate::keys::secret_from_text;

#[derive(Clone)]
pub struct StorageSettings {
    /// `INKFAST_DATA_DIR`, default `data`.
    pub data_dir: PathBuf,
    /// `INKFAST_SECRET`; absent: the file `secret` in the data directory.
    pub secret: Option<[u8; 32]>,
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
            admin_password: lookup("INKFAST_ADMIN_PASSWORD"),
            api_token,
            site_dir: lookup("INKFAST_SITE_DIR").map_or_else(|| PathBuf::from("target/site"), PathBuf::from),
        })
    }

    /// The demonstration's file.
    pub fn embedded_database(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.data_dir.join("inkfast.db"))
            .create_if_missing(true)
    }
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
