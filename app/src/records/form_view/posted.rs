//! A form that was posted without script and not saved: drawn again with what was typed.

use std::collections::BTreeMap;

use resilient_core::draft::{Draft, Revision, Text};
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::{self, PostedColumn};

use super::typed::{Typed, TypedColumn, value_written};
use super::{ConflictView, FormSources, Notice, field};
use crate::records::address::Target;
use crate::records::fields;
use crate::records::model::Table;
use crate::ui::page_request::Posted;

pub fn typed(sources: &FormSources, posted: &Posted) -> Typed {
    let answer = &posted.answer;
    let mut typed = Typed {
        columns: columns(sources, posted),
        errors: errors(answer),
        kept_on_server: answer.kept_in.is_some(),
        ..Typed::default()
    };
    carry_id_and_version(sources, posted, &mut typed);
    typed.drawn = own_draft(sources, posted).map(|draft| draft.revision.clone());
    typed.drawn_on = own_draft(sources, posted).and_then(|draft| draft.on.clone());
    typed.conflicts = conflicts(sources, posted, &typed.columns);
    typed.notices = notices(sources, answer);
    typed
}

/// `_id` stays while the press of Save has no final answer, `_version` until the person has seen
/// what the record is now.
fn carry_id_and_version(sources: &FormSources, posted: &Posted, typed: &mut Typed) {
    let answer = &posted.answer;
    if matches!(
        answer.outcome,
        Outcome::Kept | Outcome::InProgress | Outcome::RateLimited | Outcome::Unauthenticated
    ) {
        typed.id = posted.body.id.clone();
    } else if answer.outcome == Outcome::Mismatch {
        // The id stands for another body; also a new record's form needs a fresh one now.
        typed.id = Some(sources.submission_id.to_owned());
    }
    typed.version = match answer.outcome {
        // What the save compared with, not what the record has become since: that is for the next press to meet.
        Outcome::Conflict => answer.version.clone().or_else(|| present(sources)),
        Outcome::Expired | Outcome::Malformed | Outcome::Gone => present(sources).or_else(|| answer.version.clone()),
        Outcome::Mismatch if sources.created_before => present(sources),
        _ => posted.body.version.clone(),
    };
}

fn present(sources: &FormSources) -> Option<String> {
    sources.record.map(|record| record.version.clone())
}

/// The draft the server made of this post, else the one it was drawn from.
fn own_draft<'a>(sources: &FormSources<'a>, posted: &Posted) -> Option<&'a Draft> {
    let named = Revision {
        seq: posted.answer.seq,
        writer: posted.answer.writer.clone(),
    };
    let of = |revision: &Revision| {
        sources
            .drafts
            .iter()
            .map(|kept| &kept.draft)
            .find(|draft| draft.revision == *revision)
    };
    of(&named).or_else(|| of(posted.body.revision.as_ref()?))
}

/// What the person changed; all that was posted where the record cannot be read, or where nobody
/// can tell what was changed, or where the record is made anew.
fn columns(sources: &FormSources, posted: &Posted) -> BTreeMap<String, TypedColumn> {
    let changed = |column: &str| {
        posted
            .changed
            .as_ref()
            .is_none_or(|changed| changed.iter().any(|name| name == column))
    };
    let all = sources.record.is_none() || posted.answer.outcome == Outcome::Gone || started_anew(sources, posted);
    let draft = own_draft(sources, posted);
    let typed = |(column, text): (&String, &PostedColumn)| {
        let unchanged = !changed(column);
        (all || !unchanged).then(|| (column.clone(), typed_column(sources, column, text, draft, unchanged)))
    };
    posted.body.columns.iter().filter_map(typed).collect()
}

/// The form was that of a new record, and so is this one: there is no record to show elsewhere.
fn started_anew(sources: &FormSources, posted: &Posted) -> bool {
    matches!(sources.target, Target::New(_)) && posted.changed.is_none()
}

fn typed_column(
    sources: &FormSources,
    written: &str,
    posted: &PostedColumn,
    draft: Option<&Draft>,
    unchanged: bool,
) -> TypedColumn {
    let now = sources.record.and_then(|record| value_written(&record.values, written));
    let from_draft = draft.and_then(|draft| draft.base.get(written));
    let base = posted.base.clone().or_else(|| from_draft.cloned());
    let value = said(sources.table, written, posted, base.as_ref().or(now));
    TypedColumn {
        text: posted.text.clone(),
        null: posted.null,
        value,
        base,
        unchanged,
        restored: false,
    }
}

/// What the posted controls say, by the rules of "Forms".
pub fn said(table: &Table, written: &str, posted: &PostedColumn, baseline: Option<&Text>) -> Text {
    let Some(column) = table.column_written(written) else {
        return Some(posted.text.clone());
    };
    if !fields::has_null_checkbox(column) {
        return (!column.nullable || !posted.text.is_empty()).then(|| posted.text.clone());
    }
    let is_baseline = || baseline.is_some_and(|base| form_body::same_text(base, &Some(posted.text.clone())));
    form_body::with_null(&posted.text, posted.null, is_baseline).unwrap_or_else(|_| Some(posted.text.clone()))
}

fn errors(answer: &Answer) -> BTreeMap<String, String> {
    answer
        .errors
        .iter()
        .filter(|(column, _)| !column.is_empty())
        .map(|(column, words)| (column.clone(), words.clone()))
        .collect()
}

/// Those the save met; where the version could not be opened, every posted column that differs.
fn conflicts(sources: &FormSources, posted: &Posted, typed: &BTreeMap<String, TypedColumn>) -> Vec<ConflictView> {
    let answer = &posted.answer;
    let of_answer = answer.conflicts.iter().map(|conflict| {
        let now = sources
            .record
            .and_then(|record| value_written(&record.values, &conflict.column));
        ConflictView {
            label: field::label(sources.table, &conflict.column),
            base: conflict.base.clone(),
            mine: conflict.mine.clone(),
            theirs: now.unwrap_or(&conflict.theirs).clone(),
            column: conflict.column.clone(),
        }
    });
    let found: Vec<ConflictView> = of_answer.collect();
    // The redrawn form has the record's present version, so each difference has to be seen before it is written.
    let nothing_was_compared = match answer.outcome {
        Outcome::Expired | Outcome::Malformed => true,
        Outcome::Conflict => posted.changed.is_none(),
        _ => false,
    };
    if !found.is_empty() || !nothing_was_compared || matches!(sources.target, Target::New(_)) {
        return found;
    }
    let Some(record) = sources.record else { return found };
    let differing = typed.iter().filter_map(|(column, typed)| {
        let theirs = value_written(&record.values, column).filter(|now| !form_body::same_text(now, &typed.value))?;
        let label = field::label(sources.table, column);
        Some(ConflictView {
            column: column.clone(),
            label,
            base: None,
            mine: typed.value.clone(),
            theirs: theirs.clone(),
        })
    });
    differing.collect()
}

fn notices(sources: &FormSources, answer: &Answer) -> Vec<Notice> {
    let mut notices = vec![Notice::Failure {
        outcome: answer.outcome,
        message: failure_words(answer),
    }];
    if answer.outcome == Outcome::Mismatch && sources.created_before {
        notices.push(Notice::AlreadyCreated);
    }
    notices
}

/// What happened to the input first, then why, then what to do.
fn failure_words(answer: &Answer) -> String {
    let of_record = answer.errors.get("").cloned();
    match answer.outcome {
        Outcome::Saved => String::new(),
        Outcome::Kept => kept_words(answer),
        Outcome::Conflict => "Your changes are still in the form, and nothing was overwritten. Somebody else saved other \
            text in the same fields meanwhile: compare, set each field to what it should be, and press Save."
            .to_owned(),
        Outcome::Invalid => of_record.unwrap_or_else(|| {
            "Nothing was saved yet; everything you typed is still here. Mend the marked fields and press Save again.".to_owned()
        }),
        Outcome::Mismatch => "Your changes are still in the form. This form was saved before with other values, \
            so they were not saved yet. Check them and press Save."
            .to_owned(),
        Outcome::InProgress => "Your changes are still being saved. Press Save again in a moment: they are saved only once.".to_owned(),
        Outcome::Expired => "Your changes are still in the form, but it was opened too long ago to be saved as it is. \
            Compare it with the record and press Save."
            .to_owned(),
        Outcome::Unauthenticated => "Your changes are still in the form. Sign in again to save them.".to_owned(),
        Outcome::Forbidden => "Nothing was saved; your changes are still in the form. You are not allowed to save them.".to_owned(),
        Outcome::Gone => {
            "Your changes are still in the form. The record was deleted meanwhile: Save creates it as a new one.".to_owned()
        }
        Outcome::TooLarge => "Nothing was saved; your changes are too large to be sent. Shorten them and press Save again.".to_owned(),
        Outcome::RateLimited => "Your changes are still in the form. There were too many saves; press Save again in a moment.".to_owned(),
        Outcome::Malformed => of_record.unwrap_or_else(|| {
            "Your changes are still in the form, but it came back incomplete, so nothing was saved. Press Save again.".to_owned()
        }),
    }
}

fn kept_words(answer: &Answer) -> String {
    let kept = match answer.kept_in.as_deref() {
        Some(_) => "Your changes are kept on the server and in this form.",
        None => "Your changes are only in this form: keep this page open.",
    };
    let why = match answer.reason.as_deref() {
        Some("unknown") => "We are checking whether they were saved: the database's answer was lost.",
        Some("overload") => "Too much is going on at the moment.",
        Some("timeout") => "The database took too long to answer.",
        _ => "The database cannot be reached.",
    };
    format!("{kept} {why} Press Save again: they are saved only once.")
}
