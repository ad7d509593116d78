//! Lists as they were last read, for the time when the database cannot be asked.
//!
//! For looking only: nothing is decided by them, and nothing saved. A role's lists are shown to that role alone, and
//! only as long as what it may see is what it was. Forms are never drawn from here, because what they carry
//! says what a record is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::auth::model::Role;
use app::records::model::{ListPage, ListQuery, Table};
use tokio::time::Instant;

use crate::sql::catalog::Catalog;

/// Lists kept; each is one page of at most some hundred kilobytes.
const AT_MOST: usize = 128;
/// An older one is of no use to anybody who has to decide something today.
const UP_TO: Duration = Duration::from_secs(15 * 60);

/// The last good copy of each list that was asked for, the one used longest ago first.
#[derive(Debug, Default)]
pub struct LastGood(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    role: Role,
    query: ListQuery,
    read: Instant,
    read_at_ms: u64,
    page: ListPage,
    /// What the role saw of all tables: the list also shows labels from others.
    catalog: Arc<Catalog>,
}

impl LastGood {
    pub fn keep(&self, role: Role, query: &ListQuery, (page, catalog): (&ListPage, &Arc<Catalog>), now_ms: u64) {
        let mut kept = self.kept();
        kept.retain(|kept| !kept.is_of(role, query, &page.table));
        if kept.len() >= AT_MOST {
            kept.remove(0);
        }
        kept.push(Kept {
            role,
            query: query.clone(),
            read: Instant::now(),
            read_at_ms: now_ms,
            page: page.clone(),
            catalog: Arc::clone(catalog),
        });
    }

    /// The copy, marked with its time; `None` where there is none that may be shown. `catalog` is what this role sees
    /// now.
    pub fn of(&self, role: Role, query: &ListQuery, (table, catalog): (&Table, &Arc<Catalog>)) -> Option<ListPage> {
        let kept = self.kept();
        let found = kept.iter().find(|kept| kept.is_of(role, query, table))?;
        let may_be_shown = found.read.elapsed() <= UP_TO && Arc::ptr_eq(&found.catalog, catalog);
        may_be_shown.then(|| ListPage {
            as_of_ms: Some(found.read_at_ms),
            ..found.page.clone()
        })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_of(&self, role: Role, query: &ListQuery, table: &Table) -> bool {
        self.role == role && self.query == *query && self.page.table.name == table.name
    }
}

#[cfg(test)]
mod tests {
    use app::records::model::{Column, ColumnKind, TableName};

    use super::*;

    fn table(column: &str) -> Arc<Table> {
        let columns = vec![Column::new(column, ColumnKind::Text)];
        Arc::new(Table::new(TableName::plain("site"), columns))
    }

    fn page(table: &Arc<Table>, total: u64) -> ListPage {
        ListPage {
            table: Arc::clone(table),
            columns: Vec::new(),
            rows: Vec::new(),
            total: Some(total),
            page: 1,
            page_size: 50,
            has_next: false,
            without_labels: false,
            as_of_ms: None,
        }
    }

    fn search(text: &str) -> ListQuery {
        ListQuery {
            search: text.to_owned(),
            ..ListQuery::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_is_of_its_role_its_question_and_what_was_seen_then() {
        let (last, site) = (LastGood::default(), table("name"));
        let seen = Arc::new(Catalog::default());
        last.keep(Role::Editor, &search("a"), (&page(&site, 1), &seen), 1_000);
        last.keep(Role::Editor, &search("a"), (&page(&site, 2), &seen), 2_000);
        let of = |role, query: &str, seen: &Arc<Catalog>| last.of(role, &search(query), (&site, seen));
        let found = of(Role::Editor, "a", &seen).expect("kept");
        assert_eq!((found.total, found.as_of_ms), (Some(2), Some(2_000)));
        assert!(of(Role::Viewer, "a", &seen).is_none());
        assert!(of(Role::Editor, "b", &seen).is_none());
        assert!(of(Role::Editor, "a", &Arc::default()).is_none(), "rights have changed");
        tokio::time::advance(UP_TO).await;
        assert!(of(Role::Editor, "a", &seen).is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(of(Role::Editor, "a", &seen).is_none(), "too old");
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_kept() {
        let (last, site, seen) = (LastGood::default(), table("name"), Arc::default());
        for n in 0..=AT_MOST {
            last.keep(Role::Staff, &search(&n.to_string()), (&page(&site, 0), &seen), 0);
        }
        assert_eq!(last.kept().len(), AT_MOST);
        assert!(last.of(Role::Staff, &search("0"), (&site, &seen)).is_none());
        assert!(last.of(Role::Staff, &search("1"), (&site, &seen)).is_some());
    }
}
