//! The last line of a save: where its route comes to no answer of its own, what was typed is kept all the same.
//!
//! What a save can say itself it says better: it keeps what it could not do, under the draft's own name. Here is what nobody
//! foresaw: a panic, and an answer that takes longer than everything that limits a save. A browser that hangs up is
//! none of it, because a save runs to its end without one.

use std::sync::Arc;
use std::time::Duration;

use app::records::model::Table;
use app::records::port::{Manner, Unanswered};
use app::ui::written;
use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_drafts::capture::{Capture, Failed, Failure, Keeper, Kept, NotKept, TooManyFields, escaped};

use super::visitor::Visitor;
use super::{answers, bodies, record_forms};
use crate::drafts;
use crate::report;
use crate::services::Services;
use crate::sql::catalog::Catalog;

/// Twice what the statements, the commit and the draft of a save may take together.
const LIMIT: Duration = Duration::from_secs(20);
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Around the routes that take a record's form.
pub fn layer(services: &Services) -> Capture {
    let keeper = FormKeeper {
        services: services.clone(),
    };
    Capture::new(keeper)
        .within(LIMIT)
        .longest_body(bodies::FORM_LIMIT)
        .retry_after(RETRY_AFTER)
        .leaves_what_is_hung_up()
        .fails(|status| status == StatusCode::INTERNAL_SERVER_ERROR)
        // A save that succeeds ends its draft itself.
        .succeeds(|_| false)
        .answers(answer)
}

struct FormKeeper {
    services: Services,
}

#[async_trait]
impl Keeper for FormKeeper {
    fn takes(&self, parts: &Parts) -> bool {
        visitor(parts).account().is_some()
    }

    async fn keep(&self, parts: &Parts, body: &[u8]) -> Result<Kept, NotKept> {
        let most = bodies::MOST_CONTROLS;
        let pairs = bodies::pairs(body).map_err(|_| TooManyFields { most })?;
        let body = FormBody::from_pairs(pairs);
        let visitor = visitor(parts);
        let own = |owner: &String| visitor.account().is_some_and(|account| account.name == *owner);
        // Drawn for somebody else, it is nobody's here.
        let account = visitor.account().filter(|_| body.account.iter().all(own));
        let account = account.ok_or(NotKept::NothingToKeep)?;
        let address = record_forms::address_of(&parts.uri);
        let form = record_forms::find_form(&self.services, account, &address, &body);
        let form = form.map_err(|_| NotKept::NothingToKeep)?;
        let (records, drafts) = (&self.services.records, &self.services.drafts);
        let changed = || records.changed_by(&form.table, form.key(), &body);
        let kept = drafts.keep_posted(&account.name, &form.key_of_draft, &body, changed, manner(parts));
        let kept = kept.await?;
        let left_out = typed_secrets(&self.services.panel.whole(), &form.table, &body);
        let post = Unanswered {
            who: account.clone(),
            key: form.key().cloned(),
            table: form.table,
            form_key: form.key_of_draft,
            body: Arc::new(body),
            manner: manner(parts),
        };
        // The save itself goes on without its route, or may have come to its end just before.
        records.end_draft_once_saved(post, kept.revision.clone());
        Ok(Kept {
            place: kept.kept_in,
            revision: kept.revision,
            left_out,
        })
    }

    async fn succeeded(&self, _: &Parts, _: &[u8]) {}
}

impl From<drafts::NotKept> for NotKept {
    fn from(error: drafts::NotKept) -> Self {
        match error {
            drafts::NotKept::Ended => Self::Ended,
            drafts::NotKept::OnlySecrets | drafts::NotKept::Unnamed => Self::NothingToKeep,
            drafts::NotKept::Store(error) => Self::Store(error),
        }
    }
}

/// Whether it was saved nobody can say: the page asks again under the same id.
fn answer(parts: &Parts, failed: Failed) -> Response {
    let retry_after_ms = Some(failed.retry_after.as_millis() as u64);
    let kept = failed.kept.ok();
    if answers::wants_json(&parts.headers) {
        let (seq, writer) = kept
            .as_ref()
            .map(|kept| (kept.revision.seq, kept.revision.writer.clone()))
            .unwrap_or_default();
        return answers::saved_or_not(&Answer {
            reason: Some(report::UNKNOWN.to_owned()),
            kept_in: kept.map(|kept| kept.place.word().to_owned()),
            retry_after_ms,
            seq,
            writer,
            ..Answer::new(Outcome::Kept)
        });
    }
    let is_kept = match &kept {
        Some(kept) if kept.left_out.is_empty() => {
            "What you typed is kept on the server, under Unsaved work.".to_owned()
        }
        Some(kept) => format!(
            "What you typed is kept on the server, under Unsaved work, but for {}: that is never kept, and is to be typed again.",
            escaped(&written::listed(&kept.left_out))
        ),
        None => "What you typed could not be kept on the server.".to_owned(),
    };
    if let Failure::Answered(response) = failed.why {
        return response;
    }
    let error_id = report::error_id();
    let message = format!("{is_kept} It is not known whether it was saved. <small>Error {error_id}</small>");
    let mut response = answers::plain_page(StatusCode::SERVICE_UNAVAILABLE, &message);
    answers::set_retry_after(response.headers_mut(), retry_after_ms);
    response
}

/// Labels of what was typed and is in no draft.
fn typed_secrets(whole: &Catalog, table: &Table, body: &FormBody) -> Vec<String> {
    let whole = whole.table(&table.name).map_or(table, |table| &**table);
    let typed = body.columns.iter().filter(|(_, posted)| !posted.text.is_empty());
    let columns = typed.filter_map(|(written, _)| whole.column_written(written));
    columns
        .filter(|column| column.secret)
        .map(|column| column.label.clone())
        .collect()
}

fn visitor(parts: &Parts) -> Visitor {
    parts.extensions.get::<Visitor>().cloned().unwrap_or_default()
}

fn manner(parts: &Parts) -> Manner {
    match answers::wants_json(&parts.headers) {
        true => Manner::Scripted,
        false => Manner::Plain,
    }
}
