//! What the record pages need from the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use resilient_core::draft::Revision;
use resilient_core::submission::answer::Answer;
use resilient_core::submission::form_body::FormBody;
use serde::{Deserialize, Serialize};

use super::model::{ListPage, ListQuery, RecordKey, ReferenceOptions, Table, Text, Values};
use crate::api_error::ApiError;
use crate::auth::model::Account;
use crate::ui::page_request::SavedMark;

/// A table in the rail and on the dashboard.
#[derive(Clone, Debug)]
pub struct TableSummary {
    pub table: Arc<Table>,
    /// Rows, where they could be counted or estimated in time.
    pub rows: Option<u64>,
}

/// One change in the audit log.
#[derive(Clone, Debug)]
pub struct Change {
    /// `YYYY-MM-DD HH:MM:SS` UTC
    pub at: String,
    pub account: String,
    /// `create`, `update`, `delete`
    pub action: String,
    pub table: String,
    /// In the `~HH` writing.
    pub table_written: String,
    pub key: RecordKey,
    /// (column name, from, to); secrets are named without values (`None`, `None`).
    pub columns: Vec<(String, Text, Text)>,
}

/// A record, or a new one, read for its form.
#[derive(Clone, Debug)]
pub struct RecordForm {
    pub table: Arc<Table>,
    /// `None` for a new record.
    pub key: Option<RecordKey>,
    /// The record's present values (a new one: the drawn defaults). Secrets are absent; a secret
    /// that has a value is named in `secrets_set`.
    pub values: Values,
    pub secrets_set: Vec<String>,
    /// Sealed.
    pub version: String,
    /// Columns drawn as controls for this person, in order; the rest is shown as text.
    pub editable: Vec<String>,
    pub references: BTreeMap<String, ReferenceOptions>,
    /// This person may save, and may delete.
    pub may_write: bool,
}

/// A record as it is now, to compare unsaved text with.
#[derive(Clone, Debug)]
pub enum Present {
    /// Its table as it turned out to be, and what this person may see of it.
    Here(Arc<Table>, Values),
    Gone,
    /// Not now, or not in time.
    Unreadable,
}

/// What a delete would take with it.
#[derive(Clone, Debug)]
pub struct DeletePreview {
    pub table: Arc<Table>,
    pub key: RecordKey,
    pub label: String,
    /// (table label, rows) that refer to the record.
    pub referring: Vec<(String, u64)>,
    /// Sealed: a record changed since the preview is not deleted.
    pub version: String,
}

/// How a form was posted, which tells whose revision it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By the page's script: `_seq` and `_writer` name the draft that is being saved.
    Scripted,
    /// By the browser itself: they name the draft that was drawn into the form, if any, and what was typed since
    /// has no name yet.
    Plain,
    /// By the server, for a page that may be gone: as its script would.
    Repeated,
}

impl Manner {
    /// Whether the answer is read by whoever has pressed Save.
    pub fn tells_its_person(self) -> bool {
        self != Self::Repeated
    }
}

/// A form that was posted, and of whose save nobody has heard what came of it.
#[derive(Clone, Debug)]
pub struct Unanswered {
    pub who: Account,
    pub table: Arc<Table>,
    /// `None` for a new record.
    pub key: Option<RecordKey>,
    pub form_key: String,
    pub body: Arc<FormBody>,
    pub manner: Manner,
}

/// What became of a submission.
#[derive(Clone, Debug)]
// One is made for a request and passed on; boxing would buy nothing.
#[allow(clippy::large_enum_variant)]
pub enum SubmissionState {
    /// It is being worked on.
    InProgress,
    /// It was done; the answer that was or would have been given.
    Saved(SavedSubmission),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedSubmission {
    pub answer: Answer,
    /// The form it came from.
    pub form_key: String,
}

#[async_trait]
pub trait Records: Send + Sync {
    /// The tables this person may read, in the order shown. From the catalog: no query.
    fn tables(&self, who: &Account) -> Result<Vec<Arc<Table>>, ApiError>;

    /// By its `~HH` writing. `NotFound` for an unknown one.
    fn table(&self, who: &Account, written: &str) -> Result<Arc<Table>, ApiError>;

    async fn counts(&self, who: &Account) -> Result<Vec<TableSummary>, ApiError>;

    async fn list(&self, who: &Account, table: &Arc<Table>, query: &ListQuery) -> Result<ListPage, ApiError>;

    /// `key` is `None` for a new record. `NotFound` for a missing one.
    async fn form(&self, who: &Account, table: &Arc<Table>, key: Option<&RecordKey>) -> Result<RecordForm, ApiError>;

    /// The columns whose text is no longer what the sealed `version` saw, by name; `None` where the version can
    /// no longer be opened. Decides whether a draft still fits.
    fn changed_since(&self, values: &Values, version: &str) -> Option<Vec<String>>;

    /// These records as they are now, in the same order, as far as they can be read within two seconds: a few at a time, and
    /// nothing but the record itself.
    async fn present(&self, who: &Account, wanted: &[(Arc<Table>, RecordKey)]) -> Vec<Present>;

    /// The columns, in the `~HH` writing, whose posted text is not the posted version's; `None` where that version
    /// can no longer be opened.
    fn changed_by(&self, table: &Table, key: Option<&RecordKey>, body: &FormBody) -> Option<Vec<String>> {
        Some(self.texts_changed_by(table, key, body)?.into_keys().collect())
    }

    /// The same with what Save would take each for. Secrets are among them.
    fn texts_changed_by(&self, table: &Table, key: Option<&RecordKey>, body: &FormBody) -> Option<Values>;

    /// Saves a posted form, exactly once for its id. `key` is `None` for a new record. Runs to its end even if the
    /// caller goes away.
    async fn save(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: Option<&RecordKey>,
        form_key: &str,
        body: FormBody,
        manner: Manner,
    ) -> Answer;

    /// What became of this person's submission `id`; `None` where it was never done.
    async fn submission(&self, who: &Account, id: &str) -> Result<Option<SubmissionState>, ApiError>;

    /// Such a form was kept as the draft `kept`: that ends once it is known that it was saved all the same. Returns at once.
    fn end_draft_once_saved(&self, post: Unanswered, kept: Revision);

    /// The record that this person's form for a new one has made, if it has.
    async fn made_from(&self, who: &Account, form_key: &str) -> Result<Option<RecordKey>, ApiError>;

    /// Deletes a record as its preview showed it. `Conflict` where it has changed since.
    async fn delete(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
        id: &str,
        version: &str,
    ) -> Result<(), ApiError>;

    async fn delete_preview(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
    ) -> Result<DeletePreview, ApiError>;

    async fn history(&self, who: &Account, table: &Arc<Table>, key: &RecordKey) -> Result<Vec<Change>, ApiError>;

    /// The save that `?saved={id}` on a record's page names; `None` for anything but a saved
    /// submission of this person.
    async fn saved(&self, who: &Account, id: &str) -> Result<Option<SavedMark>, ApiError>;

    async fn recent_changes(&self, who: &Account, limit: u32) -> Result<Vec<Change>, ApiError>;
}
