//! Unsaved text beside what the form has or the record has, field by field.

use std::rc::Rc;

use resilient_core::draft::{Text, Values};
use resilient_core::submission::machine::events::Event;

use super::choices::{self, Choice};
use super::{Form, fields};
use crate::browser::dom::{Make, all_in, make};

/// What was restored beside the record.
pub fn with_record(form: &Rc<Form>, restored: &Values) -> Make {
    let rows = restored.iter().filter_map(|(column, mine)| {
        let record = form.ask_machine(|machine| machine.content().base.get(column).cloned())??;
        let mine = shown(form, column, mine)?;
        Some(row(
            form,
            column,
            ("mine", "Restored", mine),
            ("theirs", "In the record", record),
        ))
    });
    list(form, rows)
}

/// What stands beside the form, beside what is in it.
pub fn with_form(form: &Rc<Form>, beside: &Values) -> Make {
    let rows = beside.iter().filter_map(|(column, other)| {
        let here = form.ask_machine(|machine| machine.content().fields.get(column).cloned())??;
        let other = shown(form, column, other)?;
        Some(row(
            form,
            column,
            ("mine", "In the form", here),
            ("theirs", "The other text", other),
        ))
    });
    list(form, rows)
}

/// A value as the column's control holds it; `None` where there is no such control.
fn shown(form: &Form, column: &str, value: &Text) -> Option<Text> {
    form.ask_machine(|machine| {
        let content = machine.content();
        content
            .fields
            .contains_key(column)
            .then(|| content.as_shown(column, value.clone()))
    })?
}

fn list(form: &Rc<Form>, rows: impl Iterator<Item = Make>) -> Make {
    let own = Rc::clone(form);
    make("details")
        .with("class", "compare")
        .with("data-compare", "")
        .child(make("summary").text("Compare"))
        .children(rows)
        .on("toggle", move |_| own.mark_what_is_in_the_form())
}

type Side = (&'static str, &'static str, Text);

fn row(form: &Rc<Form>, column: &str, one: Side, other: Side) -> Make {
    let choice = |side: &Side| side.2.clone();
    let (values, own, name) = ([choice(&one), choice(&other)], Rc::clone(form), column.to_owned());
    let chosen = move |side: &'static str| {
        let value = &values[usize::from(side == "theirs")];
        own.put_by_hand(&name, value);
    };
    let group = if one.1 == "Restored" { "r" } else { "o" };
    let row = choices::field(
        form,
        group,
        column,
        [
            Choice {
                name: one.0,
                heading: one.1,
                value: &one.2,
            },
            Choice {
                name: other.0,
                heading: other.1,
                value: &other.2,
            },
        ],
        chosen,
    );
    row.with("data-one", &key(&one.2)).with("data-other", &key(&other.2))
}

/// NULL apart from the text of that name.
fn key(value: &Text) -> String {
    value
        .as_ref()
        .map_or_else(|| "-".to_owned(), |text| ["+", text].concat())
}

impl Form {
    /// The person chose a text for a field.
    pub(super) fn put_by_hand(self: &Rc<Self>, column: &str, value: &Text) {
        fields::put(&self.element, column, value);
        if let Some(wrapper) = fields::wrapper(&self.element, column) {
            let _ = wrapper.remove_attribute("data-restored");
        }
        self.tell(Event::Edited {
            column: column.to_owned(),
            value: value.clone(),
        });
        self.mark_what_is_in_the_form();
    }

    /// The radio of the text that the field has now is the one that is on.
    pub(super) fn mark_what_is_in_the_form(&self) {
        for row in all_in(&self.element, "[data-compare] [data-conflict]") {
            let column = row.get_attribute("data-conflict").unwrap_or_default();
            let Some(value) = fields::value(&self.element, &column).map(|value| key(&value)) else {
                continue;
            };
            let sides = [("mine", "data-one"), ("theirs", "data-other")];
            let is_here = |attribute: &str| row.get_attribute(attribute).as_ref() == Some(&value);
            let on = sides
                .into_iter()
                .find(|(_, attribute)| is_here(attribute))
                .map(|(name, _)| name);
            fields::check_radio(&row, on);
        }
    }
}
