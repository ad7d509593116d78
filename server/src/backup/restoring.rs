//! Brings a backup back. What is there now is replaced only when everything is ready, and kept beside it.

use std::path::Path;
use std::time::Duration;

use resilient_db::Options;
use resilient_drafts::Secrets;
use sqlx::migrate::MigrateError;

use super::aside::Aside;
use super::verifying::{of_this_kind, same_rows};
use super::{BackedUp, Backup, BackupError, Beside, DATABASE, Places, Switched, Why, beside, handed};
use crate::clock::now_ms;
use crate::records::save::UNTIL_SERVED_MS;
use crate::report;
use crate::sql::migrations::{Alone, last_step};

/// Servers that were waiting have looked at accounts and at what was undone by then.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// Bringing the own tables up to date, and turning back, writes to these, and so do servers that wait for this database.
const NOT_COUNTED: [&str; 7] = [
    "schema_history",
    "undone_time",
    "error_history",
    "backup_turn",
    "instance",
    "ended_session",
    "removed_account",
];
/// Comes last; it grows with each save from then on.
const SAVES: &str = "submission";

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
    // A server that starts meanwhile waits with its own tables.
    let alone = D::alone(options).await.map_err(|error| not_ours(&error))?;
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
        true => into_empty::<D>(backup, options, places, manner, alone).await?,
        false => {
            // The old one cannot get another name while somebody is connected to it.
            alone.end().await;
            in_place::<D>(backup, options, places, manner).await?
        }
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

fn not_ours(error: &MigrateError) -> BackupError {
    let words = format!(
        "Inkfast's own tables cannot be brought up to date: {}.",
        report::chain(error)
    );
    BackupError::new(Why::Database, words)
}

async fn into_empty<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    places: &Places,
    manner: Manner,
    mut alone: Alone<D::Database>,
) -> Result<Vec<String>, BackupError> {
    let file = backup.file(DATABASE);
    D::fill(options, places, &file, manner.plain).await?;
    // A server that stayed up can save nothing before it is released, so all that can be wrong is looked for before.
    let checked = async {
        let is_turned = turn_back::<D>(backup, options, &mut alone).await?;
        count::<D>(backup, options).await?;
        if is_turned {
            tokio::time::sleep(HEARD_WITHIN).await;
        }
        D::release(options, places, &file, manner.plain).await
    };
    checked.await.map_err(|error| {
        let words = format!(
            "{} is filled, and must not be used: {error} Empty it.",
            D::name_of(options)
        );
        BackupError::new(Why::Database, words)
    })?;
    count_saves::<D>(backup, options).await.map_err(|error| {
        let words = format!(
            "{} is filled, and a server may have saved in it since: {error} Stop what uses it, and keep it until you have \
             looked at what was saved.",
            D::name_of(options)
        );
        BackupError::new(Why::Database, words)
    })?;
    alone.end().await;
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

/// Counts what nobody can have changed before it is released: all but what it is released with.
async fn count<D: BackedUp>(backup: &Backup, options: &Options<D::Database>) -> Result<(), BackupError> {
    let not_counted: Vec<String> = NOT_COUNTED.iter().chain([&SAVES]).map(|own| named::<D>(own)).collect();
    let mut wanted = backup.manifest.database.rows.clone();
    wanted.retain(|table, _| !not_counted.contains(table));
    // Some may be new, or have another name for now.
    let found = D::rows(options, &|table| wanted.contains_key(table)).await?;
    same_rows(&wanted, &found)
}

/// Of saves there may be more by now.
async fn count_saves<D: BackedUp>(backup: &Backup, options: &Options<D::Database>) -> Result<(), BackupError> {
    let saves = named::<D>(SAVES);
    let Some(wanted) = backup.manifest.database.rows.get(&saves) else {
        return Ok(());
    };
    let found = D::rows(options, &|table| table == saves).await?;
    let kept = found.get(&saves).map(|found| (*found).min(*wanted));
    let one = |rows: Option<u64>| rows.map(|rows| (saves.clone(), rows)).into_iter().collect();
    same_rows(&one(Some(*wanted)), &one(kept))
}

/// As rows are counted by.
fn named<D: BackedUp>(own: &str) -> String {
    D::own(own).replace(['"', '`'], "")
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
    let (there, file) = (&beside.options, backup.file(DATABASE));
    D::fill(there, places, &file, manner.plain).await?;
    let mut alone = D::alone(there).await.map_err(|error| not_ours(&error))?;
    turn_back::<D>(backup, there, &mut alone).await?;
    // Nor can it have another name with this.
    alone.end().await;
    count::<D>(backup, there).await?;
    D::release(there, places, &file, manner.plain).await?;
    count_saves::<D>(backup, there).await?;
    D::switch(options, beside).await
}

/// Whoever signed out, or was switched off, since the backup would be signed in again by it. Forms that were drawn
/// since then show what is no more: a record under their address may be another one.
///
/// Until when that is, is not known here: forms are drawn from the old database until somebody serves this one.
///
/// Whether there was anything to turn back.
async fn turn_back<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    alone: &mut Alone<D::Database>,
) -> Result<bool, BackupError> {
    if backup.manifest.database.migration == 0 {
        return Ok(false);
    }
    let up_to_date = D::migrate_alone(alone, options).await;
    up_to_date.map_err(|error| not_ours(&error))?;
    let (accounts, undone) = (D::own("account"), D::own("undone_time"));
    let (from, now) = (backup.manifest.made_at_unix_ms, now_ms());
    let orders = [
        "BEGIN".to_owned(),
        format!("UPDATE {accounts} SET epoch = {now}"),
        // One that nobody had served yet when it was backed up.
        format!("UPDATE {undone} SET to_ms = {now} WHERE to_ms = {UNTIL_SERVED_MS}"),
        format!("INSERT INTO {undone} (to_ms, from_ms) VALUES ({UNTIL_SERVED_MS}, {from})"),
        "COMMIT".to_owned(),
    ];
    D::run(options, &orders).await?;
    Ok(true)
}
