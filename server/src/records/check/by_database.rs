//! Which of several texts the database itself took offence at.

use std::collections::BTreeMap;

use app::records::fields::example;
use app::records::model::{Column, Table, Text, Values};
use resilient_db::{ConstraintKind, DbError};

use crate::database::Access;
use crate::sql::Dialect;

/// Asks for each value by itself whether its type takes it, and says at its column if not. For use
/// after a statement failed with `BadValue`: databases do not say which of its values they meant.
///
/// # Errors
/// Where the database could not be asked.
pub async fn refused_by_database<D: Dialect>(
    db: &Access<'_, D::Database>,
    table: &Table,
    values: &Values,
) -> Result<BTreeMap<String, String>, DbError> {
    let mut refused = BTreeMap::new();
    for (name, text) in values {
        let (Some(column), Some(_)) = (table.column(name), text) else {
            continue;
        };
        let sql = format!(
            "SELECT '1' FROM (SELECT 1 AS one) AS once WHERE {} IS NULL",
            D::value_of(column, 1)
        );
        let parameters: Vec<Text> = vec![text.clone()];
        let work = |mut connection| {
            let (sql, parameters) = (sql.clone(), parameters.clone());
            async move { D::fetch(&mut connection, sql, parameters).await }
        };
        match db.read("records.value", work).await {
            Ok(_) => {}
            Err(error) if is_about_the_value(&error) => {
                refused.insert(name.clone(), words(column));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

fn words(column: &Column) -> String {
    let words = format!("This is no value of the type {}.", column.sql_type);
    match example(column) {
        Some(example) => format!("{words} It is written like {example}."),
        None => words,
    }
}

fn is_about_the_value(error: &DbError) -> bool {
    let kind = error.constraint.as_ref().map(|broken| broken.kind);
    matches!(kind, Some(ConstraintKind::BadValue | ConstraintKind::TooLong))
}
