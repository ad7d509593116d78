//! Both sides of each field in conflict, above the fields: one choice each, by keyboard as well.

use std::rc::Rc;

use resilient_core::draft::Text;
use resilient_core::submission::machine::events::{Event, Side};
use resilient_core::submission::machine::{Undecided, View};

use super::banners::shown;
use super::{Form, fields};
use crate::browser::dom::{Make, all_in, make};

/// Drawn anew only when fields join or leave: a choice must not take the focus away.
pub fn paint(form: &Rc<Form>, view: &View, before: Option<&View>) {
    let columns = |view: &View| {
        view.conflicts
            .iter()
            .map(|(column, field)| (column.clone(), field.theirs.clone()))
            .collect::<Vec<_>>()
    };
    if before.map_or(view.conflicts.is_empty(), |before| columns(before) == columns(view)) {
        return;
    }
    all_in(&form.element, "[data-conflicts]")
        .iter()
        .for_each(web_sys::Element::remove);
    if view.conflicts.is_empty() {
        return;
    }
    let heading = make("h2")
        .with("id", "conflicts-heading")
        .text("Changed by somebody else meanwhile");
    let words = "Nothing was overwritten, and the fields below hold your text. Choose for each field, then press Save.";
    let sections = view
        .conflicts
        .iter()
        .map(|(column, field)| section(form, column, field));
    let conflicts = make("section")
        .with("class", "conflicts")
        .with("data-conflicts", "")
        .with("aria-labelledby", "conflicts-heading");
    let conflicts = conflicts.child(heading).child(make("p").text(words)).children(sections);
    let _ = form.messages().append_child(&conflicts.done());
}

fn section(form: &Rc<Form>, column: &str, field: &Undecided) -> Make {
    let legend = make("legend").text(&fields::label(&form.element, column));
    let mine = choice(form, column, Side::Mine, "Mine", &field.mine);
    let theirs = choice(form, column, Side::Theirs, "Theirs, saved now", &field.theirs);
    let base = field
        .base
        .as_ref()
        .map(|base| choice(form, column, Side::Base, "Before both changes", base));
    let sides = make("div")
        .with("class", "conflict-sides")
        .child(mine)
        .child(theirs)
        .children(base);
    make("fieldset")
        .with("class", "conflict")
        .with("data-conflict", column)
        .child(legend)
        .child(sides)
}

fn choice(form: &Rc<Form>, column: &str, side: Side, words: &str, value: &Text) -> Make {
    let name = match side {
        Side::Mine => "mine",
        Side::Theirs => "theirs",
        Side::Base => "base",
    };
    let (own, chosen) = (Rc::clone(form), column.to_owned());
    let radio = make("input")
        .with("type", "radio")
        .with("name", &format!("c.{column}"))
        .with("value", name)
        .with("autocomplete", "off");
    let radio = radio.on("change", move |_| {
        own.tell(Event::Chosen {
            column: chosen.clone(),
            side,
        })
    });
    let text = make("pre").with("class", "kept-text").text(&shown(value));
    let heading = make("span").with("class", "conflict-heading").text(words);
    make("label")
        .with("class", &format!("conflict-side conflict-{name}"))
        .with("data-side", name)
        .child(radio)
        .child(heading)
        .child(text)
}
