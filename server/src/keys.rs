//! The server's secrets and the keys made from them, one per use.
//!
//! One secret is in use; others may be there whose texts still open, so that it can be changed while nothing is lost.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hkdf::Hkdf;
use resilient_drafts::redis::Home;
use resilient_drafts::seal::{Sealer, Secrets, derive_key, derive_key_for};
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
    pub device_drafts: DeviceDraftKeys,
    /// Tells the secret in use from another, and nothing of what it is.
    pub mark: String,
    /// Where drafts lie in Redis. Servers that know one of each other's secrets share them; others, which could not
    /// open them, do not meet them.
    pub drafts_home: Home,
    /// HMAC keys of the fingerprints in versions and of submissions, in the order of the secrets: that of what the
    /// sealer of versions has opened with the secret at the same place.
    pub fingerprints: Vec<[u8; 32]>,
}

impl Keys {
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self::of(&Secrets::from(*secret))
    }

    pub fn of(secrets: &Secrets) -> Self {
        let all = secrets.all();
        Self {
            sessions: Sealer::of(secrets, "inkfast session cookie 1"),
            devices: Sealer::of(secrets, "inkfast known device 1"),
            versions: Sealer::of(secrets, "inkfast record version 1"),
            drafts: Sealer::of(secrets, "inkfast draft 1"),
            drafts_home: drafts_home(secrets),
            fingerprints: all
                .iter()
                .map(|secret| derive_key(secret, "inkfast fingerprint 1"))
                .collect(),
            instances: Sealer::of(secrets, "inkfast told 1"),
            device_drafts: DeviceDraftKeys {
                secrets: secrets.all().into(),
            },
            mark: secret_mark(&secrets.present),
        }
    }
}

/// What browsers seal the text with that they keep: a key for each account, so that nobody opens another's.
#[derive(Clone)]
pub struct DeviceDraftKeys {
    /// In the order of [`Secrets::all`].
    secrets: Arc<[[u8; 32]]>,
}

impl DeviceDraftKeys {
    /// In hexadecimal digits. The first one seals; what was sealed before the secret changed opens with another.
    pub fn of_account(&self, account: &str) -> Vec<String> {
        let key = |secret: &[u8; 32]| whole_hex(&derive_key_for(secret, "inkfast device drafts 1", account));
        self.secrets.iter().map(key).collect()
    }

    /// Tells the key that seals from another, and nothing of what it is.
    pub fn mark_of_account(&self, account: &str) -> String {
        hex(&derive_key_for(
            &self.secrets[0],
            "inkfast device drafts mark 1",
            account,
        ))
    }
}

/// Where nothing is noted in Redis, drafts lie where the oldest secret has them: a server that knows only that one
/// finds them there, too.
fn drafts_home(secrets: &Secrets) -> Home {
    let names: Vec<String> = secrets.all().iter().map(drafts_name).collect();
    let prefixes: Vec<String> = names.iter().map(|name| format!("inkfast:1:{name}")).collect();
    let oldest = secrets.old.last().unwrap_or(&secrets.present);
    let unless_noted = format!("inkfast:1:{}", drafts_name(oldest));
    Home::noted("inkfast:1:homes", names, unless_noted, prefixes)
}

fn drafts_name(secret: &[u8; 32]) -> String {
    hex(&derive_key(secret, "inkfast drafts in redis 1"))
}

/// The first four bytes.
fn hex(key: &[u8; 32]) -> String {
    whole_hex(&key[..4])
}

fn whole_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    hex(&derive_key(secret, "inkfast backup 1"))
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
    let secret = fresh_secret()?;
    write_secret_file(path, &secret)?;
    Ok(secret)
}

fn fresh_secret() -> io::Result<[u8; 32]> {
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    Ok(secret)
}

/// Makes a file that is not there yet, readable by its owner alone.
fn write_secret_file(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret)?;
    file.sync_all()
}

/// The secrets of earlier days that lie in the data directory: all files whose names begin with `secret.old`, the
/// latest first.
///
/// # Errors
/// With the file's name, where one cannot be read or does not hold 32 bytes.
pub fn old_secret_files(data_dir: &Path) -> io::Result<Vec<(PathBuf, [u8; 32])>> {
    let names = match fs::read_dir(data_dir) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let is_old = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(OLD_SECRET))
    };
    let mut paths: Vec<PathBuf> = names.into_iter().map(|entry| entry.path()).filter(is_old).collect();
    // Their names are in the order of time, so the last one is the latest.
    paths.sort();
    paths.reverse();
    paths.into_iter().map(read_old_secret).collect()
}

fn read_old_secret(path: PathBuf) -> io::Result<(PathBuf, [u8; 32])> {
    let named = |kind, words: String| io::Error::new(kind, format!("{}: {words}", path.display()));
    let bytes = fs::read(&path).map_err(|error| named(error.kind(), error.to_string()))?;
    match bytes.try_into() {
        Ok(secret) => Ok((path, secret)),
        Err(_) => Err(named(
            io::ErrorKind::InvalidData,
            "it does not hold 32 bytes".to_owned(),
        )),
    }
}

/// What the names of old secrets' files begin with.
pub const OLD_SECRET: &str = "secret.old";

/// Under which a secret that came with a backup lies beside the one in use: as an older one than all that were put
/// aside here. `place`: among those of the backup, of which the oldest has 0.
pub fn name_of_given_secret(place: usize, secret: &[u8; 32]) -> String {
    format!("{OLD_SECRET}-0-{place:04}-{}", secret_mark(secret))
}

/// Where the secret that is in use now goes when it is changed.
pub fn name_of_old_secret(now_ms: u64) -> String {
    // As many digits for a long time to come: names are in the order of time.
    format!("{OLD_SECRET}-{now_ms:013}")
}

/// Makes a new secret; the one in use until now is kept beside it, and opens what it has sealed. There is one under
/// its name at every moment, whenever this is stopped. Where the old one is now; `None` where there was none.
///
/// # Errors
/// Where a file cannot be made; then everything is as it was.
pub fn rotate_secret_file(data_dir: &Path, now_ms: u64) -> io::Result<Option<PathBuf>> {
    let path = data_dir.join("secret");
    if !path.exists() {
        secret_from_file(&path)?;
        return Ok(None);
    }
    // What is no secret is not put aside as one.
    secret_from_file(&path)?;
    let (old, made) = (data_dir.join(name_of_old_secret(now_ms)), data_dir.join("secret.new"));
    if made.exists() {
        fs::remove_file(&made)?;
    }
    write_secret_file(&made, &fresh_secret()?)?;
    fs::hard_link(&path, &old)?;
    fs::rename(&made, &path)?;
    #[cfg(unix)]
    fs::File::open(data_dir)?.sync_all()?;
    Ok(Some(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sealed_before_the_secret_changed_opens_after_it() {
        let (old, new) = ([1; 32], [2; 32]);
        let before = Keys::from_secret(&old).device_drafts.of_account("anna");
        let secrets = Secrets {
            present: new,
            next: Vec::new(),
            old: vec![old],
        };
        let after = Keys::of(&secrets).device_drafts.of_account("anna");
        assert_eq!(
            after,
            [Keys::from_secret(&new).device_drafts.of_account("anna"), before].concat()
        );
        assert_ne!(after[0], after[1]);
    }

    #[test]
    fn the_secret_file_is_made_once_and_read_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = secret_from_file(&path).unwrap();
        assert_eq!(secret_from_file(&path).unwrap(), made);
        fs::write(&path, b"short").unwrap();
        assert!(secret_from_file(&path).is_err());
    }

    #[test]
    fn a_changed_secret_leaves_the_old_ones_beside_it_the_latest_first() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        assert_eq!(rotate_secret_file(dir, 5).unwrap(), None, "there was none");
        let first = secret_from_file(&dir.join("secret")).unwrap();
        rotate_secret_file(dir, 9).unwrap().unwrap();
        let second = secret_from_file(&dir.join("secret")).unwrap();
        // Stopped in the middle of an earlier try.
        fs::write(dir.join("secret.new"), b"half").unwrap();
        rotate_secret_file(dir, 10).unwrap().unwrap();
        let third = secret_from_file(&dir.join("secret")).unwrap();
        assert!(third != second && second != first);
        let old: Vec<_> = old_secret_files(dir)
            .unwrap()
            .into_iter()
            .map(|(_, secret)| secret)
            .collect();
        assert_eq!(old, [second, first]);
        #[cfg(unix)]
        for (path, _) in old_secret_files(dir).unwrap() {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "{path:?} can be read by others");
        }
        fs::write(dir.join("secret.old-x"), b"short").unwrap();
        let refused = old_secret_files(dir).unwrap_err().to_string();
        assert!(refused.contains("secret.old-x"), "{refused}");
    }

    #[test]
    fn secrets_of_a_backup_are_older_than_what_was_put_aside_here_and_keep_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |name: String, secret: [u8; 32]| fs::write(folder.path().join(name), secret).unwrap();
        // Of many marks, some begin with a letter.
        let given: Vec<[u8; 32]> = (0..20).map(|secret| [secret; 32]).collect();
        for (place, secret) in given.iter().enumerate() {
            keep(name_of_given_secret(place, secret), *secret);
        }
        keep(name_of_old_secret(5), [100; 32]);
        keep(name_of_old_secret(1_700_000_000_000), [101; 32]);
        let found = old_secret_files(folder.path()).unwrap();
        let found: Vec<[u8; 32]> = found.into_iter().map(|(_, secret)| secret).collect();
        let here = [[101; 32], [100; 32]];
        let latest_first: Vec<_> = here.into_iter().chain(given.into_iter().rev()).collect();
        assert_eq!(found, latest_first);
    }

    #[test]
    fn a_damaged_secret_is_not_put_aside_as_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), b"short").unwrap();
        assert!(rotate_secret_file(folder.path(), 5).is_err());
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"short");
        assert!(old_secret_files(folder.path()).unwrap().is_empty());
    }
}
