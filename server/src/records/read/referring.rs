//! What refers to a record, for the question before it is deleted.

use app::records::model::{Column, RecordKey, Table};
use resilient_db::DbError;

use super::key::{key_condition, key_parameters, may_exist};
use super::rows;
use crate::database::Access;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// Beyond this the exact number changes nobody's mind.
const COUNTED_UP_TO: u64 = 10_000;

/// (label, rows) for each column that refers to the record, without those that do not; rows count
/// up to 10 000.
pub async fn referring<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    table: &Table,
    key: &RecordKey,
) -> Result<Vec<(String, u64)>, DbError> {
    let mut found = Vec::new();
    if !may_exist::<D>(table, key) {
        return Ok(found);
    }
    let referring: Vec<_> = catalog.referring_to(&table.name).collect();
    for (from, column) in &referring {
        let Some(sql) = count_sql::<D>(from, column, table) else {
            continue;
        };
        let counted = rows::<D>(db, "records.referring", sql, key_parameters(key)).await?;
        let count = counted
            .first()
            .and_then(|row| row.first()?.as_ref()?.parse().ok())
            .unwrap_or(0);
        if count > 0 {
            let is_only = referring.iter().filter(|(other, _)| other.name == from.name).count() == 1;
            let label = if is_only {
                from.label.clone()
            } else {
                format!("{} ({})", from.label, column.label)
            };
            found.push((label, count));
        }
    }
    Ok(found)
}

fn count_sql<D: Dialect>(from: &Table, column: &Column, to: &Table) -> Option<String> {
    let far = to.column(&column.reference.as_ref()?.column)?;
    // A comparison needs the right to read both.
    if !(column.grants.read && far.grants.read) {
        return None;
    }
    Some(format!(
        "SELECT {} FROM (
             SELECT 1 FROM {} WHERE {} = (SELECT {} FROM {} WHERE {}) LIMIT {COUNTED_UP_TO}) AS counted",
        D::as_text("count(*)"),
        D::rows_of(from),
        D::quote(&column.name),
        D::quote(&far.name),
        D::rows_of(to),
        key_condition::<D>(to, 1)
    ))
}
