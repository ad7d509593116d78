//! The typed doors to records, for Leptos callers. Each is a public endpoint: it guards, calls one
//! port and answers.

use leptos::prelude::*;
use leptos::server_fn::codec::{Json, JsonEncoding};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use resilient_core::submission::Submission;
use resilient_core::submission::answer::Answer;
use serde::{Deserialize, Serialize};

/// The submission was done, now or before under the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved(pub Answer);

/// The submission was not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NotSaved {
    /// The server says why, and what is kept.
    Answered(Box<Answer>),
    /// The way to the server failed: whether it was done is not known. Ask again under the same id.
    WayFailed(String),
}

impl std::fmt::Display for NotSaved {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered(answer) => formatter.write_str(answer.message()),
            Self::WayFailed(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for NotSaved {}

impl FromServerFnError for NotSaved {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::WayFailed(error.to_string())
    }
}

/// Saves a submission exactly once for its id. The same port method as the form's own URL calls.
#[server(prefix = "/api", endpoint = "records/save", input = Json, output = Json)]
pub async fn save_record(submission: Submission) -> Result<Saved, NotSaved> {
    use std::sync::Arc;

    use resilient_core::submission::answer::Outcome;
    use resilient_core::submission::form_body::{FormBody, to_pairs};

    use super::address::{Target, read_form_key};
    use super::port::{Manner, Records};
    use crate::api_error::ErrorKind;
    use crate::auth::model::Account;

    let refuse = |outcome: Outcome| answered(Answer::new(outcome));
    let Some(who) = use_context::<Option<Account>>().flatten() else {
        return refuse(Outcome::Unauthenticated);
    };
    let Some(records) = use_context::<Arc<dyn Records>>() else {
        return refuse(Outcome::Malformed);
    };
    let Some((table, target)) = read_form_key(&submission.form_key) else {
        return refuse(Outcome::Malformed);
    };
    let table = match records.table(&who, &table) {
        Ok(table) => table,
        Err(error) if error.kind == ErrorKind::Unavailable => return answered(kept_on_the_device(&error)),
        Err(_) => return refuse(Outcome::Gone),
    };
    if submission.values.len() > MOST_COLUMNS {
        return refuse(Outcome::TooLarge);
    }
    let key = match &target {
        Target::Existing(key) => Some(key),
        Target::New(_) => None,
    };
    let Submission {
        id,
        form_key,
        version,
        values,
        revision,
    } = &submission;
    let body = FormBody::from_pairs(to_pairs(id, version, revision, values));
    answered(records.save(&who, &table, key, form_key, body, Manner::Scripted).await)
}

/// Beyond this many columns a submission is no form's.
#[cfg(feature = "ssr")]
const MOST_COLUMNS: usize = 2_000;

/// The answer while even the table is not known yet.
#[cfg(feature = "ssr")]
fn kept_on_the_device(error: &crate::api_error::ApiError) -> Answer {
    use resilient_core::submission::answer::Outcome;

    let reason = Some("database".to_owned());
    Answer {
        reason,
        retry_after_ms: error.retry_after_ms.or(Some(1_000)),
        ..Answer::new(Outcome::Kept)
    }
}

/// Gives an answer the status that says the same.
#[cfg(feature = "ssr")]
fn answered(answer: Answer) -> Result<Saved, NotSaved> {
    use resilient_core::submission::answer::Outcome;

    if let (Some(options), Ok(status)) = (
        use_context::<leptos_axum::ResponseOptions>(),
        http::StatusCode::from_u16(answer.outcome.status()),
    ) {
        options.set_status(status);
        if let Some(wait_ms) = answer.retry_after_ms {
            options.insert_header(
                http::header::RETRY_AFTER,
                http::HeaderValue::from(wait_ms.div_ceil(1_000).max(1)),
            );
        }
    }
    if answer.outcome == Outcome::Saved {
        Ok(Saved(answer))
    } else {
        Err(NotSaved::Answered(Box::new(answer)))
    }
}
