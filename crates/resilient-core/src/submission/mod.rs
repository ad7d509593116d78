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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::machine::submission_id;
    use super::*;

    #[test]
    fn an_id_is_a_uuid_written_in_one_way_only() {
        let id = "0123abcd-4567-4e8f-89ab-cdef01234567";
        assert!(is_submission_id(id));
        let others = [
            "",
            "0123abcd",
            &id.to_uppercase(),
            &id.replace('-', ""),
            &id.replace('-', "0"),
            &id.replace('c', "g"),
            &[id, "0"].concat(),
        ];
        for other in others {
            assert!(!is_submission_id(other), "{other}");
        }
    }

    #[test]
    fn an_id_says_of_itself_that_it_was_drawn_at_random() {
        assert_eq!(submission_id(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(submission_id(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn the_name_of_a_page_load_is_short_and_of_plain_characters() {
        for writer in ["a", "Z9", "with_line-and-dash", &"a".repeat(64)] {
            assert!(is_writer(writer), "{writer}");
        }
        for other in ["", "a b", "a.b", "é", "a/b", &"a".repeat(65)] {
            assert!(!is_writer(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_drawn_at_random_becomes_an_id_that_the_server_takes(random: u128) {
            let id = submission_id(random);
            prop_assert!(is_submission_id(&id), "{}", id);
        }
    }
}
