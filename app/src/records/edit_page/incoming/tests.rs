use super::*;
use crate::records::model::ColumnKind;
use crate::records::sample::{column, nullable, record, table, text};

fn activity(title: &str, note: Option<&str>, status: &str) -> RecordForm {
    let columns = vec![
        column("id", ColumnKind::Integer),
        column("title", ColumnKind::Text),
        nullable("note", ColumnKind::LongText),
        column("status", ColumnKind::Choice(vec!["open".into(), "done".into()])),
    ];
    record(
        table("activity", columns),
        &[text(title), note.map(str::to_owned), text(status)],
    )
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn mine(texts: &[(&str, Text)]) -> Values {
    let owned = |(column, text): &(&str, Text)| ((*column).to_owned(), text.clone());
    texts.iter().map(owned).collect()
}

#[test]
fn what_nobody_touched_here_comes_in_and_what_both_changed_is_to_be_chosen() {
    let now = activity("Pump B", Some("Loud"), "done");
    let body = FormBody::from_pairs([("v.title", "Pump A"), ("v.note", "Loud"), ("v.status", "open")]);
    let changes = changes(
        &now,
        &body,
        &names(&["title", "note", "status"]),
        &mine(&[("title", text("Pump A")), ("note", text("Loud"))]),
    );
    let met: Vec<_> = changes
        .iter()
        .map(|change| (change.column.as_str(), change.meets))
        .collect();
    let expected = [
        ("title", Meets::AnotherText),
        ("note", Meets::TheSame),
        ("status", Meets::Nothing),
    ];
    assert_eq!(met, expected);
}

#[test]
fn null_and_the_empty_text_are_not_the_same() {
    let now = activity("Pump", None, "open");
    let body = FormBody::from_pairs([("v.note", "")]);
    let changes = changes(&now, &body, &names(&["note"]), &mine(&[("note", text(""))]));
    assert_eq!(changes[0].meets, Meets::AnotherText);
    assert_eq!((&changes[0].here, &changes[0].now), (&Some(text("")), &None));
}

#[test]
fn line_ends_are_no_difference_neither_for_save_nor_between_the_words() {
    let now = activity("Pump", Some("Loud\r\nand hot"), "open");
    let html = |typed: &str| {
        let body = FormBody::from_pairs([("v.note", typed)]);
        let changes = changes(&now, &body, &names(&["note"]), &mine(&[("note", text(typed))]));
        let view = view_of(&now, Target::Existing(RecordKey(vec!["7".into()])));
        Owner::new().with(|| drawn(view.as_ref(), Some(&changes)).to_html())
    };
    let same = html("Loud\nand hot");
    assert!(
        same.contains("You typed the same") && !same.contains("<mark>"),
        "{same}"
    );
    let other = html("Loud\nand cold");
    assert!(other.contains("Save will ask which text stays"), "{other}");
    assert!(
        other.contains("<mark>cold</mark>") && other.contains("<mark>hot</mark>"),
        "{other}"
    );
}

#[test]
fn null_ticked_beside_the_drawn_text_is_said_as_save_takes_it() {
    let now = activity("Pump", Some("Very loud"), "open");
    let body = FormBody::from_pairs([("v.note", "Loud"), ("n.note", "on")]);
    let changes = changes(&now, &body, &names(&["note"]), &mine(&[("note", None)]));
    assert_eq!((&changes[0].here, changes[0].meets), (&Some(None), Meets::AnotherText));
}

#[test]
fn a_column_that_the_form_only_shows_comes_in_without_a_text_of_its_own() {
    let now = activity("Pump", None, "done");
    let changes = changes(&now, &FormBody::default(), &names(&["status"]), &Values::new());
    assert_eq!((&changes[0].here, changes[0].meets), (&None, Meets::Nothing));
}

#[test]
fn each_group_has_its_heading_and_the_words_that_differ_are_marked() {
    let now = activity("Replace the pump", None, "done");
    let body = FormBody::from_pairs([("v.title", "Mend the pump"), ("v.status", "open")]);
    let changes = changes(
        &now,
        &body,
        &names(&["title", "status"]),
        &mine(&[("title", text("Mend the pump"))]),
    );
    let view = view_of(&now, Target::Existing(RecordKey(vec!["7".into()])));
    let html = Owner::new().with(|| drawn(view.as_ref(), Some(&changes)).to_html());
    let (chosen, brought) = html.split_once("Save brings these in").expect("two groups");
    assert!(chosen.contains("Save will ask which text stays"), "{chosen}");
    assert!(
        chosen.contains("<mark>Mend</mark>") && chosen.contains("<mark>Replace</mark>"),
        "{chosen}"
    );
    assert!(
        brought.contains("done") && !brought.contains("data-contested"),
        "{brought}"
    );
    assert!(!html.contains("You typed the same"), "{html}");
}

#[test]
fn a_version_that_says_nothing_any_more_is_said() {
    let now = activity("Pump", None, "open");
    let view = view_of(&now, Target::Existing(RecordKey(vec!["7".into()])));
    let html = Owner::new().with(|| drawn(view.as_ref(), None).to_html());
    assert!(html.contains("cannot be told any more"), "{html}");
}
