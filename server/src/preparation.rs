//! What has to be done once the database is there, however long that takes: own tables, demo
//! records, the catalog, the first account; and after that the accounts kept up to date.

mod standing;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::auth::model::Role;
use resilient_db::{Connection, Db, DbError, Options, Policy};
use sqlx::migrate::MigrateError;

use crate::auth::password::random_password;
use crate::auth::repository::AccountRepository;
use crate::auth::service::Auth;
use crate::clock::now_ms;
use crate::config::{Servers, StorageSettings};
use crate::database::Database;
use crate::drafts::DraftService;
use crate::instances::{Instance, Neighbours};
use crate::monitoring::SecretsSeen;
use crate::panel::Panel;
use crate::records::save::{self, UNTIL_SERVED_MS, Undone, Versions};
use crate::schema::Schema;
use crate::sql::Sqlite;
use crate::sql::migrations::{self, OwnTables};
use standing::{Standing, is_there, standing};

/// Between two looks at the accounts: how long one switched off by hand may still read.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// Between two looks at who else uses the database, and which accounts were removed.
const LOOK_AROUND_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at what is kept of a removed account: servers that had not heard of it may have kept more.
const FORGET_AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);
/// Between two tries to prepare.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// `start` waits this long, so that the usual start ends with everything there.
const START_WAITS: Duration = Duration::from_secs(10);
/// Between two clean-ups of what is kept only for a time.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// Where not all drafts could be looked at: what is not moved yet is seen by nobody.
const SWEEP_ANEW_AFTER: Duration = Duration::from_secs(5 * 60);
/// Rows forgotten in one statement: nobody waits long for what it holds.
const SWEEP_AT_ONCE: u32 = 500;

pub struct Preparation<D: OwnTables> {
    pub db: Database<D::Database>,
    pub servers: Servers<Options<D::Database>>,
    pub panel: Arc<Panel>,
    pub schema: Schema<D>,
    pub versions: Versions,
    pub auth: Arc<Auth>,
    pub drafts: Arc<DraftService>,
    pub secrets: Arc<SecretsSeen>,
    pub storage: StorageSettings,
    pub instance: Instance,
    /// Fill an empty database with demo records.
    pub demo: bool,
    pub prepared: Arc<AtomicBool>,
    pub read_only: Arc<AtomicBool>,
    /// The tables that servers need to know of each other are there, and for this account.
    pub shares: AtomicBool,
    /// It was said what this account lacks.
    pub told_what_is_off: AtomicBool,
    /// When this server first saw what a restore had undone, by the beginning of that.
    pub undone_seen: Mutex<BTreeMap<u64, u64>>,
}

/// Needs no database: what lies in Redis where nobody looks is moved however long that is away.
async fn sweep_drafts(drafts: Arc<DraftService>, secrets: Arc<SecretsSeen>) {
    loop {
        let now = now_ms();
        let swept = drafts.sweep(now).await;
        secrets.swept(swept, now);
        let pause = match swept.is_some_and(|swept| swept.complete) {
            true => SWEEP_EVERY,
            false => SWEEP_ANEW_AFTER,
        };
        tokio::time::sleep(pause).await;
    }
}

#[derive(Debug, thiserror::Error)]
enum NotPrepared {
    #[error("the own tables cannot be made")]
    OwnTables(#[from] MigrateError),
    #[error("the database did not do it")]
    Database(#[from] DbError),
    #[error("a backup is being restored, and is not released yet")]
    BeingRestored,
    #[error("none of the database servers takes changes, or more than one would")]
    NoPrimary,
}

impl<D: OwnTables> Preparation<D> {
    /// Goes on in the background until it has succeeded; waits for that for a while. Whether it has.
    pub async fn start(self) -> bool {
        let prepared = Arc::clone(&self.prepared);
        let drafts = Arc::clone(&self.drafts);
        tokio::spawn(async move { drafts.watch().await });
        tokio::spawn(sweep_drafts(Arc::clone(&self.drafts), Arc::clone(&self.secrets)));
        tokio::spawn(self.run());
        let ready = async {
            while !prepared.load(Ordering::Acquire) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let is_ready = tokio::time::timeout(START_WAITS, ready).await.is_ok();
        if !is_ready {
            tracing::warn!("the database is not there yet; serving without it until it is");
        }
        is_ready
    }

    async fn run(self) {
        let mut told = false;
        while let Err(error) = self.prepare().await {
            if !told {
                let error = &error as &dyn std::error::Error;
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "not prepared yet; trying again until it works");
                told = true;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        self.prepared.store(true, Ordering::Release);
        tracing::info!(tables = self.panel.whole().tables().len(), "the database is prepared");
        tokio::join!(self.follow_accounts(), self.look_around(), self.sweep());
    }

    async fn prepare(&self) -> Result<(), NotPrepared> {
        let primary = self.db.writer();
        let mut named = self.servers.named();
        let primary = named.find(|(name, _)| Some(*name) == primary);
        let (_, options) = primary.ok_or(NotPrepared::NoPrimary)?;
        match D::migrate(options).await {
            Ok(()) => {
                self.shares.store(true, Ordering::Release);
                self.auth.share_accounts_of(self.auth.accounts().mark().await?).await;
                self.learn_what_was_undone().await?;
            }
            Err(error) if D::is_forbidden(&error) => self.go_on_without_the_right(options).await?,
            Err(error) => return Err(error.into()),
        }
        if let (true, Database::One(db)) = (self.demo, &self.db) {
            D::fill_with_demo(db).await?;
        }
        self.schema.read().await?;
        self.make_first_account().await?;
        self.refresh_accounts().await?;
        Ok(())
    }

    async fn refresh_accounts(&self) -> Result<(), DbError> {
        self.auth.refresh().await?;
        match self.shares.load(Ordering::Acquire) {
            true => self.auth.share_ended_sessions().await,
            false => Ok(()),
        }
    }

    /// This account may not make tables. Where somebody has made those that saving hangs on, it saves.
    async fn go_on_without_the_right(&self, options: &Options<D::Database>) -> Result<(), NotPrepared> {
        let Standing::Saves { missing } = standing::<D>(&self.db).await? else {
            // Between both steps of a restore. What saving hangs on comes last.
            if is_there::<D>(&self.db, "account").await? && !is_there::<D>(&self.db, standing::SAVES).await? {
                return Err(NotPrepared::BeingRestored);
            }
            return self.keep_own_tables_here(options).await;
        };
        self.learn_what_was_undone().await?;
        let shares = !missing.contains(&standing::SHARING);
        self.shares.store(shares, Ordering::Release);
        let mark = match shares && !missing.contains(&standing::TELLING) {
            true => self.auth.accounts().mark().await?,
            false => None,
        };
        self.auth.share_accounts_of(mark).await;
        if missing.is_empty() || self.told_what_is_off.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        for step in &missing {
            tracing::warn!(
                step,
                "{} until somebody has run what is printed below",
                migrations::what_is_off(*step)
            );
        }
        println!("{}", migrations::sql_of_steps::<D>(&missing, options));
        Ok(())
    }

    async fn learn_what_was_undone(&self) -> Result<(), DbError> {
        if !is_there::<D>(&self.db, standing::UNDONE).await? {
            return Ok(());
        }
        let (from, to) = (D::as_text("from_ms"), D::as_text("to_ms"));
        let sql = format!("SELECT {from}, {to} FROM {}", D::own("undone_time"));
        let primary = self.db.primary();
        let read = primary.read("undone times", |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move { D::fetch(&mut conn, sql, Vec::new()).await }
        });
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let times = read.await?.into_iter().filter_map(|row| {
            Some(Undone {
                from_ms: number(row.first()?)?,
                to_ms: number(row.get(1)?)?,
            })
        });
        let mut times: Vec<Undone> = times.collect();
        for time in times.iter_mut().filter(|time| time.to_ms == UNTIL_SERVED_MS) {
            self.end_undone(time).await?;
        }
        self.versions.undo(times);
        Ok(())
    }

    /// Whoever first serves what was restored ends the time before it: from here on no form is drawn from anything else.
    async fn end_undone(&self, time: &mut Undone) -> Result<(), DbError> {
        if !is_there::<D>(&self.db, standing::SAVES).await? {
            return Ok(());
        }
        let seen_ms = {
            let mut seen = self.undone_seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen.entry(time.from_ms).or_insert_with(now_ms)
        };
        let sql = format!(
            "UPDATE {} SET to_ms = {seen_ms} WHERE to_ms = {} AND from_ms = {}",
            D::own(standing::UNDONE),
            time.to_ms,
            time.from_ms
        );
        let ended = self.db.write("undone times", |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move { D::execute(&mut conn, sql, Vec::new()).await }
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "when a restore was first served is known here alone for now");
        }
        time.to_ms = seen_ms;
        Ok(())
    }

    /// Without the right to make tables: accounts in a file here, and nobody saves.
    async fn keep_own_tables_here(&self, options: &Options<D::Database>) -> Result<(), NotPrepared> {
        if self.read_only.load(Ordering::Acquire) {
            return Ok(());
        }
        tracing::warn!(
            "this database account may not make Inkfast's own tables: records are read-only until somebody has run \
             what is printed below"
        );
        println!("{}", D::sql_for_own_tables(options));
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.storage.data_dir.join("local.db"))
            .create_if_missing(true);
        Sqlite::migrate(&options).await?;
        let local = Db::<sqlx::Sqlite>::connect_lazily(options, Policy::default()).await;
        self.auth
            .use_accounts(Arc::new(AccountRepository::<Sqlite>::new(local.into())));
        self.auth.share_accounts_of(None).await;
        self.read_only.store(true, Ordering::Release);
        Ok(())
    }

    /// `admin`, where there is no account at all. The password is told once, here.
    async fn make_first_account(&self) -> Result<(), NotPrepared> {
        let accounts = self.auth.accounts();
        if !accounts.all().await?.is_empty() {
            return Ok(());
        }
        let given = self.storage.admin_password.clone();
        let password = given.clone().unwrap_or_else(random_password);
        let hash = self.auth.passwords().hash(password.clone()).await;
        let added = match accounts.add_first("admin", &hash, Role::Superuser).await {
            Ok(added) => added,
            // The answer may have been lost after it was done: ours is there if it has our hash.
            Err(error) => {
                let found = accounts
                    .find("admin")
                    .await?
                    .is_some_and(|found| found.password_hash == hash);
                if !found {
                    return Err(error.into());
                }
                true
            }
        };
        if added {
            match given {
                Some(_) => println!("Made the account `admin` with the password of INKFAST_ADMIN_PASSWORD."),
                None => println!("Made the account `admin` with the password {password} (told only this once)."),
            }
        }
        Ok(())
    }

    async fn follow_accounts(&self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(ACCOUNTS_EVERY) => {}
                () = self.auth.until_a_session_ended() => {}
            }
            if let Err(error) = self.refresh_accounts().await {
                tracing::debug!(%error, "accounts are not refreshed now");
            }
            // A restore may have come while this server stayed up.
            if !self.read_only.load(Ordering::Acquire)
                && let Err(error) = self.learn_what_was_undone().await
            {
                tracing::debug!(%error, "what restores have undone is not refreshed now");
            }
        }
    }

    async fn look_around(&self) {
        if !self.shares.load(Ordering::Acquire) {
            return;
        }
        let mut neighbours = Neighbours::new(self.instance.clone());
        let mut forgotten = BTreeMap::new();
        loop {
            if let Err(error) = neighbours.look::<D>(&self.db, now_ms()).await {
                tracing::debug!(%error, "who else uses the database is not known now");
            }
            match self.auth.accounts().removed().await {
                Ok(removed) => self.forget_removed(removed, &mut forgotten).await,
                Err(error) => tracing::debug!(%error, "which accounts were removed is not known now"),
            }
            tokio::time::sleep(LOOK_AROUND_EVERY).await;
        }
    }

    /// What is kept of accounts outside of the database goes with them; each server does it for what it keeps, whenever
    /// it was typed: nobody else gets the name as long as it stands among the removed ones.
    async fn forget_removed(&self, removed: BTreeMap<String, u64>, forgotten: &mut BTreeMap<String, Instant>) {
        forgotten.retain(|name, done| removed.contains_key(name) && done.elapsed() < FORGET_AGAIN_AFTER);
        let due: Vec<String> = removed
            .into_keys()
            .filter(|name| !forgotten.contains_key(name))
            .collect();
        for name in due {
            // Somebody may have given the name away by hand.
            match self.auth.accounts().find(&name).await {
                Ok(None) => {}
                Ok(Some(_)) => continue,
                Err(error) => return tracing::debug!(%error, "removed accounts are forgotten later"),
            }
            if self.drafts.forget_account(&name).await {
                forgotten.insert(name, Instant::now());
            }
        }
    }

    async fn sweep(&self) {
        loop {
            let now = now_ms();
            if !self.read_only.load(Ordering::Acquire) {
                self.forget_old_ids().await;
            }
            if self.shares.load(Ordering::Acquire) {
                self.forget_old_sessions(now).await;
                if let Err(error) = Neighbours::sweep::<D>(&self.db, now).await {
                    tracing::debug!(%error, "servers that are gone are forgotten later");
                }
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    async fn forget_old_sessions(&self, now_ms: u64) {
        let removed_before_ms = now_ms.saturating_sub(save::IDS_FORGOTTEN_MS);
        loop {
            match self
                .auth
                .accounts()
                .sweep(now_ms, removed_before_ms, SWEEP_AT_ONCE)
                .await
            {
                Ok(forgotten) if forgotten >= u64::from(SWEEP_AT_ONCE) => {}
                Ok(_) => return,
                Err(error) => return tracing::debug!(%error, "old sessions are forgotten later"),
            }
        }
    }

    async fn forget_old_ids(&self) {
        loop {
            let before = now_ms().saturating_sub(save::IDS_FORGOTTEN_MS);
            let swept = self
                .db
                .write("forget old ids", |mut conn: Connection<D::Database>| async move {
                    save::sweep::<D>(&mut conn, before, SWEEP_AT_ONCE).await
                });
            match swept.await {
                Ok(forgotten) if forgotten == u64::from(SWEEP_AT_ONCE) => {}
                Ok(_) => return,
                Err(error) => return tracing::debug!(%error, "old ids are forgotten later"),
            }
        }
    }
}
