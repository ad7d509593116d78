//! Unsaved work that is kept and cannot be opened: said, never left out in silence.

use std::sync::Arc;

use leptos::prelude::*;

use super::discarding::{Discarded, discard};
use super::naming::FormName;
use super::port::UnreadableDraft;
use crate::records::address;
use crate::records::model::Table;
use crate::ui::notice::{Tone, notice};
use crate::ui::written;

/// Nothing where there is none.
pub fn unreadable_drafts(tables: &[Arc<Table>], unreadable: &[UnreadableDraft]) -> Option<AnyView> {
    if unreadable.is_empty() {
        return None;
    }
    let heading = match unreadable.len() {
        1 => "1 draft cannot be opened.".to_owned(),
        count => format!("{count} drafts cannot be opened."),
    };
    let rows = unreadable.iter().enumerate();
    let rows = rows.map(|(place, draft)| row(tables, place, draft)).collect_view();
    let body = view! {
        <p>"What was typed there stays on the server for 30 days after its last change, and on the device it was typed on."</p>
        <ul class="entries">{rows}</ul>
    };
    Some(notice(Tone::Failure, heading, body))
}

fn row(tables: &[Arc<Table>], place: usize, draft: &UnreadableDraft) -> AnyView {
    let name = FormName::of(&draft.form_key, tables).words;
    let title = match address::form_url(&draft.form_key) {
        Some(url) => view! { <a href=url>{name.clone()}</a> }.into_any(),
        None => view! { <span>{name.clone()}</span> }.into_any(),
    };
    let when = draft
        .changed_at_ms
        .map_or_else(|| "at an unknown time".to_owned(), written::moment);
    let why = match draft.is_of_another_secret {
        true => "sealed with another secret; whoever runs Inkfast may still have it",
        false => "damaged, or changed by somebody else, since it was kept",
    };
    view! {
        <li class="entry">
            <div class="entry-text">
                <p class="entry-title">{title}</p>
                <p class="entry-note">{format!("{when} · {why}")}</p>
            </div>
            {discard(&Discarded {
                form_key: &draft.form_key,
                revision: &draft.revision,
                title: &name,
                changed_at_ms: draft.changed_at_ms,
                id: format!("discard-unreadable-{place}"),
            })}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use resilient_core::draft::Revision;

    use super::*;

    #[test]
    fn each_is_named_with_its_time_and_can_be_discarded() {
        let draft = |changed_at_ms, is_of_another_secret| UnreadableDraft {
            form_key: "site/7".into(),
            revision: Revision {
                seq: 4,
                writer: "w1".into(),
            },
            changed_at_ms,
            is_of_another_secret,
        };
        let drawn = |drafts: &[UnreadableDraft]| {
            let view = unreadable_drafts(&[], drafts);
            view.map(|view| Owner::new().with(|| view.to_html()))
        };
        assert!(drawn(&[]).is_none());
        let one = drawn(&[draft(Some(0), true)]).unwrap();
        assert!(one.contains("1 draft cannot be opened."), "{one}");
        assert!(one.contains(r#"href="/records/site/7""#), "{one}");
        assert!(
            one.contains("1970-01-01 00:00 UTC · sealed with another secret"),
            "{one}"
        );
        assert!(one.contains(r#"name="writer" value="w1""#), "{one}");
        let two = drawn(&[draft(None, false), draft(Some(0), true)]).unwrap();
        assert!(two.contains("2 drafts cannot be opened."), "{two}");
        assert!(two.contains("at an unknown time · damaged"), "{two}");
    }
}
