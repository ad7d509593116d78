//! The statements on Inkfast's own tables that stand in a save's transaction.

use app::auth::model::Role;
use app::records::model::{RecordKey, Table, Text};
use app::records::port::SavedSubmission;
use resilient_db::Connection;
use serde_json::{Map, Value, json};

use crate::sql::Dialect;

/// Takes the id. `None`: it is ours now. `Some`: it was answered before, with this fingerprint and
/// this answer. Waits while another transaction holds the same id.
pub async fn claim<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    id: &str,
    fingerprint: &str,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let sql = D::insert_unless_taken(&D::own("submission"), &["account", "id", "fingerprint"], 2);
    if D::execute(conn, sql, texts(&[account, id, fingerprint])).await? == 1 {
        return Ok(None);
    }
    Ok(Some(
        answered::<D>(conn, account, id)
            .await?
            .ok_or(sqlx::Error::RowNotFound)?,
    ))
}

async fn answered<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    id: &str,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let sql = format!(
        "SELECT fingerprint, answer FROM {} WHERE account = {} AND id = {}",
        D::own("submission"),
        D::placeholder(1),
        D::placeholder(2)
    );
    let rows = D::fetch(conn, sql, texts(&[account, id])).await?;
    Ok(rows.into_iter().next().map(|mut row| {
        let mut take = |at: usize| row.get_mut(at).and_then(Option::take).unwrap_or_default();
        (take(0), take(1))
    }))
}

/// What was answered under an id; `None` where it was not done so far.
pub async fn saved_submission<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    id: &str,
) -> Result<Option<SavedSubmission>, sqlx::Error> {
    match answered::<D>(conn, account, id).await? {
        Some((_, answer)) => read_answer(&answer).map(Some),
        None => Ok(None),
    }
}

/// The same beyond doubt, with its fingerprint: where another transaction may still be committing it, this waits for
/// that one. To be run in a transaction that is rolled back.
pub async fn settled_submission<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    id: &str,
) -> Result<Option<(String, SavedSubmission)>, sqlx::Error> {
    match claim::<D>(conn, account, id, "").await? {
        Some((fingerprint, answer)) => read_answer(&answer).map(|answer| Some((fingerprint, answer))),
        None => Ok(None),
    }
}

/// The record that a new record's form has made.
pub async fn made_from<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    form_key: &str,
) -> Result<Option<SavedSubmission>, sqlx::Error> {
    let sql = format!(
        "SELECT answer FROM {} WHERE account = {} AND form_key = {} ORDER BY created_at LIMIT 1",
        D::own("submission"),
        D::placeholder(1),
        D::placeholder(2)
    );
    let rows = D::fetch(conn, sql, texts(&[account, form_key])).await?;
    let answer = rows.into_iter().next().and_then(|mut row| row.pop().flatten());
    answer.map(|answer| read_answer(&answer)).transpose()
}

pub fn read_answer(stored: &str) -> Result<SavedSubmission, sqlx::Error> {
    serde_json::from_str(stored).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Stores the answer beside the id that was claimed in this transaction.
pub async fn store_answer<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
    id: &str,
    saved: &SavedSubmission,
) -> Result<(), sqlx::Error> {
    let answer = serde_json::to_string(saved).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let sql = format!(
        "UPDATE {} SET answer = {}, form_key = {} WHERE account = {} AND id = {}",
        D::own("submission"),
        D::placeholder(1),
        D::placeholder(2),
        D::placeholder(3),
        D::placeholder(4)
    );
    D::execute(conn, sql, texts(&[&answer, &saved.form_key, account, id])).await?;
    Ok(())
}

/// What the account is, as the database says now; `None` where it is gone, switched off, or something that this version
/// does not know.
pub async fn role_now<D: Dialect>(
    conn: &mut Connection<D::Database>,
    account: &str,
) -> Result<Option<Role>, sqlx::Error> {
    let sql = format!(
        "SELECT role FROM {} WHERE name = {} AND disabled = (1 = 0)",
        D::own("account"),
        D::placeholder(1)
    );
    let rows = D::fetch(conn, sql, texts(&[account])).await?;
    let role = rows.into_iter().next().and_then(|mut row| row.pop().flatten());
    Ok(role.and_then(|role| Role::from_name(&role)))
}

/// One line of the audit log. `changes` are (column, from, to); a secret, and what cannot be read, is named without values.
pub async fn write_audit<D: Dialect>(
    conn: &mut Connection<D::Database>,
    who: (&str, &str),
    action: &str,
    table: &Table,
    key: &RecordKey,
    changes: &[(String, Text, Text)],
) -> Result<(), sqlx::Error> {
    let (account, submission) = who;
    let columns = changes.iter().map(|(column, from, to)| {
        let unseen = table.column(column).is_some_and(|column| !column.is_seen());
        (column.clone(), if unseen { json!([]) } else { json!([from, to]) })
    });
    let changes = Value::Object(columns.collect::<Map<_, _>>()).to_string();
    let sql = format!(
        "INSERT INTO {} (account, action, table_name, record_key, submission, changes) VALUES ({}, {}, {}, {}, {}, {})",
        D::own("audit"),
        D::placeholder(1),
        D::placeholder(2),
        D::placeholder(3),
        D::placeholder(4),
        D::placeholder(5),
        D::placeholder(6)
    );
    let parameters = texts(&[
        account,
        action,
        &table.name.written(),
        &key.written(),
        submission,
        &changes,
    ]);
    D::execute(conn, sql, parameters).await?;
    Ok(())
}

/// Forgets at most `most` ids older than they are kept, and tells how many.
pub async fn sweep<D: Dialect>(
    conn: &mut Connection<D::Database>,
    before_ms: u64,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let condition = format!("created_at < {before_ms}");
    let sql = D::delete_at_most(&D::own("submission"), "account, id", &condition, most);
    D::execute(conn, sql, Vec::new()).await
}

fn texts(parameters: &[&str]) -> Vec<Text> {
    parameters.iter().map(|text| Some((*text).to_owned())).collect()
}
