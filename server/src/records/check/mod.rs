//! Whether a text can be a value of a column, told before the database is asked.
//!
//! SQLite would keep `abc` in an INTEGER column, PostgreSQL would fail the whole transaction with
//! a message nobody should read. What passes here may still break a constraint.

use app::records::model::{Column, ColumnKind};
use serde::de::IgnoredAny;

use crate::sql::{Dialect, Limits};

mod by_database;
mod number;
mod time;

pub use by_database::refused_by_database;

/// Why `text` is no value of `column`, in words for the person who typed it.
pub fn refusal<D: Dialect>(column: &Column, text: &str) -> Option<String> {
    refusal_within(column, text, &D::limits(column))
}

/// The text as the database itself writes it, where a widget writes it in another way: `T` between
/// date and time, or seconds left out because they are zero.
pub fn as_written(column: &Column, text: &str) -> String {
    match column.kind {
        ColumnKind::Time => time::with_seconds(text),
        ColumnKind::Timestamp | ColumnKind::TimestampWithZone => time::with_space(text),
        _ => text.to_owned(),
    }
}

fn refusal_within(column: &Column, text: &str, limits: &Limits) -> Option<String> {
    if text.contains('\0') {
        return Some("This contains a character (NUL) that cannot be kept.".to_owned());
    }
    if text.is_empty() && !keeps_empty(&column.kind) {
        return Some("Enter a value.".to_owned());
    }
    match &column.kind {
        ColumnKind::Boolean => (!matches!(text, "true" | "false")).then(|| "Choose true or false.".to_owned()),
        ColumnKind::Integer => number::refused_integer(text, &limits.integers),
        ColumnKind::Decimal => number::refused_decimal(text, &column.sql_type, limits),
        ColumnKind::Float => number::refused_float(text, limits.specials),
        ColumnKind::Text | ColumnKind::LongText => too_long(text, column.max_length),
        ColumnKind::Date => time::refused_date(text, limits.specials),
        ColumnKind::Time => time::refused_time(text),
        ColumnKind::Timestamp => time::refused_timestamp(text, limits.specials),
        ColumnKind::TimestampWithZone => time::refused_timestamp_with_zone(text, limits.specials),
        ColumnKind::Choice(values) => {
            (!values.iter().any(|value| value == text)).then(|| "Choose one of the listed values.".to_owned())
        }
        ColumnKind::Uuid => refused_uuid(text),
        ColumnKind::Json => refused_json(text),
        ColumnKind::Bytes => refused_hex(text),
        ColumnKind::Other => None,
    }
}

/// Kinds of which the empty text is, or may be, a value.
fn keeps_empty(kind: &ColumnKind) -> bool {
    matches!(
        kind,
        ColumnKind::Text | ColumnKind::LongText | ColumnKind::Bytes | ColumnKind::Choice(_) | ColumnKind::Other
    )
}

fn too_long(text: &str, max_length: Option<u32>) -> Option<String> {
    let most = max_length? as usize;
    let length = text.chars().count();
    (length > most).then(|| format!("At most {most} characters fit here; this has {length}."))
}

fn refused_uuid(text: &str) -> Option<String> {
    let plain = text.len() == 36 || text.len() == 32;
    (!plain || uuid::Uuid::try_parse(text).is_err())
        .then(|| "This is no UUID. It looks like 123e4567-e89b-12d3-a456-426614174000.".to_owned())
}

fn refused_json(text: &str) -> Option<String> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    Some(format!(
        "This is not valid JSON: see line {}, column {}.",
        error.line(),
        error.column()
    ))
}

fn refused_hex(text: &str) -> Option<String> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!is_hex).then(|| "Write bytes as pairs of the digits 0-9 and a-f.".to_owned())
}

#[cfg(test)]
mod tests;
