//! Tables and forms to test pages with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Column, ColumnKind, RecordKey, Table, TableName, Text, Values};
use super::port::RecordForm;

pub fn column(name: &str, kind: ColumnKind) -> Column {
    Column {
        nullable: false,
        ..Column::new(name, kind)
    }
}

pub fn nullable(name: &str, kind: ColumnKind) -> Column {
    Column::new(name, kind)
}

/// The first column is the key.
pub fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        key: vec![columns[0].name.clone()],
        ..Table::new(TableName::plain(name), columns)
    }
}

/// Record 7 of `table` with these texts in the columns after its key.
pub fn record(table: Table, texts: &[Text]) -> RecordForm {
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut values: Values = names[1..].iter().cloned().zip(texts.iter().cloned()).collect();
    values.insert(names[0].clone(), Some("7".into()));
    RecordForm {
        table: Arc::new(table),
        key: Some(RecordKey(vec!["7".into()])),
        values,
        secrets_set: Vec::new(),
        version: "version-now".into(),
        editable: names[1..].to_vec(),
        references: BTreeMap::new(),
        may_write: true,
    }
}

pub fn text(value: &str) -> Text {
    Some(value.to_owned())
}
