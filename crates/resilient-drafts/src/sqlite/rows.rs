//! The rows of the file, and what of them is sealed.

use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::Kept;
use resilient_core::draft::{Draft, Revision};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection, SqlitePool};

use crate::form::{Difference, Entry, Form, Mark, latest_first};
use crate::seal::binding;
use crate::store::{fitting_json, unavailable, why_unreadable};
use crate::{End, Place, Sealer, Seen, StoreError, Unreadable};

/// One draft as it lies in the file.
pub struct Row {
    account: String,
    form_key: String,
    writer: String,
    seq: i64,
    lineage: String,
    sealed: String,
    changed_at_ms: i64,
}

impl Row {
    pub fn seal(
        sealer: &Sealer,
        account: &str,
        form_key: &str,
        Entry {
            kept, changed_at_ms, ..
        }: &Entry,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            account: account.to_owned(),
            form_key: form_key.to_owned(),
            writer: kept.draft.revision.writer.clone(),
            seq: signed(kept.draft.revision.seq),
            lineage: serde_json::to_string(&kept.lineage).map_err(unavailable)?,
            sealed: sealer.seal(&binding(&[account, form_key]), &fitting_json(&kept.draft)?),
            changed_at_ms: signed(*changed_at_ms),
        })
    }

    /// What cannot be opened hides no other row.
    fn open(&self, sealer: &Sealer) -> Result<Entry, Unreadable> {
        let opened = sealer.open(&binding(&[&self.account, &self.form_key]), &self.sealed);
        let draft: Option<Draft> = opened.ok().and_then(|json| serde_json::from_slice(&json).ok());
        let lineage: Option<Lineage> = serde_json::from_str(&self.lineage).ok();
        let own = |draft: &Draft| draft.revision.writer == self.writer && signed(draft.revision.seq) == self.seq;
        let kept = draft
            .filter(own)
            .zip(lineage)
            .map(|(draft, lineage)| Kept { draft, lineage });
        Ok(Entry {
            kept: kept.ok_or_else(|| self.unreadable(sealer))?,
            changed_at_ms: self.changed_at_ms as u64,
            place: Place::Server,
        })
    }

    fn unreadable(&self, sealer: &Sealer) -> Unreadable {
        Unreadable {
            form_key: self.form_key.clone(),
            revision: Revision {
                seq: self.seq as u64,
                writer: self.writer.clone(),
            },
            changed_at_ms: Some(self.changed_at_ms as u64),
            kept_in: Place::Server,
            why: why_unreadable(sealer, &self.sealed),
        }
    }
}

impl FromRow<'_, SqliteRow> for Row {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account: row.try_get("account")?,
            form_key: row.try_get("form_key")?,
            writer: row.try_get("writer")?,
            seq: row.try_get("seq")?,
            lineage: row.try_get("lineage")?,
            sealed: row.try_get("sealed")?,
            changed_at_ms: row.try_get("changed_at_ms")?,
        })
    }
}

/// Everything known of one form.
pub async fn form(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    account: &str,
    form_key: &str,
) -> Result<Form, sqlx::Error> {
    let drafts = "SELECT * FROM draft WHERE account = ? AND form_key = ? ORDER BY changed_at_ms DESC, rowid DESC";
    let rows: Vec<Row> = sqlx::query_as(drafts)
        .bind(account)
        .bind(form_key)
        .fetch_all(&mut *connection)
        .await?;
    let ended = sqlx::query_as("SELECT writer, seq, saved, at_ms FROM ended WHERE account = ? AND form_key = ?");
    let ended: Vec<(String, i64, bool, i64)> = ended.bind(account).bind(form_key).fetch_all(connection).await?;
    let mut form = Form {
        ended: ended.into_iter().map(as_ended).collect(),
        ..Form::empty(form_key, Place::Server)
    };
    for row in rows {
        match row.open(sealer) {
            Ok(entry) => form.entries.push(entry),
            Err(unreadable) => form.unreadable.push(unreadable),
        }
    }
    Ok(form)
}

fn as_ended((writer, seq, saved, at_ms): (String, i64, bool, i64)) -> Mark {
    let seq = seq as u64;
    Mark {
        revision: Revision { seq, writer },
        end: if saved { End::Saved } else { End::Discarded },
        at_ms: at_ms as u64,
    }
}

/// All drafts of an account, latest change first. One form after the other is read and opened, so that no more
/// than one is in memory sealed and open at the same time.
pub async fn of_account(readers: &SqlitePool, sealer: &Sealer, account: &str) -> Result<Seen, sqlx::Error> {
    let mut connection = readers.begin().await?;
    let form_keys = "SELECT DISTINCT form_key FROM draft WHERE account = ?";
    let form_keys: Vec<String> = sqlx::query_scalar(form_keys)
        .bind(account)
        .fetch_all(&mut *connection)
        .await?;
    let mut forms = Vec::new();
    for form_key in form_keys {
        forms.push(form(&mut connection, sealer, account, &form_key).await?);
    }
    Ok(latest_first(forms, true))
}

pub const COUNT_FORMS: &str = "SELECT count(DISTINCT form_key) FROM draft WHERE account = ? AND changed_at_ms > ?";

/// How many forms of an account have a draft that changed later than that.
pub async fn count_forms(readers: &SqlitePool, account: &str, too_old_ms: u64) -> Result<i64, sqlx::Error> {
    let count = sqlx::query_scalar(COUNT_FORMS).bind(account).bind(signed(too_old_ms));
    count.fetch_one(readers).await
}

/// How many drafts an account has.
pub async fn count(connection: &mut SqliteConnection, account: &str) -> Result<u32, StoreError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM draft WHERE account = ?").bind(account);
    count.fetch_one(connection).await.map_err(unavailable)
}

/// How many bytes they have, as they are kept. No text is read for that.
pub async fn bytes(connection: &mut SqliteConnection, account: &str) -> Result<u64, StoreError> {
    let sum = "SELECT coalesce(sum(octet_length(sealed)), 0) FROM draft WHERE account = ?";
    let sum: i64 = sqlx::query_scalar(sum)
        .bind(account)
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
    Ok(sum as u64)
}

/// Makes a difference true.
pub async fn apply(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    (account, form_key): (&str, &str),
    difference: &Difference,
    known_to: Option<&str>,
) -> Result<(), StoreError> {
    remove(connection, account, form_key, &difference.remove)
        .await
        .map_err(unavailable)?;
    for entry in &difference.insert {
        let row = Row::seal(sealer, account, form_key, entry)?;
        insert(connection, row).await.map_err(unavailable)?;
    }
    for mark in &difference.marks {
        remember_ended(connection, (account, form_key), mark, known_to)
            .await
            .map_err(unavailable)?;
    }
    Ok(())
}

/// Account and form key of everything in the file, and whether only the file is known to have some of it.
#[cfg(feature = "redis")]
pub async fn known_forms(readers: &SqlitePool) -> Result<Vec<(String, String, bool)>, sqlx::Error> {
    let forms = "SELECT account, form_key, max(only_here) FROM (
                     SELECT account, form_key, 1 AS only_here FROM draft
                     UNION ALL SELECT account, form_key, known_to IS NULL FROM ended
                 ) GROUP BY account, form_key";
    sqlx::query_as(forms).fetch_all(readers).await
}

/// Removes exactly the drafts that `form` names. What has ended is left to the sweep, `known_to` another store.
#[cfg(feature = "redis")]
pub async fn forget(
    connection: &mut SqliteConnection,
    account: &str,
    form: &Form,
    known_to: Option<&str>,
) -> Result<(), sqlx::Error> {
    let drafts: Vec<_> = form
        .entries
        .iter()
        .map(|entry| entry.kept.draft.revision.clone())
        .collect();
    remove(connection, account, &form.key, &drafts).await?;
    for mark in known_to.map_or(&[][..], |_| &form.ended) {
        // What that writer has ended since is not known there.
        let known = "UPDATE ended SET known_to = ? WHERE account = ? AND form_key = ? AND writer = ? AND seq = ?
                     AND saved = ? AND known_to IS NOT ?";
        let known = sqlx::query(known).bind(known_to).bind(account).bind(&form.key);
        let known = known.bind(&mark.revision.writer).bind(signed(mark.revision.seq));
        known
            .bind(mark.end == End::Saved)
            .bind(known_to)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(feature = "redis")]
pub async fn known_only_to(writer: &SqlitePool, present: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    let unknown = "UPDATE ended SET known_to = NULL WHERE known_to <> ? RETURNING account, form_key";
    sqlx::query_as(unknown).bind(present).fetch_all(writer).await
}

/// Whether the file has the column for that.
pub async fn says_who_knows(writer: &SqlitePool) -> Result<bool, sqlx::Error> {
    let column = "SELECT count(*) > 0 FROM pragma_table_info('ended') WHERE name = 'known_to'";
    sqlx::query_scalar(column).fetch_one(writer).await
}

async fn insert(connection: &mut SqliteConnection, row: Row) -> Result<(), sqlx::Error> {
    // Only a row that could not be opened can stand in the way.
    let insert = "INSERT OR REPLACE INTO draft (account, form_key, writer, seq, lineage, sealed, changed_at_ms)
                  VALUES (?, ?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert)
        .bind(row.account)
        .bind(row.form_key)
        .bind(row.writer)
        .bind(row.seq);
    insert
        .bind(row.lineage)
        .bind(row.sealed)
        .bind(row.changed_at_ms)
        .execute(connection)
        .await?;
    Ok(())
}

async fn remove(
    connection: &mut SqliteConnection,
    account: &str,
    form_key: &str,
    revisions: &[Revision],
) -> Result<(), sqlx::Error> {
    for Revision { seq, writer } in revisions {
        let delete = "DELETE FROM draft WHERE account = ? AND form_key = ? AND writer = ? AND seq = ?";
        let delete = sqlx::query(delete)
            .bind(account)
            .bind(form_key)
            .bind(writer)
            .bind(signed(*seq));
        delete.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn remember_ended(
    connection: &mut SqliteConnection,
    (account, form_key): (&str, &str),
    mark: &Mark,
    known_to: Option<&str>,
) -> Result<(), sqlx::Error> {
    let remember = "INSERT INTO ended (account, form_key, writer, seq, saved, at_ms, known_to)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (account, form_key, writer)
                    DO UPDATE SET seq = max(seq, excluded.seq), saved = excluded.saved, at_ms = excluded.at_ms,
                                  known_to = excluded.known_to";
    let remember = sqlx::query(remember)
        .bind(account)
        .bind(form_key)
        .bind(&mark.revision.writer)
        .bind(signed(mark.revision.seq));
    remember
        .bind(mark.end == End::Saved)
        .bind(signed(mark.at_ms))
        .bind(known_to)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a time and how many at most.
pub const OLD_DRAFTS: &str =
    "DELETE FROM draft WHERE rowid IN (SELECT rowid FROM draft WHERE changed_at_ms <= ? LIMIT ?)";
pub const OLD_MARKS: &str = "DELETE FROM ended WHERE rowid IN (SELECT rowid FROM ended WHERE at_ms <= ? LIMIT ?)";
/// Rows removed in one step: whoever wants to write meanwhile does not wait long.
pub const SWEPT_AT_ONCE: u64 = 500;

/// Removes all that is that old, step by step; how many.
pub async fn sweep(writer: &SqlitePool, delete: &'static str, too_old_ms: u64) -> Result<u64, sqlx::Error> {
    let mut removed = 0;
    loop {
        let step = sqlx::query(delete).bind(signed(too_old_ms)).bind(signed(SWEPT_AT_ONCE));
        let step = step.execute(writer).await?.rows_affected();
        removed += step;
        if step < SWEPT_AT_ONCE {
            return Ok(removed);
        }
    }
}

/// SQLite counts to 2^63; no page types as much.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
