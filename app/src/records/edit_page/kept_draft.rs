//! Drafts of the server on the form's page: what is in the form, what lies beside it, and how to be
//! rid of either.

use leptos::prelude::*;
use resilient_core::draft::Revision;

use super::conflict::{before_both, compared, text};
use crate::records::address;
use crate::records::form_view::{BesideColumn, BesideDraft, BesideReason, FormView, Notice};
use crate::ui::notice::{Tone, notice};
use crate::ui::written;

/// Above the fields, where a draft stands in them.
pub fn restored(view: &FormView, changed_at_ms: u64, columns: &[String]) -> AnyView {
    let heading = format!("Restored what you typed: {}.", written::listed(columns));
    let when = format!(
        "Last changed {}, kept on the server. It is not saved in the record yet.",
        written::moment(changed_at_ms)
    );
    let whole = view.drawn.seq > 0;
    let compared = view.changed().filter(|field| field.restored).map(|field| {
        let mine = (field.null != Some(true)).then(|| field.text.clone());
        let (mine, record) = compared(view, &field.column, &mine, field.base.as_ref().unwrap_or(&None));
        view! {
            <div class="conflict">
                <h2>{field.label.clone()}</h2>
                <div class="conflict-sides">
                    <div class="conflict-side conflict-mine"><p class="conflict-heading">"Restored"</p>{mine}</div>
                    <div class="conflict-side conflict-theirs"><p class="conflict-heading">"In the record"</p>{record}</div>
                </div>
            </div>
        }
    });
    let compared = compared.collect_view();
    let body = view! {
        <p>{when}</p>
        {whole.then(|| view! {
            <p class="actions"><button class="button" form=discard_id(&view.drawn) data-discard="">"Discard"</button></p>
        })}
        <details class="compare" data-compare="">
            <summary>"Compare"</summary>
            {compared}
        </details>
    };
    view! { <div data-draft-notice="">{notice(Tone::Attention, heading, body)}</div> }.into_any()
}

/// A draft that is not in the form: to compare, to restore field by field, to copy, to discard.
pub fn beside(view: &FormView, draft: &BesideDraft, reason: BesideReason) -> AnyView {
    let (heading, words) = match reason {
        BesideReason::RecordChanged => (
            "You typed something here that is not saved, and the record was changed since.",
            "The form shows the record as it is now. Nothing of yours is lost: compare, and restore what should stay.",
        ),
        BesideReason::Diverged => (
            "There is another unsaved text for this form.",
            "It was typed in another tab or on another device. Nothing of it is lost.",
        ),
    };
    let restore = restore_url(draft, None);
    let rows = draft.columns.iter().map(|column| beside_column(view, draft, column));
    let body = view! {
        <p>{words}</p>
        <details class="beside-draft">
            <summary>{format!("Compare the text of {}", written::moment(draft.changed_at_ms))}</summary>
            {rows.collect_view()}
        </details>
        <p class="actions">
            <a class="button" href=restore>"Restore all"</a>
            <button class="button" form=discard_id(&draft.revision)>"Discard"</button>
        </p>
    };
    notice(Tone::Attention, heading, body)
}

/// What was typed beside what the record has now, and the way to have this one field back.
fn beside_column(view: &FormView, draft: &BesideDraft, one: &BesideColumn) -> AnyView {
    let BesideColumn {
        column,
        label,
        mine,
        now,
        before,
    } = one;
    let (mine, now) = match now {
        Some(now) => {
            let (mine, now) = compared(view, column, mine, now);
            (mine, Some(now))
        }
        None => (text(mine), None),
    };
    let now = now.map(|now| {
        view! { <div class="conflict-side conflict-theirs"><p class="conflict-heading">"In the record"</p>{now}</div> }
    });
    let restore = restore_url(draft, Some(column));
    view! {
        <div class="conflict" data-beside-column=column.clone()>
            <h2>
                {label.clone()}
                " "
                <a class="restore-link" href=restore aria-label=format!("Restore this field: {label}")>"Restore this field"</a>
            </h2>
            <div class="conflict-sides">
                <div class="conflict-side conflict-mine"><p class="conflict-heading">"Unsaved"</p>{mine}</div>
                {now}
            </div>
            {before.as_ref().map(|before| before_both(view, column, before))}
        </div>
    }
    .into_any()
}

/// The draft's own form, with all of it or one column of it in its fields.
fn restore_url(draft: &BesideDraft, column: Option<&str>) -> String {
    let url = address::form_url(&draft.form_key).unwrap_or_default();
    let separator = if url.contains('?') { '&' } else { '?' };
    let columns = column.map(|column| format!("&columns={column}")).unwrap_or_default();
    let Revision { seq, writer } = &draft.revision;
    format!("{url}{separator}restore={seq}-{writer}{columns}")
}

fn discard_id(revision: &Revision) -> String {
    format!("discard-{}-{}", revision.seq, revision.writer)
}

/// One small form for each Discard button of the page.
pub fn discard_forms(view: &FormView) -> AnyView {
    let drawn = (view.drawn.seq > 0).then(|| (view.form_key.clone(), view.drawn.clone()));
    let beside = view.notices.iter().filter_map(|notice| match notice {
        Notice::Beside { draft, .. } => Some((draft.form_key.clone(), draft.revision.clone())),
        _ => None,
    });
    let forms = drawn.into_iter().chain(beside).map(|(form_key, revision)| {
        let next = address::form_url(&form_key);
        view! {
            <form id=discard_id(&revision) method="post" action="/drafts/discard" autocomplete="off" hidden=true>
                <input type="hidden" name="form_key" value=form_key autocomplete="off" />
                <input type="hidden" name="seq" value=revision.seq.to_string() autocomplete="off" />
                <input type="hidden" name="writer" value=revision.writer.clone() autocomplete="off" />
                <input type="hidden" name="next" value=next autocomplete="off" />
            </form>
        }
    });
    forms.collect_view().into_any()
}
