//! Brings a backup back. What is there now is replaced only when everything is ready, and kept beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use resilient_db::Options;
use resilient_drafts::Secrets;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;

use super::making::{ACCOUNTS, DRAFTS, SECRET};
use super::verifying::{of_this_kind, same_rows};
use super::{
    BackedUp, Backup, BackupError, Beside, DATABASE, Places, Switched, Why, beside, handed, kept_file, sqlite, unsaved,
};
use crate::clock::now_ms;
use crate::sql::migrations::last_step;
use crate::sql::{Dialect, Sqlite};
use crate::{files, keys, report};

/// Servers that were waiting have looked at accounts and at what was undone by then.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// Bringing the own tables up to date, and turning back, writes to these.
const TURNED: [&str; 2] = ["schema_history", "undone_time"];

/// How somebody wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Also where the database is not empty.
    pub replace: bool,
    /// Without the owners and rights that the database's objects had.
    pub plain: bool,
    /// With the secret that is in the backup, also where there is another one.
    pub secret: bool,
}

/// What was restored, and what is to be known of it.
#[derive(Debug)]
pub struct Restored {
    pub tables: usize,
    pub rows: u64,
    /// In words for the operator.
    pub notes: Vec<String>,
}

/// Brings the database back and, where `data_dir` is that of its server, what lies beside it. Nobody may be serving.
///
/// # Errors
/// Then the old database is where it was, as it was.
pub async fn restore<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    data_dir: Option<(&Path, Option<Secrets>)>,
    places: &Places,
    manner: Manner,
) -> Result<Restored, BackupError> {
    of_this_kind::<D>(backup)?;
    known_steps(backup)?;
    backup.check().await?;
    handed::sweep().await;
    beside::sweep::<D>(options).await;
    let is_empty = D::is_empty(options).await?;
    if !is_empty && !manner.replace {
        let words = format!(
            "{} is not empty. Say --replace to put the backup in its place (it is kept under another name), or name \
             an empty one with --into.",
            D::name_of(options)
        );
        return Err(BackupError::new(Why::Refused, words));
    }
    let aside = match data_dir {
        Some((data_dir, secrets)) => Some(Aside::prepare(backup, data_dir, secrets, manner).await?),
        None => None,
    };
    let mut notes = match is_empty {
        true => into_empty::<D>(backup, options, places, manner).await?,
        false => in_place::<D>(backup, options, places, manner).await?,
    };
    if let Some(aside) = aside {
        let put = aside.put_in_place().await;
        // By now the database is another one: that is not to be hidden by what went wrong after it.
        notes.extend(put.map_err(|error| after_the_database(&error, &notes))?);
    }
    let rows = &backup.manifest.database.rows;
    Ok(Restored {
        tables: rows.len(),
        rows: rows.values().sum(),
        notes,
    })
}

fn after_the_database(error: &BackupError, notes: &[String]) -> BackupError {
    let words = format!(
        "The database is restored, and what lies beside it is not: {error} {} Mend that, and restore again with \
         --replace.",
        notes.join(" ")
    );
    BackupError::new(Why::Disk, words)
}

fn known_steps(backup: &Backup) -> Result<(), BackupError> {
    let (has, knows) = (backup.manifest.database.migration, last_step());
    if has <= knows {
        return Ok(());
    }
    let words = format!(
        "{} has Inkfast's own tables of step {has}; this version knows {knows}.",
        backup.name
    );
    Err(BackupError::new(Why::Refused, words))
}

async fn into_empty<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    places: &Places,
    manner: Manner,
) -> Result<Vec<String>, BackupError> {
    D::fill(options, places, &backup.file(DATABASE), manner.plain).await?;
    // A server that waits for this database can save nothing before it is released.
    let checked = async {
        if turn_back::<D>(backup, options).await? {
            tokio::time::sleep(HEARD_WITHIN).await;
        }
        release_and_count::<D>(backup, options, places, manner).await
    };
    checked.await.map_err(|error| {
        let words = format!(
            "{} is filled, and must not be used: {error} Empty it.",
            D::name_of(options)
        );
        BackupError::new(Why::Database, words)
    })?;
    off::<D>(options).await
}

/// What would run by itself, in words.
async fn off<D: BackedUp>(options: &Options<D::Database>) -> Result<Vec<String>, BackupError> {
    let off = D::switched_off(options).await?;
    let words = format!(
        "These run by themselves, and came back switched off: {}. Look at them, and switch on (ALTER EVENT … ENABLE) what is \
         to run.",
        off.join(", ")
    );
    Ok(if off.is_empty() { Vec::new() } else { vec![words] })
}

async fn release_and_count<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    places: &Places,
    manner: Manner,
) -> Result<(), BackupError> {
    D::release(options, places, &backup.file(DATABASE), manner.plain).await?;
    let (mut wanted, mut found) = (backup.manifest.database.rows.clone(), D::rows(options).await?);
    // In these there is more by now, and some may be new.
    found.retain(|table, _| wanted.contains_key(table));
    for own in TURNED {
        let own = D::own(own).replace(['"', '`'], "");
        wanted.remove(&own);
        found.remove(&own);
    }
    same_rows(&wanted, &found)
}

async fn in_place<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    places: &Places,
    manner: Manner,
) -> Result<Vec<String>, BackupError> {
    let beside = D::make_beside(options, beside::RESTORING).await?;
    let off = async {
        let switched = fill_and_switch::<D>(backup, options, &beside, places, manner).await?;
        let now = if matches!(switched, Switched::Beside { .. }) {
            &beside.options
        } else {
            options
        };
        Ok((switched, off::<D>(now).await.unwrap_or_default()))
    };
    match off.await {
        Ok((Switched::InPlace { old }, off)) => Ok([vec![format!("The old database is kept as {old}.")], off].concat()),
        Ok((Switched::Beside { name }, off)) => {
            let words = format!(
                "This kind of database cannot be put in the place of another. All is restored in {name}, and the old one \
                 is what it was: name {name} in DATABASE_URL."
            );
            Ok([vec![words], off].concat())
        }
        Err(error) => {
            if let Err(left) = D::remove_beside(options, &beside).await {
                tracing::warn!(error = %left, name = beside.name, "what was restored in vain is still there");
            }
            Err(error)
        }
    }
}

async fn fill_and_switch<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    beside: &Beside<D>,
    places: &Places,
    manner: Manner,
) -> Result<Switched, BackupError> {
    D::fill(&beside.options, places, &backup.file(DATABASE), manner.plain).await?;
    turn_back::<D>(backup, &beside.options).await?;
    release_and_count::<D>(backup, &beside.options, places, manner).await?;
    D::switch(options, beside).await
}

/// Whoever signed out, or was switched off, since the backup would be signed in again by it. Forms that were drawn
/// since then show what is no more: a record under their address may be another one.
///
/// Whether there was anything to turn back.
async fn turn_back<D: BackedUp>(backup: &Backup, options: &Options<D::Database>) -> Result<bool, BackupError> {
    if backup.manifest.database.migration == 0 {
        return Ok(false);
    }
    let up_to_date = D::migrate(options).await;
    up_to_date.map_err(|error| {
        let words = format!(
            "Inkfast's own tables cannot be brought up to date: {}.",
            report::chain(&error)
        );
        BackupError::new(Why::Database, words)
    })?;
    let (accounts, undone) = (D::own("account"), D::own("undone_time"));
    let (from, to) = (backup.manifest.made_at_unix_ms, now_ms());
    let orders = [
        "BEGIN".to_owned(),
        format!("UPDATE {accounts} SET epoch = {to}"),
        format!("INSERT INTO {undone} (to_ms, from_ms) VALUES ({to}, {from})"),
        "COMMIT".to_owned(),
    ];
    D::run(options, &orders).await?;
    Ok(true)
}

/// What lies beside the database, ready to be put in place.
struct Aside {
    data_dir: PathBuf,
    /// Each with the file that takes its place.
    databases: Vec<(PathBuf, PathBuf)>,
    accounts: Option<Vec<u8>>,
    secret: Option<Vec<u8>>,
    notes: Vec<String>,
}

impl Aside {
    async fn prepare(
        backup: &Backup,
        data_dir: &Path,
        secrets: Option<Secrets>,
        manner: Manner,
    ) -> Result<Self, BackupError> {
        let read = |name: &str| {
            let path = backup.file(name);
            let bytes = backup.manifest.has(name).then(|| std::fs::read(&path)).transpose();
            bytes.map_err(|error| BackupError::of(&path, &error))
        };
        let given = read(SECRET)?.filter(|_| secrets.is_none() || manner.secret);
        // What the server will have then.
        let used = after(secrets, given.as_deref());
        let mut databases = Vec::new();
        for file in &backup.manifest.files {
            let target = data_dir.join(&file.name);
            if file.name == DRAFTS {
                let sealer = used.as_ref().map(|secrets| keys::Keys::of(secrets).drafts);
                let made = unsaved::joined(&backup.file(DRAFTS), &target, sealer.as_ref(), now_ms()).await?;
                databases.push((target, made));
            } else if file.name == "local.db" {
                let made = sqlite::with_suffix(&target, ".restoring");
                sqlite::remove(&made)?;
                kept_file::copy(&backup.file(&file.name), &made).await?;
                let order = format!("UPDATE {} SET epoch = {}", Sqlite::own("account"), now_ms());
                Sqlite::run(&SqliteConnectOptions::new().filename(&made), &[order]).await?;
                databases.push((target, made));
            }
        }
        let accounts = read(ACCOUNTS)?
            .map(|accounts| signed_out(&accounts, now_ms()))
            .transpose()?;
        let secrets = used.iter().flat_map(Secrets::all);
        let notes = notes(
            backup,
            &secrets.map(|secret| keys::secret_mark(&secret)).collect::<Vec<_>>(),
        );
        Ok(Self {
            data_dir: data_dir.to_owned(),
            databases,
            accounts,
            secret: given,
            notes,
        })
    }

    async fn put_in_place(self) -> Result<Vec<String>, BackupError> {
        let mut notes = self.notes;
        for (target, made) in &self.databases {
            if target.exists() {
                let old = sqlite::replace(target, made).await?;
                notes.push(format!("The old {} is kept as {}.", target.display(), old.display()));
            } else {
                sqlite::rename(made, target)?;
            }
        }
        if let Some(accounts) = &self.accounts {
            let path = self.data_dir.join(ACCOUNTS);
            files::write_whole(&path, accounts).map_err(|error| BackupError::of(&path, &error))?;
        }
        if let Some(secret) = &self.secret {
            notes.extend(put_secret(&self.data_dir.join(SECRET), secret).await?);
        }
        Ok(notes)
    }
}

/// With that of a backup in use, the one that is here now is an old one: unsaved text that it has sealed still opens.
fn after(secrets: Option<Secrets>, given: Option<&[u8]>) -> Option<Secrets> {
    let Some(given) = given.and_then(|given| <[u8; 32]>::try_from(given).ok()) else {
        return secrets;
    };
    let mut after = Secrets::from(given);
    after.old = secrets.iter().flat_map(Secrets::all).collect();
    Some(after)
}

/// The old one stays beside it: what was kept with it can be read with nothing else.
async fn put_secret(path: &Path, secret: &[u8]) -> Result<Option<String>, BackupError> {
    if std::fs::read(path).is_ok_and(|there| there == secret) {
        return Ok(None);
    }
    let made = sqlite::with_suffix(path, ".restoring");
    sqlite::remove(&made)?;
    kept_file::write(secret, &made, |_| {}).await?;
    let mut note = None;
    if path.exists() {
        let old = path.with_file_name(keys::name_of_old_secret(now_ms()));
        // There is one under its name at every moment: a server would make a third.
        std::fs::hard_link(path, &old).map_err(|error| BackupError::of(&old, &error))?;
        note = Some(format!(
            "The old secret is kept as {}, and opens what it has sealed.",
            old.display()
        ));
    }
    sqlite::rename(&made, path)?;
    Ok(note)
}

/// What the server knows of accounts while the database is away: all sessions are over, as in the database.
fn signed_out(accounts: &[u8], epoch: u64) -> Result<Vec<u8>, BackupError> {
    let damaged = |error: serde_json::Error| BackupError::new(Why::Damaged, format!("{ACCOUNTS} is damaged: {error}."));
    let mut state: Value = serde_json::from_slice(accounts).map_err(damaged)?;
    if let Some(accounts) = state.get_mut("accounts").and_then(Value::as_object_mut) {
        for account in accounts.values_mut() {
            account["epoch"] = epoch.into();
        }
    }
    serde_json::to_vec(&state).map_err(damaged)
}

/// `marks`: of the secrets that the server will have.
fn notes(backup: &Backup, marks: &[String]) -> Vec<String> {
    let mut notes = vec!["Everybody signs in again.".to_owned()];
    if backup.manifest.has(DRAFTS) && !marks.contains(&backup.manifest.secret_mark) {
        notes.push(
            "The unsaved text in this backup was kept with another secret: nobody can see it before the server has \
             that one, as INKFAST_OLD_SECRETS or as a file secret.old-1 in its data directory."
                .to_owned(),
        );
    }
    if backup.manifest.drafts_in_redis {
        notes.push("Unsaved text that was in Redis is not in this backup; what is in Redis now stays.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_come_back_signed_out() {
        let kept = br#"{"accounts":{"anna":{"role":"viewer","epoch":1,"disabled":false}},"ended":{"s":5}}"#;
        let state: Value = serde_json::from_slice(&signed_out(kept, 77).unwrap()).unwrap();
        assert_eq!(state["accounts"]["anna"]["epoch"], 77);
        assert_eq!(state["ended"]["s"], 5);
        assert!(signed_out(b"{", 77).is_err());
    }
}
