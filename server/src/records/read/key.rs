//! Finding one record by the texts of its key.

use app::records::model::{RecordKey, Table, Text};

use crate::records::check;
use crate::sql::Dialect;

/// Whether `key` can name a record of `table` at all: it has as many parts as the key, and each is
/// a value of its column. If not, there is no such record, and no need to ask.
pub fn may_exist<D: Dialect>(table: &Table, key: &RecordKey) -> bool {
    !table.key.is_empty()
        && table.key.len() == key.0.len()
        && table.key.iter().zip(&key.0).all(|(name, text)| {
            table
                .column(name)
                .is_some_and(|column| check::refusal::<D>(column, text).is_none())
        })
}

/// The condition that a row is the record with the key given by the parameters from `first_n` on.
///
/// The typed comparison uses the index. The one of texts makes sure that a record has one address:
/// `007` is not the record `7`, although the numbers are equal.
pub fn key_condition<D: Dialect>(table: &Table, first_n: usize) -> String {
    let parts = table
        .key
        .iter()
        .filter_map(|name| table.column(name))
        .enumerate()
        .map(|(place, column)| {
            let n = first_n + place;
            let name = D::compared(column);
            format!(
                "{name} = {} AND {}",
                D::value_of(column, n),
                D::same_text(&D::text_of(column), n)
            )
        });
    parts.collect::<Vec<_>>().join(" AND ")
}

pub fn key_parameters(key: &RecordKey) -> Vec<Text> {
    key.0.iter().cloned().map(Some).collect()
}

/// The key's texts as a select list or a RETURNING list, in key order.
pub fn key_columns_sql<D: Dialect>(table: &Table) -> String {
    let texts = table.key.iter().filter_map(|name| table.column(name)).map(D::text_of);
    texts.collect::<Vec<_>>().join(", ")
}
