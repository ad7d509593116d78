//! A backup that is being made: under a name that nobody takes for a backup's, and gone when it is not ended.

use std::path::{Path, PathBuf};

use tokio::runtime::RuntimeFlavor;

use super::manifest::{self, Manifest};
use super::{BackupError, kept_file};

const PREFIX: &str = ".partial-";

/// Removed when dropped, unless it was ended.
pub struct Partial {
    pub directory: PathBuf,
    ended: bool,
}

impl Partial {
    pub fn begin(shelf: &Path) -> Result<Self, BackupError> {
        let directory = shelf.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        kept_file::create_directory(&directory).map_err(|error| BackupError::of(&directory, &error))?;
        Ok(Self {
            directory,
            ended: false,
        })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The manifest is the last file, and the name the last step; each is on the disk before the next.
    pub fn end(mut self, manifest: &Manifest, directory: &Path) -> Result<(), BackupError> {
        use std::io::Write;
        let path = self.file(manifest::FILE);
        let of = |error: std::io::Error| BackupError::of(&path, &error);
        let bytes = serde_json::to_vec_pretty(manifest).map_err(|error| of(error.into()))?;
        let mut file = kept_file::create(&path).map_err(of)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(of)?;
        kept_file::sync_directory(&self.directory).map_err(of)?;
        std::fs::rename(&self.directory, directory).map_err(|error| BackupError::of(directory, &error))?;
        self.ended = true;
        let shelf = directory.parent().unwrap_or(directory);
        kept_file::sync_directory(shelf).map_err(|error| BackupError::of(shelf, &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let directory = std::mem::take(&mut self.directory);
        let remove = move || {
            if let Err(error) = std::fs::remove_dir_all(&directory) {
                tracing::warn!(%error, "a backup that was not ended could not be removed; the next one does it");
            }
        };
        // It may be large, and what drops it may have others to serve.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(remove)
            }
            _ => remove(),
        }
    }
}

pub fn is_partial(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Throws away what was begun and not ended. Only for who holds the shelf.
pub fn sweep(shelf: &Path) {
    for entry in std::fs::read_dir(shelf).into_iter().flatten().flatten() {
        if is_partial(&entry.file_name().to_string_lossy())
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "a backup that was not ended could not be removed");
        }
    }
}

/// Takes a backup its name before anything else: half of it is never taken for one.
pub fn remove(shelf: &Path, backup: &Path) -> std::io::Result<()> {
    let aside = shelf.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
    std::fs::rename(backup, &aside)?;
    std::fs::remove_dir_all(aside)
}
