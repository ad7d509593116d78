//! What a backup says of itself. No password, no key.

use std::path::Path;

use app::ui::written;
use serde::{Deserialize, Serialize};

use super::kept_file::Digest;
use super::{BackupError, Rows, Why};

/// Its name in a backup's directory.
pub const FILE: &str = "manifest.json";
/// Of what is written here. One that is larger was made by a later Inkfast.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The moment of the copy, or just before it.
    pub made_at_unix_ms: u64,
    /// The same for people.
    pub made_at: String,
    pub took_ms: u64,
    pub inkfast_version: String,
    pub database: DatabasePart,
    /// Whether drafts were kept in a Redis then, of which nothing is in here.
    pub drafts_in_redis: bool,
    /// What the copy cannot promise, in words for the operator.
    #[serde(default)]
    pub cautions: Vec<String>,
    /// Tells one secret from another: drafts can be read again only with the one they were kept with.
    pub secret_mark: String,
    pub files: Vec<FilePart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabasePart {
    pub kind: String,
    pub server_version: String,
    /// Which one, without a password.
    pub name: String,
    /// The last step of Inkfast's own tables; 0 without them.
    pub migration: i64,
    pub rows: Rows,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Manifest {
    pub fn new(made_at_unix_ms: u64, database: DatabasePart, secret_mark: String) -> Self {
        Self {
            format: FORMAT,
            made_at_unix_ms,
            made_at: written::moment(made_at_unix_ms),
            took_ms: 0,
            inkfast_version: env!("CARGO_PKG_VERSION").to_owned(),
            database,
            drafts_in_redis: false,
            cautions: Vec::new(),
            secret_mark,
            files: Vec::new(),
        }
    }

    pub fn add(&mut self, name: &str, digest: Digest) {
        self.files.push(FilePart {
            name: name.to_owned(),
            bytes: digest.bytes,
            sha256: digest.sha256,
        });
    }

    pub fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// # Errors
    /// Where there is none, or one that this version cannot understand.
    pub fn read(directory: &Path) -> Result<Self, BackupError> {
        let damaged = |what: String| BackupError::new(Why::Damaged, format!("{}: {what}", directory.display()));
        let bytes = std::fs::read(directory.join(FILE))
            .map_err(|error| damaged(format!("no backup, its manifest cannot be read: {error}.")))?;
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(format!("its manifest is damaged: {error}.")))?;
        if manifest.format > FORMAT {
            let by = &manifest.inkfast_version;
            return Err(damaged(format!("it was made by a later Inkfast ({by}).")));
        }
        // A name leads nowhere else.
        let plain = |file: &FilePart| !file.name.is_empty() && !file.name.contains(['/', '\\']) && file.name != "..";
        if !manifest.files.iter().all(plain) {
            return Err(damaged("its manifest names files elsewhere.".to_owned()));
        }
        Ok(manifest)
    }
}
