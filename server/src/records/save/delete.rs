//! Deleting a record, as its preview showed it, exactly once.

use std::sync::Arc;

use app::auth::model::Account;
use app::records::model::{RecordKey, Table, Values};
use app::records::port::SavedSubmission;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_db::{Connection, End};

use super::rows::{self, Purpose};
use super::statements;
use super::version::{Version, Versions};
use super::writable::sees_all_of;
use crate::panel::Panel;
use crate::records::read::{key_condition, key_parameters};
use crate::sql::Dialect;

/// One press of Delete.
#[derive(Clone, Debug)]
pub struct Deletion {
    pub account: Account,
    pub table: Arc<Table>,
    pub key: RecordKey,
    pub id: String,
    pub version: Version,
    pub version_text: String,
}

impl Deletion {
    /// Runs the whole of it on `conn`, inside a transaction. The outcome is `saved`, `gone`,
    /// `conflict` (changed since the preview), `mismatch`, `forbidden`, or `invalid` where rules of the
    /// database for single records are against it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run<D: Dialect>(
        &self,
        mut conn: Connection<D::Database>,
        versions: &Versions,
        panel: &Panel,
    ) -> Result<End<Outcome>, sqlx::Error> {
        let conn = &mut conn;
        let account = &self.account.name;
        let prints = versions.submission_prints(&self.table, Some(&self.key), &self.version_text, &Values::new());
        if let Some((earlier, _)) = statements::claim::<D>(conn, account, &self.id, &prints[0]).await? {
            return Ok(End::Rollback(if prints.contains(&earlier) {
                Outcome::Saved
            } else {
                Outcome::Mismatch
            }));
        }
        let now = statements::role_now::<D>(conn, account)
            .await?
            .map(|role| panel.of(role));
        let now = now.as_ref().and_then(|catalog| catalog.table(&self.table.name));
        if !now.is_some_and(|now| now.may_delete() && sees_all_of(now, &self.table)) {
            return Ok(End::Rollback(Outcome::Forbidden));
        }
        let Some(row) = rows::read::<D>(conn, &self.table, &self.key, Purpose::Change).await? else {
            // Gone, or row-level security lets it be read but not locked.
            let is_there = rows::read::<D>(conn, &self.table, &self.key, Purpose::Look)
                .await?
                .is_some();
            return Ok(End::Rollback(if is_there { Outcome::Invalid } else { Outcome::Gone }));
        };
        let as_shown = row
            .iter()
            .all(|(column, text)| versions.matches(&self.version, column, text) == Some(true));
        if !as_shown {
            return Ok(End::Rollback(Outcome::Conflict));
        }
        let sql = format!(
            "DELETE FROM {} WHERE {}",
            D::rows_of(&self.table),
            key_condition::<D>(&self.table, 1)
        );
        if D::execute(conn, sql, key_parameters(&self.key)).await? != 1 {
            // The record is locked and was just read: a rule or a trigger took the change away.
            return Ok(End::Rollback(Outcome::Invalid));
        }
        let changes: Vec<_> = row.into_iter().map(|(column, text)| (column, text, None)).collect();
        let who = (account.as_str(), self.id.as_str());
        statements::write_audit::<D>(conn, who, "delete", &self.table, &self.key, &changes).await?;
        let answer = Answer {
            key: Some(self.key.written()),
            ..Answer::new(Outcome::Saved)
        };
        let saved = SavedSubmission {
            answer,
            form_key: String::new(),
        };
        statements::store_answer::<D>(conn, account, &self.id, &saved).await?;
        Ok(End::Commit(Outcome::Saved))
    }
}
