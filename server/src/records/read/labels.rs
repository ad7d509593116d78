//! What the targets of foreign keys are called.

use std::collections::{BTreeSet, HashMap};

use app::records::model::{Column, ListRow, Reference, Table, Text};
use resilient_db::DbError;

use super::{CELL, rows};
use crate::database::Access;
use crate::records::check;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// Labels by reference and by the text of the value.
#[derive(Debug, Default)]
pub struct Labels {
    known: Vec<(Reference, HashMap<String, String>)>,
    /// Some could not be read.
    pub incomplete: bool,
}

impl Labels {
    pub fn of(&self, column: &Column, text: Option<&str>) -> Option<String> {
        let reference = column.reference.as_ref()?;
        let (_, labels) = self.known.iter().find(|(known, _)| known == reference)?;
        labels.get(text?).cloned()
    }
}

/// The labels of all references on a page: one statement per column referred to. A failing one
/// leaves the list with its plain values.
pub async fn read_labels<D: Dialect>(
    db: &Access<'_, D::Database>,
    catalog: &Catalog,
    shown: &[&Column],
    rows: &[ListRow],
) -> Labels {
    let mut labels = Labels::default();
    for (reference, values) in values_by_reference(shown, rows) {
        let Some(target) = catalog.table(&reference.table) else {
            continue;
        };
        match labels_of::<D>(db, target, &reference.column, values).await {
            Ok(found) => labels.known.push((reference.clone(), found)),
            Err(_) => labels.incomplete = true,
        }
    }
    labels
}

fn values_by_reference<'a>(shown: &[&'a Column], rows: &'a [ListRow]) -> Vec<(&'a Reference, BTreeSet<&'a str>)> {
    let mut found: Vec<(&Reference, BTreeSet<&str>)> = Vec::new();
    for (place, column) in shown.iter().enumerate() {
        let Some(reference) = &column.reference else { continue };
        let texts = rows.iter().filter_map(|row| row.cells.get(place)?.text.as_deref());
        match found.iter_mut().find(|(known, _)| *known == reference) {
            Some((_, values)) => values.extend(texts),
            None => found.push((reference, texts.collect())),
        }
    }
    found
}

/// The labels of the rows of `target` whose `column` is one of `values`. Empty where a record of
/// the target is called by that very column.
pub async fn labels_of<D: Dialect>(
    db: &Access<'_, D::Database>,
    target: &Table,
    column: &str,
    values: BTreeSet<&str>,
) -> Result<HashMap<String, String>, DbError> {
    let column = target.column(column).filter(|column| column.is_seen());
    let (Some(column), Some(label)) = (column, target.label_column()) else {
        return Ok(HashMap::new());
    };
    let parameters: Vec<Text> = values
        .into_iter()
        .filter(|value| check::refusal::<D>(column, value).is_none())
        .map(|value| Some(value.to_owned()))
        .collect();
    if parameters.is_empty() || label.name == column.name {
        return Ok(HashMap::new());
    }
    let sought: Vec<String> = (1..=parameters.len()).map(|n| D::value_of(column, n)).collect();
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE {} IN ({})",
        D::text_of(column),
        D::cut(&D::text_of(label), CELL),
        D::rows_of(target),
        D::quote(&column.name),
        sought.join(", ")
    );
    let found = rows::<D>(db, "records.labels", sql, parameters).await?;
    Ok(found.into_iter().filter_map(value_and_label).collect())
}

fn value_and_label(row: Vec<Text>) -> Option<(String, String)> {
    let [value, label] = row.try_into().ok()?;
    Some((value?, label?))
}
