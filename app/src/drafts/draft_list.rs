//! The latest unsaved work in a few lines: which record, which fields, when.

use std::sync::Arc;

use leptos::prelude::*;

use super::naming::{FormName, column_labels};
use super::port::KeptDraft;
use crate::records::address;
use crate::records::model::Table;
use crate::ui::written;

/// One row for each draft.
pub fn draft_list(tables: &[Arc<Table>], drafts: &[KeptDraft]) -> AnyView {
    let rows = drafts.iter().map(|kept| row(tables, kept)).collect_view();
    view! { <ul class="entries">{rows}</ul> }.into_any()
}

fn row(tables: &[Arc<Table>], kept: &KeptDraft) -> AnyView {
    let name = FormName::of(&kept.form_key, tables);
    let labels = column_labels(name.table, kept);
    let title = match address::form_url(&kept.form_key) {
        Some(url) => view! { <a href=url>{name.words}</a> }.into_any(),
        None => view! { <span>{name.words}</span> }.into_any(),
    };
    let note = format!("{} · {}", written::listed(&labels), written::moment(kept.changed_at_ms));
    view! {
        <li class="entry">
            <div class="entry-text">
                <p class="entry-title">{title}</p>
                <p class="entry-note">{note}</p>
            </div>
        </li>
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
    fn a_draft_leads_to_its_form_and_its_text_is_not_told() {
        let kept = KeptDraft {
            waits_to_be_saved: false,
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
        let html = Owner::new().with(|| draft_list(&tables, &[kept]).to_html());
        assert!(html.contains(r#"href="/records/site/new?form=0d8f""#), "{html}");
        assert!(html.contains("gone.by and name"), "{html}");
        assert!(!html.contains("North"), "the list names columns, not texts: {html}");
    }
}
