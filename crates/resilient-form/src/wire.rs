//! Drafts, submissions and answers as JSON: the writing of `resilient_core`'s serde derives, without serde.

use resilient_core::collections::BTreeMap;
use resilient_core::draft::{Draft, Revision, Text};
use resilient_core::submission::Submission;
use resilient_core::submission::answer::{Answer, Conflict, Outcome};

use crate::json::{Fields, Json, Object, list};

pub fn draft_json(draft: &Draft) -> String {
    let object = Object::new()
        .text("version", &draft.version)
        .values("base", &draft.base)
        .values("values", &draft.values);
    let on = draft.on.as_ref().map(revision_json);
    with_revision(object, &draft.revision)
        .json("on", on.as_deref().unwrap_or("null"))
        .end()
}

pub fn submission_json(submission: &Submission) -> String {
    let object = Object::new()
        .text("id", &submission.id)
        .text("form_key", &submission.form_key)
        .text("version", &submission.version)
        .values("values", &submission.values);
    with_revision(object, &submission.revision).end()
}

pub fn revisions_json(revisions: &[Revision]) -> String {
    list(&revisions.iter().map(revision_json).collect::<Vec<_>>())
}

fn revision_json(revision: &Revision) -> String {
    with_revision(Object::new(), revision).end()
}

fn with_revision(object: Object, revision: &Revision) -> Object {
    object.number("seq", revision.seq).text("writer", &revision.writer)
}

pub fn draft(json: Json) -> Option<Draft> {
    let mut fields = json.object()?;
    Some(Draft {
        version: fields.text("version")?,
        base: fields.values_or_none("base")?,
        values: fields.values("values")?,
        revision: revision_among(&mut fields)?,
        on: match fields.maybe("on") {
            Some(on) => Some(revision(on)?),
            None => None,
        },
    })
}

pub fn submission(json: Json) -> Option<Submission> {
    let mut fields = json.object()?;
    Some(Submission {
        id: fields.text("id")?,
        form_key: fields.text("form_key")?,
        version: fields.text("version")?,
        values: fields.values("values")?,
        revision: revision_among(&mut fields)?,
    })
}

pub fn revision(json: Json) -> Option<Revision> {
    revision_among(&mut json.object()?)
}

fn revision_among(fields: &mut Fields) -> Option<Revision> {
    Some(Revision {
        seq: fields.number("seq")?,
        writer: fields.text("writer")?,
    })
}

pub fn outcome(json: Json) -> Option<Outcome> {
    Outcome::of_code(&json.text()?)
}

pub fn answer(json: Json) -> Option<Answer> {
    let mut fields = json.object()?;
    let fields = &mut fields;
    Some(Answer {
        outcome: outcome(fields.take("outcome")?)?,
        key: fields.maybe_text("key")?,
        version: fields.maybe_text("version")?,
        merged: fields
            .list_or_none("merged")?
            .into_iter()
            .map(Json::text)
            .collect::<Option<_>>()?,
        replayed: fields.flag_or_no("replayed")?,
        seq: fields.number_or_0("seq")?,
        writer: fields.text_or_empty("writer")?,
        kept_in: fields.maybe_text("kept_in")?,
        reason: fields.maybe_text("reason")?,
        retry_after_ms: match fields.maybe("retry_after_ms") {
            Some(pause) => Some(pause.number()?),
            None => None,
        },
        server_retries: fields.flag_or_no("server_retries")?,
        errors: errors(fields)?,
        current: fields.values_or_none("current")?,
        conflicts: fields
            .list_or_none("conflicts")?
            .into_iter()
            .map(conflict)
            .collect::<Option<_>>()?,
        on_the_way: false,
    })
}

/// As values, of which none is NULL.
fn errors(fields: &mut Fields) -> Option<BTreeMap<String, String>> {
    let errors = fields.values_or_none("errors")?.into_iter();
    errors.map(|(column, words)| Some((column, words?))).collect()
}

fn conflict(json: Json) -> Option<Conflict> {
    let mut fields = json.object()?;
    Some(Conflict {
        column: fields.text("column")?,
        base: fields.maybe_text("base")?.map(Some),
        mine: side(&mut fields, "mine")?,
        theirs: side(&mut fields, "theirs")?,
    })
}

fn side(fields: &mut Fields, name: &str) -> Option<Text> {
    fields.maybe_text(name)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::*;
    use resilient_core::draft::Values;

    use super::*;

    fn any_values() -> impl Strategy<Value = Values> {
        proptest::collection::btree_map("[a-z~]{0,4}", proptest::option::of(".{0,6}"), 0..4)
    }

    fn any_revision() -> impl Strategy<Value = Revision> {
        (any::<u64>(), "[a-z0-9]{1,8}").prop_map(|(seq, writer)| Revision { seq, writer })
    }

    fn any_draft() -> impl Strategy<Value = Draft> {
        (
            ".{0,6}",
            any_values(),
            any_values(),
            any_revision(),
            proptest::option::of(any_revision()),
        )
            .prop_map(|(version, base, values, revision, on)| Draft {
                version,
                base,
                values,
                revision,
                on,
            })
    }

    fn any_submission() -> impl Strategy<Value = Submission> {
        ("[a-f0-9]{4}", "t/[0-9]", ".{0,6}", any_values(), any_revision()).prop_map(
            |(id, form_key, version, values, revision)| Submission {
                id,
                form_key,
                version,
                values,
                revision,
            },
        )
    }

    fn any_conflict() -> impl Strategy<Value = Conflict> {
        // A base that is NULL and one that is not known are the same in JSON.
        let text = || proptest::option::of(".{0,4}");
        (
            "[a-z]{1,3}",
            proptest::option::of(".{0,4}".prop_map(Some)),
            text(),
            text(),
        )
            .prop_map(|(column, base, mine, theirs)| Conflict {
                column,
                base,
                mine,
                theirs,
            })
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let text = || proptest::option::of(".{0,4}");
        let first = (
            proptest::sample::select(&Outcome::ALL[..]),
            text(),
            text(),
            any::<bool>(),
            any::<bool>(),
            any_revision(),
        );
        let errors = proptest::collection::btree_map("[a-z]{0,3}", ".{0,5}", 0..3);
        let second = (text(), text(), proptest::option::of(any::<u64>()), errors, any_values());
        let lists = (
            proptest::collection::vec(".{0,4}", 0..3),
            proptest::collection::vec(any_conflict(), 0..3),
        );
        (first, second, lists).prop_map(|(first, second, (merged, conflicts))| {
            let mut answer = Answer::new(first.0);
            (answer.key, answer.version, answer.replayed, answer.server_retries) = (first.1, first.2, first.3, first.4);
            (answer.seq, answer.writer) = (first.5.seq, first.5.writer);
            (
                answer.kept_in,
                answer.reason,
                answer.retry_after_ms,
                answer.errors,
                answer.current,
            ) = second;
            (answer.merged, answer.conflicts) = (merged, conflicts);
            answer
        })
    }

    fn serde(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).expect("json")
    }

    proptest! {
        #[test]
        fn a_draft_is_written_and_read_as_serde_does(draft in any_draft()) {
            prop_assert_eq!(draft_json(&draft), serde(&draft));
            prop_assert_eq!(Json::read(&serde(&draft)).and_then(super::draft), Some(draft));
        }

        #[test]
        fn a_submission_is_written_and_read_as_serde_does(submission in any_submission()) {
            prop_assert_eq!(submission_json(&submission), serde(&submission));
            prop_assert_eq!(Json::read(&serde(&submission)).and_then(super::submission), Some(submission));
        }

        #[test]
        fn an_answer_that_serde_wrote_is_read(answer in any_answer()) {
            prop_assert_eq!(Json::read(&serde(&answer)).and_then(super::answer), Some(answer));
        }

        #[test]
        fn what_a_draft_lacks_is_as_serde_has_it(draft in any_draft(), lacks in 0_usize..6) {
            let mut whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&serde(&draft)).expect("an object");
            whole.remove(["version", "base", "values", "seq", "writer", "on"][lacks]);
            let json = serde(&whole);
            prop_assert_eq!(Json::read(&json).and_then(super::draft), serde_json::from_str::<Draft>(&json).ok());
        }

        #[test]
        fn what_an_answer_lacks_is_as_serde_has_it(answer in any_answer(), lacks in 0_usize..14) {
            let mut whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&serde(&answer)).expect("an object");
            let name = whole.keys().nth(lacks).cloned();
            whole.remove(name.as_deref().unwrap_or_default());
            let json = serde(&whole);
            prop_assert_eq!(Json::read(&json).and_then(super::answer), serde_json::from_str::<Answer>(&json).ok());
        }
    }
}
