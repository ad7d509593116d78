//! CHECK constraints, added to the tables they belong to.

use app::records::model::{ColumnKind, Table};

use crate::sql::check_values::{choice_of, listed_values};
use crate::sql::tokens::{Brackets, Token, tokens};

pub fn add_check(table: &mut Table, name: String, expression: String) {
    let all: Vec<Token> = tokens(&expression, Brackets::HoldElements)
        .into_iter()
        .map(|(token, _)| token)
        .collect();
    if let Some(column) = checked_as_json(&all) {
        // What MariaDB has for a JSON type.
        if let Some(column) = table.columns.iter_mut().find(|known| known.name == column) {
            column.kind = ColumnKind::Json;
        }
        return;
    }
    let is_named = |column: &&str| all.iter().any(|token| token.as_name() == Some(column));
    let names = table.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<String> = names.filter(is_named).map(str::to_owned).collect();
    if let [only] = columns.as_slice()
        && let Some(listed) = listed_values(&expression, Brackets::HoldElements)
        && let Some(column) = table.columns.iter_mut().find(|column| column.name == *only)
        && let Some(choice) = choice_of(&column.kind, listed.values)
    {
        column.kind = choice;
    }
    table.checks.push((name, expression, columns));
}

/// The column of `json_valid(column)`.
fn checked_as_json(all: &[Token]) -> Option<&str> {
    match all {
        [call, open, column, close] if call.is_word("json_valid") && open.is_sign("(") && close.is_sign(")") => {
            column.as_name()
        }
        _ => None,
    }
}
