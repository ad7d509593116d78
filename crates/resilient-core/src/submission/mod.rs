//! One press of Save: what is sent, what comes back, and the machine between them.

pub mod answer;
pub mod form_body;
pub mod machine;
pub mod queue;

use serde::{Deserialize, Serialize};

use crate::draft::{Revision, Values};

/// One press of Save. The same type serves the form, the outbox, the server draft and the replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// UUID text, 36 lower-case characters; see [`is_submission_id`].
    pub id: String,
    /// `{table}/{key}` or `{table}/new-{uuid}`, in the `~HH` writing.
    pub form_key: String,
    /// The form's sealed version.
    pub version: String,
    /// The changed columns only.
    pub values: Values,
    /// The draft this press was made of; not part of what identifies the submission.
    #[serde(flatten)]
    pub revision: Revision,
}

/// Whether `id` is a submission id: a UUID in its 36-character text form, lower case.
pub fn is_submission_id(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Whether `writer` may name a page load: 1 to 64 characters of `[A-Za-z0-9_-]`.
pub fn is_writer(writer: &str) -> bool {
    (1..=64).contains(&writer.len())
        && writer
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
