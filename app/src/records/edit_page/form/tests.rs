//! The form's HTML as `resilient-form` and browsers without script take it.

use std::collections::BTreeSet;

use resilient_core::draft::{Draft, Revision, Values};

use super::*;
use crate::drafts::port::KeptDraft;
use crate::records::form_view::FormSources;
use crate::records::model::{ColumnKind, RecordKey};
use crate::records::sample::{column, nullable, record, table, text};
use crate::ui::page_request::SavedMark;

fn found() -> Found {
    let mut secret = nullable("password", ColumnKind::Text);
    secret.secret = true;
    let columns = vec![
        column("id", ColumnKind::Integer),
        column("title", ColumnKind::Text),
        nullable("note", ColumnKind::LongText),
        nullable("active", ColumnKind::Boolean),
        column("status", ColumnKind::Choice(vec!["open".into(), "done".into()])),
        secret,
    ];
    let record = record(table("activity", columns), &[text("Pump"), None, None, text("open")]);
    Found {
        table: record.table.clone(),
        table_has_changed: false,
        target: Target::Existing(RecordKey(vec!["7".into()])),
        record: Some(record),
        drafts: vec![KeptDraft {
            waits_to_be_saved: false,
            form_key: "activity/7".into(),
            draft: Draft {
                version: "version-now".into(),
                base: Values::from([("title".into(), text("Pump"))]),
                values: Values::from([("title".into(), text("Pump A"))]),
                revision: Revision {
                    seq: 3,
                    writer: "tab".into(),
                },
                on: Some(Revision {
                    seq: 1,
                    writer: "phone".into(),
                }),
            },
            changed_at_ms: 0,
        }],
        saved: Some(SavedMark {
            form_key: "activity/new-f".into(),
            revision: Revision {
                seq: 2,
                writer: "before".into(),
            },
            merged: Vec::new(),
        }),
        without_drafts: false,
        created_before: false,
        recreates: false,
    }
}

fn html(found: &Found) -> String {
    let view = FormView::new(&FormSources {
        table: &found.table,
        target: found.target.clone(),
        record: found.record.as_ref(),
        drafts: &found.drafts,
        changed_since: &|_| None,
        posted: None,
        saved: found.saved.as_ref(),
        restore: None,
        page_writer: "page",
        submission_id: "fresh",
        created_before: false,
        recreates: false,
        targets: &[],
    });
    let view = view.expect("a form");
    Owner::new().with(|| {
        let discard = discard_forms(&view);
        view! { {form("admin", Some("saved-id"), found, &view)} {discard} }.to_html()
    })
}

/// The opening tags named `tag`.
fn tags<'a>(html: &'a str, tag: &str) -> Vec<&'a str> {
    let opening = format!("<{tag} ");
    html.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .collect()
}

#[test]
fn the_form_tells_its_enhancer_all_it_needs() {
    let html = html(&found());
    let form = tags(&html, "form")[0];
    for attribute in [
        r#"method="post""#,
        r#"action="/records/activity/7""#,
        r#"data-account="admin""#,
        r#"data-form-key="activity/7""#,
        r#"data-draft-url="/api/drafts/activity/7""#,
        r#"data-record-url="/records/activity/{key}""#,
        r#"data-new-url="/records/activity/new""#,
        r#"data-state="dirty""#,
        r#"data-writer="page""#,
        r#"data-draft-on-seq="1""#,
        r#"data-draft-on-writer="phone""#,
        r#"data-saved-id="saved-id""#,
        r#"data-saved-seq="2""#,
        r#"data-saved-writer="before""#,
        r#"data-saved-form-key="activity/new-f""#,
        r#"autocomplete="off""#,
    ] {
        assert!(form.contains(attribute), "{attribute} in {form}");
    }
    assert!(!form.contains("data-is-new"), "{form}");
}

#[test]
fn the_named_controls_are_a_valid_save() {
    let html = html(&found());
    let inside = html.split("</form>").next().unwrap_or_default();
    let named: BTreeSet<&str> = ["input", "select", "textarea"]
        .iter()
        .flat_map(|tag| tags(inside, tag))
        .filter_map(|tag| tag.split(r#"name=""#).nth(1)?.split('"').next())
        .collect();
    let expected = [
        "_account",
        "_id",
        "_seq",
        "_version",
        "_writer",
        "b.title",
        "n.note",
        "n.password",
        "v.active",
        "v.note",
        "v.password",
        "v.status",
        "v.title",
    ];
    assert_eq!(named, BTreeSet::from(expected));
    assert!(
        inside.contains(r#"name="_seq" value="3""#) && inside.contains(r#"name="_writer" value="tab""#),
        "{inside}"
    );
    for control in tags(&html, "input")
        .iter()
        .filter(|tag| tag.contains(r#"type="hidden""#))
    {
        assert!(control.contains(r#"autocomplete="off""#), "{control}");
    }
    for option in tags(&html, "option").iter().chain(&tags(&html, "select")) {
        assert!(option.contains("value=") || option.contains("name="), "{option}");
    }
    assert!(!html.contains("<option>"), "every option has a value");
    assert!(!html.contains("style="), "the policy blocks style attributes");
}

#[test]
fn discarding_is_a_form_of_its_own_after_the_records() {
    let html = html(&found());
    let (inside, after) = html.split_once("</form>").expect("a form");
    assert!(inside.contains(r#"form="discard-3-tab""#), "{inside}");
    assert!(
        after.contains(r#"id="discard-3-tab""#) && after.contains(r#"name="writer" value="tab""#),
        "{after}"
    );
    let buttons = tags(inside, "button");
    assert_eq!(
        buttons.iter().filter(|tag| tag.contains(r#"type="submit""#)).count(),
        1,
        "one Save: {buttons:?}"
    );
}
