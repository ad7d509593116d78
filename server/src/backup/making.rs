//! Makes one backup: the drafts first, then the database. What is saved in between is in both, and a draft too many
//! is shown once more; the other way round it would be in neither.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use resilient_db::{Connection, Options};
use resilient_drafts::Secrets;
use sqlx::sqlite::SqliteConnectOptions;

use super::manifest::{DatabasePart, Manifest};
use super::partial::Partial;
use super::retention::Keep;
use super::{BackedUp, Backup, BackupError, DATABASE, Places, Shelf, Why, handed, kept_file, sqlite};
use crate::clock::now_ms;
use crate::config::Servers;
use crate::database::Database;
use crate::keys;
use crate::sql::migrations::what_is_off;

/// Beside the database: files of SQLite, copied as such.
const OWN_DATABASES: [&str; 2] = [DRAFTS, "local.db"];
pub const DRAFTS: &str = "drafts.db";
pub const ACCOUNTS: &str = "accounts.json";
pub const SECRET: &str = "secret";
/// The step without which a restore cannot say what it has undone.
const UNDOING: i64 = 2;

/// What is backed up.
pub struct What<D: BackedUp> {
    pub servers: Servers<Options<D::Database>>,
    /// To ask it which steps of the own tables it has, and who takes changes.
    pub db: Database<D::Database>,
    pub data_dir: PathBuf,
    /// The server's, and those that still open what was sealed before; `None` where none was made yet.
    pub secrets: Option<Secrets>,
    pub drafts_in_redis: bool,
}

impl<D: BackedUp> What<D> {
    /// The server that takes changes. Where none does it is the first: why that cannot be copied is then told.
    fn primary(&self) -> &Options<D::Database> {
        let writer = self.db.writer();
        let found = self.servers.named().find(|(name, _)| Some(*name) == writer);
        found.map_or(&self.servers.main, |(_, options)| options)
    }
}

/// Where it goes, and with what.
pub struct Making<D: BackedUp> {
    pub what: What<D>,
    pub shelf: Shelf,
    pub places: Places,
    pub keep: Keep,
}

/// A backup that was made just now.
pub struct Made {
    pub backup: Backup,
    pub cautions: Vec<String>,
    /// Older ones that went for it.
    pub removed: Vec<String>,
}

impl<D: BackedUp> Making<D> {
    /// Which database it is.
    pub fn name(&self) -> String {
        D::name_of(&self.what.servers.main)
    }

    /// # Errors
    /// Where it cannot be made; then nothing is left of it. Dropped in the middle, it is the same.
    pub async fn make(&self, with_secret: bool) -> Result<Made, BackupError> {
        handed::sweep().await;
        let held = Arc::new(self.shelf.hold()?);
        let beginner = Arc::clone(&held);
        let partial = blocking(move || beginner.begin()).await??;
        let (manifest, cautions) = self.fill(&partial, with_secret).await?;
        let keep = self.keep;
        let ending = blocking(move || {
            let backup = held.end(partial, &manifest)?;
            let removed = held.sweep(&backup, keep);
            Ok::<_, BackupError>((backup, removed))
        });
        let (backup, removed) = ending.await??;
        Ok(Made {
            backup,
            cautions,
            removed,
        })
    }

    async fn fill(&self, partial: &Partial, with_secret: bool) -> Result<(Manifest, Vec<String>), BackupError> {
        let (begun, made_at) = (Instant::now(), now_ms());
        let secrets = self.what.secrets.as_ref();
        let mark = secrets.map(|secrets| keys::secret_mark(&secrets.present));
        let mut manifest = Manifest::new(made_at, self.database_part().await?, mark.unwrap_or_default());
        manifest.drafts_in_redis = self.what.drafts_in_redis;
        for name in OWN_DATABASES {
            let source = self.what.data_dir.join(name);
            if source.is_file() {
                let copy = partial.file(name);
                sqlite::copy_file(&SqliteConnectOptions::new().filename(source), &copy).await?;
                sqlite::checked_rows(&copy).await?;
                manifest.add(name, kept_file::settle(&copy).await?);
            }
        }
        let accounts = self.what.data_dir.join(ACCOUNTS);
        if accounts.is_file() {
            manifest.add(ACCOUNTS, kept_file::copy(&accounts, &partial.file(ACCOUNTS)).await?);
        }
        for (name, secret) in secrets.filter(|_| with_secret).map(secret_files).unwrap_or_default() {
            let written = kept_file::write(&secret[..], &partial.file(&name), |_| {}).await?;
            manifest.add(&name, written);
        }
        let database = partial.file(DATABASE);
        let copied = D::copy(self.what.primary(), &self.places, &database).await?;
        manifest.add(DATABASE, kept_file::settle(&database).await?);
        manifest.database.server_version = copied.server_version;
        manifest.database.rows = copied.rows;
        manifest.cautions = copied.cautions.clone();
        manifest.took_ms = begun.elapsed().as_millis() as u64;
        Ok((manifest, copied.cautions))
    }

    async fn database_part(&self) -> Result<DatabasePart, BackupError> {
        // What is not known is not none: a restore goes by it.
        let steps = D::steps(&self.what.db.primary()).await?;
        let applied = steps.iter().filter(|step| step.applied).map(|step| step.number);
        let migration = applied.max().unwrap_or_default();
        if migration < UNDOING && self.has_accounts().await? {
            let words = format!(
                "{}, and could not end the sessions that are open now. Inkfast's own tables have to be up to date: let \
                 `inkfast migrate up` be run by an account that may make tables.",
                what_is_off(UNDOING)
            );
            return Err(BackupError::new(Why::Refused, words));
        }
        Ok(DatabasePart {
            kind: D::KIND.to_owned(),
            server_version: String::new(),
            name: self.name(),
            migration,
            rows: super::Rows::new(),
        })
    }

    async fn has_accounts(&self) -> Result<bool, BackupError> {
        let primary = self.what.db.primary();
        let asked = primary.read("own tables", |mut conn: Connection<D::Database>| async move {
            D::fetch(&mut conn, D::is_there("account"), Vec::new()).await
        });
        Ok(!asked.await?.is_empty())
    }
}

/// The secret in use, and beside it each other one: text may be sealed with it still.
fn secret_files(secrets: &Secrets) -> Vec<(String, [u8; 32])> {
    let all = secrets.all();
    let others = all.iter().skip(1).rev().enumerate();
    let others = others.map(|(place, secret)| (keys::name_of_given_secret(place, secret), *secret));
    [(SECRET.to_owned(), secrets.present)]
        .into_iter()
        .chain(others)
        .collect()
}

/// Removing what is large takes a while.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BackupError::new(Why::Disk, format!("The directory of backups: {error}.")))
}

/// Whether a file of a backup is a secret of earlier days.
pub fn is_old_secret(name: &str) -> bool {
    name.starts_with(keys::OLD_SECRET)
}

/// The secret that a server with this data directory uses; none is made.
pub fn secret_of(data_dir: &Path, from_settings: Option<[u8; 32]>) -> Option<[u8; 32]> {
    from_settings.or_else(|| std::fs::read(data_dir.join(SECRET)).ok()?.try_into().ok())
}
