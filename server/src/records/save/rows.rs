//! Reading one record inside a transaction, and telling what changed.

use app::records::model::{Column, RecordKey, Table, Values};
use resilient_db::Connection;

use crate::records::read::{key_parameters, record_values, select_row_sql};
use crate::sql::Dialect;

/// A record's readable values by column name; secrets are not among them.
pub type Row = Values;

/// The columns a version sees: all but secrets and what cannot be read.
pub fn readable_columns(table: &Table) -> Vec<&Column> {
    table.columns.iter().filter(|column| column.is_seen()).collect()
}

/// Whether the row is read only to be looked at, or to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Look,
    Change,
}

/// Reads a record; `None` where there is none. To change it, its row is locked.
pub async fn read<D: Dialect>(
    conn: &mut Connection<D::Database>,
    table: &Table,
    key: &RecordKey,
    purpose: Purpose,
) -> Result<Option<Row>, sqlx::Error> {
    let columns = readable_columns(table);
    let sql = select_row_sql::<D>(table, &columns, purpose == Purpose::Change);
    let rows = D::fetch(conn, sql, key_parameters(key)).await?;
    Ok(rows.into_iter().next().map(|row| record_values(&columns, row).values))
}
