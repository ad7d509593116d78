//! My unsaved work, as far as it reached the server.

use std::sync::Arc;

use leptos::prelude::*;
use resilient_form::DeviceDrafts;

use super::ending;
use super::port::{KeptDraft, SeenDrafts};
use crate::api_error::ApiError;
use crate::records::address::{self, Target};
use crate::records::model::Table;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::visited::visited;
use crate::ui::written;

/// `/drafts`
#[component]
pub fn DraftsPage() -> impl IntoView {
    visited(|visit| async move { page(&visit).await })
}

async fn page(visit: &Visit) -> Result<AnyView, ApiError> {
    let seen = visit.drafts.list(&visit.account).await?;
    let frame = Frame {
        title: "Unsaved work".to_owned(),
        active: None,
        unsaved: Some(seen.forms()),
        kind: PageKind::Reading,
    };
    let content = view! {
        {crumbs(&[("Tables".to_owned(), "/".to_owned())])}
        <div class="page-head"><h1>"Unsaved work"</h1></div>
        <p class="page-note">"Kept on the server for 30 days after the last change."</p>
        {seen_drafts(&visit.tables(), &seen)}
        <div class="device-drafts">
            <DeviceDrafts account=visit.account.name.clone() records_url="/records".to_owned() form_key=String::new() />
        </div>
    };
    Ok(framed(visit, frame, content.into_any()))
}

fn seen_drafts(tables: &[Arc<Table>], seen: &SeenDrafts) -> AnyView {
    let more = (!seen.complete).then(|| {
        notice(
            Tone::Waiting,
            "There may be more: Redis cannot be reached, or did not answer in time.",
            view! { <p>"What is kept there is listed again when it is back. What you type now is kept on this device and the server."</p> },
        )
    });
    let body = match (seen.drafts.is_empty(), seen.complete) {
        (false, _) => draft_list(tables, &seen.drafts, true),
        (true, true) => view! {
            <section class="blank">
                <h2>"Nothing is waiting."</h2>
                <p>"What you type and do not save is listed here, from all your devices."</p>
            </section>
        }
        .into_any(),
        (true, false) => ().into_any(),
    };
    view! { {more} {body} }.into_any()
}

/// One row for each draft: the record, what was changed, when.
pub fn draft_list(tables: &[Arc<Table>], drafts: &[KeptDraft], with_discard: bool) -> AnyView {
    let rows = drafts.iter().map(|kept| row(tables, kept, with_discard)).collect_view();
    view! { <ul class="entries">{rows}</ul> }.into_any()
}

fn row(tables: &[Arc<Table>], kept: &KeptDraft, with_discard: bool) -> AnyView {
    let (name, labels) = described(tables, kept);
    let title = match address::form_url(&kept.form_key) {
        Some(url) => view! { <a href=url>{name}</a> }.into_any(),
        None => view! { <span>{name}</span> }.into_any(),
    };
    view! {
        <li class="entry">
            <div class="entry-text">
                <p class="entry-title">{title}</p>
                <p class="entry-note">{format!("{} · {}", written::listed(&labels), written::moment(kept.changed_at_ms))}{ending::note(kept)}</p>
            </div>
            {with_discard.then(|| discard(kept))}
        </li>
    }
    .into_any()
}

/// What the form is called, and the labels of the changed columns.
fn described(tables: &[Arc<Table>], kept: &KeptDraft) -> (String, Vec<String>) {
    let (written, target) = match address::read_form_key(&kept.form_key) {
        Some((written, target)) => (written, Some(target)),
        None => (kept.form_key.clone(), None),
    };
    let table = tables.iter().find(|table| table.name.written() == written);
    let label = table.map_or_else(|| address::readable_table(&written), |table| table.label.clone());
    let name = match (target, table) {
        (Some(Target::New(_)), _) => format!("{label}: new record"),
        (Some(Target::Existing(key)), Some(table)) => format!("{label} {}", address::readable_key(table, &key)),
        (Some(Target::Existing(key)), None) => format!("{label} {}", key.0.join(", ")),
        (None, _) => label,
    };
    let column = |written: &String| {
        let known = table
            .and_then(|table| table.column_written(written))
            .map(|column| column.label.clone());
        known.unwrap_or_else(|| address::readable_table(written))
    };
    (name, kept.draft.values.keys().map(column).collect())
}

fn discard(kept: &KeptDraft) -> AnyView {
    let revision = &kept.draft.revision;
    view! {
        <form method="post" action="/drafts/discard" autocomplete="off">
            <input type="hidden" name="form_key" value=kept.form_key.clone() autocomplete="off" />
            <input type="hidden" name="seq" value=revision.seq.to_string() autocomplete="off" />
            <input type="hidden" name="writer" value=revision.writer.clone() autocomplete="off" />
            <button type="submit" class="button">"Discard"</button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use resilient_core::draft::{Draft, Revision, Values};

    use super::*;
    use crate::records::model::ColumnKind;
    use crate::records::sample::{column, table, text};

    #[test]
    fn a_draft_leads_to_its_form_and_can_be_discarded() {
        let kept = KeptDraft {
            form_key: "site/new-0d8f".into(),
            draft: Draft {
                version: "v".into(),
                base: Values::new(),
                values: Values::from([("name".into(), text("North")), ("gone~2eby".into(), None)]),
                revision: Revision {
                    seq: 4,
                    writer: "w1".into(),
                },
                on: None,
            },
            changed_at_ms: 0,
        };
        let tables = [Arc::new(table(
            "site",
            vec![column("id", ColumnKind::Integer), column("name", ColumnKind::Text)],
        ))];
        let html = Owner::new().with(|| draft_list(&tables, &[kept], true).to_html());
        assert!(html.contains(r#"href="/records/site/new?form=0d8f""#), "{html}");
        assert!(html.contains("gone.by and name"), "{html}");
        assert!(html.contains(r#"name="writer" value="w1""#), "{html}");
        assert!(!html.contains("North"), "the list names columns, not texts: {html}");
    }

    #[test]
    fn only_who_sees_everything_is_told_that_nothing_waits() {
        let drawn = |complete| {
            let seen = SeenDrafts {
                drafts: Vec::new(),
                complete,
            };
            Owner::new().with(|| seen_drafts(&[], &seen).to_html())
        };
        let (all, some) = (drawn(true), drawn(false));
        assert!(
            all.contains("Nothing is waiting.") && !all.contains("There may be more"),
            "{all}"
        );
        assert!(
            !some.contains("Nothing is waiting.") && some.contains("There may be more"),
            "{some}"
        );
    }
}
