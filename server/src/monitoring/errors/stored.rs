//! The statements on the table of errors. Every text is a parameter, every number a number.

use std::borrow::Cow;

use app::monitoring::model::NotedError;
use app::records::model::Text;
use resilient_db::Connection;

use crate::sql::Dialect;

const TABLE: &str = "error_history";
/// Rows forgotten in one statement.
pub const SWEPT_AT_ONCE: u32 = 200;
/// Characters. What is longer is none of our words.
const LONGEST: usize = 200;
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// One entry as it is written.
pub struct Row {
    number: u64,
    texts: [String; 4],
    times: u64,
    first_at_ms: u64,
    last_at_ms: u64,
}

impl Row {
    pub fn of(number: u64, error: &NotedError) -> Self {
        let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
        Self {
            number,
            texts: [
                cut(&error.kind),
                cut(&error.severity),
                cut(&error.what),
                error.request_id.clone().unwrap_or_default(),
            ],
            times: error.times,
            first_at_ms: error.first_at_ms,
            last_at_ms: error.last_at_ms,
        }
    }
}

#[cfg(test)]
impl Row {
    pub fn what(&self) -> &str {
        &self.texts[2]
    }
}

/// There once, with these numbers, however often it is written.
pub async fn write<D: Dialect>(
    conn: &mut Connection<D::Database>,
    instance: &str,
    row: Row,
) -> Result<(), sqlx::Error> {
    let Row {
        number,
        texts: [kind, severity, what, request_id],
        times,
        first_at_ms,
        last_at_ms,
    } = row;
    let table = D::own(TABLE);
    let place = D::placeholder;
    let update = format!(
        "UPDATE {table} SET times = {times}, last_at_ms = {last_at_ms}, request_id = {} \
         WHERE instance = {} AND number = {number}",
        place(1),
        place(2)
    );
    let parameters = vec![Some(request_id.clone()), Some(instance.to_owned())];
    if D::execute(conn, update, parameters).await? > 0 {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO {table} (instance, number, kind, severity, what, request_id, times, first_at_ms, last_at_ms) \
         VALUES ({}, {number}, {}, {}, {}, {}, {times}, {first_at_ms}, {last_at_ms})",
        place(1),
        place(2),
        place(3),
        place(4),
        place(5)
    );
    let texts = [instance.to_owned(), kind, severity, what, request_id];
    D::execute(conn, insert, texts.map(Some).into()).await.map(drop)
}

/// The latest of all but this instance. What is none of our words is passed over: others may write there, too.
pub async fn of_others<D: Dialect>(
    conn: &mut Connection<D::Database>,
    instance: &str,
    at_most: usize,
) -> Result<Vec<NotedError>, sqlx::Error> {
    let number = D::as_text;
    let table = D::own(TABLE);
    // The column is named in full: PostgreSQL would order by the text of the number.
    let sql = format!(
        "SELECT kind, severity, what, request_id, {}, {}, {} FROM {table} WHERE instance <> {} \
         ORDER BY {table}.last_at_ms DESC LIMIT {at_most}",
        number("times"),
        number("first_at_ms"),
        number("last_at_ms"),
        D::placeholder(1)
    );
    let rows = D::fetch(conn, sql, vec![Some(instance.to_owned())]).await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

fn read(row: Vec<Text>) -> Option<NotedError> {
    let [kind, severity, what, request_id, times, first, last] = <[Text; 7]>::try_from(row).ok()?;
    let number = |text: Text| text?.parse::<u64>().ok();
    let kind = kind.filter(|kind| kind.len() <= 64 && kind.bytes().all(is_of_a_word))?;
    let severity = SEVERITIES
        .into_iter()
        .find(|known| Some(*known) == severity.as_deref())?;
    Some(NotedError {
        kind: Cow::Owned(kind),
        severity: Cow::Borrowed(severity),
        what: what?,
        times: number(times)?,
        first_at_ms: number(first)?,
        last_at_ms: number(last)?,
        request_id: request_id.filter(|id| !id.is_empty()),
        elsewhere: true,
    })
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// When the latest of those that are too many came, if there are any.
pub async fn oldest_to_go<D: Dialect>(
    conn: &mut Connection<D::Database>,
    at_most: usize,
) -> Result<Option<u64>, sqlx::Error> {
    let (at, table) = (D::as_text("last_at_ms"), D::own(TABLE));
    let sql = format!("SELECT {at} FROM {table} ORDER BY {table}.last_at_ms DESC LIMIT 1 OFFSET {at_most}");
    let rows = D::fetch(conn, sql, Vec::new()).await?;
    let found = rows.into_iter().next().and_then(|mut row| row.pop().flatten());
    Ok(found.and_then(|at| at.parse().ok()))
}

/// Forgets some of those that came at this time or before.
pub async fn sweep<D: Dialect>(conn: &mut Connection<D::Database>, at_ms: u64) -> Result<u64, sqlx::Error> {
    let condition = format!("last_at_ms <= {at_ms}");
    let sql = D::delete_at_most(&D::own(TABLE), "instance, number", &condition, SWEPT_AT_ONCE);
    D::execute(conn, sql, Vec::new()).await
}
