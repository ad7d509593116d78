//! The tables of a database, looked up by name and by address.

use std::collections::HashMap;
use std::sync::Arc;

use app::records::model::{Column, Table, TableName};
use serde::{Deserialize, Serialize};

/// What introspection found. Built once, never changed, exchanged as a whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Table>", into = "Vec<Table>")]
pub struct Catalog {
    tables: Vec<Arc<Table>>,
    by_name: HashMap<TableName, usize>,
    by_written: HashMap<String, usize>,
}

impl Catalog {
    pub fn new(tables: Vec<Table>) -> Self {
        let by_name = tables
            .iter()
            .enumerate()
            .map(|(place, table)| (table.name.clone(), place))
            .collect();
        let by_written = tables
            .iter()
            .enumerate()
            .map(|(place, table)| (table.name.written(), place))
            .collect();
        Self {
            tables: tables.into_iter().map(Arc::new).collect(),
            by_name,
            by_written,
        }
    }

    /// In the order of their names, the default schema first.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    pub fn table(&self, name: &TableName) -> Option<&Arc<Table>> {
        self.by_name.get(name).map(|place| &self.tables[*place])
    }

    /// By its `~HH` writing, as in addresses.
    pub fn written(&self, written: &str) -> Option<&Arc<Table>> {
        self.by_written.get(written).map(|place| &self.tables[*place])
    }

    /// The columns, anywhere, that refer to `table`.
    pub fn referring_to<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = (&'a Arc<Table>, &'a Column)> {
        self.tables.iter().flat_map(move |referring| {
            let refers = move |column: &&Column| column.reference.as_ref().is_some_and(|to| to.table == *table);
            referring
                .columns
                .iter()
                .filter(refers)
                .map(move |column| (referring, column))
        })
    }
}

impl From<Vec<Table>> for Catalog {
    fn from(tables: Vec<Table>) -> Self {
        Self::new(tables)
    }
}

impl From<Catalog> for Vec<Table> {
    fn from(catalog: Catalog) -> Self {
        catalog.tables.into_iter().map(Arc::unwrap_or_clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use app::records::model::{ColumnKind, Reference};

    use super::*;

    fn table(schema: Option<&str>, name: &str, refers_to: Option<&TableName>) -> Table {
        let column = Column {
            label: "Site".into(),
            sql_type: "integer".into(),
            max_length: Some(3),
            reference: refers_to.map(|to| Reference {
                table: to.clone(),
                column: "id".into(),
            }),
            ..Column::new("site_id", ColumnKind::Choice(vec!["a".into()]))
        };
        let name = TableName {
            schema: schema.map(Into::into),
            name: name.into(),
        };
        Table {
            key: vec!["site_id".into()],
            ..Table::new(name, vec![column])
        }
    }

    #[test]
    fn tables_are_found_by_name_and_by_address() {
        let catalog = Catalog::new(vec![table(None, "a.b", None), table(Some("s"), "t", None)]);
        assert_eq!(
            catalog.written("a~2eb").map(|table| table.name.name.as_str()),
            Some("a.b")
        );
        assert_eq!(catalog.written("s.t").map(|table| table.name.name.as_str()), Some("t"));
        assert!(catalog.written("a.b").is_none());
        assert!(
            catalog
                .table(&TableName {
                    schema: None,
                    name: "t".into()
                })
                .is_none()
        );
    }

    #[test]
    fn references_are_found_from_both_ends() {
        let sites = table(None, "sites", None);
        let catalog = Catalog::new(vec![table(None, "equipment", Some(&sites.name)), sites.clone()]);
        let referring: Vec<_> = catalog
            .referring_to(&sites.name)
            .map(|(table, column)| (&table.label, &column.name))
            .collect();
        assert_eq!(referring, [(&"equipment".to_owned(), &"site_id".to_owned())]);
    }

    #[test]
    fn a_kept_catalog_is_the_catalog_that_was_kept() {
        let tables = vec![table(None, "sites", None), table(Some("s"), "t", None)];
        let kept = serde_json::to_string(&Catalog::new(tables.clone())).unwrap();
        let read: Catalog = serde_json::from_str(&kept).unwrap();
        assert_eq!(Vec::<Table>::from(read), tables);
    }
}
