//! One record, read in full.

use app::records::model::{Column, RecordKey, Table, Text, Values};
use resilient_db::DbError;

use super::key::{key_condition, key_parameters, may_exist};
use super::{CELL, is_bad_value, rows, selected};
use crate::database::Access;
use crate::sql::Dialect;

/// A record's values. Secrets are only known to be there or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordValues {
    pub values: Values,
    pub secrets_set: Vec<String>,
}

/// The record's readable values, or `None` if there is no such record.
pub async fn form_values<D: Dialect>(
    db: &Access<'_, D::Database>,
    table: &Table,
    key: &RecordKey,
) -> Result<Option<RecordValues>, DbError> {
    if !may_exist::<D>(table, key) {
        return Ok(None);
    }
    let columns: Vec<&Column> = table.columns.iter().filter(|column| column.grants.read).collect();
    let sql = select_row_sql::<D>(table, &columns, false);
    let found = row_of::<D>(db, "records.form", sql, key).await?;
    Ok(found.map(|row| record_values(&columns, row)))
}

/// Reads `columns` of the record whose key is given by the parameters from 1 on, as texts; a
/// secret as `1` where it has a value. `lock` keeps others from changing it until the transaction
/// ends.
pub fn select_row_sql<D: Dialect>(table: &Table, columns: &[&Column], lock: bool) -> String {
    let list: Vec<String> = columns.iter().map(|column| selected::<D>(column)).collect();
    let (name, condition) = (D::rows_of(table), key_condition::<D>(table, 1));
    format!(
        "SELECT {} FROM {name} WHERE {condition}{}",
        list.join(", "),
        if lock { D::LOCK_ROW } else { "" }
    )
}

/// The row that [`select_row_sql`] gave for the same `columns`.
pub fn record_values(columns: &[&Column], row: Vec<Text>) -> RecordValues {
    let mut record = RecordValues::default();
    for (column, text) in columns.iter().zip(row) {
        match (column.secret, text) {
            (true, Some(_)) => record.secrets_set.push(column.name.clone()),
            (true, None) => {}
            (false, text) => {
                record.values.insert(column.name.clone(), text);
            }
        }
    }
    record
}

/// What to call the record in headings: its label column's text, else its key. `None` if there is
/// no such record.
pub async fn record_label<D: Dialect>(
    db: &Access<'_, D::Database>,
    table: &Table,
    key: &RecordKey,
) -> Result<Option<String>, DbError> {
    if !may_exist::<D>(table, key) {
        return Ok(None);
    }
    let label = table
        .label_column()
        .map_or_else(|| "NULL".to_owned(), |column| D::cut(&D::text_of(column), CELL));
    let sql = format!(
        "SELECT {label} FROM {} WHERE {}",
        D::rows_of(table),
        key_condition::<D>(table, 1)
    );
    let found = row_of::<D>(db, "records.label", sql, key).await?;
    Ok(found.map(|row| row.into_iter().next().flatten().unwrap_or_else(|| key.0.join(", "))))
}

/// The record's row, or none where the key was no value of its type after all.
async fn row_of<D: Dialect>(
    db: &Access<'_, D::Database>,
    name: &'static str,
    sql: String,
    key: &RecordKey,
) -> Result<Option<Vec<Text>>, DbError> {
    match rows::<D>(db, name, sql, key_parameters(key)).await {
        Ok(rows) => Ok(rows.into_iter().next()),
        Err(error) if is_bad_value(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
