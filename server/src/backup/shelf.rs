//! The directory that backups stand in: what is there, and who may change it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use app::ui::written;

use super::manifest::Manifest;
use super::partial::{self, Partial};
use super::retention::{self, Keep};
use super::{BackupError, Why, kept_file};

const LOCK: &str = ".lock";
const PREFIX: &str = "inkfast-";

/// A directory with backups in it. It need not be there yet.
#[derive(Clone, Debug)]
pub struct Shelf {
    pub directory: PathBuf,
}

/// A good backup, as far as its manifest and the sizes of its files tell.
#[derive(Clone, Debug)]
pub struct Backup {
    pub name: String,
    pub directory: PathBuf,
    pub manifest: Manifest,
}

/// Whoever holds it may add and remove backups: one at a time on this machine.
pub struct Held {
    shelf: Shelf,
    _lock: File,
}

impl Shelf {
    /// All good backups, the newest first. What is damaged is left out; `inkfast backup verify` says why.
    pub fn backups(&self) -> Vec<Backup> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut found: Vec<Backup> = entries.filter_map(|entry| Backup::read(&entry.path()).ok()).collect();
        found.sort_by(|a, b| (b.manifest.made_at_unix_ms, &b.name).cmp(&(a.manifest.made_at_unix_ms, &a.name)));
        found
    }

    /// The newest good one of a database.
    pub fn newest_of(&self, database: &str) -> Option<Backup> {
        self.backups()
            .into_iter()
            .find(|backup| backup.manifest.database.name == database)
    }

    /// By its name here, or by its path.
    pub fn find(&self, name: &Path) -> Result<Backup, BackupError> {
        let here = self.directory.join(name);
        let path = match here.is_dir() {
            true => here,
            false => name.to_owned(),
        };
        Backup::read(&path)
    }

    /// # Errors
    /// [`Why::Busy`] where somebody holds it.
    pub fn hold(&self) -> Result<Held, BackupError> {
        let of = |error: &std::io::Error| BackupError::of(&self.directory, error);
        std::fs::create_dir_all(&self.directory).map_err(|error| of(&error))?;
        let lock = File::create(self.directory.join(LOCK)).map_err(|error| of(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Held {
                shelf: self.clone(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => {
                let place = self.directory.display();
                Err(BackupError::new(
                    Why::Busy,
                    format!("Another backup is being made in {place}."),
                ))
            }
            Err(TryLockError::Error(error)) => Err(of(&error)),
        }
    }
}

impl Held {
    /// Begins one; whatever others have begun and not ended is thrown away first.
    pub fn begin(&self) -> Result<Partial, BackupError> {
        partial::sweep(&self.shelf.directory);
        Partial::begin(&self.shelf.directory)
    }

    /// Gives it its name: from here on it is a backup.
    pub fn end(&self, partial: Partial, manifest: &Manifest) -> Result<Backup, BackupError> {
        let name = name_at(manifest.made_at_unix_ms);
        let directory = self.shelf.directory.join(&name);
        partial.end(manifest, &directory)?;
        Ok(Backup {
            name,
            directory,
            manifest: manifest.clone(),
        })
    }

    /// Removes what is outlived of the same database, but never the one that was just made: a clock may have been set
    /// back. One that cannot be removed is told, and stays.
    pub fn sweep(&self, made: &Backup, keep: Keep) -> Vec<String> {
        let mut own = self.shelf.backups();
        own.retain(|backup| backup.manifest.database.name == made.manifest.database.name);
        let times: Vec<u64> = own.iter().map(|backup| backup.manifest.made_at_unix_ms).collect();
        let gone = retention::outlived(&times, keep);
        own.retain(|backup| gone.contains(&backup.manifest.made_at_unix_ms) && backup.name != made.name);
        let mut removed = Vec::new();
        for backup in own {
            match partial::remove(&self.shelf.directory, &backup.directory) {
                Ok(()) => removed.push(backup.name),
                Err(error) => tracing::warn!(%error, backup = backup.name, "an old backup could not be removed"),
            }
        }
        removed
    }
}

impl Backup {
    fn read(directory: &Path) -> Result<Self, BackupError> {
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let damaged = |what: String| BackupError::new(Why::Damaged, format!("{}: {what}", directory.display()));
        if partial::is_partial(&name) {
            return Err(damaged("it was begun and not ended.".to_owned()));
        }
        let manifest = Manifest::read(directory)?;
        for file in &manifest.files {
            let there = std::fs::metadata(directory.join(&file.name));
            match there {
                Ok(there) if there.len() == file.bytes => {}
                Ok(there) => {
                    let what = format!("{} has {} bytes instead of {}.", file.name, there.len(), file.bytes);
                    return Err(damaged(what));
                }
                Err(error) => return Err(damaged(format!("{} cannot be read: {error}.", file.name))),
            }
        }
        Ok(Self {
            name,
            directory: directory.to_owned(),
            manifest,
        })
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// [`Why::Damaged`] where a byte is not what it was.
    pub async fn check(&self) -> Result<(), BackupError> {
        for file in &self.manifest.files {
            let path = self.file(&file.name);
            let digest = kept_file::digest(&path).await;
            let digest = digest.map_err(|error| BackupError::of(&path, &error))?;
            if digest.sha256 != file.sha256 || digest.bytes != file.bytes {
                let words = format!("{} is not what it was: its checksum is another one.", path.display());
                return Err(BackupError::new(Why::Damaged, words));
            }
        }
        Ok(())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// `inkfast-20261126-170301-042`: sorts by time.
fn name_at(unix_ms: u64) -> String {
    let moment = written::moment(unix_ms);
    let digits: String = moment.chars().filter(char::is_ascii_digit).collect();
    let (day, minute) = digits.split_at(8);
    let (seconds, ms) = (unix_ms / 1_000 % 60, unix_ms % 1_000);
    format!("{PREFIX}{day}-{minute}{seconds:02}-{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_it_was_made() {
        assert_eq!(name_at(1_795_232_712_045), "inkfast-20261121-034512-045");
    }
}
