//! Unsaved text beside what the form has or the record has, field by field.

use std::cell::RefCell;
use std::rc::Rc;

use resilient_core::draft::{Draft, Text, Values};
use resilient_core::submission::machine::events::Event;

use super::choices::{self, Choice};
use super::{Form, fields};
use crate::browser::dom::{Make, all_in, find_in, make, remove_all, set_attribute, set_text, target_of};

/// What was restored beside the record.
pub fn with_record(form: &Rc<Form>, restored: Values) -> Make {
    let headings = ["Restored", "In the record"];
    let rows = move |form: &Form| {
        let rows = restored.iter().filter_map(|(column, mine)| {
            let record = form.ask_machine(|machine| machine.content().base.get(column).cloned())??;
            Some((column.clone(), [shown(form, column, mine)?, record]))
        });
        rows.collect()
    };
    list(form, "r".to_owned(), headings, Box::new(rows))
}

/// What stands beside the form, beside what is in it.
pub fn with_form(form: &Rc<Form>, beside: Draft) -> Make {
    let headings = ["In the form", "The other text"];
    // Several texts may stand there: the radios of each are a group of their own.
    let group = ["o.", &beside.revision.writer].concat();
    let rows = move |form: &Form| {
        let rows = beside.values.iter().filter_map(|(column, other)| {
            let here = fields::value(&form.element, column)?;
            Some((column.clone(), [here, shown(form, column, other)?]))
        });
        rows.collect()
    };
    list(form, group, headings, Box::new(rows))
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

/// A column, and its text on each side.
type Row = (String, [Text; 2]);
type Rows = Box<dyn Fn(&Form) -> Vec<Row>>;

/// Drawn each time it is opened: of the form as it is then.
fn list(form: &Rc<Form>, group: String, headings: [&'static str; 2], rows: Rows) -> Make {
    let own = Rc::clone(form);
    make("details")
        .with("class", "compare")
        .with("data-compare", "")
        .child(make("summary").text("Compare"))
        .on("toggle", move |event| {
            let Some(list) = target_of(&event) else { return };
            remove_all(&list, "[data-conflict]");
            if list.has_attribute("open") {
                for (column, texts) in rows(&own) {
                    let _ = list.append_child(&row(&own, &group, &column, headings, texts).done());
                }
                own.mark_what_is_in_the_form();
            }
        })
}

const SIDES: [&str; 2] = ["mine", "theirs"];

fn row(form: &Rc<Form>, group: &str, column: &str, headings: [&'static str; 2], texts: [Text; 2]) -> Make {
    let choice = |at: usize| Choice {
        name: SIDES[at],
        heading: headings[at],
        value: &texts[at],
    };
    let (own, name, radios) = (Rc::clone(form), column.to_owned(), [group, ".", column].concat());
    let kept = Rc::new(RefCell::new(texts.clone()));
    let chosen: Rc<dyn Fn(&'static str)> = Rc::new(move |side| own.choose_text(&name, &radios, &kept, side));
    let row = choices::field(form, group, column, [choice(0), choice(1)], &chosen);
    row.with(HELD[0], &key(&texts[0])).with(HELD[1], &key(&texts[1]))
}

/// The text of each side, as attributes of a row.
const HELD: [&str; 2] = ["data-one", "data-other"];

/// NULL apart from the text of that name.
fn key(value: &Text) -> String {
    value
        .as_ref()
        .map_or_else(|| "-".to_owned(), |text| ["+", text].concat())
}

impl Form {
    /// The person chose a text for a field. What was typed there meanwhile is neither of the two: it takes the place
    /// of the first, so that there is a way back to it.
    fn choose_text(self: &Rc<Self>, column: &str, radios: &str, texts: &RefCell<[Text; 2]>, side: &str) {
        let present = fields::value(&self.element, column);
        if let Some(typed) = present.filter(|present| !texts.borrow().contains(present)) {
            self.show_typed(column, radios, &typed);
            texts.borrow_mut()[0] = typed;
        }
        let value = texts.borrow()[usize::from(side == SIDES[1])].clone();
        self.put_by_hand(column, &value);
    }

    fn show_typed(&self, column: &str, radios: &str, typed: &Text) {
        let radio = find_in(&self.element, &["[name=\"", radios, "\"]"].concat());
        let Some(row) = radio.and_then(|radio| radio.closest("[data-conflict]").ok().flatten()) else {
            return;
        };
        set_attribute(&row, HELD[0], Some(&key(typed)));
        if let Some(text) = find_in(&row, "[data-side=mine] .kept-text") {
            set_text(&text, &choices::words(self, column, typed));
        }
    }

    fn put_by_hand(self: &Rc<Self>, column: &str, value: &Text) {
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
    fn mark_what_is_in_the_form(&self) {
        for row in all_in(&self.element, "[data-compare] [data-conflict]") {
            let column = row.get_attribute("data-conflict").unwrap_or_default();
            let Some(value) = fields::value(&self.element, &column).map(|value| key(&value)) else {
                continue;
            };
            let on = (0..2).find(|at| row.get_attribute(HELD[*at]).as_ref() == Some(&value));
            fields::check_radio(&row, on.map(|at| SIDES[at]));
        }
    }
}
