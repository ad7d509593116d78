//! Reading records: lists, forms, labels, counts. Every function here is one or a few statements
//! over `Db::read`, written once for all databases; what may be missing without harm (labels,
//! options, counts) is missing when its statement fails.

use app::records::model::{Column, Text};
use resilient_db::{ConstraintKind, DbError};

use crate::database::Access;
use crate::sql::Dialect;

mod conditions;
mod counts;
mod filters;
mod key;
mod labels;
mod list;
mod order;
mod record;
mod references;
mod referring;
mod search;

pub use counts::counts;
pub use key::{key_columns_sql, key_condition, key_parameters, may_exist};
pub use list::list;
pub use record::{RecordValues, form_values, record_label, record_values, select_row_sql};
pub use references::{all_references, references};
pub use referring::referring;

/// Longest text of a list's cell or of a label, in characters.
const CELL: u32 = 200;

async fn rows<D: Dialect>(
    db: &Access<'_, D::Database>,
    name: &'static str,
    sql: String,
    parameters: Vec<Text>,
) -> Result<Vec<Vec<Text>>, DbError> {
    let work = |mut connection| {
        let (sql, parameters) = (sql.clone(), parameters.clone());
        async move { D::fetch(&mut connection, sql, parameters).await }
    };
    db.read(name, work).await
}

/// What to select for one column: its text, or for a secret only whether it has a value.
fn selected<D: Dialect>(column: &Column) -> String {
    match column.secret {
        true => format!("CASE WHEN {} IS NOT NULL THEN '1' END", D::quote(&column.name)),
        false => D::text_of(column),
    }
}

/// The text was no value of the type it was compared with: nothing can be equal to it.
fn is_bad_value(error: &DbError) -> bool {
    error
        .constraint
        .as_ref()
        .is_some_and(|broken| broken.kind == ConstraintKind::BadValue)
}
