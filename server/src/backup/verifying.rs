//! Shows that a backup can be brought back, by bringing it back: into a place of its own, which is thrown away.

use resilient_db::Options;

use super::making::DRAFTS;
use super::{BackedUp, Backup, BackupError, DATABASE, Places, Rows, Why, beside, handed, sqlite};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub tables: usize,
    pub rows: u64,
}

/// Reads all of it, restores the database into one beside that of `options`, and counts.
///
/// # Errors
/// [`Why::Damaged`] where it is not what it was, or does not come back whole; [`Why::Refused`] where this account may
/// not make a database to try it in.
pub async fn verify<D: BackedUp>(
    backup: &Backup,
    options: &Options<D::Database>,
    places: &Places,
) -> Result<Verified, BackupError> {
    of_this_kind::<D>(backup)?;
    backup.check().await?;
    if backup.manifest.has(DRAFTS) {
        sqlite::checked_rows(&backup.file(DRAFTS)).await?;
    }
    handed::sweep().await;
    beside::sweep::<D>(options).await;
    let beside = D::make_beside(options, beside::VERIFYING).await?;
    let tried = async {
        let file = backup.file(DATABASE);
        D::fill(&beside.options, places, &file, true).await?;
        D::release(&beside.options, places, &file, true).await?;
        D::rows(&beside.options, &|_| true).await
    };
    let tried = tried.await;
    let removed = D::remove_beside(options, &beside).await;
    let rows = tried?;
    removed?;
    same_rows(&backup.manifest.database.rows, &rows)?;
    Ok(Verified {
        tables: rows.len(),
        rows: rows.values().sum(),
    })
}

pub fn of_this_kind<D: BackedUp>(backup: &Backup) -> Result<(), BackupError> {
    let kind = &backup.manifest.database.kind;
    if kind == D::KIND {
        return Ok(());
    }
    let words = format!(
        "{} is a backup of {kind}, and this database is {}.",
        backup.name,
        D::KIND
    );
    Err(BackupError::new(Why::Refused, words))
}

/// # Errors
/// [`Why::Damaged`], with the first table that differs.
pub fn same_rows(wanted: &Rows, found: &Rows) -> Result<(), BackupError> {
    let names = wanted.keys().chain(found.keys());
    let differing = names.into_iter().find(|name| wanted.get(*name) != found.get(*name));
    let Some(name) = differing else { return Ok(()) };
    let told = |rows: &Rows| rows.get(name).map_or("none".to_owned(), u64::to_string);
    let words = format!(
        "The table {name} came back with other rows: {} were copied, {} are there.",
        told(wanted),
        told(found)
    );
    Err(BackupError::new(Why::Damaged, words))
}
