//! What was kept while somebody had other rights, or before the configuration was changed: cut down to what may be
//! shown now.

use app::records::model::Table;
use resilient_core::draft::Draft;
use resilient_core::submission::answer::Answer;

/// An answer without columns that are out of sight, and their values. `None`: the whole table is.
pub fn shown_answer(mut answer: Answer, table: Option<&Table>) -> Answer {
    answer.current.retain(|written, _| is_seen(table, written));
    answer.merged.retain(|written| is_seen(table, written));
    answer.conflicts.retain(|conflict| is_seen(table, &conflict.column));
    answer
}

/// A person's draft without what the record held in columns that are out of sight; what they typed is theirs.
pub fn shown_draft(mut draft: Draft, table: Option<&Table>) -> Draft {
    draft.base.retain(|written, _| is_seen(table, written));
    draft
}

fn is_seen(table: Option<&Table>, written: &str) -> bool {
    table
        .and_then(|table| table.column_written(written))
        .is_some_and(|column| column.is_seen())
}
