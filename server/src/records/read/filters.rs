//! A list's typed filters.

use app::records::model::{Column, ColumnKind, Table};

use super::conditions::{Conditions, NOTHING};
use super::order::compared_as_text;
use crate::records::check;
use crate::sql::Dialect;

/// Written differently on each database.
const DIFFERS: &str = "differs";

/// Adds the condition of one filter. A filter on a column or with an operator that is not known,
/// or on a secret, is passed over: addresses outlive schemas.
pub fn add_filter<D: Dialect>(
    conditions: &mut Conditions,
    table: &Table,
    (name, operator, text): &(String, String, String),
) {
    let Some(column) = table.column(name).filter(|column| column.is_seen()) else {
        return;
    };
    let quoted = D::quote(&column.name);
    match operator.as_str() {
        "null" if text == "false" => conditions.require(format!("{quoted} IS NOT NULL")),
        "null" => conditions.require(format!("{quoted} IS NULL")),
        _ if text.is_empty() && !(column.is_text() && operator != "contains") => {}
        "contains" => {
            let n = conditions.parameter(super::search::pattern(text));
            conditions.require(D::like(&D::text_of(column), n));
        }
        "eq" => add_comparison::<D>(conditions, column, "=", text),
        "ne" => add_comparison::<D>(conditions, column, DIFFERS, text),
        "lt" => add_comparison::<D>(conditions, column, "<", text),
        "lte" => add_comparison::<D>(conditions, column, "<=", text),
        "gt" => add_comparison::<D>(conditions, column, ">", text),
        "gte" => add_comparison::<D>(conditions, column, ">=", text),
        _ => {}
    }
}

fn add_comparison<D: Dialect>(conditions: &mut Conditions, column: &Column, operator: &str, text: &str) {
    let text = completed(column, text);
    if compared_as_text(&column.kind) {
        let n = conditions.parameter(text);
        conditions.require(compared::<D>(&D::text_of(column), operator, &D::placeholder(n)));
    } else if check::refusal::<D>(column, &text).is_none() {
        let n = conditions.parameter(text);
        conditions.require(compared::<D>(&D::compared(column), operator, &D::value_of(column, n)));
    } else if operator != DIFFERS {
        // No value of the column can stand in this relation to something that is none.
        conditions.require(NOTHING.to_owned());
    }
}

fn compared<D: Dialect>(left: &str, operator: &str, right: &str) -> String {
    match operator {
        DIFFERS => D::differ(left, right),
        _ => format!("{left} {operator} {right}"),
    }
}

/// A date alone means its first moment.
fn completed(column: &Column, text: &str) -> String {
    match column.kind {
        ColumnKind::Timestamp | ColumnKind::TimestampWithZone if text.len() == 10 => format!("{text} 00:00:00"),
        _ => check::as_written(column, text),
    }
}
