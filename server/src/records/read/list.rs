//! One page of a list.

use std::sync::Arc;

use app::records::model::{Column, ColumnKind, ListCell, ListPage, ListQuery, ListRow, RecordKey, Table, Text};
use resilient_db::DbError;

use super::conditions::Conditions;
use super::filters::add_filter;
use super::labels::{Labels, read_labels};
use super::order::{LISTED, order_by};
use super::search::add_search;
use super::{CELL, is_bad_value, rows, selected};
use crate::database::Access;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

const PAGE_SIZE: u32 = 50;
const MOST_COLUMNS: usize = 12;
/// Beyond this the number of matching rows is not worth its scan.
const COUNTED_UP_TO: u64 = 10_000;

/// The page `query` asks for. Columns of it that are unknown are passed over; a count or labels
/// that cannot be read are missing in the answer.
pub async fn list<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    table: &Arc<Table>,
    query: &ListQuery,
) -> Result<ListPage, DbError> {
    let shown = shown_columns(table);
    let conditions = conditions::<D>(catalog, table, query);
    let page = Page {
        number: query.page.max(1),
        size: table.display.page_size.unwrap_or(PAGE_SIZE),
    };
    let sort = if query.sort.is_empty() {
        &table.display.sort
    } else {
        &query.sort
    };
    let sql = page_sql::<D>(table, &shown, &conditions, sort, page);
    let mut found = match rows::<D>(db, "records.list", sql, conditions.parameters.clone()).await {
        // What was asked for is no value of its column after all: no record has it.
        Err(error) if is_bad_value(&error) && !conditions.parameters.is_empty() => Vec::new(),
        found => found?,
    };
    let has_next = found.len() > page.size as usize;
    found.truncate(page.size as usize);

    let total = total::<D>(db, table, &conditions, page, &found, has_next).await;
    let rows: Vec<ListRow> = found.into_iter().map(|row| list_row(table, &shown, row)).collect();
    let labels = read_labels::<D>(db, catalog, &shown, &rows).await;
    Ok(ListPage {
        table: Arc::clone(table),
        columns: shown.iter().map(|column| column.name.clone()).collect(),
        without_labels: labels.incomplete,
        rows: rows.into_iter().map(|row| labelled(row, &shown, &labels)).collect(),
        total,
        page: page.number,
        page_size: page.size,
        has_next,
        as_of_ms: None,
    })
}

/// Which part of the matching rows.
#[derive(Clone, Copy, Debug)]
struct Page {
    /// Counts from 1.
    number: u32,
    size: u32,
}

impl Page {
    fn rows_before(self) -> u64 {
        u64::from(self.number - 1) * u64::from(self.size)
    }
}

/// As the configuration says, else what fits a line: long texts, documents and bytes only where there is little else.
fn shown_columns(table: &Table) -> Vec<&Column> {
    let said = table.display.list.iter().flatten();
    let said: Vec<&Column> = said
        .filter_map(|name| table.column(name).filter(|column| column.grants.read))
        .collect();
    if !said.is_empty() {
        return said;
    }
    let readable = || table.columns.iter().filter(|column| column.grants.read);
    let fits_a_line = |column: &&Column| {
        table.is_key(&column.name)
            || !matches!(column.kind, ColumnKind::LongText | ColumnKind::Json | ColumnKind::Bytes)
    };
    let short: Vec<&Column> = readable().filter(fits_a_line).take(MOST_COLUMNS).collect();
    if short.len() > table.key.len() {
        short
    } else {
        readable().take(MOST_COLUMNS).collect()
    }
}

fn conditions<D: Dialect>(catalog: &Catalog, table: &Table, query: &ListQuery) -> Conditions {
    let mut conditions = Conditions::default();
    query
        .filters
        .iter()
        .for_each(|filter| add_filter::<D>(&mut conditions, table, filter));
    add_search::<D>(&mut conditions, catalog, table, &query.search);
    conditions
}

/// The key's texts, then the shown columns.
fn page_sql<D: Dialect>(
    table: &Table,
    shown: &[&Column],
    conditions: &Conditions,
    sort: &[(String, bool)],
    page: Page,
) -> String {
    let key = table.key.iter().filter_map(|name| table.column(name)).map(D::text_of);
    let cells = shown
        .iter()
        .map(|column| match column.reference.is_some() || column.secret {
            true => selected::<D>(column),
            false => D::cut(&D::text_of(column), CELL),
        });
    let list = key.chain(cells).collect::<Vec<_>>().join(", ");
    let (from, order) = (D::rows_of(table), order_by::<D>(table, sort, shown));
    let (limit, offset) = (page.size + 1, page.rows_before());
    format!(
        "SELECT {list} FROM {from} AS {LISTED}{}{order} LIMIT {limit} OFFSET {offset}",
        conditions.clause()
    )
}

fn list_row(table: &Table, shown: &[&Column], row: Vec<Text>) -> ListRow {
    let mut texts = row.into_iter();
    let key: Option<Vec<String>> = texts.by_ref().take(table.key.len()).collect();
    let cells = shown.iter().zip(texts).map(|(column, text)| match column.secret {
        true => ListCell {
            masked: text.is_some(),
            text: None,
            label: None,
        },
        false => ListCell {
            text,
            label: None,
            masked: false,
        },
    });
    ListRow {
        cells: cells.collect(),
        key: key.filter(|parts| !parts.is_empty()).map(RecordKey),
    }
}

fn labelled(mut row: ListRow, shown: &[&Column], labels: &Labels) -> ListRow {
    for (column, cell) in shown.iter().zip(&mut row.cells) {
        cell.label = labels.of(column, cell.text.as_deref());
        if let Some(text) = &mut cell.text
            && let Some((cut, _)) = text.char_indices().nth(CELL as usize)
        {
            text.truncate(cut);
        }
    }
    row
}

/// Counted only where the page itself does not tell.
async fn total<D: Dialect>(
    db: &Access<'_, D::Database>,
    table: &Table,
    conditions: &Conditions,
    page: Page,
    found: &[Vec<Text>],
    has_next: bool,
) -> Option<u64> {
    if !has_next && (page.number == 1 || !found.is_empty()) {
        return Some(page.rows_before() + found.len() as u64);
    }
    let (from, clause) = (D::rows_of(table), conditions.clause());
    let sql = format!(
        "SELECT {} FROM (SELECT 1 FROM {from}{clause} LIMIT {}) AS counted",
        D::as_text("count(*)"),
        COUNTED_UP_TO + 1
    );
    let counted = rows::<D>(db, "records.count", sql, conditions.parameters.clone())
        .await
        .ok()?;
    counted
        .first()?
        .first()?
        .as_ref()?
        .parse()
        .ok()
        .filter(|count| *count <= COUNTED_UP_TO)
}
