//! A database's tables as Inkfast sees them, and the records in them.
//!
//! Every value is text or NULL, whatever its type. Names are the database's own here; they take
//! the `~HH` writing of [`resilient_core::path_text`] only in addresses and control names.

use std::sync::Arc;

pub use resilient_core::draft::{Text, Values};
use resilient_core::path_text;
use serde::{Deserialize, Serialize};

use super::display::Display;

/// A table's name; outside the default schema it has two parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

impl TableName {
    /// In the default schema.
    pub fn plain(name: &str) -> Self {
        Self {
            schema: None,
            name: name.to_owned(),
        }
    }

    /// As in addresses: `name` or `schema.name`, each part in the `~HH` writing.
    pub fn written(&self) -> String {
        match &self.schema {
            Some(schema) => format!(
                "{}.{}",
                path_text::write_part(schema),
                path_text::write_part(&self.name)
            ),
            None => path_text::write_part(&self.name),
        }
    }
}

/// A table or view of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: TableName,
    /// For people: the name with `_` as space and a capital first letter.
    pub label: String,
    pub comment: Option<String>,
    pub columns: Vec<Column>,
    /// Names of the primary key's columns, in key order. Empty: the table is read-only.
    pub key: Vec<String>,
    /// A view, or a table that lives elsewhere: only looked at.
    pub is_view: bool,
    /// Something here may be written: false where the database grants nothing.
    pub writable: bool,
    /// What the database lets its account do here, column by column aside.
    pub grants: TableGrants,
    /// Other tables inherit from it. Its own rows alone are its records: its key says nothing about theirs.
    pub inherited: bool,
    /// Unique constraints besides the primary key: (constraint name where known, columns).
    pub unique: Vec<(String, Vec<String>)>,
    /// Foreign keys of several columns: (constraint name, columns).
    pub foreign: Vec<(String, Vec<String>)>,
    /// CHECK constraints: (name where known, expression, columns it names).
    pub checks: Vec<(String, String, Vec<String>)>,
    /// What the configuration says about how it is shown.
    #[serde(default)]
    pub display: Display,
}

impl Table {
    /// A table of which no more is known: without a key, and with all rights.
    pub fn new(name: TableName, columns: Vec<Column>) -> Self {
        Self {
            label: name.name.clone(),
            name,
            comment: None,
            columns,
            key: Vec::new(),
            is_view: false,
            writable: true,
            grants: TableGrants::ALL,
            inherited: false,
            unique: Vec::new(),
            foreign: Vec::new(),
            checks: Vec::new(),
            display: Display::default(),
        }
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Finds a column by its `~HH` writing.
    pub fn column_written(&self, written: &str) -> Option<&Column> {
        self.column(&path_text::read_part(written)?)
    }

    pub fn is_key(&self, column: &str) -> bool {
        self.key.iter().any(|key| key == column)
    }

    /// Whether a record is nothing but its key, as those are that join two tables: there is nothing in it to change.
    pub fn is_only_key(&self) -> bool {
        let rest = |column: &Column| !self.is_key(&column.name) && !column.generated;
        !self.key.is_empty() && !self.columns.iter().any(rest)
    }

    /// Whether records here can be changed at all: by rights of the database account, and because
    /// each of them can be named.
    pub fn editable(&self) -> bool {
        self.writable && !self.is_view && !self.key.is_empty()
    }

    /// Whether records can be made here.
    pub fn may_insert(&self) -> bool {
        self.editable() && self.grants.insert
    }

    /// Whether the records that are here can be changed.
    pub fn may_update(&self) -> bool {
        self.editable() && self.grants.update
    }

    /// Whether records can be deleted here.
    pub fn may_delete(&self) -> bool {
        self.editable() && self.grants.delete
    }

    /// Whether anything can be changed here.
    pub fn may_change(&self) -> bool {
        self.may_insert() || self.may_update() || self.may_delete()
    }

    /// The column that stands for a record in links and pickers: the one the configuration names, else the first that
    /// looks like a name, else the first text column, else the key.
    pub fn label_column(&self) -> Option<&Column> {
        let said = self.display.label_column.as_ref().and_then(|name| self.column(name));
        said.filter(|column| column.is_seen())
            .or_else(|| self.likely_label_column())
    }

    fn likely_label_column(&self) -> Option<&Column> {
        let named = [
            "name",
            "title",
            "label",
            "full_name",
            "code",
            "subject",
            "username",
            "email",
        ];
        named
            .iter()
            .find_map(|name| self.column(name).filter(|column| column.is_seen()))
            .or_else(|| {
                self.columns.iter().find(|column| {
                    column.is_seen()
                        && column.reference.is_none()
                        && matches!(column.kind, ColumnKind::Text | ColumnKind::LongText)
                })
            })
            .or_else(|| self.key.first().and_then(|key| self.column(key)))
            .filter(|column| column.is_seen())
    }
}

/// Rights of the database account on a table; one that it has on some columns counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableGrants {
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
}

impl TableGrants {
    pub const ALL: Self = Self {
        insert: true,
        update: true,
        delete: true,
    };

    pub fn any(self) -> bool {
        self.insert || self.update || self.delete
    }
}

/// Rights of the database account on one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnGrants {
    pub read: bool,
    pub insert: bool,
    pub update: bool,
}

impl ColumnGrants {
    pub const ALL: Self = Self {
        read: true,
        insert: true,
        update: true,
    };
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub label: String,
    pub comment: Option<String>,
    pub kind: ColumnKind,
    /// The database's own name of the type, as a cast takes it.
    pub sql_type: String,
    pub nullable: bool,
    /// Generated, or an identity that is always generated: never written.
    pub generated: bool,
    /// The database fills it in when it is left out of an INSERT.
    pub has_default: bool,
    /// The default's text where it is a plain literal.
    pub default: Text,
    /// Characters, where the type limits them.
    pub max_length: Option<u32>,
    /// A single-column foreign key.
    pub reference: Option<Reference>,
    /// Masked in lists, write-only in forms, absent from versions, drafts, audit values and logs.
    pub secret: bool,
    /// What cannot be read but written is treated as a secret is, though what was typed is kept.
    pub grants: ColumnGrants,
}

impl Column {
    /// A column of which no more is known: it takes NULL, and may be read and written.
    pub fn new(name: &str, kind: ColumnKind) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            comment: None,
            kind,
            sql_type: "text".to_owned(),
            nullable: true,
            generated: false,
            has_default: false,
            default: None,
            max_length: None,
            reference: None,
            secret: false,
            grants: ColumnGrants::ALL,
        }
    }

    pub fn written(&self) -> String {
        path_text::write_part(&self.name)
    }

    /// Whether the empty string is a value of its own, apart from NULL. Of a foreign key it never is.
    pub fn is_text(&self) -> bool {
        self.reference.is_none() && matches!(self.kind, ColumnKind::Text | ColumnKind::LongText)
    }

    /// Whether the empty control can mean an empty value, apart from NULL: of texts, and of bytes.
    pub fn keeps_empty(&self) -> bool {
        self.is_text() || (self.reference.is_none() && self.kind == ColumnKind::Bytes)
    }

    /// Whether its values are shown: in lists and forms, versions, conflicts, histories.
    pub fn is_seen(&self) -> bool {
        !self.secret && self.grants.read
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub table: TableName,
    pub column: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnKind {
    /// Its texts are `true` and `false` on every database.
    Boolean,
    Integer,
    Decimal,
    Float,
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// `YYYY-MM-DD`
    Date,
    /// `HH:MM[:SS[.ffffff]]`
    Time,
    /// The same with an offset
    TimeWithZone,
    /// `YYYY-MM-DD HH:MM:SS[.ffffff]` without a zone
    Timestamp,
    /// The same with an offset
    TimestampWithZone,
    /// A length of time, `1 day 02:30:00`
    Interval,
    /// An enum, or a CHECK that lists its values.
    Choice(Vec<String>),
    Uuid,
    Json,
    /// Hex text.
    Bytes,
    /// The digits 0 and 1.
    Bits,
    /// Of a host or network, `192.168.0.1/24`
    NetworkAddress,
    /// A network without host bits, `192.168.0.0/24`
    Network,
    /// `08:00:2b:01:02:03`
    HardwareAddress,
    /// `{1,2,NULL}`, possibly nested; of such elements
    Array(Box<ColumnKind>),
    /// `[1,10)`; of such bounds
    Range(Box<ColumnKind>),
    /// `{[1,3),[5,8)}`
    Multirange(Box<ColumnKind>),
    /// Any other type, edited as the text the database gives.
    Other,
}

/// A record's address within its table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey(pub Vec<String>);

impl RecordKey {
    pub fn written(&self) -> String {
        path_text::write_key(&self.0)
    }

    pub fn read(written: &str) -> Option<Self> {
        path_text::read_key(written).map(Self)
    }
}

/// What a list is asked for; the state in its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Counts from 1.
    pub page: u32,
    /// Search text; empty for none.
    pub search: String,
    /// Column name, descending.
    pub sort: Vec<(String, bool)>,
    /// (column name, operator, text). Operators: `eq`, `ne`, `lt`, `lte`, `gt`, `gte`, `null`
    /// (text `true` or `false`), `contains`.
    pub filters: Vec<(String, String, String)>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct ListPage {
    pub table: Arc<Table>,
    /// Columns shown, in order, by name.
    pub columns: Vec<String>,
    pub rows: Vec<ListRow>,
    /// Matching rows; `None` where counting took too long.
    pub total: Option<u64>,
    pub page: u32,
    pub page_size: u32,
    pub has_next: bool,
    /// Labels of references could not be read: raw values are shown.
    pub without_labels: bool,
    /// Unix time in milliseconds at which it was read, where that is not now: the database could not be asked.
    pub as_of_ms: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct ListRow {
    /// `None` for a table without a key.
    pub key: Option<RecordKey>,
    /// In the order of [`ListPage::columns`].
    pub cells: Vec<ListCell>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCell {
    /// Cut to 200 characters; a secret is never in here.
    pub text: Text,
    /// What to show instead of the text: the label of a foreign key's target.
    pub label: Option<String>,
    /// A secret that has a value.
    pub masked: bool,
}

/// A choice of a foreign key's picker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceOption {
    pub value: String,
    pub label: String,
}

/// The options of one foreign-key column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceOptions {
    pub options: Vec<ReferenceOption>,
    /// There are more than these: the page draws a text field with suggestions, not a select.
    pub more: bool,
    /// The label of the record's present value.
    pub current_label: Option<String>,
}
