//! The database's tables as the panel shows them: what introspection found, as the configuration would have it, and
//! cut down to what each role may see and do.
//!
//! A role's catalog is the whole of its rights on records. What is not in it is not listed, opened, searched, filtered,
//! counted, labelled or written; what is in it says by its grants what may be done. Whoever works for a person asks for
//! the catalog of that person's role and needs no other check.

mod arrange;
mod nearest;
mod rights;
mod shown;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use app::auth::model::Role;
use app::records::model::Table;

use crate::config::PanelSettings;
use crate::sql::catalog::Catalog;
use crate::sql::is_secret;

pub use shown::{shown_answer, shown_draft};

/// The catalog in use. Whoever works with it keeps the one they began with.
pub struct Panel {
    settings: Arc<PanelSettings>,
    catalogs: RwLock<Arc<Catalogs>>,
    /// What was warned about is not said again each time the schema is read.
    warned: Mutex<BTreeSet<String>>,
}

#[derive(Default)]
struct Catalogs {
    /// As introspection found it.
    found: Arc<Catalog>,
    /// Without regard to who looks.
    whole: Arc<Catalog>,
    by_role: [Arc<Catalog>; Role::ALL.len()],
}

impl Panel {
    pub fn new(settings: Arc<PanelSettings>, found: Vec<Table>) -> Self {
        let panel = Self {
            settings,
            catalogs: RwLock::default(),
            warned: Mutex::default(),
        };
        panel.replace(found);
        panel
    }

    /// Everything there is, for work that is nobody's in particular.
    pub fn whole(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalogs().whole)
    }

    /// Everything that introspection found, whatever the configuration keeps back.
    pub fn found(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalogs().found)
    }

    /// What somebody of this role sees, and may do.
    pub fn of(&self, role: Role) -> Arc<Catalog> {
        let catalogs = self.catalogs();
        let of_each = Role::ALL.into_iter().zip(&catalogs.by_role);
        let own = of_each.into_iter().find(|(each, _)| *each == role);
        // A role that is not in the list sees nothing.
        own.map_or_else(Arc::default, |(_, catalog)| Arc::clone(catalog))
    }

    /// The schema was read: `found` is what is there now.
    pub fn replace(&self, found: Vec<Table>) {
        let (arranged, warnings) = arrange::arrange(&self.settings, found.clone());
        if !found.is_empty() {
            self.warn(warnings);
        }
        let of_role = |role: Role| Arc::new(Catalog::new(rights::of_role(&self.settings, role, &arranged)));
        let catalogs = Catalogs {
            by_role: Role::ALL.map(of_role),
            found: Arc::new(Catalog::new(found)),
            whole: Arc::new(Catalog::new(arranged)),
        };
        *self.catalogs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogs);
    }

    /// Whether a column holds a secret: by the configuration, else by its name, which has to do for tables and columns
    /// that nobody has read yet. Table and column are named as the database does; the table also as in addresses.
    pub fn is_secret(&self, table_written: &str, column: &str) -> bool {
        let catalogs = self.catalogs();
        let known = catalogs.found.written(table_written);
        let said = match known {
            Some(table) => self.settings.table(&table.name),
            None => self.settings.table_written(table_written),
        };
        let said = said.and_then(|table| table.columns.get(column)?.secret);
        said.unwrap_or_else(|| is_secret(column))
    }

    fn catalogs(&self) -> Arc<Catalogs> {
        Arc::clone(&self.catalogs.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn warn(&self, warnings: Vec<String>) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in warnings {
            if !warned.contains(&warning) {
                tracing::warn!("{warning}");
                warned.insert(warning);
            }
        }
    }
}

#[cfg(test)]
mod tests;
