//! Which values a widget may hold.

use super::*;
use crate::records::sample::{column, nullable, text};

fn drawn(column: &Column, value: &str) -> Control {
    control_for(column, &[&text(value)], None)
}

fn kind(control: &Control) -> &str {
    match control {
        Control::Input { kind, .. } => kind,
        Control::Suggest(_) => "suggest",
        Control::Area { .. } | Control::Growing => "area",
        Control::Select(_) => "select",
        Control::Secret => "secret",
        Control::Shown => "shown",
    }
}

#[test]
fn a_date_has_a_picker_unless_the_picker_would_lose_it() {
    let due = column("due_on", ColumnKind::Date);
    assert_eq!(kind(&drawn(&due, "2026-11-21")), "date");
    for lossy in ["infinity", "2026-02-30", "0044-03-15 BC", "20260-01-01", "", "2026-1-1"] {
        assert_eq!(
            kind(&drawn(&due, lossy)),
            if lossy.is_empty() { "date" } else { "text" },
            "{lossy}"
        );
    }
    assert_eq!(
        kind(&control_for(&due, &[&text("2026-11-21"), &text("infinity")], None)),
        "text",
        "the base counts too"
    );
}

#[test]
fn a_time_with_fractions_or_of_24_hours_is_text() {
    let at = column("at", ColumnKind::Time);
    assert_eq!(kind(&drawn(&at, "09:30")), "time");
    assert_eq!(kind(&drawn(&at, "09:30:15")), "time");
    for lossy in ["24:00:00", "09:30:15.123456", "9:30", "09:30:15+02"] {
        assert_eq!(kind(&drawn(&at, lossy)), "text", "{lossy}");
    }
}

#[test]
fn a_timestamp_has_a_picker_only_where_the_browser_would_give_back_the_same_text() {
    let at = nullable("at", ColumnKind::Timestamp);
    assert_eq!(kind(&drawn(&at, "2026-11-21T09:30")), "datetime-local");
    for other in [
        "2026-11-21 09:30:00",
        "2026-11-21T09:30:00",
        "2026-11-21T09:30:00.5",
        "infinity",
    ] {
        assert_eq!(kind(&drawn(&at, other)), "text", "{other}");
    }
    assert_eq!(
        kind(&control_for(&at, &[&None], None)),
        "text",
        "what the database would write is not known"
    );
}

#[test]
fn numbers_are_text_so_that_no_digit_is_lost() {
    for (kind_of, mode) in [
        (ColumnKind::Integer, "numeric"),
        (ColumnKind::Decimal, "decimal"),
        (ColumnKind::Float, "decimal"),
    ] {
        let control = drawn(&column("n", kind_of), "12345678901234567890.10");
        assert_eq!(
            control,
            Control::Input {
                kind: "text",
                inputmode: Some(mode),
                example: None
            }
        );
    }
}

#[test]
fn lists_grow_and_addresses_and_ranges_are_a_line_with_an_example() {
    let array = ColumnKind::Array(Box::new(ColumnKind::Integer));
    assert_eq!(drawn(&column("a", array), "{1,2}"), Control::Growing);
    for (kind_of, shown) in [
        (ColumnKind::Interval, "2 days 03:30:00"),
        (ColumnKind::NetworkAddress, "192.168.0.1"),
        (ColumnKind::Network, "192.168.0.0/24"),
        (ColumnKind::HardwareAddress, "08:00:2b:01:02:03"),
        (ColumnKind::TimeWithZone, "14:30:00+01"),
        (ColumnKind::Range(Box::new(ColumnKind::Date)), "[2026-11-01,2026-12-01)"),
    ] {
        let control = drawn(&column("c", kind_of), "x");
        let Control::Input { kind, example, .. } = control else {
            panic!("an input")
        };
        assert_eq!((kind, example), ("text", Some(shown)));
    }
}

#[test]
fn where_an_empty_control_is_no_answer_there_is_a_box_for_null() {
    let box_for = |column: &Column| has_null_checkbox(column);
    assert!(box_for(&nullable("data", ColumnKind::Bytes)) && box_for(&nullable("name", ColumnKind::Text)));
    assert!(!box_for(&nullable("n", ColumnKind::Integer)) && !box_for(&column("data", ColumnKind::Bytes)));
    let mut unread = nullable("n", ColumnKind::Integer);
    unread.grants.read = false;
    assert!(box_for(&unread), "empty says: leave it");
}

#[test]
fn a_value_that_is_not_listed_is_text() {
    let status = column("status", ColumnKind::Choice(vec!["open".into(), "in_progress".into()]));
    assert_eq!(kind(&drawn(&status, "open")), "select");
    assert_eq!(kind(&drawn(&status, "gone")), "text");
    let active = nullable("active", ColumnKind::Boolean);
    assert_eq!(kind(&drawn(&active, "2")), "text");
    let Control::Select(options) = drawn(&active, "true") else {
        panic!("a select")
    };
    let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    assert_eq!(values, ["", "true", "false"]);
}

#[test]
fn a_choice_that_must_be_made_can_be_left_open_only_while_it_is() {
    let status = column("status", ColumnKind::Choice(vec!["open".into()]));
    let Control::Select(chosen) = drawn(&status, "open") else {
        panic!("a select")
    };
    assert_eq!(chosen.len(), 1);
    let Control::Select(open) = control_for(&status, &[&None], None) else {
        panic!("a select")
    };
    assert_eq!(open[0].label, "Choose…");
}

#[test]
fn a_line_feed_needs_an_area_and_a_nul_no_control_at_all() {
    assert_eq!(kind(&drawn(&column("name", ColumnKind::Text), "two\nlines")), "area");
    assert_eq!(
        kind(&drawn(&column("name", ColumnKind::Choice(vec!["a\nb".into()])), "a\nb")),
        "area"
    );
    assert_eq!(kind(&drawn(&column("name", ColumnKind::Text), "a\0b")), "shown");
}

#[test]
fn a_reference_is_a_select_that_also_holds_a_target_not_listed() {
    let site = nullable("site_id", ColumnKind::Integer);
    let few = ReferenceOptions {
        options: vec![option("1", "North")],
        more: false,
        current_label: Some("South".into()),
    };
    let Control::Select(options) = control_for(&site, &[&text("9")], Some(&few)) else {
        panic!("a select")
    };
    assert_eq!(options[2], option("9", "South"));
    let many = ReferenceOptions { more: true, ..few };
    assert_eq!(kind(&control_for(&site, &[&text("9")], Some(&many))), "suggest");
}
