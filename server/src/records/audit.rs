//! Reading the audit log.

use app::records::model::{RecordKey, Text};
use app::records::port::Change;
use resilient_db::{Connection, Db, DbError};
use serde_json::Value;

use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// The latest changes, newest first: of one record (table and key in the `~HH` writing), or of all.
/// Changes to tables that are no longer in the catalog are left out.
pub async fn changes<D: Dialect>(
    db: &Db<D::Database>,
    catalog: &Catalog,
    of: Option<(String, String)>,
    limit: u32,
) -> Result<Vec<Change>, DbError> {
    let condition = match &of {
        Some(_) => format!(
            "WHERE table_name = {} AND record_key = {}",
            D::placeholder(1),
            D::placeholder(2)
        ),
        None => String::new(),
    };
    let sql = format!(
        "SELECT CAST(at AS text), account, action, table_name, record_key, changes FROM {} {condition} \
         ORDER BY id DESC LIMIT {limit}",
        D::own("audit")
    );
    let parameters: Vec<Text> = of
        .into_iter()
        .flat_map(|(table, key)| [Some(table), Some(key)])
        .collect();
    let rows = db
        .read("audit", |mut conn: Connection<D::Database>| {
            let (sql, parameters) = (sql.clone(), parameters.clone());
            async move { D::fetch(&mut conn, sql, parameters).await }
        })
        .await?;
    Ok(rows.into_iter().filter_map(|row| read(row, catalog)).collect())
}

fn read(mut row: Vec<Text>, catalog: &Catalog) -> Option<Change> {
    let [at, account, action, table_written, key, changes] =
        std::array::from_fn(|at| row.get_mut(at).and_then(Option::take).unwrap_or_default());
    let table = catalog.written(&table_written)?;
    Some(Change {
        at: at.chars().take("YYYY-MM-DD HH:MM:SS".len()).collect(),
        account,
        action,
        table: table.label.clone(),
        table_written,
        key: RecordKey::read(&key)?,
        columns: columns(&changes),
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
