//! Both sides of each field in conflict, above the fields: one choice each, by keyboard as well.

use std::rc::Rc;

use resilient_core::draft::Text;
use resilient_core::submission::machine::events::{Event, Side};
use resilient_core::submission::machine::{Undecided, View};

use super::choices::{self, Choice};
use super::{Form, fields};
use crate::browser::dom::{Make, button, find_in, make, remove_all, set_attribute, set_text};

/// Drawn anew only when fields join or leave: a choice must not take the focus away.
pub fn paint(form: &Rc<Form>, view: &View, before: Option<&View>) {
    let are_drawn = match before {
        Some(before) => is_same_choice(before, view),
        None => view.conflicts.is_empty(),
    };
    if !are_drawn {
        draw(form, view);
    }
    for (column, field) in &view.conflicts {
        mark(form, column, field);
    }
}

fn is_same_choice(before: &View, view: &View) -> bool {
    let both = before.conflicts.iter().zip(&view.conflicts);
    before.conflicts.len() == view.conflicts.len()
        && both
            .into_iter()
            .all(|(one, other)| one.0 == other.0 && one.1.theirs == other.1.theirs && one.1.mine == other.1.mine)
}

fn draw(form: &Rc<Form>, view: &View) {
    remove_all(&form.element, "[data-conflicts]");
    if view.conflicts.is_empty() {
        return;
    }
    let heading = make("h2")
        .with("id", "conflicts-heading")
        .text("Changed by somebody else meanwhile");
    let words = "Nothing was overwritten, and the fields below hold your text. Choose for each field, then press Save.";
    let each = view.conflicts.iter();
    let sections = each.map(|(column, field)| section(form, column, field));
    let conflicts = make("section")
        .with("class", "conflicts")
        .with("data-conflicts", "")
        .with("aria-labelledby", "conflicts-heading");
    let conflicts = conflicts.child(heading).child(make("p").text(words)).children(sections);
    let _ = form.messages().append_child(&conflicts.done());
}

fn section(form: &Rc<Form>, column: &str, field: &Undecided) -> Make {
    let (own, name) = (Rc::clone(form), column.to_owned());
    let choose = move |side: Side| {
        let column = name.clone();
        own.tell(Event::Chosen { column, side });
    };
    let by_radio = choose.clone();
    let sides = [
        Choice {
            name: "mine",
            heading: "Mine",
            value: &field.mine,
        },
        Choice {
            name: "theirs",
            heading: "Theirs, saved now",
            value: &field.theirs,
        },
    ];
    let chosen: Rc<dyn Fn(&'static str)> = Rc::new(move |side| {
        by_radio(if side == "theirs" { Side::Theirs } else { Side::Mine });
    });
    let section = choices::field(form, "c", column, sides, &chosen);
    let (own, name) = (Rc::clone(form), column.to_owned());
    let edit = button("Edit on", move |_| {
        own.go_on_editing(&name);
    });
    let state = make("span")
        .with("class", "conflict-state")
        .with("data-conflict-state", "");
    let row = make("div").with("class", "conflict-more").child(edit).child(state);
    let base = field.base.as_ref();
    let base = base.map(|base: &Text| choices::base(form, column, base, move || choose(Side::Base)));
    section.child(row.children(base))
}

/// What is chosen, as the form stands now.
fn mark(form: &Form, column: &str, field: &Undecided) {
    let Some(section) = find_in(
        &form.element,
        &["[data-conflicts] [data-conflict=\"", column, "\"]"].concat(),
    ) else {
        return;
    };
    let present = fields::value(&form.element, column);
    let (on, words) = match present {
        _ if !field.decided => (None, "Not chosen yet"),
        Some(present) if present == field.theirs => (Some("theirs"), "Theirs is in the field"),
        Some(present) if present == field.mine => (Some("mine"), "Yours is in the field"),
        Some(present) if Some(&present) == field.base.as_ref() => (None, "The text before both is in the field"),
        _ => (None, "Your new text is in the field"),
    };
    fields::check_radio(&section, on);
    set_attribute(&section, "data-decided", field.decided.then_some(""));
    if let Some(state) = find_in(&section, "[data-conflict-state]") {
        set_text(&state, words);
    }
}

impl Form {
    /// Neither as it is: mine, to be changed in its field.
    fn go_on_editing(self: &Rc<Self>, column: &str) {
        let side = Side::Mine;
        let undecided = self.ask_machine(|machine| {
            let field = machine.content().undecided.get(column);
            field.is_some_and(|field| !field.decided)
        });
        if undecided == Some(true) {
            self.tell(Event::Chosen {
                column: column.to_owned(),
                side,
            });
        }
        if let Some(control) = fields::control(&self.element, column) {
            let _ = control.element().focus();
        }
    }
}
