//! Whether a text can be a value of a column, told before the database is asked.
//!
//! SQLite would keep `abc` in an INTEGER column, PostgreSQL would fail the whole transaction with
//! a message nobody should read. What passes here may still break a constraint.

use app::records::model::{Column, ColumnKind};

use crate::sql::{Dialect, Limits, members};

mod array;
mod by_database;
mod json;
mod network;
mod number;
mod range;
mod time;

pub use by_database::refused_by_database;

/// Why `text` is no value of `column`, in words for the person who typed it.
pub fn refusal<D: Dialect>(column: &Column, text: &str) -> Option<String> {
    refusal_within(column, text, D::limits)
}

/// The text as the database itself writes it, where a widget writes it in another way: `T` between
/// date and time, or seconds left out because they are zero.
pub fn as_written(column: &Column, text: &str) -> String {
    match column.kind {
        ColumnKind::Time | ColumnKind::TimeWithZone => time::with_seconds(text),
        ColumnKind::Timestamp | ColumnKind::TimestampWithZone => time::with_space(text),
        _ => text.to_owned(),
    }
}

fn refusal_within(column: &Column, text: &str, limits_of: fn(&Column) -> Limits) -> Option<String> {
    let limits = limits_of(column);
    if text.contains('\0') {
        return Some("This contains a character (NUL) that cannot be kept.".to_owned());
    }
    if text.is_empty() && !keeps_empty(&column.kind) {
        return Some("Enter a value.".to_owned());
    }
    match &column.kind {
        ColumnKind::Boolean => (!matches!(text, "true" | "false")).then(|| "Choose true or false.".to_owned()),
        ColumnKind::Integer => number::refused_integer(text, &limits.integers),
        ColumnKind::Decimal => number::refused_decimal(text, &column.sql_type, &limits),
        ColumnKind::Float => number::refused_float(text, limits.specials),
        ColumnKind::Text | ColumnKind::LongText => {
            too_long(text, column.max_length).or_else(|| too_many_bytes(text, limits.bytes))
        }
        ColumnKind::Date => time::refused_date(text, limits.specials),
        ColumnKind::Time => time::refused_time(text).or_else(|| time::too_fine(text, &column.sql_type)),
        ColumnKind::TimeWithZone => {
            time::refused_time_with_zone(text).or_else(|| time::too_fine(text, &column.sql_type))
        }
        ColumnKind::Timestamp => {
            time::refused_timestamp(text, limits.specials).or_else(|| time::too_fine(text, &column.sql_type))
        }
        ColumnKind::TimestampWithZone => {
            time::refused_timestamp_with_zone(text, limits.specials).or_else(|| time::too_fine(text, &column.sql_type))
        }
        ColumnKind::Interval => time::refused_interval(text),
        ColumnKind::Choice(values) => {
            (!values.iter().any(|value| value == text)).then(|| "Choose one of the listed values.".to_owned())
        }
        ColumnKind::Uuid => refused_uuid(text),
        ColumnKind::Json => json::refused_json(text),
        ColumnKind::Bytes => refused_hex(text),
        ColumnKind::Bits => refused_bits(column, text, limits.specials),
        ColumnKind::NetworkAddress => network::refused_network_address(text),
        ColumnKind::Network => network::refused_network(text),
        ColumnKind::HardwareAddress => network::refused_hardware_address(text),
        ColumnKind::Array(of) => {
            let element = element(column, of);
            array::refused_array(text, |text| refused_element(&element, text, limits_of))
        }
        ColumnKind::Range(_) => range::refused_range(text),
        ColumnKind::Multirange(_) => range::refused_multirange(text),
        ColumnKind::Other => refused_character(column, text).or_else(|| refused_member(column, text)),
    }
}

/// Kinds of which the empty text is, or may be, a value.
fn keeps_empty(kind: &ColumnKind) -> bool {
    matches!(
        kind,
        ColumnKind::Text
            | ColumnKind::LongText
            | ColumnKind::Bytes
            | ColumnKind::Bits
            | ColumnKind::Choice(_)
            | ColumnKind::Other
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

/// An array's element as a column of its own.
fn element(column: &Column, kind: &ColumnKind) -> Column {
    let sql_type = column.sql_type.strip_suffix("[]").unwrap_or(&column.sql_type);
    Column {
        kind: kind.clone(),
        sql_type: sql_type.to_owned(),
        ..column.clone()
    }
}

/// Only what cannot be written in another way inside an array is judged.
fn refused_element(element: &Column, text: &str, limits_of: fn(&Column) -> Limits) -> Option<String> {
    use ColumnKind::{Choice, Decimal, Float, Integer, Json, LongText, Text, Uuid};
    let text = match element.kind {
        Choice(_) | Json | LongText | Text => text,
        Decimal | Float | Integer | Uuid => text.trim(),
        _ => return None,
    };
    refusal_within(element, text, limits_of)
}

fn refused_bits(column: &Column, text: &str, prefixes: bool) -> Option<String> {
    // PostgreSQL also reads `b101` and `x1f`; how long those are, it says itself.
    if prefixes && text.starts_with(['b', 'B', 'x', 'X']) {
        return None;
    }
    if !text.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
        return Some("Write the digits 0 and 1 only.".to_owned());
    }
    let length = column.max_length? as usize;
    let varies = column.sql_type.contains("varying");
    match text.len() {
        has if has > length => Some(format!("At most {length} digits fit here; this has {has}.")),
        has if has < length && !varies => Some(format!("Exactly {length} digits are needed here; this has {has}.")),
        _ => None,
    }
}

/// PostgreSQL's `"char"` is one byte, and casting to it cuts the rest.
fn refused_character(column: &Column, text: &str) -> Option<String> {
    let fits = column.sql_type != "\"char\"" || text.len() <= 1 || (text.starts_with('\\') && text.len() == 4);
    (!fits).then(|| "One letter without accents fits here.".to_owned())
}

/// MySQL would take the text `3` for the first two members of a set, and for the third value of an enum.
fn refused_member(column: &Column, text: &str) -> Option<String> {
    let known = members(&column.sql_type)?;
    let is_known = |text: &str| known.iter().any(|member| member == text);
    let (fits, words) = match column.sql_type.starts_with("set") {
        true => (
            text.is_empty() || text.split(',').all(is_known),
            "Write listed values, separated by commas",
        ),
        false => (is_known(text), "Write one of the listed values"),
    };
    (!fits).then(|| format!("{words}: {}.", known.join(", ")))
}

fn too_many_bytes(text: &str, most: Option<usize>) -> Option<String> {
    let most = most.filter(|most| text.len() > *most)?;
    Some(format!(
        "At most {most} letters fit here, fewer where they have accents."
    ))
}

fn refused_hex(text: &str) -> Option<String> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!is_hex).then(|| "Write bytes as pairs of the digits 0-9 and a-f.".to_owned())
}

#[cfg(test)]
mod tests;
