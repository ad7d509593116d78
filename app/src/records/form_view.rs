//! What the edit form draws, decided without any I/O.
//!
//! Everything that could stand in a field meets here: the record as it is now, a draft kept on the
//! server, and what was typed into a form that could not be saved. The rules are those of "Forms",
//! "Saving" and "Drafts" in the protocol; the names and attributes they end in are the contract of
//! `resilient-form`.

mod field;
mod kept;
mod posted;
mod typed;

use std::sync::Arc;

use resilient_core::draft::{Revision, Text};
use resilient_core::submission::answer::Outcome;
pub use resilient_core::submission::machine::FormState;

pub use self::field::{FieldView, ShownField};
pub use self::posted::said;
use self::typed::Typed;
use super::address::{self, Target};
use super::fields::Control;
use super::model::Table;
use super::port::RecordForm;
use crate::drafts::port::KeptDraft;
use crate::ui::page_request::{Posted, SavedMark};

/// All that a form may be drawn from.
pub struct FormSources<'a> {
    pub table: &'a Table,
    pub target: Target,
    /// `None`: the record cannot be read.
    pub record: Option<&'a RecordForm>,
    /// Drafts of this form, latest change first.
    pub drafts: &'a [KeptDraft],
    /// The columns, by name, whose text is no longer what a version saw; `None` for a version that cannot be opened.
    pub changed_since: &'a (dyn Fn(&str) -> Option<Vec<String>> + Sync),
    pub posted: Option<&'a Posted>,
    pub saved: Option<&'a SavedMark>,
    /// A draft's values that the person asked for by a link.
    pub restore: Option<Restore>,
    /// Names this page load.
    pub page_writer: &'a str,
    /// Fresh, for `_id` where the form has none of its own.
    pub submission_id: &'a str,
    /// The record is gone: what was typed into its form goes into that of a new one.
    pub recreates: bool,
    /// The create that was posted had made this record before: the form goes on as that record's.
    pub created_before: bool,
    /// Tables this person may open, for links along foreign keys.
    pub targets: &'a [Arc<Table>],
}

/// `?restore={seq}-{writer}` with or without `columns=a,b` (in the `~HH` writing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    pub revision: Revision,
    /// `None`: all of the draft.
    pub columns: Option<Vec<String>>,
}

/// The form, ready to be written as HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormView {
    pub target: Target,
    pub form_key: String,
    pub action: String,
    pub draft_url: String,
    pub id: String,
    pub version: String,
    /// Names what is drawn: a draft, or 0 and the page.
    pub drawn: Revision,
    /// What the drawn draft was built on.
    pub drawn_on: Option<Revision>,
    /// The draft of the record that is gone, all of which stands in this form of a new one.
    pub copied: Option<Revision>,
    pub page_writer: String,
    pub state: FormState,
    pub fields: Vec<Field>,
    pub notices: Vec<Notice>,
    pub conflicts: Vec<ConflictView>,
    pub saved: Option<SavedMark>,
    /// The record cannot be read: drawn from what was typed and the catalog alone.
    pub without_record: bool,
    /// The words beside Save.
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Control(FieldView),
    Shown(ShownField),
}

/// One column both sides changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictView {
    /// In the `~HH` writing.
    pub column: String,
    pub label: String,
    /// Where it is known.
    pub base: Option<Text>,
    pub mine: Text,
    pub theirs: Text,
}

/// A banner above the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The save succeeded; labels of columns somebody else had changed.
    Saved { merged: Vec<String> },
    /// A draft of the server stands in the form.
    Restored { changed_at_ms: u64, columns: Vec<String> },
    /// A draft that is not in the form, with its values to look at and to copy.
    Beside { draft: BesideDraft, reason: BesideReason },
    /// The words of a failure that belongs to no field.
    Failure { outcome: Outcome, message: String },
    /// Typed secrets that have to be typed again: labels.
    RetypeSecrets(Vec<String>),
    /// Typed text whose column is gone or may not be written: (label, text).
    WithoutField(Vec<(String, Text)>),
    /// The record is gone; saving makes it anew.
    Recreates,
    /// An attempt to create was answered by an earlier one that made this record.
    AlreadyCreated,
    /// Drawn without the record.
    WithoutRecord,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BesideDraft {
    pub form_key: String,
    pub revision: Revision,
    pub changed_at_ms: u64,
    pub columns: Vec<BesideColumn>,
}

/// One column of a draft that is not in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BesideColumn {
    /// In the `~HH` writing.
    pub column: String,
    pub label: String,
    /// The draft's text.
    pub mine: Text,
    /// The record's, where it can be read.
    pub now: Option<Text>,
    /// What the record had when this was typed, where that is known and is no longer so.
    pub before: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BesideReason {
    /// The record was changed after this was typed.
    RecordChanged,
    /// Typed somewhere else at the same time as what is in the form.
    Diverged,
}

impl FormView {
    /// `None` where there is nothing to draw: no record, no draft, nothing posted.
    pub fn new(sources: &FormSources) -> Option<Self> {
        let typed = match sources.posted {
            Some(posted) => posted::typed(sources, posted),
            None => kept::typed(sources),
        };
        if sources.record.is_none() && typed.columns.is_empty() {
            return None;
        }
        Some(Self::draw(sources, typed))
    }

    fn draw(sources: &FormSources, typed: Typed) -> Self {
        let fields = field::all(sources, &typed);
        let form_key = sources.target.form_key(&sources.table.name);
        let changed = fields
            .iter()
            .any(|field| matches!(field, Field::Control(field) if field.base.is_some()));
        let state = state(sources, &typed, changed);
        Self {
            action: sources.target.url(&sources.table.name),
            draft_url: address::draft_url(&form_key),
            form_key,
            id: typed.id.clone().unwrap_or_else(|| own_id(sources)),
            version: version(sources, &typed),
            drawn: typed.drawn.clone().unwrap_or_else(|| page_load(sources)),
            drawn_on: typed.drawn_on.clone(),
            copied: typed.copied.clone(),
            page_writer: sources.page_writer.to_owned(),
            state,
            words: words(sources, &typed, state),
            fields,
            notices: notices(sources, &typed),
            conflicts: typed.conflicts,
            saved: sources.saved.cloned(),
            without_record: sources.record.is_none(),
            target: sources.target.clone(),
        }
    }

    pub fn is_new(&self) -> bool {
        matches!(self.target, Target::New(_))
    }

    /// The words of the option that stands for a value, where the column's control has options.
    pub fn option_label(&self, column: &str, value: &str) -> Option<String> {
        let control = self.fields.iter().find_map(|field| match field {
            Field::Control(field) if field.column == column => Some(&field.control),
            _ => None,
        })?;
        let (Control::Select(options) | Control::Suggest(options)) = control else {
            return None;
        };
        let option = options.iter().find(|option| option.value == value)?;
        Some(option.label.clone())
    }

    /// The labels and texts of the columns that differ from the record.
    pub fn changed(&self) -> impl Iterator<Item = &FieldView> {
        self.fields.iter().filter_map(|field| match field {
            Field::Control(field) if field.base.is_some() => Some(field),
            _ => None,
        })
    }
}

/// A new record's form id is its submission id, so that Back and Save is the same submission.
fn own_id(sources: &FormSources) -> String {
    match &sources.target {
        Target::New(form) => form.clone(),
        Target::Existing(_) => sources.submission_id.to_owned(),
    }
}

fn version(sources: &FormSources, typed: &Typed) -> String {
    let of_record = sources.record.map(|record| record.version.clone());
    typed.version.clone().or(of_record).unwrap_or_default()
}

fn page_load(sources: &FormSources) -> Revision {
    Revision {
        seq: 0,
        writer: sources.page_writer.to_owned(),
    }
}

/// The first that holds.
fn state(sources: &FormSources, typed: &Typed, changed: bool) -> FormState {
    let outcome = sources.posted.map(|posted| posted.answer.outcome);
    match outcome {
        Some(Outcome::Unauthenticated) => FormState::SignedOut,
        _ if !typed.conflicts.is_empty() => FormState::Conflict,
        Some(Outcome::Invalid) => FormState::Invalid,
        Some(Outcome::Kept | Outcome::InProgress | Outcome::RateLimited) => FormState::Queued,
        _ if changed => FormState::Dirty,
        _ if sources.saved.is_some() => FormState::Saved,
        _ => FormState::Clean,
    }
}

fn words(sources: &FormSources, typed: &Typed, state: FormState) -> String {
    let kept = typed.kept_on_server;
    let words = match state {
        FormState::Saved => "All changes saved",
        FormState::Clean if matches!(sources.target, Target::New(_)) => "Not saved yet",
        FormState::Clean => "All changes saved",
        FormState::Conflict => "Conflict: choose, then press Save",
        FormState::Invalid => "Not saved: see the marked fields",
        FormState::SignedOut => "Not saved: sign in again",
        FormState::Queued if kept => "Not saved yet, kept on the server. Press Save again",
        FormState::Queued | FormState::Saving => "Not saved yet. Press Save again",
        FormState::Dirty if kept => "Unsaved changes, kept on the server",
        FormState::Dirty => "Unsaved changes",
    };
    words.to_owned()
}

fn notices(sources: &FormSources, typed: &Typed) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(saved) = sources.saved {
        let merged = saved
            .merged
            .iter()
            .map(|column| field::label(sources.table, column))
            .collect();
        notices.push(Notice::Saved { merged });
    }
    if sources.record.is_none() && sources.posted.is_none() {
        notices.push(Notice::WithoutRecord);
    }
    notices.extend(typed.notices.iter().cloned());
    let secrets = typed.secrets_typed(sources.table);
    if !secrets.is_empty() {
        notices.push(Notice::RetypeSecrets(secrets));
    }
    let without_field = field::without_field(sources, typed);
    if !without_field.is_empty() {
        notices.push(Notice::WithoutField(without_field));
    }
    notices
}

#[cfg(test)]
mod tests;
