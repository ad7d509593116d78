//! What the handlers share, and where it lies.

use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use resilient_drafts::{Sealer, SqliteStore};

use crate::notes::Notes;

/// Whose notes these are. An application with accounts has it from the session, and answers 401 with the outcome
/// `unauthenticated` where a form's `_account` is not who is signed in.
pub const ACCOUNT: &str = "me";

pub struct Application {
    pub notes: Notes,
    pub drafts: SqliteStore,
}

impl Application {
    pub async fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(folder)?;
        let sealer = Sealer::new(&secret(&folder.join("secret"))?, "drafts");
        Ok(Self {
            notes: Notes::open(&folder.join("notes.db")).await?,
            drafts: SqliteStore::open(&folder.join("drafts.db"), sealer).await?,
        })
    }
}

/// Seals the drafts; made at the first start.
fn secret(file: &Path) -> Result<[u8; 32], Box<dyn Error>> {
    let known = match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        known => Some(known?),
    };
    if let Some(known) = known {
        let secret = known.try_into();
        return secret.map_err(|_| format!("{} is no secret of 32 bytes", file.display()).into());
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| error.to_string())?;
    let mut made = fs::OpenOptions::new();
    made.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut made, 0o600);
    let mut made = made.open(file)?;
    made.write_all(&secret)?;
    made.sync_all()?;
    Ok(secret)
}
