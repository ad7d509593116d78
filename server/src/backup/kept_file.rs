//! Files of a backup: readable by their owner alone, on the disk before they count, with a checksum.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::BackupError;

const AT_ONCE: usize = 1 << 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub bytes: u64,
    pub sha256: String,
}

/// Makes a file that is not there yet.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a directory that is not there yet.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// What was made, renamed or removed in a directory is on the disk after this.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened.
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Writes all that `from` gives to a new file, and shows it to `seen` on the way.
pub async fn write(
    mut from: impl AsyncRead + Unpin,
    path: &Path,
    mut seen: impl FnMut(&[u8]),
) -> Result<Digest, BackupError> {
    let of = |error: io::Error| BackupError::of(path, &error);
    let mut to = tokio::fs::File::from_std(create(path).map_err(of)?);
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; AT_ONCE];
    loop {
        let read = from.read(&mut chunk).await.map_err(of)?;
        if read == 0 {
            break;
        }
        to.write_all(&chunk[..read]).await.map_err(of)?;
        hash.update(&chunk[..read]);
        seen(&chunk[..read]);
        bytes += read as u64;
    }
    to.flush().await.map_err(of)?;
    to.sync_all().await.map_err(of)?;
    Ok(Digest {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Copies a file to a new one.
pub async fn copy(from: &Path, to: &Path) -> Result<Digest, BackupError> {
    let source = tokio::fs::File::open(from).await;
    let source = source.map_err(|error| BackupError::of(from, &error))?;
    write(source, to, |_| {}).await
}

/// Reads a file to its end.
pub async fn digest(path: &Path) -> io::Result<Digest> {
    let mut from = tokio::fs::File::open(path).await?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; AT_ONCE];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
    }
    Ok(Digest {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// After it has been written by somebody else: on the disk, and what it is.
pub async fn settle(path: &Path) -> Result<Digest, BackupError> {
    let of = |error: io::Error| BackupError::of(path, &error);
    let file = tokio::fs::OpenOptions::new().write(true).open(path).await.map_err(of)?;
    file.sync_all().await.map_err(of)?;
    digest(path).await.map_err(of)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
