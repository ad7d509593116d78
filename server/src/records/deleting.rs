//! A press of Delete.

use std::sync::Arc;

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::Account;
use app::records::model::{RecordKey, Table};
use resilient_core::submission::answer::Outcome;
use resilient_db::{Connection, ConstraintKind, DbError, OnUnknownCommit};
use tokio::time::Instant;

use super::save::{DELETE_NOT_PERMITTED, Deletion, kept_from_deleting};
use super::service::RecordService;
use crate::sql::Dialect;
use crate::{report, request_id};

impl<D: Dialect> RecordService<D> {
    /// In a task of its own: a browser that hangs up must not stop it half-way.
    pub(super) async fn delete_in_a_task(
        &self,
        who: &Account,
        table: &Arc<Table>,
        key: &RecordKey,
        id: &str,
        version: &str,
    ) -> Result<(), ApiError> {
        if self.has_no_own_tables() || !table.may_delete() {
            return Err(not_allowed());
        }
        let opened = self.parts.versions.open(version);
        let opened =
            opened.map_err(|_| ApiError::new(ErrorKind::BadRequest, "This page is too old. Please load it again."))?;
        if opened.table != table.name.written() || opened.key.as_deref() != Some(key.written().as_str()) {
            return Err(ApiError::new(
                ErrorKind::BadRequest,
                "This page belongs to another record.",
            ));
        }
        let deletion = Deletion {
            account: who.clone(),
            table: Arc::clone(table),
            key: key.clone(),
            id: id.to_owned(),
            version: opened,
            version_text: version.to_owned(),
        };
        let service = self.clone();
        let deleting = async move { service.delete_now(Arc::new(deletion)).await };
        request_id::spawn(deleting).await.unwrap_or_else(|stopped| {
            tracing::error!(%stopped, "a delete did not come to its end");
            Err(ApiError::new(
                ErrorKind::Unavailable,
                "We do not know yet whether it was deleted.",
            ))
        })
    }

    async fn delete_now(&self, deletion: Arc<Deletion>) -> Result<(), ApiError> {
        let Some(_working) = self.parts.in_flight.begin(&deletion.account.name, &deletion.id) else {
            return Err(ApiError::new(ErrorKind::Conflict, "This is being deleted right now."));
        };
        let (versions, panel) = (self.parts.versions.clone(), Arc::clone(&self.parts.panel));
        let (begun, account) = (Instant::now(), deletion.account.name.clone());
        let work = move |conn: Connection<D::Database>| {
            let (deletion, versions, panel) = (Arc::clone(&deletion), versions.clone(), Arc::clone(&panel));
            async move { deletion.run::<D>(conn, &versions, &panel).await }
        };
        let access = self.parts.db.by(&account);
        match access.transaction("delete", OnUnknownCommit::Repeat, work).await {
            Ok(Outcome::Saved) => Ok(()),
            Ok(Outcome::Gone) => Err(ApiError::not_found("This record no longer exists.")),
            Ok(Outcome::Forbidden) => Err(not_allowed()),
            Ok(Outcome::Invalid) => Err(ApiError::new(ErrorKind::Forbidden, DELETE_NOT_PERMITTED)),
            Ok(_) => Err(changed()),
            // The page shows what is not there any more.
            Err(error) if self.parts.schema.is_another(begun, &error).await => Err(changed()),
            Err(error) => Err(refused(&error)),
        }
    }
}

fn changed() -> ApiError {
    let words = "Someone changed this record since you looked. Please look again before you delete it.";
    ApiError::new(ErrorKind::Conflict, words)
}

fn refused(error: &DbError) -> ApiError {
    let constraint = error.constraint.as_ref();
    let Some((constraint, words)) = constraint.and_then(|one| Some((one, kept_from_deleting(one)?))) else {
        return report::database("delete", error);
    };
    if constraint.kind != ConstraintKind::NotPermitted {
        return ApiError::new(ErrorKind::Conflict, words);
    }
    // The account's rights are the operator's to mend.
    let mut answer = ApiError::new(ErrorKind::Forbidden, words);
    answer.error_id = Some(report::log("delete", error));
    answer
}

pub(super) fn not_allowed() -> ApiError {
    ApiError::new(ErrorKind::Forbidden, "You are not allowed to delete this.")
}
