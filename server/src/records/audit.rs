//! Reading the audit log.

use app::records::model::{RecordKey, Text};
use app::records::port::Change;
use resilient_db::{Connection, DbError};
use serde_json::Value;

use crate::database::Access;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// The latest changes, newest first: of one record (table and key in the `~HH` writing), or of all. Only of tables in
/// `catalog`, and of columns only what is seen there. `whole` tells a column that is out of sight from one that is gone.
pub async fn changes<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    whole: &Catalog,
    of: Option<(String, String)>,
    limit: u32,
) -> Result<Vec<Change>, DbError> {
    let condition = match &of {
        Some(_) => format!(
            "WHERE table_name = {} AND record_key = {}",
            D::placeholder(1),
            D::placeholder(2)
        ),
        None if catalog.tables().len() == whole.tables().len() => String::new(),
        // So that what is out of sight does not take the place of what is not.
        None => format!(
            "WHERE table_name IN ({})",
            (1..=catalog.tables().len())
                .map(D::placeholder)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let sql = format!(
        "SELECT {}, account, action, table_name, record_key, changes FROM {} {condition} \
         ORDER BY id DESC LIMIT {limit}",
        D::as_text("at"),
        D::own("audit")
    );
    let parameters: Vec<Text> = match of {
        Some((table, key)) => vec![Some(table), Some(key)],
        None if condition.is_empty() => Vec::new(),
        None => catalog
            .tables()
            .iter()
            .map(|table| Some(table.name.written()))
            .collect(),
    };
    let rows = db
        .read("audit", |mut conn: Connection<D::Database>| {
            let (sql, parameters) = (sql.clone(), parameters.clone());
            async move { D::fetch(&mut conn, sql, parameters).await }
        })
        .await?;
    Ok(rows.into_iter().filter_map(|row| read(row, catalog, whole)).collect())
}

fn read(mut row: Vec<Text>, catalog: &Catalog, whole: &Catalog) -> Option<Change> {
    let [at, account, action, table_written, key, changes] =
        std::array::from_fn(|at| row.get_mut(at).and_then(Option::take).unwrap_or_default());
    // Without a key that may be shown, no record of it can be named.
    let table = catalog.written(&table_written).filter(|table| !table.key.is_empty())?;
    let known = whole.table(&table.name)?;
    let sees_all = table.columns.len() == known.columns.len();
    let may_name = |column: &str| table.column(column).is_some() || (sees_all && known.column(column).is_none());
    // A column that is gone may have been taken from sight in the database: its values are not told.
    let may_tell = |column: &str| table.column(column).is_some_and(|column| column.is_seen());
    let columns = columns(&changes).into_iter().filter(|(column, ..)| may_name(column));
    let columns = columns.map(|(column, from, to)| match may_tell(&column) {
        true => (column, from, to),
        false => (column, None, None),
    });
    Some(Change {
        at: at.chars().take("YYYY-MM-DD HH:MM:SS".len()).collect(),
        account,
        action,
        table: table.label.clone(),
        table_written,
        key: RecordKey::read(&key)?,
        columns: columns.collect(),
    })
}

fn columns(changes: &str) -> Vec<(String, Text, Text)> {
    let Ok(Value::Object(columns)) = serde_json::from_str(changes) else {
        return Vec::new();
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    columns
        .into_iter()
        .map(|(column, pair)| (column, text(pair.get(0)), text(pair.get(1))))
        .collect()
}
