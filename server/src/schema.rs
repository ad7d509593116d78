//! The schema of the database in use, read again where it may have changed: a statement that was built from what it was
//! fails, because a table or a column is gone, or is another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::records::model::Table;
use resilient_core::failure::{Kind, Outcome};
use resilient_db::{Connection, DbError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::database::Database;
use crate::monitoring::own_tables::are_there;
use crate::panel::Panel;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;
use crate::{files, report};

/// After a failed statement had it read in vain: a defect that is none of the schema's would else have it read each time.
const NOT_WITHIN: Duration = Duration::from_secs(2);

/// Clones read the same one.
pub struct Schema<D: Dialect> {
    db: Database<D::Database>,
    panel: Arc<Panel>,
    /// Where what was read is kept for the next start.
    kept: PathBuf,
    /// Inkfast's own tables were seen beside it.
    with_own_tables: Arc<AtomicBool>,
    last: Arc<Mutex<Option<Reading>>>,
}

/// The latest reading.
struct Reading {
    begun: Instant,
    /// When it last was another one than before.
    changed: Instant,
    /// For the sake of a failed statement, and without finding anything.
    in_vain: bool,
}

impl<D: Dialect> Clone for Schema<D> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            panel: Arc::clone(&self.panel),
            kept: self.kept.clone(),
            with_own_tables: Arc::clone(&self.with_own_tables),
            last: Arc::clone(&self.last),
        }
    }
}

impl<D: Dialect> Schema<D> {
    pub fn new(db: Database<D::Database>, panel: Arc<Panel>, data_dir: &Path) -> Self {
        Self {
            db,
            panel,
            kept: data_dir.join(KEPT),
            with_own_tables: Arc::default(),
            last: Arc::default(),
        }
    }

    /// What is in use of it.
    pub fn panel(&self) -> &Arc<Panel> {
        &self.panel
    }

    /// Reads it now.
    ///
    /// # Errors
    /// Where the database cannot be asked; then what was known stays in use.
    pub async fn read(&self) -> Result<(), DbError> {
        let mut last = self.last.lock().await;
        self.read_into(&mut last).await
    }

    /// Whether the schema is another one than it was when a statement was `begun` that has failed with `error`: then
    /// it is in use by now, and the same may be tried once more with it. Reads it where nobody has just done so.
    pub async fn is_another(&self, begun: Instant, error: &DbError) -> bool {
        // What a rule or a right is against is no change of the schema; of what may have been done nothing is tried again.
        let is_defect = error.class.kind == Kind::Defect && error.constraint.is_none();
        if !is_defect || error.class.outcome == Outcome::Unknown {
            return false;
        }
        let failed = Instant::now();
        let mut last = self.last.lock().await;
        let is_recent = |last: &Reading| last.begun > failed || (last.in_vain && last.begun.elapsed() < NOT_WITHIN);
        if !last.as_ref().is_some_and(is_recent) {
            match self.read_into(&mut last).await {
                Ok(()) => {
                    if let Some(last) = &mut *last {
                        last.in_vain = last.changed < begun;
                    }
                }
                Err(error) => report::log_unavailable("read the schema again", &error),
            }
        }
        last.as_ref().is_some_and(|last| last.changed > begun)
    }

    async fn read_into(&self, last: &mut Option<Reading>) -> Result<(), DbError> {
        let begun = Instant::now();
        let primary = self.db.primary();
        let tables = primary.read("introspect", |mut conn: Connection<D::Database>| async move {
            D::introspect(&mut conn).await
        });
        let tables = tables.await?;
        match are_there::<D>(&self.db).await {
            Some(true) => self.with_own_tables.store(true, Ordering::Release),
            Some(false) if self.with_own_tables.load(Ordering::Acquire) => {
                tracing::warn!(
                    "Inkfast's own tables are away, as in a restore: the schema is as it was until they are back"
                );
                return Ok(());
            }
            _ => {}
        }
        let known = self.panel.found();
        let is_another = !known.tables().iter().map(|table| &**table).eq(&tables);
        if is_another {
            // Where nothing was known, everything would be news.
            if !known.tables().is_empty() {
                tell_changes(&known, &Catalog::new(tables.clone()));
            }
            self.keep(&tables);
            self.panel.replace(tables);
        }
        let before = last.as_ref().filter(|_| !is_another).map(|last| last.changed);
        *last = Some(Reading {
            begun,
            changed: before.unwrap_or_else(Instant::now),
            in_vain: false,
        });
        Ok(())
    }

    fn keep(&self, tables: &[Table]) {
        let kept = serde_json::to_vec(tables).map_err(std::io::Error::other);
        if let Err(error) = kept.and_then(|bytes| files::write_whole(&self.kept, &bytes)) {
            tracing::warn!(%error, "the catalog cannot be kept for the next start");
        }
    }
}

const KEPT: &str = "catalog.json";

/// What the schema was when it was last read: pages can be drawn from it before the database is there.
pub fn last_known(data_dir: &Path) -> Vec<Table> {
    match std::fs::read(data_dir.join(KEPT)).map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(tables)) => tables,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the last catalog cannot be read; it is made anew");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// One line for each table and column that came or went.
fn tell_changes(before: &Catalog, now: &Catalog) {
    for change in changes(before, now) {
        tracing::warn!("the schema has changed: {change}");
    }
}

fn changes(before: &Catalog, now: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    for table in before.tables() {
        let written = table.name.written();
        let Some(current) = now.table(&table.name) else {
            found.push(format!("{written} is gone"));
            continue;
        };
        for column in &table.columns {
            match current.column(&column.name) {
                None => found.push(format!("{written}.{} is gone", column.name)),
                Some(other) if other != column => found.push(format!("{written}.{} is another one", column.name)),
                Some(_) => {}
            }
        }
        let came = current
            .columns
            .iter()
            .filter(|column| table.column(&column.name).is_none());
        found.extend(came.map(|column| format!("{written}.{} is new", column.name)));
    }
    let came = now.tables().iter().filter(|table| before.table(&table.name).is_none());
    found.extend(came.map(|table| format!("{} is new", table.name.written())));
    found
}

#[cfg(test)]
mod tests {
    use app::records::model::{Column, ColumnKind, TableName};

    use super::*;

    fn table(name: &str, columns: &[(&str, ColumnKind)]) -> Table {
        let columns = columns.iter().map(|(name, kind)| Column::new(name, kind.clone()));
        Table::new(TableName::plain(name), columns.collect())
    }

    #[test]
    fn what_came_and_what_went_is_told() {
        use ColumnKind::{Integer, Text};
        let before = Catalog::new(vec![table("a", &[("x", Text), ("y", Text)]), table("b", &[])]);
        let now = Catalog::new(vec![table("a", &[("x", Integer), ("z", Text)]), table("c", &[])]);
        assert_eq!(
            changes(&before, &now),
            [
                "a.x is another one",
                "a.y is gone",
                "a.z is new",
                "b is gone",
                "c is new"
            ]
        );
        assert!(changes(&now, &now).is_empty());
    }
}
