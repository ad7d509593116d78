//! The server's secret and the keys made from it, one per use.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use hkdf::Hkdf;
use resilient_drafts::seal::{Sealer, derive_key};
use sha2::Sha256;

/// One key for each use, so that none can stand in for another.
#[derive(Clone)]
pub struct Keys {
    pub sessions: Sealer,
    pub devices: Sealer,
    pub versions: Sealer,
    pub drafts: Sealer,
    /// Of what servers of one secret tell each other.
    pub instances: Sealer,
    /// What all keys in Redis begin with. Servers of one secret share their drafts; others, which
    /// could not open them, do not meet them.
    pub drafts_prefix: String,
    /// Tells one secret from another, and nothing of what it is.
    pub mark: String,
    /// HMAC key of the fingerprints in versions and of submissions.
    pub fingerprints: [u8; 32],
}

impl Keys {
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        let drafts_of = derive_key(secret, "inkfast drafts in redis 1");
        let drafts_of: String = drafts_of[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            sessions: Sealer::new(secret, "inkfast session cookie 1"),
            devices: Sealer::new(secret, "inkfast known device 1"),
            versions: Sealer::new(secret, "inkfast record version 1"),
            drafts: Sealer::new(secret, "inkfast draft 1"),
            instances: Sealer::new(secret, "inkfast told 1"),
            mark: secret_mark(secret),
            drafts_prefix: format!("inkfast:1:{drafts_of}"),
            fingerprints: derive_key(secret, "inkfast fingerprint 1"),
        }
    }
}

/// The secret from a passphrase of any length, as in `INKFAST_SECRET`.
pub fn secret_from_text(text: &str) -> [u8; 32] {
    let mut secret = [0u8; 32];
    Hkdf::<Sha256>::new(Some(b"inkfast secret"), text.as_bytes())
        .expand(b"1", &mut secret)
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    secret
}

/// Tells one secret from another, and nothing of what it is.
pub fn secret_mark(secret: &[u8; 32]) -> String {
    let mark = derive_key(secret, "inkfast backup 1");
    mark[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the secret file, or makes one readable by its owner alone.
///
/// # Errors
/// When the file can be neither read nor made, or does not hold 32 bytes.
pub fn secret_from_file(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the secret file does not hold 32 bytes")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_secret_file(path),
        Err(error) => Err(error),
    }
}

fn make_secret_file(path: &Path) -> io::Result<[u8; 32]> {
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_file_is_made_once_and_read_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = secret_from_file(&path).unwrap();
        assert_eq!(secret_from_file(&path).unwrap(), made);
        fs::write(&path, b"short").unwrap();
        assert!(secret_from_file(&path).is_err());
    }
}
