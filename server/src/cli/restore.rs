//! `inkfast restore`

use std::path::PathBuf;

use app::ui::written;
use clap::Args;
use resilient_db::Options;

use super::{Failed, OnDatabase};
use crate::backup::{self, BackedUp, Backup, BackupError, Manner, Places, Why};
use crate::config::{Settings, StorageSettings};
use crate::startup;

#[derive(Debug, Args)]
#[command(after_help = super::backup::CODES)]
pub struct RestoreArguments {
    /// The backup's name, or the path of its directory.
    backup: PathBuf,
    /// Yes, do what this says it would do without it.
    #[arg(long)]
    yes: bool,
    /// Put the backup in the place of a database that is not empty. That one is kept under another name.
    #[arg(long)]
    replace: bool,
    /// Restore the database into this one, an empty one of the same kind, and nothing else.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "replace")]
    into: Option<String>,
    /// Leave out owners and rights of tables (PostgreSQL): the account that restores then owns all.
    #[arg(long)]
    no_owner: bool,
    /// Take the secret of a backup that has one, also where the data directory has another.
    #[arg(long)]
    with_secret: bool,
}

pub async fn run(arguments: RestoreArguments, settings: Settings) -> Result<(), Failed> {
    let backup = settings.backup.shelf.find(&arguments.backup)?;
    // Nobody sweeps it meanwhile.
    let _held = settings.backup.shelf.hold()?;
    let restore = Restore {
        storage: settings.storage.clone(),
        places: settings.backup.places.clone(),
        backup,
        manner: Manner {
            replace: arguments.replace,
            plain: arguments.no_owner,
            secret: arguments.with_secret,
        },
        into: arguments.into,
        yes: arguments.yes,
    };
    super::on_database(settings, restore).await
}

struct Restore {
    storage: StorageSettings,
    places: Places,
    backup: Backup,
    manner: Manner,
    into: Option<String>,
    yes: bool,
}

impl OnDatabase for Restore {
    async fn run<D: BackedUp>(self, served: Options<D::Database>) -> Result<(), Failed> {
        let refused = |words: String| Failed::from(BackupError::new(Why::Refused, words));
        let options = match &self.into {
            None => served,
            // It may hold a password.
            Some(address) => D::read_address(address)
                .ok_or_else(|| refused(format!("--into takes an address of {}, as DATABASE_URL does.", D::KIND)))?,
        };
        if self.manner.secret && self.storage.secret.is_some() {
            let words = "INKFAST_SECRET is set, and the secret of a backup would not be used: leave one of both out.";
            return Err(refused(words.to_owned()));
        }
        // Nobody starts a server on it while this goes on.
        let lock = match self.into {
            Some(_) => None,
            None => Some(startup::open_data_dir(&self.storage).map_err(refused)?),
        };
        if !self.yes {
            return Err(refused(self.what_it_would_do::<D>(&options)));
        }
        let present = backup::secret_of(&self.storage.data_dir, self.storage.secret);
        let secrets = present.map(|present| self.storage.secrets_around(present)).transpose();
        let secrets = secrets.map_err(|error| refused(format!("An old secret cannot be read: {error}.")))?;
        let data_dir = lock.as_ref().map(|_| (self.storage.data_dir.as_path(), secrets));
        let restored = backup::restore::<D>(&self.backup, &options, data_dir, &self.places, self.manner).await?;
        println!(
            "Restored {}: {} in {}.",
            self.backup.name,
            written::counted(restored.rows, "row", "rows"),
            written::counted(restored.tables as u64, "table", "tables"),
        );
        restored.notes.iter().for_each(|note| println!("{note}"));
        Ok(())
    }
}

impl Restore {
    fn what_it_would_do<D: BackedUp>(&self, options: &Options<D::Database>) -> String {
        let manifest = &self.backup.manifest;
        let (name, made_at, taken_of) = (&self.backup.name, &manifest.made_at, &manifest.database.name);
        let of = D::name_of(options);
        let place = match self.manner.replace {
            true => format!("put it in the place of {of}, which is kept under another name"),
            false => format!("fill {of}, which has to be empty"),
        };
        let beside = match self.into {
            Some(_) => String::new(),
            None => format!(
                " It would put the accounts and the unsaved text of that time into {}, beside the unsaved text that is \
                 there.",
                self.storage.data_dir.display()
            ),
        };
        format!(
            "This would take {name}, a backup of {taken_of} of {made_at}, and {place}. All that was saved since then would not be in it.{beside} \
             Say --yes if that is meant."
        )
    }
}
