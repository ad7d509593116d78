//! What a restore brings back beside the database: unsaved text, local accounts, the secret.

use std::path::{Path, PathBuf};

use resilient_drafts::Secrets;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;

use super::making::{ACCOUNTS, DRAFTS, SECRET, is_old_secret};
use super::{BackedUp, Backup, BackupError, Manner, Why, kept_file, sqlite, unsaved};
use crate::clock::now_ms;
use crate::sql::{Dialect, Sqlite};
use crate::{files, keys};

/// What lies beside the database, ready to be put in place.
pub struct Aside {
    data_dir: PathBuf,
    /// Each with the file that takes its place.
    databases: Vec<(PathBuf, PathBuf)>,
    accounts: Option<Vec<u8>>,
    secret: Option<Vec<u8>>,
    /// Of earlier days, the latest first.
    old_secrets: Vec<[u8; 32]>,
    notes: Vec<String>,
}

impl Aside {
    pub async fn prepare(
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
        let mut old_secrets = Vec::new();
        let names = backup.manifest.files.iter().map(|file| file.name.as_str());
        let mut names: Vec<&str> = names.filter(|name| given.is_some() && is_old_secret(name)).collect();
        names.sort_unstable_by(|one, other| other.cmp(one));
        for name in names {
            old_secrets.extend(read(name)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()));
        }
        // What the server will have then.
        let used = after(secrets, given.as_deref(), &old_secrets);
        let (mut databases, mut waiting) = (Vec::new(), 0);
        for file in &backup.manifest.files {
            let target = data_dir.join(&file.name);
            if file.name == DRAFTS {
                let sealer = used.as_ref().map(|secrets| keys::Keys::of(secrets).drafts);
                let joined = unsaved::joined(&backup.file(DRAFTS), &target, sealer.as_ref(), now_ms()).await?;
                let made = joined.0;
                waiting = joined.1;
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
            waiting,
        );
        Ok(Self {
            data_dir: data_dir.to_owned(),
            databases,
            accounts,
            secret: given,
            old_secrets,
            notes,
        })
    }

    /// The secrets come first: wherever this stops, what has been put in place can be opened.
    pub async fn put_in_place(self) -> Result<Vec<String>, BackupError> {
        let mut notes = self.notes;
        for (place, secret) in self.old_secrets.iter().rev().enumerate() {
            put_old_secret(&self.data_dir, place, secret).await?;
        }
        if let Some(secret) = &self.secret {
            notes.extend(put_secret(&self.data_dir.join(SECRET), secret).await?);
        }
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
        Ok(notes)
    }
}

/// With that of a backup in use, the one that is here now is an old one, and so are the old ones of the backup: unsaved
/// text that they have sealed still opens.
fn after(secrets: Option<Secrets>, given: Option<&[u8]>, old: &[[u8; 32]]) -> Option<Secrets> {
    let Some(given) = given.and_then(|given| <[u8; 32]>::try_from(given).ok()) else {
        return secrets;
    };
    let mut after = Secrets::from(given);
    after.old = secrets
        .iter()
        .flat_map(Secrets::all)
        .chain(old.iter().copied())
        .collect();
    Some(after)
}

/// Beside the others, where it is not one of them.
async fn put_old_secret(data_dir: &Path, place: usize, secret: &[u8; 32]) -> Result<(), BackupError> {
    let of = |error: std::io::Error| BackupError::of(data_dir, &error);
    let there = keys::old_secret_files(data_dir).map_err(of)?;
    let path = data_dir.join(keys::name_of_given_secret(place, secret));
    if there.iter().any(|(_, known)| known == secret) {
        return Ok(());
    }
    // Under a name that is no secret's until it is whole.
    let made = data_dir.join("secret.restoring");
    sqlite::remove(&made)?;
    kept_file::write(&secret[..], &made, |_| {}).await?;
    sqlite::rename(&made, &path)
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

/// `marks`: of the secrets that the server will have. `waiting`: so many saves.
fn notes(backup: &Backup, marks: &[String], waiting: u64) -> Vec<String> {
    let mut notes = vec!["Everybody signs in again.".to_owned()];
    if backup.manifest.has(DRAFTS) && !marks.contains(&backup.manifest.secret_mark) {
        notes.push(
            "The unsaved text in this backup was kept with another secret: nobody can see it before the server has \
             that one, as INKFAST_OLD_SECRETS or as a file secret.old-1 in its data directory."
                .to_owned(),
        );
    }
    if waiting > 0 {
        notes.push(format!(
            "Saves that wait, and that the server sends once it runs: {waiting}."
        ));
    }
    if backup.manifest.drafts_in_redis {
        notes.push("Unsaved text that was in Redis is not in this backup; what is in Redis now stays.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_restore_that_stops_at_a_database_has_left_the_secrets_that_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        std::fs::write(dir.join(SECRET), [1; 32]).unwrap();
        let aside = Aside {
            data_dir: dir.to_owned(),
            databases: vec![(dir.join(DRAFTS), dir.join("was not made"))],
            accounts: None,
            secret: Some(vec![2; 32]),
            old_secrets: vec![[4; 32], [3; 32]],
            notes: Vec::new(),
        };
        aside.put_in_place().await.expect_err("it cannot be put in place");
        assert_eq!(std::fs::read(dir.join(SECRET)).unwrap(), [2; 32]);
        let old = keys::old_secret_files(dir).unwrap();
        let old: Vec<[u8; 32]> = old.into_iter().map(|(_, secret)| secret).collect();
        assert_eq!(old, [[1; 32], [4; 32], [3; 32]], "the latest first");
    }

    #[test]
    fn accounts_come_back_signed_out() {
        let kept = br#"{"accounts":{"anna":{"role":"viewer","epoch":1,"disabled":false}},"ended":{"s":5}}"#;
        let state: Value = serde_json::from_slice(&signed_out(kept, 77).unwrap()).unwrap();
        assert_eq!(state["accounts"]["anna"]["epoch"], 77);
        assert_eq!(state["ended"]["s"], 5);
        assert!(signed_out(b"{", 77).is_err());
    }
}
