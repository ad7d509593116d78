//! Drafts the server keeps: which of them stands in the form, and which beside it.

use resilient_core::draft::{Draft, Revision, Text};
use resilient_core::path_text::write_part;
use resilient_core::submission::form_body::same_text;

use super::typed::{Typed, TypedColumn, value_written};
use super::{BesideColumn, BesideDraft, BesideReason, FormSources, Notice, Restore, field};
use crate::drafts::port::KeptDraft;
use crate::records::fields::has_null_checkbox;
use crate::records::port::RecordForm;

/// The first draft that fits goes into the form, or the one that was asked for; the others are
/// listed beside it.
pub fn typed(sources: &FormSources) -> Typed {
    let asked = sources.restore.as_ref().and_then(|restore| {
        let of = |kept: &&KeptDraft| kept.draft.revision == restore.revision;
        sources.drafts.iter().find(of).map(|kept| (kept, Some(restore)))
    });
    let drawn = asked.or_else(|| {
        sources
            .drafts
            .iter()
            .find(|kept| fits(sources, &kept.draft))
            .map(|kept| (kept, None))
    });
    let mut typed: Typed = drawn
        .map(|(kept, restore)| in_form(sources, kept, restore))
        .unwrap_or_default();
    let drawn = drawn
        .filter(|(_, restore)| !is_partial(*restore))
        .map(|(kept, _)| &kept.draft.revision);
    typed.notices.extend(beside(sources, drawn));
    typed
}

/// Without the record nothing contradicts a draft.
fn fits(sources: &FormSources, draft: &Draft) -> bool {
    sources.recreates
        || sources
            .record
            .is_none_or(|record| fits_record(sources, record, draft) && !equals_record(record, draft))
}

/// There is nothing to restore: the record says the same.
fn equals_record(record: &RecordForm, draft: &Draft) -> bool {
    let mut columns = draft.values.iter();
    columns.all(|(column, value)| value_written(&record.values, column).is_some_and(|now| same_text(now, value)))
}

/// The draft was typed on this version; or none of its columns changed since, as its version or the
/// values it was typed over tell.
fn fits_record(sources: &FormSources, record: &RecordForm, draft: &Draft) -> bool {
    if draft.version == record.version {
        return true;
    }
    let changed = (sources.changed_since)(&draft.version);
    draft.values.keys().all(
        |column| match (&changed, draft.base.get(column), value_written(&record.values, column)) {
            // The column is gone or shown only: nothing is overwritten by drawing the rest.
            (_, _, None) => true,
            (Some(changed), ..) => !changed.iter().any(|name| write_part(name) == *column),
            (None, Some(base), Some(now)) => same(sources, column, base, now),
            (None, None, Some(_)) => false,
        },
    )
}

/// A control without NULL of its own draws NULL as the empty text, and so does the page.
fn same(sources: &FormSources, column: &str, base: &Text, now: &Text) -> bool {
    let tells_null = sources.table.column_written(column).is_some_and(has_null_checkbox);
    let drawn = |text: &Text| match tells_null {
        true => text.clone(),
        false => Some(text.clone().unwrap_or_default()),
    };
    same_text(&drawn(base), &drawn(now))
}

fn is_partial(restore: Option<&Restore>) -> bool {
    restore.is_some_and(|restore| restore.columns.is_some())
}

fn in_form(sources: &FormSources, kept: &KeptDraft, restore: Option<&Restore>) -> Typed {
    let wanted = restore.and_then(|restore| restore.columns.as_ref());
    let draft = &kept.draft;
    let columns = draft
        .values
        .iter()
        .filter(|(column, _)| wanted.is_none_or(|wanted| wanted.contains(column)))
        .map(|(column, value)| {
            (
                column.clone(),
                TypedColumn::of_draft(value, draft.base.get(column).cloned()),
            )
        })
        .collect::<std::collections::BTreeMap<_, _>>();
    let labels = columns
        .keys()
        .map(|column| field::label(sources.table, column))
        .collect();
    let mut typed = Typed {
        columns,
        kept_on_server: true,
        ..Typed::default()
    };
    typed.notices.push(Notice::Restored {
        changed_at_ms: kept.changed_at_ms,
        columns: labels,
    });
    if sources.recreates {
        typed.notices.insert(0, Notice::Recreates);
    }
    // A save deletes the draft it names: one that is only partly in the form, or of another form, must stay.
    if !is_partial(restore) {
        if sources.recreates {
            typed.copied = Some(draft.revision.clone());
        } else {
            typed.drawn = Some(draft.revision.clone());
            typed.drawn_on = draft.on.clone();
        }
    }
    if sources.record.is_none() {
        typed.version = Some(draft.version.clone());
    }
    typed
}

fn beside(sources: &FormSources, drawn: Option<&Revision>) -> Vec<Notice> {
    let others = sources.drafts.iter().filter(|kept| {
        Some(&kept.draft.revision) != drawn && !sources.record.is_some_and(|record| equals_record(record, &kept.draft))
    });
    let notice = |kept: &KeptDraft| Notice::Beside {
        reason: match sources.record {
            Some(record) if !fits_record(sources, record, &kept.draft) => BesideReason::RecordChanged,
            _ => BesideReason::Diverged,
        },
        draft: beside_draft(sources, kept),
    };
    others.map(notice).collect()
}

fn beside_draft(sources: &FormSources, kept: &KeptDraft) -> BesideDraft {
    let now = |column: &str| {
        sources
            .record
            .and_then(|record| value_written(&record.values, column))
            .cloned()
    };
    let column = |(column, mine): (&String, &Text)| {
        let now = now(column);
        let before = kept.draft.base.get(column).cloned();
        BesideColumn {
            label: field::label(sources.table, column),
            mine: mine.clone(),
            before: before.filter(|before| now.as_ref().is_some_and(|now| !same(sources, column, before, now))),
            now,
            column: column.clone(),
        }
    };
    BesideDraft {
        form_key: kept.form_key.clone(),
        revision: kept.draft.revision.clone(),
        changed_at_ms: kept.changed_at_ms,
        columns: kept.draft.values.iter().map(column).collect(),
    }
}
