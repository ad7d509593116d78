//! A list's order: what was asked for, then the key, so that no row is on two pages.

use app::records::model::{Column, ColumnKind, Table};

use crate::sql::Dialect;

/// What a list calls the table it reads. Without it, PostgreSQL would take a name in ORDER BY for
/// the text of that column in the select list, and sort numbers as texts.
pub const LISTED: &str = "listed";

/// ` ORDER BY …`; NULLs come last in both directions.
pub fn order_by<D: Dialect>(table: &Table, sort: &[(String, bool)], shown: &[&Column]) -> String {
    let mut terms = Vec::new();
    let mut sorted_by: Vec<&str> = Vec::new();
    let asked = sort
        .iter()
        .filter_map(|(name, descending)| Some((table.column(name)?, *descending)));
    let key = table.key.iter().filter_map(|name| table.column(name));
    // Without a key the columns shown have to tell rows apart.
    let rest: Vec<&Column> = if table.key.is_empty() {
        shown.to_vec()
    } else {
        key.collect()
    };
    for (column, descending) in asked.chain(rest.into_iter().map(|column| (column, false))) {
        if column.is_seen() && !sorted_by.contains(&column.name.as_str()) {
            sorted_by.push(&column.name);
            terms.push(term::<D>(column, descending));
        }
    }
    if terms.is_empty() {
        String::new()
    } else {
        format!(" ORDER BY {}", terms.join(", "))
    }
}

fn term<D: Dialect>(column: &Column, descending: bool) -> String {
    let expression = match compared_as_text(&column.kind) {
        true => D::text_of_aliased(LISTED, column),
        false => format!("{LISTED}.{}", D::quote(&column.name)),
    };
    D::ordered(&expression, descending, column.nullable)
}

/// Types without an order or an equality of their own, as far as we know.
pub fn compared_as_text(kind: &ColumnKind) -> bool {
    matches!(kind, ColumnKind::Json | ColumnKind::Array(_) | ColumnKind::Other)
}
