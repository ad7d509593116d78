//! One field in two texts, beside each other with what differs marked, and a choice between them.

use std::rc::Rc;

use resilient_core::difference::{self, Piece};
use resilient_core::draft::Text;

use super::{Form, fields};
use crate::browser::dom::{Make, button, make};

/// One of the two texts.
pub struct Choice<'a> {
    /// `data-side`, and the radio's value.
    pub name: &'static str,
    pub heading: &'a str,
    pub value: &'a Text,
}

/// The field's choice. `chosen` hears the side; `group` keeps the radios of two lists apart.
pub fn field(form: &Form, group: &str, column: &str, choices: [Choice; 2], chosen: &Rc<dyn Fn(&'static str)>) -> Make {
    let [one, other] = &choices;
    let texts = (words(form, column, one.value), words(form, column, other.value));
    let marked = match (one.value, other.value) {
        (Some(_), Some(_)) => difference::by_word(&texts.0, &texts.1),
        // NULL has no words in common with any text.
        _ => (whole(&texts.0), whole(&texts.1)),
    };
    let sides = make("div")
        .with("class", "conflict-sides")
        .child(side(group, column, one, &marked.0, chosen))
        .child(side(group, column, other, &marked.1, chosen));
    make("fieldset")
        .with("class", "conflict")
        .with("data-conflict", column)
        .child(make("legend").text(&fields::label(&form.element, column)))
        .child(sides)
}

fn side(group: &str, column: &str, choice: &Choice, pieces: &[Piece], chosen: &Rc<dyn Fn(&'static str)>) -> Make {
    let (name, chosen) = (choice.name, Rc::clone(chosen));
    let radio = make("input")
        .with("type", "radio")
        .with("name", &[group, ".", column].concat())
        .with("value", name)
        .with("autocomplete", "off")
        .on("change", move |_| chosen(name));
    make("label")
        .with("class", &["conflict-side conflict-", name].concat())
        .with("data-side", name)
        .child(radio)
        .child(make("span").with("class", "conflict-heading").text(choice.heading))
        .child(text(choice.value, pieces))
}

fn text(value: &Text, pieces: &[Piece]) -> Make {
    let is_empty = value.as_deref().is_none_or(str::is_empty);
    let class = if is_empty { "kept-text null-value" } else { "kept-text" };
    let piece = |piece: &Piece| make(if piece.differs { "mark" } else { "span" }).text(piece.text);
    make("span").with("class", class).children(pieces.iter().map(piece))
}

fn whole(text: &str) -> Vec<Piece<'_>> {
    vec![Piece { text, differs: true }]
}

/// A value as the form shows it: an option by its label, NULL and the empty text in words.
pub fn words(form: &Form, column: &str, value: &Text) -> String {
    let option = value
        .as_deref()
        .and_then(|text| fields::option_label(&form.element, column, text));
    option.unwrap_or_else(|| plain_words(value).to_owned())
}

/// The same where the form has no field for it.
pub fn plain_words(value: &Text) -> &str {
    match value.as_deref() {
        None => "NULL",
        Some("") => "(empty)",
        Some(text) => text,
    }
}

/// The text that neither side has any more, on demand.
pub fn base(form: &Form, column: &str, value: &Text, taken: impl Fn() + 'static) -> Make {
    let text = make("pre")
        .with("class", "kept-text")
        .with("tabindex", "0")
        .text(&words(form, column, value));
    make("details")
        .with("class", "conflict-base")
        .child(make("summary").text("Before both changes"))
        .child(text)
        .child(button("Take this", move |_| taken()).with("data-side", "base"))
}
