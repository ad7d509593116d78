//! What a save can write, and what is left of a submission where rights were taken away meanwhile.

use app::records::model::{Column, RecordKey, Table};

use super::intent::Intent;

/// Whether this record can be changed, or a new one be made here.
pub fn takes_saves(table: &Table, key: Option<&RecordKey>) -> bool {
    match key {
        Some(_) => table.may_update(),
        None => table.may_insert(),
    }
}

/// The columns a save can write: of an existing record all but its key.
pub fn columns_to_write(table: &Table, key: Option<&RecordKey>) -> Vec<String> {
    let may_write = |column: &&Column| {
        let granted = match key {
            Some(_) => column.grants.update,
            None => column.grants.insert,
        };
        granted && can_be_written(table, column, key)
    };
    names(table.columns.iter().filter(may_write))
}

/// The same whoever asks: what a submission says is told by this, so that it is the same submission after rights have
/// changed.
pub fn columns_of_a_form(table: &Table, key: Option<&RecordKey>) -> Vec<String> {
    names(table.columns.iter().filter(|column| can_be_written(table, column, key)))
}

fn can_be_written(table: &Table, column: &Column, key: Option<&RecordKey>) -> bool {
    !column.generated && (key.is_none() || !table.is_key(&column.name))
}

fn names<'a>(columns: impl Iterator<Item = &'a Column>) -> Vec<String> {
    columns.map(|column| column.name.clone()).collect()
}

/// Whether somebody who sees `now` of the tables may have this done, and may be told what the answer tells.
pub fn permits(now: Option<&Table>, intent: &Intent) -> bool {
    let Some(now) = now.filter(|now| takes_saves(now, intent.key.as_ref())) else {
        return false;
    };
    let writable = columns_to_write(now, intent.key.as_ref());
    let may_write = intent
        .changes
        .all()
        .keys()
        .all(|column| writable.contains(column) || intent.withheld.contains(column));
    may_write && sees_all_of(now, &intent.table)
}

/// Whether every value seen in `then` is seen in `now`.
pub fn sees_all_of(now: &Table, then: &Table) -> bool {
    let is_seen = |name: &str| now.column(name).is_some_and(Column::is_seen);
    then.columns
        .iter()
        .filter(|column| column.is_seen())
        .all(|column| is_seen(&column.name))
}
