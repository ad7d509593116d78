//! From the text of `inkfast.toml` to settings: the only place that knows its keys.

use app::ui::page_request::LocalDrafts;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use app::auth::model::Role;
use app::auth::rights::Action;
use app::records::display::Widget;
use toml::de::DeTable;

use super::super::backup::{DURATIONS, MOST_KEPT, duration};
use super::reader::{Entry, Reader, Value};
use super::{Addresses, BackupFile, ColumnSettings, Named, PanelSettings, Rights, ServersInFile, TableSettings};
use crate::config::servers::LATEST;

const LONGEST_PAGE: u32 = 500;

const TOP: [&str; 9] = [
    "adaptive_limits",
    "backup",
    "database",
    "local_drafts",
    "offline_pages",
    "order",
    "page_size",
    "rights",
    "tables",
];
const BACKUP: [&str; 5] = ["directory", "every", "keep", "keep_daily", "tools_dir"];
const DATABASE: [&str; 3] = ["standbys", "replicas", "max_lag_seconds"];
const TABLE: [&str; 13] = [
    "label",
    "help",
    "hidden",
    "read_only",
    "order",
    "list",
    "search",
    "filters",
    "sort",
    "page_size",
    "label_column",
    "rights",
    "columns",
];
const COLUMN: [&str; 8] = [
    "label",
    "help",
    "hidden",
    "read_only",
    "secret",
    "widget",
    "read",
    "write",
];

pub fn settings(file: PathBuf, text: &str) -> Result<PanelSettings, Vec<String>> {
    let mut reader = Reader::new(&file, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.problem(
            error.span().map_or(0, |span| span.start),
            format!("{}.", error.message()),
        );
    }
    let mut settings = PanelSettings::default();
    if reader.problems.is_empty() {
        settings = top(&mut reader, document.get_ref());
    }
    let problems = reader.problems;
    if problems.is_empty() {
        Ok(PanelSettings { file, ..settings })
    } else {
        Err(problems)
    }
}

fn top(reader: &mut Reader, document: &DeTable) -> PanelSettings {
    let mut settings = PanelSettings::default();
    for Entry { key, value, .. } in reader.entries(document, "The file", &TOP) {
        match key {
            "backup" => settings.backup = backup(reader, value),
            "order" => settings.order = names(reader, value, key).unwrap_or_default(),
            "page_size" => settings.page_size = reader.count(value, key, LONGEST_PAGE),
            "adaptive_limits" => settings.adaptive_limits = reader.flag(value, key),
            "local_drafts" => {
                let codes = LocalDrafts::ALL.map(LocalDrafts::code);
                settings.local_drafts = one_of(reader, value, key, LocalDrafts::of_code, &codes);
            }
            "offline_pages" => settings.offline_pages = reader.flag(value, key),
            "rights" => settings.rights = rights(reader, value),
            "database" => settings.database = database(reader, value, key),
            _ => {
                let Some(tables) = reader.table(value, key) else {
                    continue;
                };
                for (entry, _) in reader.every_entry(tables) {
                    let read = table(reader, &entry);
                    settings.tables.insert(entry.key.to_owned(), read);
                }
            }
        }
    }
    settings
}

fn backup(reader: &mut Reader, value: &Value) -> BackupFile {
    let mut settings = BackupFile::default();
    let Some(entries) = reader.table(value, "backup") else {
        return settings;
    };
    for Entry { key, value, .. } in reader.entries(entries, "`backup`", &BACKUP) {
        match key {
            "directory" => settings.directory = reader.text(value, key).map(PathBuf::from),
            "every" => settings.every = interval(reader, value, key),
            "keep" => settings.keep = reader.count(value, key, MOST_KEPT),
            "keep_daily" => settings.keep_daily = reader.count(value, key, MOST_KEPT),
            _ => settings.tools_dir = reader.text(value, key).map(PathBuf::from),
        }
    }
    settings
}

/// `None` also where it says off.
fn interval(reader: &mut Reader, value: &Value, key: &str) -> Option<Duration> {
    let text = reader.text(value, key).filter(|text| text != "off")?;
    let read = duration(&text);
    if read.is_none() {
        reader.problem(value.span().start, format!("`{key}` takes {DURATIONS}."));
    }
    read
}

fn database(reader: &mut Reader, value: &Value, key: &str) -> ServersInFile {
    let mut settings = ServersInFile::default();
    let Some(entries) = reader.table(value, key) else {
        return settings;
    };
    for Entry { key, value, .. } in reader.entries(entries, "`database`", &DATABASE) {
        match key {
            "standbys" => settings.standbys = addresses(reader, value, key),
            "replicas" => settings.replicas = addresses(reader, value, key),
            _ => settings.max_lag_seconds = reader.count(value, key, LATEST),
        }
    }
    settings
}

fn addresses(reader: &mut Reader, value: &Value, key: &str) -> Addresses {
    let texts = reader.texts(value, key).unwrap_or_default();
    Addresses(texts.into_iter().map(|(address, _)| address).collect())
}

fn table(reader: &mut Reader, named: &Entry) -> TableSettings {
    let mut settings = TableSettings {
        line: named.line,
        ..TableSettings::default()
    };
    let Some(entries) = reader.table(named.value, named.key) else {
        return settings;
    };
    let what = format!("Table `{}`", named.key);
    for Entry { key, value, .. } in reader.entries(entries, &what, &TABLE) {
        match key {
            "label" => settings.label = reader.text(value, key),
            "help" => settings.help = reader.text(value, key),
            "hidden" => settings.hidden = reader.flag(value, key).unwrap_or_default(),
            "read_only" => settings.read_only = reader.flag(value, key).unwrap_or_default(),
            "order" => settings.order = names(reader, value, key).unwrap_or_default(),
            "list" => settings.list = names(reader, value, key),
            "search" => settings.search = names(reader, value, key),
            "filters" => settings.filters = names(reader, value, key),
            "sort" => settings.sort = sort(reader, value, key),
            "page_size" => settings.page_size = reader.count(value, key, LONGEST_PAGE),
            "label_column" => {
                let line = reader.line(value.span().start);
                settings.label_column = reader.text(value, key).map(|name| Named { name, line });
            }
            "rights" => settings.rights = rights(reader, value),
            _ => settings.columns = columns(reader, value, key, named.key),
        }
    }
    settings
}

fn columns(reader: &mut Reader, value: &Value, key: &str, table: &str) -> BTreeMap<String, ColumnSettings> {
    let Some(columns) = reader.table(value, key) else {
        return BTreeMap::new();
    };
    let read = reader.every_entry(columns);
    read.into_iter()
        .map(|(entry, _)| (entry.key.to_owned(), column(reader, &entry, table)))
        .collect()
}

fn column(reader: &mut Reader, named: &Entry, table: &str) -> ColumnSettings {
    let mut settings = ColumnSettings {
        line: named.line,
        ..ColumnSettings::default()
    };
    let Some(entries) = reader.table(named.value, named.key) else {
        return settings;
    };
    let what = format!("Column `{}` of table `{table}`", named.key);
    for Entry { key, value, .. } in reader.entries(entries, &what, &COLUMN) {
        match key {
            "label" => settings.label = reader.text(value, key),
            "help" => settings.help = reader.text(value, key),
            "hidden" => settings.hidden = reader.flag(value, key).unwrap_or_default(),
            "read_only" => settings.read_only = reader.flag(value, key).unwrap_or_default(),
            "secret" => settings.secret = reader.flag(value, key),
            "widget" => settings.widget = one_of(reader, value, key, Widget::from_name, &Widget::ALL.map(Widget::name)),
            "read" => settings.read = roles(reader, value, key),
            _ => settings.write = roles(reader, value, key),
        }
    }
    settings
}

fn names(reader: &mut Reader, value: &Value, key: &str) -> Option<Vec<Named>> {
    let texts = reader.texts(value, key)?;
    let named = texts.into_iter().map(|(name, offset)| Named {
        name,
        line: reader.line(offset),
    });
    Some(named.collect())
}

/// `-name` is descending.
fn sort(reader: &mut Reader, value: &Value, key: &str) -> Vec<(Named, bool)> {
    let names = names(reader, value, key).unwrap_or_default().into_iter();
    let direction = |named: Named| match named.name.strip_prefix('-') {
        Some(name) => {
            let name = name.to_owned();
            (Named { name, ..named }, true)
        }
        None => (named, false),
    };
    names.map(direction).collect()
}

fn rights(reader: &mut Reader, value: &Value) -> Rights {
    let mut rights = Rights::new();
    let roles = Role::ALL.map(Role::name);
    let Some(table) = reader.table(value, "rights") else {
        return rights;
    };
    // A superuser may everything: it cannot be taken away here.
    for Entry { key, value, .. } in reader.entries(table, "`rights`", &roles[1..]) {
        let allowed = actions(reader, value, key);
        if let (Some(role), Some(allowed)) = (Role::from_name(key), allowed) {
            rights.insert(role, allowed);
        }
    }
    rights
}

fn actions(reader: &mut Reader, value: &Value, key: &str) -> Option<BTreeSet<Action>> {
    let named = Action::ALL.map(Action::name);
    let mut allowed = BTreeSet::new();
    for (name, offset) in reader.texts(value, key)? {
        match Action::from_name(&name) {
            Some(action) => {
                allowed.insert(action);
            }
            None => reader.problem(offset, format!("`{name}` is no right; there are {}.", named.join(", "))),
        }
    }
    if !allowed.is_empty() && !allowed.contains(&Action::Read) {
        reader.problem(
            value.span().start,
            "Who may change records has to be allowed to `read` them.",
        );
    }
    Some(allowed)
}

fn roles(reader: &mut Reader, value: &Value, key: &str) -> Option<BTreeSet<Role>> {
    let named = Role::ALL.map(Role::name);
    let mut roles = BTreeSet::new();
    for (name, offset) in reader.texts(value, key)? {
        match Role::from_name(&name) {
            Some(role) => {
                roles.insert(role);
            }
            None => reader.problem(offset, format!("`{name}` is no role; there are {}.", named.join(", "))),
        }
    }
    Some(roles)
}

fn one_of<T>(
    reader: &mut Reader,
    value: &Value,
    key: &str,
    read: impl Fn(&str) -> Option<T>,
    names: &[&str],
) -> Option<T> {
    let text = reader.text(value, key)?;
    let found = read(&text);
    if found.is_none() {
        let listed = names.join(", ");
        reader.problem(
            value.span().start,
            format!("`{key}` takes one of {listed}, not `{text}`."),
        );
    }
    found
}

/// Every key there is.
#[cfg(test)]
pub fn keys() -> impl Iterator<Item = &'static str> {
    let sections = BACKUP.into_iter().chain(DATABASE);
    TOP.into_iter().chain(sections).chain(TABLE).chain(COLUMN)
}
