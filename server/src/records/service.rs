//! The records of one database, as pages and the save doors see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::Account;
use app::records::model::{Column, ListPage, ListQuery, RecordKey, Table, Values};
use app::records::port::{
    Change, DeletePreview, Manner, Present, RecordForm, Records, SavedSubmission, SubmissionState, TableSummary,
    Unanswered,
};
use app::ui::page_request::SavedMark;
use async_trait::async_trait;
use resilient_core::draft::Revision;
use resilient_core::failure::Kind;
use resilient_core::path_text;
use resilient_core::submission::answer::Answer;
use resilient_core::submission::form_body::FormBody;
use resilient_db::{Connection, DbError, End, OnUnknownCommit};
use tokio::time::Instant;

use super::asking::AskedAfter;
use super::deleting::not_allowed;
use super::last_good::LastGood;
use super::save::{self, InFlight, Unheard, Versions};
use super::unfinished::Unfinished;
use super::{audit, read};
use crate::clock::now_ms;
use crate::database::Database;
use crate::drafts::DraftService;
use crate::events::Hub;
use crate::monitoring::Saves;
use crate::panel::{Panel, shown_answer};
use crate::report;
use crate::schema::Schema;
use crate::sql::Dialect;
use crate::sql::catalog::Catalog;

pub(super) const TABLE_GONE: &str = "The database has no such table any more.";

/// Clones share everything.
pub struct RecordService<D: Dialect> {
    pub(super) parts: Arc<Parts<D>>,
}

pub(super) struct Parts<D: Dialect> {
    pub(super) db: Database<D::Database>,
    pub(super) panel: Arc<Panel>,
    pub(super) schema: Schema<D>,
    pub(super) versions: Versions,
    pub(super) drafts: Arc<DraftService>,
    pub(super) events: Arc<Hub>,
    pub(super) in_flight: InFlight,
    pub(super) asked_after: AskedAfter,
    pub(super) unheard: Unheard,
    last_good: LastGood,
    /// The own tables could not be made: nothing can be saved exactly once, so nothing is.
    read_only: Arc<AtomicBool>,
    pub(super) saves: Arc<Saves>,
}

impl<D: Dialect> Clone for RecordService<D> {
    fn clone(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
        }
    }
}

impl<D: Dialect> RecordService<D> {
    pub fn new(
        db: Database<D::Database>,
        schema: Schema<D>,
        versions: Versions,
        drafts: Arc<DraftService>,
        events: Arc<Hub>,
        read_only: Arc<AtomicBool>,
        saves: Arc<Saves>,
    ) -> Self {
        let in_flight = InFlight::default();
        Self {
            parts: Arc::new(Parts {
                db,
                panel: Arc::clone(schema.panel()),
                schema,
                versions,
                drafts,
                events,
                in_flight,
                asked_after: AskedAfter::default(),
                unheard: Unheard::default(),
                last_good: LastGood::default(),
                read_only,
                saves,
            }),
        }
    }

    /// What this person sees of the tables.
    fn catalog(&self, who: &Account) -> Arc<Catalog> {
        self.parts.panel.of(who.role)
    }

    /// Without them nothing was ever saved from here, and nothing can be.
    pub(super) fn has_no_own_tables(&self) -> bool {
        self.parts.read_only.load(Ordering::Acquire)
    }

    /// The columns that are controls in a form: none where nothing can be saved.
    fn controls(&self, table: &Table, key: Option<&RecordKey>) -> Vec<String> {
        if save::takes_saves(table, key) && !self.has_no_own_tables() {
            save::columns_to_write(table, key)
        } else {
            Vec::new()
        }
    }

    /// A kept answer as this person may see it now.
    pub(super) fn shown(&self, who: &Account, saved: SavedSubmission) -> SavedSubmission {
        let table = saved.form_key.split('/').next().unwrap_or_default();
        let answer = shown_answer(saved.answer, self.catalog(who).written(table).map(|table| &**table));
        SavedSubmission { answer, ..saved }
    }

    /// What was saved under an id, and its fingerprint; beyond doubt.
    pub(super) async fn settled(&self, account: &str, id: &str) -> Result<Option<(String, SavedSubmission)>, DbError> {
        let work = |mut conn: Connection<D::Database>| {
            let (account, id) = (account.to_owned(), id.to_owned());
            async move {
                let settled = save::settled_submission::<D>(&mut conn, &account, &id).await;
                settled.map(End::Rollback)
            }
        };
        // Whoever has learnt that it was saved sees it, too.
        let access = self.parts.db.by(account);
        access.transaction("submission", OnUnknownCommit::Repeat, work).await
    }

    /// The record as it is now, and its table as it turned out to be.
    pub(super) async fn record(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
        what: &'static str,
    ) -> Result<(Arc<Table>, read::RecordValues), ApiError> {
        let (begun, db) = (Instant::now(), &self.parts.db);
        let newest = db.newest_by(&who.name);
        let mut table = Arc::clone(table);
        let mut record = read::form_values::<D>(&newest, &table, key).await;
        if let Some(anew) = self.anew(who, &table, begun, &record).await? {
            record = read::form_values::<D>(&newest, &anew, key).await;
            table = anew;
        }
        if let (Ok(None), Database::Several(_)) = (&record, db) {
            // A replica may not have it yet: only the primary knows what is not there.
            record = read::form_values::<D>(&db.primary(), &table, key).await;
        }
        let record = record.map_err(|error| report::database(what, &error))?;
        let record = record.ok_or_else(|| ApiError::not_found("There is no such record."))?;
        Ok((table, record))
    }

    /// The table as it is by now, where reading from it failed because it is another one than it was.
    async fn anew<T>(
        &self,
        who: &Account,
        table: &Table,
        begun: Instant,
        read: &Result<T, DbError>,
    ) -> Result<Option<Arc<Table>>, ApiError> {
        match read {
            Err(error) if self.parts.schema.is_another(begun, error).await => {
                let now = self.catalog(who).table(&table.name).cloned();
                now.map(Some).ok_or_else(|| ApiError::not_found(TABLE_GONE))
            }
            _ => Ok(None),
        }
    }

    /// The values a new record's form is drawn with.
    fn drawn_defaults(table: &Table) -> Values {
        let drawn = |column: &Column| match &column.default {
            Some(text) => Some(text.clone()),
            None => (column.is_text() && !column.nullable && !column.has_default).then(String::new),
        };
        let visible = table.columns.iter().filter(|column| column.is_seen());
        visible.map(|column| (column.name.clone(), drawn(column))).collect()
    }
}

#[async_trait]
impl<D: Dialect> Records for RecordService<D> {
    fn tables(&self, who: &Account) -> Result<Vec<Arc<Table>>, ApiError> {
        Ok(self.catalog(who).tables().to_vec())
    }

    fn table(&self, who: &Account, written: &str) -> Result<Arc<Table>, ApiError> {
        let catalog = self.catalog(who);
        match catalog.written(written) {
            Some(table) => Ok(Arc::clone(table)),
            None if self.parts.panel.whole().tables().is_empty() && self.parts.db.state().retry_after.is_some() => Err(
                ApiError::new(ErrorKind::Unavailable, "The database has not been reached yet."),
            ),
            None => Err(ApiError::not_found("There is no such table.")),
        }
    }

    async fn counts(&self, who: &Account) -> Result<Vec<TableSummary>, ApiError> {
        let tables = self.tables(who)?;
        let rows = read::counts::<D>(&self.parts.db.by(&who.name), &tables).await;
        Ok(tables
            .into_iter()
            .zip(rows)
            .map(|(table, rows)| TableSummary { table, rows })
            .collect())
    }

    async fn list(&self, who: &Account, table: &Arc<Table>, query: &ListQuery) -> Result<ListPage, ApiError> {
        let begun = Instant::now();
        let mut catalog = self.catalog(who);
        let access = self.parts.db.by(&who.name);
        let mut page = read::list::<D>(&access, &catalog, table, query).await;
        if let Some(table) = self.anew(who, table, begun, &page).await? {
            catalog = self.catalog(who);
            page = read::list::<D>(&access, &catalog, &table, query).await;
        }
        let last_good = &self.parts.last_good;
        match page {
            Ok(page) => {
                last_good.keep(who.role, query, (&page, &catalog), now_ms());
                Ok(page)
            }
            Err(error) => {
                let told = report::database("list", &error);
                // A database that refuses, or is only slow, is there.
                let is_away = matches!(error.class.kind, Kind::Unreachable | Kind::Closing);
                let copy = || last_good.of(who.role, query, (table, &self.catalog(who)));
                is_away.then(copy).flatten().ok_or(told)
            }
        }
    }

    async fn form(&self, who: &Account, table: &Arc<Table>, key: Option<&RecordKey>) -> Result<RecordForm, ApiError> {
        let (table, record) = match key {
            Some(key) => self.record(who, table, key, "form").await?,
            None => {
                let values = Self::drawn_defaults(table);
                let secrets_set = Vec::new();
                (Arc::clone(table), read::RecordValues { values, secrets_set })
            }
        };
        let table = &table;
        let access = self.parts.db.by(&who.name);
        let references = read::all_references::<D>(&access, &self.catalog(who), table, &record.values).await;
        let editable = self.controls(table, key);
        Ok(RecordForm {
            table: Arc::clone(table),
            key: key.cloned(),
            version: self.parts.versions.issue(table, key, &record.values, now_ms()),
            values: record.values,
            secrets_set: record.secrets_set,
            may_write: save::takes_saves(table, key) && !editable.is_empty(),
            editable,
            references,
        })
    }

    fn changed_since(&self, values: &Values, version: &str) -> Option<Vec<String>> {
        let version = self.parts.versions.open(version).ok()?;
        let changed = |(column, text): (&String, &_)| {
            (self.parts.versions.matches(&version, column, text) != Some(true)).then(|| column.clone())
        };
        Some(values.iter().filter_map(changed).collect())
    }

    async fn present(&self, who: &Account, wanted: &[(Arc<Table>, RecordKey)]) -> Vec<Present> {
        self.present_in_time(who, wanted).await
    }

    fn texts_changed_by(&self, table: &Table, key: Option<&RecordKey>, body: &FormBody) -> Option<Values> {
        let versions = &self.parts.versions;
        let version = versions.open(body.version.as_deref()?).ok()?;
        let whole = self.parts.panel.whole();
        let rights = save::FormRights {
            whole: whole.table(&table.name).map_or(table, |table| &**table),
            seen: table,
        };
        let changes = save::changes_within_rights(body, rights, key, Some(&version), versions).changes;
        let written = |(column, text): (String, _)| (path_text::write_part(&column), text);
        Some(changes.all().into_iter().map(written).collect())
    }

    async fn save(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: Option<&RecordKey>,
        form_key: &str,
        body: FormBody,
        manner: Manner,
    ) -> Answer {
        let (service, who, table) = (self.clone(), who.clone(), Arc::clone(table));
        let (key, form_key) = (key.cloned(), form_key.to_owned());
        let (begun, id, body) = (Instant::now(), body.id.clone(), Arc::new(body));
        let unfinished = Unfinished {
            service: self.clone(),
            post: Unanswered {
                who: who.clone(),
                table: Arc::clone(&table),
                key: key.clone(),
                form_key: form_key.clone(),
                body: Arc::clone(&body),
                manner,
            },
        };
        let saving = async move {
            let answer = service
                .save_now(&who, &table, key.as_ref(), &form_key, &body, manner)
                .await;
            let saves = &service.parts.saves;
            saves.ended(&who.name, &form_key, &answer);
            saves
                .drill
                .answered(&who.name, id.as_deref(), answer.outcome, begun.elapsed());
            answer
        };
        // A browser that hangs up must neither stop a save half-way nor, where that stops by itself, its keeping.
        unfinished.kept_unless_done(saving).await
    }

    async fn submission(&self, who: &Account, id: &str) -> Result<Option<SubmissionState>, ApiError> {
        if self.parts.in_flight.contains(&who.name, id) {
            return Ok(Some(SubmissionState::InProgress));
        }
        if self.has_no_own_tables() {
            return Ok(None);
        }
        let saved = self.settled(&who.name, id).await;
        let saved = saved.map_err(|error| report::database("submission", &error))?;
        Ok(saved.map(|(_, saved)| SubmissionState::Saved(self.shown(who, saved))))
    }

    fn end_draft_once_saved(&self, post: Unanswered, kept: Revision) {
        let service = self.clone();
        Unfinished { service, post }.end_draft_once_saved(kept);
    }

    async fn made_from(&self, who: &Account, form_key: &str) -> Result<Option<RecordKey>, ApiError> {
        if self.has_no_own_tables() {
            return Ok(None);
        }
        let work = |mut conn| {
            let (account, form_key) = (who.name.clone(), form_key.to_owned());
            async move { save::made_from::<D>(&mut conn, &account, &form_key).await }
        };
        let made = self.parts.db.primary().read("made from", work).await;
        let made = made.map_err(|error| report::database("made from", &error))?;
        Ok(made.and_then(|saved| RecordKey::read(&saved.answer.key?)))
    }

    async fn delete(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
        id: &str,
        version: &str,
    ) -> Result<(), ApiError> {
        self.delete_in_a_task(who, table, key, id, version).await
    }

    async fn delete_preview(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
    ) -> Result<DeletePreview, ApiError> {
        if self.has_no_own_tables() || !table.may_delete() {
            return Err(not_allowed());
        }
        let db = &self.parts.db.newest_by(&who.name);
        let unavailable = |error: DbError| report::database("delete preview", &error);
        let missing = || ApiError::not_found("There is no such record.");
        let (table, record) = self.record(who, table, key, "delete preview").await?;
        let table = &table;
        let label = read::record_label::<D>(db, table, key)
            .await
            .map_err(unavailable)?
            .ok_or_else(missing)?;
        let referring = read::referring::<D>(db, &self.catalog(who), table, key)
            .await
            .map_err(unavailable)?;
        Ok(DeletePreview {
            table: Arc::clone(table),
            key: key.clone(),
            label,
            referring,
            version: self.parts.versions.issue(table, Some(key), &record.values, now_ms()),
        })
    }

    async fn history(&self, who: &Account, table: &Arc<Table>, key: &RecordKey) -> Result<Vec<Change>, ApiError> {
        if self.has_no_own_tables() {
            return Ok(Vec::new());
        }
        let of = Some((table.name.written(), key.written()));
        let access = self.parts.db.by(&who.name);
        let changes = audit::changes::<D>(&access, &self.catalog(who), &self.parts.panel.whole(), of, 200).await;
        changes.map_err(|error| report::database("history", &error))
    }

    async fn saved(&self, who: &Account, id: &str) -> Result<Option<SavedMark>, ApiError> {
        let work = |mut conn| {
            let (account, id) = (who.name.clone(), id.to_owned());
            async move { save::saved_submission::<D>(&mut conn, &account, &id).await }
        };
        let saved = self
            .parts
            .db
            .newest_by(&who.name)
            .read("saved", work)
            .await
            .map_err(|error| report::database("saved", &error))?;
        Ok(saved.map(|saved| SavedMark {
            form_key: saved.form_key,
            revision: Revision {
                seq: saved.answer.seq,
                writer: saved.answer.writer,
            },
            merged: saved.answer.merged,
        }))
    }

    async fn recent_changes(&self, who: &Account, limit: u32) -> Result<Vec<Change>, ApiError> {
        if self.has_no_own_tables() {
            return Ok(Vec::new());
        }
        let changes = audit::changes::<D>(
            &self.parts.db.by(&who.name),
            &self.catalog(who),
            &self.parts.panel.whole(),
            None,
            limit,
        )
        .await;
        changes.map_err(|error| report::database("recent changes", &error))
    }
}
