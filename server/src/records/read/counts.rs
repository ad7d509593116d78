//! How many rows the tables have, for the dashboard: quickly or not at all.

use std::collections::HashMap;
use std::sync::Arc;

use app::records::model::{Table, TableName, Text};

use super::rows;
use crate::database::Access;
use crate::sql::Dialect;

/// Tables counted by one statement.
const AT_ONCE: usize = 25;

/// The rows of each table: exactly where there are few, by the database's statistics where it
/// keeps them, else `None`. Views are not counted, they may hide any amount of work.
pub async fn counts<D: Dialect>(db: &Access<'_, D::Database>, tables: &[Arc<Table>]) -> Vec<Option<u64>> {
    let estimates = estimates::<D>(db).await;
    let estimate = |table: &Table| estimates.get(&table.name).copied();
    let few = |table: &&Arc<Table>| !table.is_view && estimate(table).is_none_or(|rows| rows <= D::COUNTED_UP_TO);
    let counted: Vec<&Arc<Table>> = tables.iter().filter(few).collect();
    let mut exact = HashMap::new();
    for chunk in counted.chunks(AT_ONCE) {
        exact.extend(exact_counts::<D>(db, chunk).await);
    }
    let rows_of = |table: &Arc<Table>| exact.get(&table.name).copied().or_else(|| estimate(table));
    tables.iter().map(rows_of).collect()
}

async fn estimates<D: Dialect>(db: &Access<'_, D::Database>) -> HashMap<TableName, u64> {
    let work = |mut connection| async move { D::estimates(&mut connection).await };
    db.read("records.estimates", work)
        .await
        .unwrap_or_default()
        .into_iter()
        .collect()
}

/// Without those that turn out to have more rows than are counted.
async fn exact_counts<D: Dialect>(db: &Access<'_, D::Database>, tables: &[&Arc<Table>]) -> Vec<(TableName, u64)> {
    let one = |(place, table): (usize, &&Arc<Table>)| {
        let (from, most) = (D::rows_of(table), D::COUNTED_UP_TO + 1);
        let count = D::as_text("count(*)");
        format!("SELECT '{place}', {count} FROM (SELECT 1 FROM {from} LIMIT {most}) AS counted")
    };
    let sql = tables
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let found = rows::<D>(db, "records.counts", sql, Vec::new())
        .await
        .unwrap_or_default();
    let count = |row: Vec<Text>| {
        let [place, rows] = <[Text; 2]>::try_from(row).ok()?;
        let (place, rows): (usize, u64) = (place?.parse().ok()?, rows?.parse().ok()?);
        Some((tables.get(place)?.name.clone(), rows)).filter(|_| rows <= D::COUNTED_UP_TO)
    };
    found.into_iter().filter_map(count).collect()
}
