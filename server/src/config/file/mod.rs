//! `inkfast.toml`: how tables are shown, and who may do what with them. All of it is optional.
//!
//! What the file itself can be wrong about is found at start, all at once. Whether the tables and columns it names
//! are there is found out when the schema is read, in [`crate::panel`].

mod read;
mod reader;

use app::ui::page_request::LocalDrafts;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use app::auth::model::Role;
use app::auth::rights::Action;
use app::records::display::Widget;

use super::Lookup;

/// A name of something in the database, and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub name: String,
    pub line: usize,
}

/// Exactly what a role may do; of a role that is not named, what it may by default.
pub type Rights = BTreeMap<Role, BTreeSet<Action>>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelSettings {
    /// Where it was read, for messages.
    pub file: PathBuf,
    /// Tables that come first, in this order.
    pub order: Vec<Named>,
    /// Rows on one page of a list.
    pub page_size: Option<u32>,
    /// How many calls run at once follows what they take; the environment has the last word.
    pub adaptive_limits: Option<bool>,
    /// Where the environment says nothing of it.
    pub offline_pages: Option<bool>,
    /// Where the environment says nothing of it.
    pub local_drafts: Option<LocalDrafts>,
    /// On tables that say nothing of a role.
    pub rights: Rights,
    /// `name`, or `schema.name` outside the default schema.
    pub tables: BTreeMap<String, TableSettings>,
    pub backup: BackupFile,
    pub database: ServersInFile,
}

/// What the file says of backups; the environment overrules it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupFile {
    pub directory: Option<PathBuf>,
    pub every: Option<Duration>,
    pub keep: Option<u32>,
    pub keep_daily: Option<u32>,
    pub tools_dir: Option<PathBuf>,
}

/// The database servers besides that of `DATABASE_URL`, where the environment does not name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServersInFile {
    pub standbys: Addresses,
    pub replicas: Addresses,
    pub max_lag_seconds: Option<u32>,
}

/// There may be passwords in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<String>);

impl std::fmt::Debug for Addresses {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} addresses", self.0.len())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSettings {
    pub line: usize,
    pub label: Option<String>,
    pub help: Option<String>,
    /// As if it were not there.
    pub hidden: bool,
    pub read_only: bool,
    /// Columns that come first, in this order.
    pub order: Vec<Named>,
    pub list: Option<Vec<Named>>,
    pub search: Option<Vec<Named>>,
    pub filters: Option<Vec<Named>>,
    /// With descending.
    pub sort: Vec<(Named, bool)>,
    pub page_size: Option<u32>,
    pub label_column: Option<Named>,
    pub rights: Rights,
    pub columns: BTreeMap<String, ColumnSettings>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSettings {
    pub line: usize,
    pub label: Option<String>,
    pub help: Option<String>,
    /// As if it were not there.
    pub hidden: bool,
    pub read_only: bool,
    /// Overrules what its name says.
    pub secret: Option<bool>,
    pub widget: Option<Widget>,
    /// The only roles, besides superusers, that may see it.
    pub read: Option<BTreeSet<Role>>,
    /// The only roles, besides superusers, that may change it.
    pub write: Option<BTreeSet<Role>>,
}

impl PanelSettings {
    /// Reads the file that `INKFAST_CONFIG` names, else `inkfast.toml` where there is one.
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let named = lookup("INKFAST_CONFIG").map(PathBuf::from);
        let file = named.clone().unwrap_or_else(|| PathBuf::from("inkfast.toml"));
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::from_text(file, &text),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(vec![format!(
                "INKFAST_CONFIG: {} cannot be read: {error}.",
                file.display()
            )]),
        }
    }

    /// # Errors
    /// One line for every problem there is, each with its place and what is allowed there.
    pub fn from_text(file: PathBuf, text: &str) -> Result<Self, Vec<String>> {
        read::settings(file, text)
    }

    /// What a role may do with a table. A superuser may everything, and who may not read may nothing.
    pub fn may(&self, role: Role, table: Option<&TableSettings>, action: Action) -> bool {
        let said = table
            .and_then(|table| table.rights.get(&role))
            .or_else(|| self.rights.get(&role));
        match said {
            _ if role == Role::Superuser => true,
            Some(allowed) => allowed.contains(&action),
            None => role.may_by_default(action),
        }
    }
}

#[cfg(test)]
mod tests;
