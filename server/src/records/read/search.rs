//! A list's search: every word has to be found somewhere in the record.

use app::records::model::{Column, ColumnKind, Table};

use super::conditions::Conditions;
use crate::records::check;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

/// Further words are passed over: each one is a scan.
const MOST_WORDS: usize = 8;

/// Looks for each word in the text columns, in the key, and in the labels of references.
pub fn add_search<D: Dialect>(conditions: &mut Conditions, catalog: &Catalog, table: &Table, search: &str) {
    for word in search.split_whitespace().take(MOST_WORDS) {
        let pattern = conditions.parameter(pattern(word));
        let mut places = Vec::new();
        for column in searched(table) {
            let is_key = table.is_key(&column.name);
            if is_searched(column) || is_key && !is_checked_exactly(column) {
                places.push(D::like(&D::text_of(column), pattern));
            } else if is_key && check::refusal::<D>(column, word).is_none() {
                let n = conditions.parameter(word);
                places.push(format!("{} = {}", D::compared(column), D::value_of(column, n)));
            }
            places.extend(label_condition::<D>(catalog, column, pattern));
        }
        conditions.require_one_of(&places);
    }
}

fn searched(table: &Table) -> impl Iterator<Item = &Column> {
    let asked = |column: &&Column| {
        let said = table.display.search.as_ref();
        said.is_none_or(|said| said.contains(&column.name)) && column.is_seen()
    };
    table.columns.iter().filter(asked)
}

/// `text` anywhere, as a pattern for LIKE.
pub fn pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn is_searched(column: &Column) -> bool {
    matches!(
        column.kind,
        ColumnKind::Text | ColumnKind::LongText | ColumnKind::Choice(_) | ColumnKind::Uuid
    )
}

/// What passes the check is a value. Of the other kinds the database may still say that a word is none, and
/// with it refuse the whole search.
fn is_checked_exactly(column: &Column) -> bool {
    matches!(
        column.kind,
        ColumnKind::Boolean
            | ColumnKind::Integer
            | ColumnKind::Decimal
            | ColumnKind::Float
            | ColumnKind::Date
            | ColumnKind::Time
            | ColumnKind::Timestamp
    )
}

fn label_condition<D: Dialect>(catalog: &Catalog, column: &Column, pattern: usize) -> Option<String> {
    let reference = column.reference.as_ref()?;
    let target = catalog.table(&reference.table)?;
    let label = target.label_column().filter(|label| is_searched(label))?;
    let far = target.column(&reference.column).filter(|far| far.is_seen())?;
    let (own, far, from) = (D::quote(&column.name), D::quote(&far.name), D::rows_of(target));
    let found = D::like(&D::text_of_aliased("target", label), pattern);
    Some(format!(
        "{own} IN (SELECT target.{far} FROM {from} AS target WHERE {found})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
