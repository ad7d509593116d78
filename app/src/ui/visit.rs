//! One visit to a page: who it is, what was asked, and the ports to answer it with.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::page_request::{PageRequest, Posted};
use super::written;
use crate::api_error::{ApiError, ErrorKind};
use crate::auth::model::Account;
use crate::drafts::port::{Drafts, SentSaves, Unsaved};
use crate::drafts::sent_notice::TOLD;
use crate::monitoring::port::Monitor;
use crate::records::model::Table;
use crate::records::port::Records;

/// Taken out of Leptos' context once, at the start of a page: it is gone after the first `await`
/// in a spawned task.
#[derive(Clone)]
pub struct Visit {
    pub account: Account,
    pub records: Arc<dyn Records>,
    pub drafts: Arc<dyn Drafts>,
    pub monitor: Arc<dyn Monitor>,
    pub request: PageRequest,
    pub posted: Option<Posted>,
    response: Option<ResponseOptions>,
}

impl Visit {
    /// `None` for somebody who is not signed in.
    pub fn here() -> Option<Self> {
        Some(Self {
            account: use_context::<Option<Account>>().flatten()?,
            records: use_context()?,
            drafts: use_context()?,
            monitor: use_context()?,
            request: use_context()?,
            posted: use_context::<Option<Posted>>().flatten(),
            response: use_context(),
        })
    }

    /// One text of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.request.query.get(name).map(String::as_str)
    }

    /// The tables in the rail; none where the catalog was never read.
    pub fn tables(&self) -> Vec<Arc<Table>> {
        self.records.tables(&self.account).unwrap_or_default()
    }

    /// The status of the answer, and when to try again.
    pub fn answer_with(&self, error: &ApiError) {
        if let Some(response) = &self.response {
            answer_with(response, error);
        }
    }

    /// What every page shows of this person's unsaved work.
    pub async fn unsaved(&self) -> Unsaved {
        Unsaved {
            forms: self.drafts.count(&self.account).await.ok(),
            sent: self.sent().await,
        }
    }

    /// What the server sends by itself. Who comes here by the link of a notice has seen what that said.
    pub async fn sent(&self) -> SentSaves {
        if let Some(id) = self.query(TOLD) {
            self.drafts.seen(&self.account, &[id.to_owned()]).await;
        }
        self.drafts.sent(&self.account).await.unwrap_or_default()
    }
}

/// Sets the status that says the same as `error`, and `Retry-After` where another try makes sense.
pub fn answer_with(response: &ResponseOptions, error: &ApiError) {
    if let Ok(status) = StatusCode::from_u16(error.status()) {
        response.set_status(status);
    }
    let retry_after_ms = error
        .retry_after_ms
        .or((error.kind == ErrorKind::Unavailable).then_some(2_000));
    if let Some(retry_after_ms) = retry_after_ms {
        response.insert_header(header::RETRY_AFTER, HeaderValue::from(written::seconds(retry_after_ms)));
    }
}

/// What pages say to somebody who has to sign in first.
pub fn sign_in_needed() -> ApiError {
    ApiError::new(ErrorKind::SignInNeeded, "Sign in to go on.")
}
