//! `inkfast backup`, `inkfast backup list`, `inkfast backup verify`

use std::path::PathBuf;

use app::ui::written;
use clap::{Args, Subcommand};
use resilient_db::{Db, Options, Policy};

use super::{Failed, OnDatabase};
use crate::backup::{self, BackedUp, Backup, BackupError, Making, What};
use crate::config::{BackupSettings, Servers, Settings, StorageSettings};

pub const CODES: &str = "\
Exit codes:
  0  done
  1  failed: the database or the disk did not do it
  2  wrong arguments or settings
  3  no good backup: damaged, changed, or not ended
  4  refused, and nothing changed: say more, stop the server, or wait for another backup
  5  a program of the database is missing or too old";

#[derive(Debug, Args)]
#[command(after_help = CODES, args_conflicts_with_subcommands = true)]
pub struct BackupArguments {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// Put the server's secret in as well: whoever has the backup can then read the unsaved text in it, and make
    /// sessions.
    #[arg(long)]
    with_secret: bool,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Say which backups there are, the newest first.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Restore a backup into a place of its own, count its rows, and throw that away.
    Verify {
        /// Its name, or the path of its directory.
        backup: PathBuf,
    },
}

pub async fn run(arguments: BackupArguments, settings: Settings) -> Result<(), Failed> {
    match arguments.command {
        Some(BackupCommand::List { json }) => list(&settings.backup, json),
        Some(BackupCommand::Verify { backup }) => {
            let backup = settings.backup.shelf.find(&backup)?;
            let places = settings.backup.places.clone();
            super::on_database(settings, Verify { backup, places }).await
        }
        None => {
            let make = Make {
                storage: settings.storage.clone(),
                settings: settings.backup.clone(),
                drafts_in_redis: settings.redis.address.is_some(),
                with_secret: arguments.with_secret,
            };
            super::on_database(settings, make).await
        }
    }
}

fn list(settings: &BackupSettings, json: bool) -> Result<(), Failed> {
    let backups = settings.shelf.backups();
    if json {
        let listed = backups.iter().map(|backup| {
            serde_json::json!({
                "name": backup.name,
                "path": backup.directory,
                "bytes": backup.manifest.bytes(),
                "manifest": backup.manifest,
            })
        });
        println!("{}", serde_json::Value::from_iter(listed));
        return Ok(());
    }
    if backups.is_empty() {
        println!("There is no backup in {}.", settings.shelf.directory.display());
    }
    for backup in &backups {
        println!("{}", described(backup));
    }
    Ok(())
}

fn described(backup: &Backup) -> String {
    let manifest = &backup.manifest;
    let kilobytes = written::number(manifest.bytes().div_ceil(1_000));
    let database = &manifest.database;
    let (kind, version, name) = (&database.kind, &database.server_version, &database.name);
    format!(
        "{}  {}  {kilobytes} kB  {kind} {version}, {name}",
        backup.name, manifest.made_at
    )
}

struct Make {
    storage: StorageSettings,
    settings: BackupSettings,
    drafts_in_redis: bool,
    with_secret: bool,
}

impl OnDatabase for Make {
    async fn run<D: BackedUp>(self, options: Options<D::Database>) -> Result<(), Failed> {
        let present = backup::secret_of(&self.storage.data_dir, self.storage.secret);
        let secrets = present.map(|present| self.storage.secrets_around(present)).transpose();
        let secrets = secrets.map_err(|error| {
            let words = format!("An old secret cannot be read: {error}.");
            BackupError::new(backup::Why::Refused, words)
        })?;
        if self.with_secret && secrets.is_none() {
            let words = "There is no secret yet: no server was started with this data directory.";
            return Err(BackupError::new(backup::Why::Refused, words).into());
        }
        let making = Making::<D> {
            what: What {
                db: Db::<D::Database>::connect_lazily(options.clone(), Policy::default())
                    .await
                    .into(),
                servers: Servers::only(options),
                data_dir: self.storage.data_dir,
                secrets,
                drafts_in_redis: self.drafts_in_redis,
            },
            shelf: self.settings.shelf,
            places: self.settings.places,
            keep: self.settings.keep,
        };
        let made = tokio::select! {
            made = making.make(self.with_secret) => made?,
            () = crate::startup::told_to_stop() => return Err("Stopped; nothing is left of it.".to_owned().into()),
        };
        println!("Made {}", described(&made.backup));
        made.cautions.iter().for_each(|caution| eprintln!("{caution}"));
        if self.drafts_in_redis {
            eprintln!("Unsaved text that is in Redis is not in it.");
        }
        made.removed.iter().for_each(|removed| println!("Removed {removed}"));
        Ok(())
    }
}

struct Verify {
    backup: Backup,
    places: backup::Places,
}

impl OnDatabase for Verify {
    async fn run<D: BackedUp>(self, options: Options<D::Database>) -> Result<(), Failed> {
        let verified = backup::verify::<D>(&self.backup, &options, &self.places).await?;
        println!(
            "{} is good: restored and counted, {} in {}.",
            self.backup.name,
            written::counted(verified.rows, "row", "rows"),
            written::counted(verified.tables as u64, "table", "tables"),
        );
        Ok(())
    }
}
