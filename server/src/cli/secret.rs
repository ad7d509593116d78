//! `inkfast secret rotate`, `inkfast secret list`

use clap::Subcommand;

use super::Failed;
use crate::clock::now_ms;
use crate::config::Settings;
use crate::keys;

#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Make a new secret in the data directory; the one in use until now is kept beside it and still opens what it has
    /// sealed. A server that runs takes it at its next start.
    Rotate,
    /// Say which secrets there are, by marks that tell nothing of them.
    List,
}

pub async fn run(command: SecretCommand, settings: Settings) -> Result<(), Failed> {
    match command {
        SecretCommand::Rotate => rotate(&settings),
        SecretCommand::List => list(&settings),
    }
}

fn rotate(settings: &Settings) -> Result<(), Failed> {
    let storage = &settings.storage;
    if storage.secret.is_some() {
        let words = "INKFAST_SECRET is set, and the secret of the data directory is not used: set another one there, and \
                     put this one first in INKFAST_OLD_SECRETS.";
        return Err(words.to_owned().into());
    }
    let dir = &storage.data_dir;
    std::fs::create_dir_all(dir).map_err(|error| format!("{} cannot be made: {error}.", dir.display()))?;
    let old = keys::rotate_secret_file(dir, now_ms()).map_err(|error| format!("Nothing is changed: {error}."))?;
    match old {
        Some(old) => println!(
            "There is a new secret. The old one is {}: leave it there until the server says that no text needs it any \
             more. Start the server anew.",
            old.display()
        ),
        None => println!("There was no secret yet: one is made."),
    }
    Ok(())
}

fn list(settings: &Settings) -> Result<(), Failed> {
    let storage = &settings.storage;
    let from = match storage.secret {
        Some(_) => "INKFAST_SECRET",
        None => "the data directory",
    };
    match crate::backup::secret_of(&storage.data_dir, storage.secret) {
        Some(secret) => println!("{}  in use, from {from}", keys::secret_mark(&secret)),
        None => println!("There is no secret yet: no server was started with this data directory."),
    }
    if let Some(next) = &storage.next_secret {
        println!("{}  next, from INKFAST_NEXT_SECRET", keys::secret_mark(next));
    }
    for old in &storage.old_secrets {
        println!("{}  old, from INKFAST_OLD_SECRETS", keys::secret_mark(old));
    }
    let files = keys::old_secret_files(&storage.data_dir).map_err(|error| format!("{error}."))?;
    for (path, secret) in files {
        println!("{}  old, {}", keys::secret_mark(&secret), path.display());
    }
    Ok(())
}
