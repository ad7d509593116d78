//! The one transaction a save is.

use app::records::model::{RecordKey, Text, Values};
use app::records::port::SavedSubmission;
use resilient_core::merge::merge;
use resilient_core::submission::answer::{Answer, Conflict, Outcome};
use resilient_core::submission::form_body::with_line_feeds;
use resilient_db::{Connection, End};

use super::changes::as_kept_before;
use super::intent::Intent;
use super::refusals::NOT_PERMITTED;
use super::rows::{self, Purpose, Row};
use super::statements;
use super::version::Versions;
use super::writable::permits;
use crate::clock::now_ms;
use crate::panel::{Panel, shown_answer};
use crate::records::read::{key_columns_sql, key_condition, key_parameters, may_exist};
use crate::sql::Dialect;

/// Runs the whole of a submission on `conn`, inside a transaction. Everything but a `saved` answer
/// rolls back, the id with it.
pub async fn run<D: Dialect>(
    mut conn: Connection<D::Database>,
    intent: &Intent,
    versions: &Versions,
    panel: &Panel,
) -> Result<End<Answer>, sqlx::Error> {
    let conn = &mut conn;
    let account = &intent.account.name;
    let now = statements::role_now::<D>(conn, account)
        .await?
        .map(|role| panel.of(role));
    let now = now.as_ref().and_then(|catalog| catalog.table(&intent.table.name));
    let permitted = permits(now.map(|table| &**table), intent);
    if let Some((fingerprint, stored)) = statements::claim::<D>(conn, account, &intent.id, &intent.fingerprint).await? {
        let earlier = statements::read_answer(&stored)?.answer;
        return Ok(End::Rollback(if intent.fingerprints.contains(&fingerprint) {
            Answer {
                replayed: true,
                ..shown_answer(earlier, now.map(|table| &**table))
            }
        } else if permitted {
            mismatch::<D>(conn, intent, earlier, versions).await?
        } else {
            intent.answer(Outcome::Mismatch)
        }));
    }
    if !permitted {
        return Ok(End::Rollback(intent.answer(Outcome::Forbidden)));
    }
    if let Some(answer) = intent.refused_by_rights() {
        return Ok(End::Rollback(answer));
    }
    match &intent.key {
        _ if intent.expired => Ok(End::Rollback(expired::<D>(conn, intent, versions).await?)),
        Some(key) => update::<D>(conn, intent, key, versions).await,
        None => create::<D>(conn, intent, versions).await,
    }
}

/// Another content came under an id that was saved. Of a create, the answer names the record it
/// made, as it is now, so that what was typed can go on from there; where that was deleted, only another form makes one.
async fn mismatch<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    earlier: Answer,
    versions: &Versions,
) -> Result<Answer, sqlx::Error> {
    let answer = intent.answer(Outcome::Mismatch);
    let made = earlier
        .key
        .as_deref()
        .filter(|_| intent.key.is_none())
        .and_then(RecordKey::read);
    let Some(key) = made else { return Ok(answer) };
    let Some(now) = rows::read::<D>(conn, &intent.table, &key, Purpose::Look).await? else {
        return Ok(intent.answer(Outcome::Gone));
    };
    Ok(Answer {
        key: Some(key.written()),
        version: Some(versions.issue(&intent.table, Some(&key), &now, now_ms())),
        current: intent.on_the_wire(&now),
        ..answer
    })
}

/// Too old to be run: its id may have been forgotten. Shown beside the record as it is now.
async fn expired<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    versions: &Versions,
) -> Result<Answer, sqlx::Error> {
    let Some(key) = &intent.key else {
        return Ok(intent.answer(Outcome::Expired));
    };
    let Some(now) = rows::read::<D>(conn, &intent.table, key, Purpose::Look).await? else {
        return Ok(intent.answer(Outcome::Gone));
    };
    let differs =
        |column: &&String| intent.changes.values.get(*column).map(comparable) != now.get(*column).map(comparable);
    let differing: Vec<String> = intent.changes.values.keys().filter(differs).cloned().collect();
    Ok(Answer {
        outcome: Outcome::Expired,
        ..conflict(intent, key, &now, &differing, versions)
    })
}

async fn update<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    key: &RecordKey,
    versions: &Versions,
) -> Result<End<Answer>, sqlx::Error> {
    if !means_the_same_record::<D>(intent, key, versions) {
        return Ok(End::Rollback(intent.answer(Outcome::Gone)));
    }
    let Some(before) = rows::read::<D>(conn, &intent.table, key, Purpose::Change).await? else {
        return Ok(End::Rollback(not_lockable::<D>(conn, intent, key).await?));
    };
    // Without a version nothing is known to be the base: whatever differs is a conflict.
    let is_base = |column: &str, text: &Text| {
        intent
            .version
            .as_ref()
            .is_some_and(|version| versions.matches(version, column, text) == Some(true))
    };
    let theirs = before
        .iter()
        .map(|(column, text)| (column.clone(), comparable(text)))
        .collect::<Values>();
    let merged = merge(&intent.changes.values, &theirs, is_base);
    if !merged.conflicts.is_empty() {
        return Ok(End::Rollback(conflict(
            intent,
            key,
            &before,
            &merged.conflicts,
            versions,
        )));
    }
    if intent.changes.is_empty() {
        return Ok(End::Rollback(intent.answer(Outcome::Saved)));
    }
    if intent.version.is_none() && intent.changes.unseen().next().is_none() {
        // Nothing posted differs from the record; the page needs a version that opens.
        return Ok(End::Rollback(saved_answer(intent, key, &before, versions)));
    }
    let mut written: Values = merged
        .write
        .iter()
        .map(|(column, text)| {
            (
                column.clone(),
                as_kept_before(intent.table.column(column), before.get(column), text),
            )
        })
        .collect();
    let unseen = intent.changes.unseen();
    written.extend(unseen.map(|(column, text)| (column.clone(), text.clone())));
    if !written.is_empty() {
        write_row::<D>(conn, intent, key, &written).await?;
    }
    let after = rows::read::<D>(conn, &intent.table, key, Purpose::Look)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    if !written.is_empty() {
        let changes: Vec<_> = written
            .keys()
            .map(|column| change(column, Some(&before), &after))
            .collect();
        audit::<D>(conn, intent, "update", key, &changes).await?;
    }
    // Without a version nothing is known of what others changed.
    let told = |column: &&String| intent.version.is_some() && intent.writable.contains(*column);
    let merged = merged.merged.iter().filter(told);
    let answer = Answer {
        merged: merged.map(|column| intent.written(column)).collect(),
        ..saved_answer(intent, key, &after, versions)
    };
    store::<D>(conn, intent, answer).await
}

/// Where a table was given another primary key, the same address means another record, or none.
fn means_the_same_record<D: Dialect>(intent: &Intent, key: &RecordKey, versions: &Versions) -> bool {
    let was_drawn = |(column, text): (&String, &String)| {
        let drawn = intent.version.as_ref();
        drawn.is_none_or(|version| versions.matches(version, column, &Some(text.clone())) == Some(true))
    };
    may_exist::<D>(&intent.table, key) && intent.table.key.iter().zip(&key.0).all(was_drawn)
}

/// The record cannot be read in order to change it: it is gone, or rules of the database (PostgreSQL's row-level
/// security) let it be read but not changed.
async fn not_lockable<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    key: &RecordKey,
) -> Result<Answer, sqlx::Error> {
    let is_there = rows::read::<D>(conn, &intent.table, key, Purpose::Look)
        .await?
        .is_some();
    Ok(match is_there {
        true => intent.invalid([(String::new(), NOT_PERMITTED.to_owned())].into()),
        false => intent.answer(Outcome::Gone),
    })
}

async fn create<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    versions: &Versions,
) -> Result<End<Answer>, sqlx::Error> {
    // One form makes one record, under whichever id it comes: a page may have lost track of an earlier one.
    if let Some(made) = statements::made_from::<D>(conn, &intent.account.name, &intent.form_key).await? {
        return Ok(End::Rollback(mismatch::<D>(conn, intent, made.answer, versions).await?));
    }
    let mut values = intent.changes.all();
    for column in &intent.table.columns {
        // A text that may not be NULL and has no default is empty unless it was typed.
        let needs_text = column.is_text() && !column.nullable && !column.has_default && !column.generated;
        if needs_text && intent.writable.contains(&column.name) && column.is_seen() {
            values.entry(column.name.clone()).or_insert_with(|| Some(String::new()));
        }
    }
    let key = insert_row::<D>(conn, intent, &values).await?;
    let after = rows::read::<D>(conn, &intent.table, &key, Purpose::Look)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let changes: Vec<_> = values.keys().map(|column| change(column, None, &after)).collect();
    audit::<D>(conn, intent, "create", &key, &changes).await?;
    let answer = saved_answer(intent, &key, &after, versions);
    store::<D>(conn, intent, answer).await
}

async fn write_row<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    key: &RecordKey,
    values: &Values,
) -> Result<(), sqlx::Error> {
    let columns = values.keys().filter_map(|name| intent.table.column(name));
    let assignments: Vec<_> = columns
        .enumerate()
        .map(|(at, column)| format!("{} = {}", D::quote(&column.name), D::value_of(column, at + 1)))
        .collect();
    let sql = format!(
        "UPDATE {} SET {} WHERE {}",
        D::rows_of(&intent.table),
        assignments.join(", "),
        key_condition::<D>(&intent.table, values.len() + 1)
    );
    let parameters = values.values().cloned().chain(key_parameters(key)).collect();
    match D::execute(conn, sql, parameters).await? {
        1 => Ok(()),
        // The row is locked and was just read: a trigger or a rule took the change away.
        _ => Err(sqlx::Error::RowNotFound),
    }
}

async fn insert_row<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    values: &Values,
) -> Result<RecordKey, sqlx::Error> {
    let made = D::insert(conn, &intent.table, values, &key_columns_sql::<D>(&intent.table)).await?;
    let key = made.and_then(|row| row.into_iter().collect::<Option<Vec<_>>>());
    key.map(RecordKey).ok_or(sqlx::Error::RowNotFound)
}

async fn audit<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    action: &str,
    key: &RecordKey,
    changes: &[(String, Text, Text)],
) -> Result<(), sqlx::Error> {
    let who = (intent.account.name.as_str(), intent.id.as_str());
    statements::write_audit::<D>(conn, who, action, &intent.table, key, changes).await
}

async fn store<D: Dialect>(
    conn: &mut Connection<D::Database>,
    intent: &Intent,
    answer: Answer,
) -> Result<End<Answer>, sqlx::Error> {
    let saved = SavedSubmission {
        answer,
        form_key: intent.form_key.clone(),
    };
    statements::store_answer::<D>(conn, &intent.account.name, &intent.id, &saved).await?;
    Ok(End::Commit(saved.answer))
}

/// What is stored now, told apart from what the page has.
fn saved_answer(intent: &Intent, key: &RecordKey, after: &Row, versions: &Versions) -> Answer {
    let as_posted = |column: &str, stored: &Text| match (intent.changes.values.get(column), &intent.version) {
        (Some(posted), _) => comparable(stored) == *posted,
        (None, Some(version)) => versions.matches(version, column, stored) == Some(true),
        (None, None) => false,
    };
    let current = after.iter().filter(|(column, stored)| !as_posted(column, stored));
    Answer {
        key: Some(key.written()),
        version: Some(versions.issue(&intent.table, Some(key), after, now_ms())),
        current: current
            .map(|(column, stored)| (intent.written(column), stored.clone()))
            .collect(),
        ..intent.answer(Outcome::Saved)
    }
}

fn conflict(intent: &Intent, key: &RecordKey, now: &Row, columns: &[String], versions: &Versions) -> Answer {
    let conflicts = columns.iter().map(|column| Conflict {
        column: intent.written(column),
        base: intent.changes.bases.get(column).cloned(),
        mine: intent.changes.values.get(column).cloned().flatten(),
        theirs: now.get(column).cloned().flatten(),
    });
    Answer {
        conflicts: conflicts.collect(),
        version: Some(versions.issue(&intent.table, Some(key), now, now_ms())),
        current: intent.on_the_wire(now),
        ..intent.answer(Outcome::Conflict)
    }
}

fn change(column: &str, before: Option<&Row>, after: &Row) -> (String, Text, Text) {
    let from = before.and_then(|row| row.get(column)).cloned().flatten();
    (column.to_owned(), from, after.get(column).cloned().flatten())
}

/// A stored text as browsers give it back.
fn comparable(text: &Text) -> Text {
    text.as_deref().map(with_line_feeds)
}
