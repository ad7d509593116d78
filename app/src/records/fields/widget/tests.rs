//! Fields as HTML.

use super::*;

fn drawn(control: Control, text: &str) -> FieldView {
    FieldView {
        column: "a~20b".into(),
        label: "A b".into(),
        control,
        text: text.into(),
        null: None,
        base: None,
        error: None,
        hint: None,
        required: false,
        nullable: false,
        key_column: false,
        restored: false,
        link: None,
    }
}

fn html(view: &FieldView) -> String {
    Owner::new().with(|| field(view).to_html())
}

#[test]
fn a_text_that_is_html_stays_text_in_every_widget() {
    let evil = "</textarea>\"><script>alert(1)</script>";
    let option = ReferenceOption {
        value: evil.into(),
        label: evil.into(),
    };
    for control in [
        Control::Input {
            kind: "text",
            inputmode: None,
            example: None,
        },
        Control::Area { monospace: false },
        Control::Select(vec![option.clone()]),
        Control::Suggest(vec![option]),
    ] {
        let mut field = drawn(control, evil);
        field.error = Some(evil.into());
        field.hint = Some(evil.into());
        field.base = Some(Some(evil.into()));
        field.link = Some((evil.into(), "/".into()));
        let html = html(&field);
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("\"><script"), "{html}");
    }
}

#[test]
fn a_textarea_keeps_a_first_line_feed() {
    let html = html(&drawn(Control::Area { monospace: false }, "\nb"));
    assert!(html.contains(">\n\nb</textarea>"), "{html}");
}

#[test]
fn a_secret_is_never_drawn() {
    let html = html(&drawn(Control::Secret, "hunter2"));
    assert!(!html.contains("hunter2"), "{html}");
    assert!(html.contains("data-secret"), "{html}");
}

#[test]
fn the_base_stands_beside_a_value_that_is_not_the_records() {
    let mut field = drawn(Control::Area { monospace: false }, "mine");
    assert!(!html(&field).contains("name=\"b"));
    field.base = Some(Some("theirs".into()));
    assert!(
        html(&field).contains("name=\"b.a~20b\" value=\"theirs\""),
        "{}",
        html(&field)
    );
    field.base = Some(None);
    assert!(html(&field).contains("name=\"bn.a~20b\""), "{}", html(&field));
}
