//! A file for a database's program to read, with what is not for other eyes. It goes when nobody needs it any more; what
//! a killed process has left is swept by the next one.

use std::fs::{File, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BackupError, kept_file};

const PREFIX: &str = "inkfast-";
const SUFFIX: &str = ".handed";
/// Whoever has just made one may not have locked it yet.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// Readable by this user alone, locked as long as it is needed, removed when dropped.
pub struct Handed {
    pub path: PathBuf,
    _locked: File,
}

impl Handed {
    /// Where everybody's temporary files are: beside nothing of anybody's.
    pub fn write(text: &str) -> Result<Self, BackupError> {
        Self::write_in(&std::env::temp_dir(), text)
    }

    pub fn write_in(directory: &Path, text: &str) -> Result<Self, BackupError> {
        let path = directory.join(format!("{PREFIX}{}{SUFFIX}", uuid::Uuid::new_v4().simple()));
        let of = |error: std::io::Error| BackupError::of(&path, &error);
        let mut file = kept_file::create(&path).map_err(of)?;
        let written = file.lock().and_then(|()| file.write_all(text.as_bytes()));
        let handed = Self {
            path: path.clone(),
            _locked: file,
        };
        written.map_err(of)?;
        Ok(handed)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, file = %self.path.display(), "a file with a password in it could not be removed");
        }
    }
}

/// Removes what killed processes have left among everybody's temporary files.
pub async fn sweep() {
    let swept = tokio::task::spawn_blocking(|| sweep_in(&std::env::temp_dir(), LEFT_AFTER));
    if let Err(error) = swept.await {
        tracing::debug!(%error, "what others have left is not swept");
    }
}

fn sweep_in(directory: &Path, left_after: Duration) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_ours(&entry.file_name().to_string_lossy()) && is_left(&path, left_after) {
            match std::fs::remove_file(&path) {
                Ok(()) => tracing::info!(file = %path.display(), "what a killed process had left was removed"),
                Err(error) => tracing::debug!(%error, file = %path.display(), "it could not be removed"),
            }
        }
    }
}

fn is_ours(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Nobody holds it.
fn is_left(path: &Path, after: Duration) -> bool {
    // Anybody may put what they like under such a name: opening a pipe, say, waits for somebody at its other end.
    let is_ours = std::fs::symlink_metadata(path).is_ok_and(|seen| seen.is_file() && is_own(&seen));
    if !is_ours {
        return false;
    }
    let Ok(file) = File::open(path) else { return false };
    let made = file.metadata().and_then(|metadata| metadata.modified());
    let age = made.ok().and_then(|made| made.elapsed().ok()).unwrap_or_default();
    age >= after && file.try_lock().is_ok()
}

#[cfg(unix)]
fn is_own(seen: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    seen.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_seen: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_when_nobody_needs_it_and_a_left_one_with_the_next_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let names = std::fs::read_dir(folder.path()).unwrap().flatten();
            let mut names: Vec<String> = names
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        let held = Handed::write_in(folder.path(), "secret").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&held.path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        // As `kill -9` leaves it: there, and not locked.
        let left = folder.path().join(format!("{PREFIX}{}{SUFFIX}", "a".repeat(32)));
        std::fs::write(&left, "secret").unwrap();
        std::fs::write(folder.path().join("inkfast-other.handed"), "somebody else's").unwrap();
        sweep_in(folder.path(), Duration::from_secs(60));
        assert_eq!(names().len(), 3, "it may just have been made");
        sweep_in(folder.path(), Duration::ZERO);
        assert_eq!(names().len(), 2);
        assert!(held.path.exists() && !left.exists());
        drop(held);
        assert_eq!(names(), ["inkfast-other.handed"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_under_such_a_name_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join(format!("{PREFIX}{}{SUFFIX}", "b".repeat(32)));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let (told, swept) = std::sync::mpsc::channel();
        let directory = folder.path().to_owned();
        std::thread::spawn(move || {
            sweep_in(&directory, Duration::ZERO);
            told.send(()).unwrap();
        });
        swept.recv_timeout(Duration::from_secs(30)).expect("it comes back");
        assert!(pipe.exists(), "it is somebody else's");
    }
}
