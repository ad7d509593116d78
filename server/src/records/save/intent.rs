//! What one press of Save means to do, found out before any statement runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::auth::model::Account;
use app::records::model::{RecordKey, Table, Values};
use resilient_core::draft::Revision;
use resilient_core::path_text;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_core::submission::{is_submission_id, is_writer};
use resilient_drafts::seal::SealError;

use super::changes::{Changes, FormRights, WithinRights, Writing, changes_within_rights};
use super::version::{Version, Versions};
use super::writable::columns_to_write;
use super::{IDS_KEPT_MS, refusals};
use crate::sql::Dialect;

/// A submission that may be run. Running it twice is the same as once.
#[derive(Clone, Debug)]
pub struct Intent {
    pub account: Account,
    pub table: Arc<Table>,
    /// `None` to make a new record.
    pub key: Option<RecordKey>,
    pub id: String,
    pub form_key: String,
    pub fingerprint: String,
    /// What its fingerprint may have been before columns of it went or the secret was changed; this one is the first.
    pub fingerprints: Vec<String>,
    pub revision: Revision,
    pub version_text: String,
    /// `None` where this server can no longer open it: then whatever differs from the record is a conflict.
    pub version: Option<Version>,
    pub changes: Changes,
    /// The columns of all that it says, whoever posts it: what its fingerprint is of.
    pub said: Vec<String>,
    pub writable: Vec<String>,
    /// Changed columns that this person could write when the form was drawn, and no longer may.
    pub withheld: Vec<String>,
    /// It has text for columns that the database does not have, or takes nothing for.
    pub misses_columns: bool,
    /// Issued longer ago than ids are kept: shown, never run.
    pub expired: bool,
}

/// A posted form before it is looked at.
#[derive(Clone, Copy)]
pub struct Posted<'a> {
    pub account: &'a Account,
    /// As the person sees it.
    pub table: &'a Arc<Table>,
    /// Without regard to who asks.
    pub whole: &'a Table,
    pub key: Option<&'a RecordKey>,
    pub form_key: &'a str,
    pub body: &'a FormBody,
    pub now_ms: u64,
}

impl Intent {
    /// Reads a posted form.
    ///
    /// # Errors
    /// The answer to a damaged or foreign form.
    pub fn read(posted: Posted, versions: &Versions) -> Result<Self, Box<Answer>> {
        let Posted {
            account,
            table,
            whole,
            key,
            form_key,
            body,
            now_ms,
        } = posted;
        let refuse = |outcome| Err(Box::new(Answer::new(outcome)));
        let (Some(id), Some(version_text), Some(revision)) = (&body.id, &body.version, &body.revision) else {
            return refuse(Outcome::Malformed);
        };
        if !is_submission_id(id) || !is_writer(&revision.writer) {
            return refuse(Outcome::Malformed);
        }
        let version = match versions.open(version_text) {
            Ok(version) => Some(version),
            Err(SealError::WrongKey) => None,
            Err(SealError::Malformed) => return refuse(Outcome::Malformed),
        };
        let is_of_this_form =
            |version: &Version| version.table == table.name.written() && version.key == key.map(RecordKey::written);
        if version.as_ref().is_some_and(|version| !is_of_this_form(version)) {
            return refuse(Outcome::Malformed);
        }
        let expired = match &version {
            Some(version) => now_ms.saturating_sub(version.issued_at_ms) > IDS_KEPT_MS,
            // How old the form is cannot be told, and there is no record to compare with.
            None => key.is_none(),
        };
        let rights = FormRights { whole, seen: table };
        let WithinRights {
            said,
            changes,
            withheld,
            gone,
        } = changes_within_rights(body, rights, key, version.as_ref(), versions);
        // The same submission has been read in one of these ways before its columns went.
        let read_as = |writing: Writing| {
            let gone = gone.iter().map(|(column, text)| (column.clone(), writing.of(text)));
            let said: Values = said.clone().into_iter().chain(gone).collect();
            versions.submission_prints(table, key, version_text, &said)
        };
        let ways = if gone.is_empty() { 1 } else { Writing::ALL.len() };
        let fingerprints: Vec<String> = Writing::ALL.into_iter().take(ways).flat_map(read_as).collect();
        Ok(Self {
            account: account.clone(),
            table: Arc::clone(table),
            key: key.cloned(),
            id: id.clone(),
            form_key: form_key.to_owned(),
            fingerprint: fingerprints[0].clone(),
            fingerprints,
            revision: revision.clone(),
            version_text: version_text.clone(),
            version,
            changes,
            said: said.into_keys().collect(),
            writable: columns_to_write(table, key),
            withheld,
            misses_columns: !gone.is_empty(),
            expired,
        })
    }

    /// What can be told of the input without asking the database: `invalid`, or nothing.
    pub fn refused<D: Dialect>(&self) -> Option<Answer> {
        let errors = refusals::of_changes::<D>(&self.table, &self.changes);
        (!errors.is_empty()).then(|| self.invalid(errors))
    }

    /// What was typed where this person may no longer write: nothing is saved, and the text stays.
    pub fn refused_by_rights(&self) -> Option<Answer> {
        let words = "You may no longer change this. What you typed is still here.";
        let errors = self.withheld.iter().map(|column| (column.clone(), words.to_owned()));
        (!self.withheld.is_empty()).then(|| self.invalid(errors.collect()))
    }

    /// An answer to this submission.
    pub fn answer(&self, outcome: Outcome) -> Answer {
        Answer {
            key: self.key.as_ref().map(RecordKey::written),
            version: Some(self.version_text.clone()),
            seq: self.revision.seq,
            writer: self.revision.writer.clone(),
            ..Answer::new(outcome)
        }
    }

    /// `errors` are by column name.
    pub fn invalid(&self, errors: BTreeMap<String, String>) -> Answer {
        let written = errors
            .into_iter()
            .map(|(column, message)| (self.written(&column), message))
            .collect();
        Answer {
            errors: written,
            ..self.answer(Outcome::Invalid)
        }
    }

    /// A column's writing on the wire; the empty name stands for the whole record.
    pub fn written(&self, column: &str) -> String {
        match column {
            "" => String::new(),
            column => path_text::write_part(column),
        }
    }

    /// Values by column name as they go over the wire.
    pub fn on_the_wire(&self, values: &Values) -> Values {
        values
            .iter()
            .map(|(column, text)| (self.written(column), text.clone()))
            .collect()
    }
}
