//! What is left of the tables for one role.

use std::collections::BTreeSet;

use app::auth::model::Role;
use app::auth::rights::Action;
use app::records::model::{Column, ColumnGrants, Table, TableGrants};

use super::arrange::forget_columns_that_are_gone;
use crate::config::PanelSettings;
use crate::config::file::TableSettings;
use crate::sql::addressing_key;

/// The tables that a role may read, each with what it may do there.
pub fn of_role(settings: &PanelSettings, role: Role, tables: &[Table]) -> Vec<Table> {
    tables
        .iter()
        .filter_map(|table| restricted(settings, role, table))
        .collect()
}

fn restricted(settings: &PanelSettings, role: Role, table: &Table) -> Option<Table> {
    let said = settings.table(&table.name);
    let may = |action| settings.may(role, said, action);
    if !may(Action::Read) {
        return None;
    }
    let grants = TableGrants {
        insert: table.grants.insert && may(Action::Create),
        update: table.grants.update && may(Action::Update),
        delete: table.grants.delete && may(Action::Delete),
    };
    let columns = table.columns.iter().map(|column| Column {
        grants: column_grants(said, role, column, grants),
        ..column.clone()
    });
    let mut restricted = Table {
        grants,
        columns: columns.filter(|column| has_any_use(column.grants)).collect(),
        ..table.clone()
    };
    restricted.key = addressing_key(restricted.key, &restricted.columns);
    forget_columns_that_are_gone(&mut restricted);
    Some(restricted)
}

fn column_grants(said: Option<&TableSettings>, role: Role, column: &Column, table: TableGrants) -> ColumnGrants {
    let said = said.and_then(|table| table.columns.get(&column.name));
    let listed = |roles: &BTreeSet<Role>| role == Role::Superuser || roles.contains(&role);
    let may_read = said.and_then(|said| said.read.as_ref()).is_none_or(listed);
    // Who may not see it does not write it either, unless that is said.
    let may_write = said.and_then(|said| said.write.as_ref()).map_or(may_read, listed);
    ColumnGrants {
        read: column.grants.read && may_read,
        insert: column.grants.insert && table.insert && may_write,
        update: column.grants.update && table.update && may_write,
    }
}

fn has_any_use(grants: ColumnGrants) -> bool {
    grants.read || grants.insert || grants.update
}
