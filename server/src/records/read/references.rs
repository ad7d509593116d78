//! The options of foreign-key fields.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::records::model::{Column, ReferenceOption, ReferenceOptions, Table, Text, Values};
use resilient_db::DbError;

use super::labels::labels_of;
use super::{CELL, rows};
use crate::database::Access;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// More than these are no list to choose from.
const MOST_OPTIONS: usize = 200;
/// Of a list that is not whole, these show how its values are written; each page with the field carries them.
const SUGGESTED: usize = 50;

/// The options of every reference of `table`, for a record with `values`. One that cannot be read
/// is a text field without suggestions, rather than a form that cannot be shown.
pub async fn all_references<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    table: &Table,
    values: &Values,
) -> BTreeMap<String, ReferenceOptions> {
    let mut all = BTreeMap::new();
    for column in table.columns.iter().filter(|column| column.reference.is_some()) {
        let current = values.get(&column.name).and_then(|text| text.as_deref());
        let options = references::<D>(db, catalog, column, current).await;
        let unknown = || ReferenceOptions {
            more: true,
            ..ReferenceOptions::default()
        };
        all.insert(column.name.clone(), options.unwrap_or_else(|_| unknown()));
    }
    all
}

/// All options by label if they are at most 200, else the first 50 of the first 200; whether there are more, and what
/// `current` is called.
pub async fn references<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    column: &Column,
    current: Option<&str>,
) -> Result<ReferenceOptions, DbError> {
    let target = column
        .reference
        .as_ref()
        .and_then(|to| Some((catalog.table(&to.table)?, &to.column)));
    let Some((target, far)) =
        target.and_then(|(table, far)| Some((table, table.column(far).filter(|far| far.is_seen())?)))
    else {
        // The target is out of sight: its values have to be typed.
        return Ok(ReferenceOptions {
            more: true,
            ..ReferenceOptions::default()
        });
    };
    let sql = options_sql::<D>(target, far);
    let mut options: Vec<ReferenceOption> = rows::<D>(db, "records.references", sql, Vec::new())
        .await?
        .into_iter()
        .filter_map(option)
        .collect();
    let more = options.len() > MOST_OPTIONS;
    options.truncate(if more { SUGGESTED } else { MOST_OPTIONS });
    tell_apart(&mut options);
    let listed = options.iter().find(|option| Some(option.value.as_str()) == current);
    let current_label = match (listed, current) {
        (Some(option), _) => Some(option.label.clone()),
        (None, Some(value)) => labels_of::<D>(db, target, &far.name, BTreeSet::from([value]))
            .await?
            .remove(value),
        (None, None) => None,
    };
    Ok(ReferenceOptions {
        options,
        more,
        current_label,
    })
}

/// Only so many rows are sorted by label: a large table is not.
fn options_sql<D: Dialect>(target: &Table, far: &Column) -> String {
    let value = D::quote(&far.name);
    let label = target.label_column().map_or_else(|| D::text_of(far), D::text_of);
    format!(
        "SELECT option_value, option_label FROM (
             SELECT {} AS option_value, {} AS option_label, {value} AS option_order FROM {}
             WHERE {value} IS NOT NULL ORDER BY {value} LIMIT {}) AS options
         ORDER BY {}, option_order",
        D::text_of(far),
        D::cut(&label, CELL),
        D::rows_of(target),
        MOST_OPTIONS + 1,
        D::ordered("option_label", false, true)
    )
}

fn option(row: Vec<Text>) -> Option<ReferenceOption> {
    let [value, label] = row.try_into().ok()?;
    let value = value?;
    Some(ReferenceOption {
        label: label.unwrap_or_else(|| value.clone()),
        value,
    })
}

/// Options with the same label show their value too.
fn tell_apart(options: &mut [ReferenceOption]) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    options
        .iter()
        .for_each(|option| *seen.entry(option.label.clone()).or_default() += 1);
    for option in options
        .iter_mut()
        .filter(|option| seen.get(&option.label).is_some_and(|times| *times > 1))
    {
        option.label = format!("{} ({})", option.label, option.value);
    }
}
