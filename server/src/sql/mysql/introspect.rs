//! The schema of one database, read from `information_schema` in six questions.

use std::collections::HashMap;

use app::records::model::{Column, ColumnGrants, ColumnKind, Reference, Table, TableGrants, TableName, Text};
use resilient_db::Connection;

use super::checks::add_check;
use super::types::{completed, kind_of};
use super::{MySql, queries};
use crate::sql::answer::Answer;
use crate::sql::{Dialect, literal, naming};

type Own = Connection<sqlx::MySql>;

async fn ask(connection: &mut Own, sql: String) -> Result<Vec<Answer>, sqlx::Error> {
    let rows = MySql::fetch(connection, sql, Vec::new()).await?;
    Ok(rows.into_iter().map(Answer::new).collect())
}

pub async fn tables(connection: &mut Own) -> Result<Vec<Table>, sqlx::Error> {
    let version = ask(connection, "SELECT CAST(VERSION() AS CHAR)".to_owned()).await?;
    let version = version
        .into_iter()
        .next()
        .map(|mut answer| answer.name())
        .unwrap_or_default();
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    let returns_keys = is_mariadb && returns_what_it_inserts(&version);
    let mut tables = Vec::new();
    let mut places = HashMap::new();
    for mut relation in ask(connection, queries::relations()).await? {
        let name = relation.name();
        places.insert(name.clone(), tables.len());
        tables.push(Relation::read(&name, relation));
    }
    // Each further answer begins with the name of its table; one made in between has no place yet.
    let place_of = |answer: &mut Answer| places.get(&answer.name()).copied();
    for mut answer in ask(connection, queries::columns()).await? {
        if let Some(place) = place_of(&mut answer) {
            let relation = &mut tables[place];
            let (column, is_counted) = column(answer, relation.takes_changes, is_mariadb);
            if is_counted {
                relation.counted = Some(column.name.clone());
            }
            relation.table.columns.push(column);
        }
    }
    for mut answer in ask(connection, queries::unique_indexes()).await? {
        if let Some(place) = place_of(&mut answer) {
            add_unique(&mut tables[place].table, answer);
        }
    }
    let checks = match is_mariadb {
        true => queries::checks_of_mariadb(),
        false => queries::checks_of_mysql(),
    };
    for mut answer in ask(connection, checks).await? {
        if let Some(place) = place_of(&mut answer) {
            add_check(&mut tables[place].table, answer.name(), answer.name());
        }
    }
    let mut foreign_keys = Vec::new();
    for mut answer in ask(connection, queries::references()).await? {
        if let Some(place) = place_of(&mut answer) {
            add_part(&mut foreign_keys, place, answer);
        }
    }
    for key in foreign_keys {
        add_foreign_key(&mut tables[key.place].table, key);
    }
    // A view of something that is gone has no columns.
    let read = tables.into_iter().filter(|relation| !relation.table.columns.is_empty());
    Ok(read.map(|relation| relation.finished(returns_keys)).collect())
}

/// A table, and what has to be known of it before it is whole.
struct Relation {
    table: Table,
    /// Not of a view; nor where a change could not be undone together with the id that stands for it.
    takes_changes: bool,
    may_delete: bool,
    /// The column that counts up.
    counted: Option<String>,
}

impl Relation {
    fn read(name: &str, mut answer: Answer) -> Self {
        let is_view = answer.truth();
        let comment = answer.text();
        Self {
            table: Table {
                label: naming::label(name),
                is_view,
                comment,
                ..Table::new(TableName::plain(name), Vec::new())
            },
            takes_changes: answer.truth() && !is_view,
            may_delete: answer.truth(),
            counted: None,
        }
    }

    fn finished(self, returns_keys: bool) -> Table {
        let is_found_again = returns_keys || self.finds_what_it_inserts();
        let mut table = self.table;
        let any = |granted: fn(&Column) -> bool| table.columns.iter().any(granted);
        table.grants = TableGrants {
            insert: any(|column| column.grants.insert) && is_found_again,
            update: any(|column| column.grants.update),
            delete: self.takes_changes && self.may_delete,
        };
        table.writable = table.grants.any();
        table
    }
}

impl Relation {
    /// Whether a record made here can be found by its key where the server does not tell it: the key is given, or is a
    /// plain default, or is what the connection counted up last. (The order to tell it is a comment for such a server,
    /// which a name must not end.)
    fn finds_what_it_inserts(&self) -> bool {
        let keys = self.table.key.iter().filter_map(|name| self.table.column(name));
        keys.into_iter().all(|column| {
            let is_known =
                !column.has_default || column.default.is_some() || self.counted.as_ref() == Some(&column.name);
            is_known && !column.name.contains("*/")
        })
    }
}

/// Since 10.5. `5.5.5-10.11.2-MariaDB` is how some versions introduce themselves.
fn returns_what_it_inserts(version: &str) -> bool {
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next(), parts.next()) >= (Some(10), Some(5))
}

/// The column, and whether it counts up.
fn column(mut answer: Answer, takes_changes: bool, is_mariadb: bool) -> (Column, bool) {
    let name = answer.name();
    let comment = answer.text();
    let sql_type = completed(&answer.name());
    let max_length = answer.text().and_then(|length| length.parse().ok());
    let nullable = answer.truth();
    let default = answer.text();
    let extra = answer.name();
    let is_computed = answer.truth();
    let rights = answer.name();
    let kind = kind_of(&name, &sql_type);
    let may = |right: &str| rights.split(',').any(|known| known == right);
    let may_write = |right: &str| may(right) && takes_changes && kind.is_some();
    let grants = ColumnGrants {
        read: may("select"),
        insert: may_write("insert"),
        update: may_write("update"),
    };
    let kind = kind.unwrap_or(ColumnKind::Other);
    let default = Default::read(default, &extra, is_mariadb).or_first(&kind, nullable);
    let is_counted = extra.contains("auto_increment");
    let column = Column {
        label: naming::label(&name),
        comment: with_zone(comment, &sql_type),
        secret: naming::is_secret(&name),
        generated: is_computed,
        has_default: !is_computed && (default != Default::None || is_counted),
        default: default.text(&kind),
        nullable,
        reference: None,
        name,
        kind,
        sql_type,
        max_length,
        grants,
    };
    (column, is_counted)
}

/// A `timestamp` is shown in the zone of the connection.
fn with_zone(comment: Text, sql_type: &str) -> Text {
    let is_moment = sql_type.starts_with("timestamp");
    match (is_moment, comment) {
        (true, Some(comment)) => Some(format!("{comment} (UTC)")),
        (true, None) => Some("In UTC.".to_owned()),
        (false, comment) => comment,
    }
}

/// What a column is given where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Default {
    None,
    /// Has to be computed.
    Computed,
    Literal(String),
}

impl Default {
    /// MariaDB writes it as an expression, MySQL writes what is no expression as it is.
    fn read(written: Text, extra: &str, is_mariadb: bool) -> Self {
        match written {
            None => Self::None,
            Some(expression) if is_mariadb => match literal::literal_text(&expression) {
                // Whether a backslash stands for itself depends on the server's settings.
                Some(text) if !expression.contains('\\') => Self::Literal(text),
                _ if expression.eq_ignore_ascii_case("null") => Self::None,
                _ => Self::Computed,
            },
            Some(text) => match extra.contains("DEFAULT_GENERATED") || text.starts_with("CURRENT_TIMESTAMP") {
                true => Self::Computed,
                false => Self::Literal(text),
            },
        }
    }

    /// Nothing said for an `enum` that may not be NULL is its first value.
    fn or_first(self, kind: &ColumnKind, nullable: bool) -> Self {
        match (&self, kind) {
            (Self::None, ColumnKind::Choice(values)) if !nullable => {
                values.first().cloned().map_or(Self::None, Self::Literal)
            }
            _ => self,
        }
    }

    /// As a form shows it.
    fn text(self, kind: &ColumnKind) -> Text {
        match (self, kind) {
            (Self::Literal(_), ColumnKind::Bytes | ColumnKind::Bits) => None,
            (Self::Literal(text), ColumnKind::Boolean) if !matches!(text.as_str(), "0" | "1") => None,
            (Self::Literal(text), kind) => Some(literal::as_kept(text, kind)),
            _ => None,
        }
    }
}

fn add_unique(table: &mut Table, mut answer: Answer) {
    let (index, column) = (answer.name(), answer.text());
    if index == "PRIMARY" {
        table.key.extend(column);
        return;
    }
    match table.unique.last_mut().filter(|(last, _)| *last == index) {
        Some((_, columns)) => columns.extend(column),
        None => table.unique.push((index, Vec::from_iter(column))),
    }
}

/// A foreign key, column by column.
struct ForeignKey {
    place: usize,
    name: String,
    columns: Vec<String>,
    /// Of the first column.
    to: Reference,
}

/// The answers are in the order of the keys and their columns.
fn add_part(keys: &mut Vec<ForeignKey>, place: usize, mut answer: Answer) {
    let (name, column) = (answer.name(), answer.name());
    match keys.last_mut().filter(|last| last.place == place && last.name == name) {
        Some(key) => key.columns.push(column),
        None => keys.push(ForeignKey {
            place,
            name,
            columns: vec![column],
            to: Reference {
                table: TableName::plain(&answer.name()),
                column: answer.name(),
            },
        }),
    }
}

fn add_foreign_key(table: &mut Table, key: ForeignKey) {
    let [only] = key.columns.as_slice() else {
        table.foreign.push((key.name, key.columns));
        return;
    };
    if let Some(column) = table
        .columns
        .iter_mut()
        .find(|column| column.name == *only && column.reference.is_none())
    {
        column.reference = Some(key.to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_returns_what_it_inserts_is_known_by_its_version() {
        for (version, returns) in [
            ("10.11.19-MariaDB-0+deb12u1", true),
            ("10.5.0-MariaDB", true),
            ("10.4.34-MariaDB", false),
            ("11.4.2-MariaDB", true),
            ("5.5.5-10.6.1-MariaDB", true),
            ("5.5.68-MariaDB", false),
        ] {
            assert_eq!(returns_what_it_inserts(version), returns, "{version}");
        }
    }

    #[test]
    fn no_record_is_made_that_could_not_be_found_again() {
        let made = |has_default: bool, default: Option<&str>, counted: bool, name: &str| {
            let column = Column {
                has_default,
                default: default.map(str::to_owned),
                ..Column::new(name, ColumnKind::Integer)
            };
            let table = Table {
                key: vec![name.to_owned()],
                ..Table::new(TableName::plain("t"), vec![column])
            };
            let relation = Relation {
                table,
                takes_changes: true,
                may_delete: true,
                counted: counted.then(|| name.to_owned()),
            };
            relation.finds_what_it_inserts()
        };
        assert!(made(false, None, false, "id"), "it has to be given");
        assert!(made(true, Some("7"), false, "id"), "a plain default");
        assert!(made(true, None, true, "id"), "counted up");
        assert!(!made(true, None, false, "id"), "computed");
        assert!(!made(true, None, true, "*/ id"));
    }
}
