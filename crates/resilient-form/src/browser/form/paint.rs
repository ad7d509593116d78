//! Drawing what the machine says, and only what changed.

use std::rc::Rc;

use resilient_core::collections::BTreeMap;
use resilient_core::submission::form_body::{ID, SEQ, VERSION, WRITER};
use resilient_core::submission::machine::{FormMachine, FormState, View};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event as DomEvent};

use super::{Form, banners, conflict_view, fields};
use crate::browser::dom::{find, find_in, remove_all, set_attribute, set_text, window};
use crate::browser::seal;
use crate::browser::task::callback;

/// Instead of "All changes saved".
const LOCKED: &str = "What this device keeps is locked";

impl Form {
    pub fn paint(self: &Rc<Self>) {
        let Some(view) = self.ask_machine(FormMachine::view) else {
            return;
        };
        let before = self.painted.replace(Some(view.clone()));
        let before = before.as_ref();
        set_attribute(&self.element, "data-state", Some(view.state.name()));
        if let Some(words) = find_in(&self.element, "[data-save-words]") {
            // Announced once Save has come to its end; what is queued or in conflict is announced by a toast, and
            // where each bit of typing is kept is for whoever looks.
            let ended = matches!(view.state, FormState::Saved | FormState::Invalid)
                && before.is_some_and(|before| before.state != view.state);
            // What the device keeps of this form, nobody can tell yet.
            let said = match view.state {
                FormState::Clean if seal::is_locked() => LOCKED,
                _ => &view.words,
            };
            if words.text_content().as_deref() != Some(said) {
                set_attribute(&words, "aria-live", Some(if ended { "polite" } else { "off" }));
                set_text(&words, said);
            }
        }
        arm_guard(view.guard);
        self.paint_hidden();
        self.paint_changed(&view, before);
        if before.is_none_or(|before| before.errors != view.errors) {
            self.paint_errors(&view.errors, before.map(|before| &before.errors));
        }
        if before.is_some_and(|before| before.state != view.state) && view.state != FormState::Dirty {
            remove_all(&self.element, "[data-form-message]");
        }
        if before.is_some_and(|before| before.state != view.state) && view.state == FormState::Saved {
            self.settle_baselines();
            self.hide_draft_notice();
            self.read_the_whole_record();
        }
        self.say_whether_unsaved();
        self.count_unsaved(&view);
        banners::paint(self, &view, before);
        conflict_view::paint(self, &view, before);
        self.ask_sign_in_where_needed(&view, before);
    }

    /// The header counts the forms with unsaved work: as drawn for the others, as it is now for this one.
    fn count_unsaved(&self, view: &View) {
        let Some(badge) = find("[data-unsaved]") else { return };
        let drawn = badge
            .get_attribute("data-unsaved")
            .and_then(|count| count.parse::<u32>().ok());
        let here = u32::from(self.element.has_attribute("data-unsaved-here"));
        let others = drawn.unwrap_or(0).saturating_sub(here);
        let is_unsaved = !view.aside.is_empty() || self.ask_machine(FormMachine::is_changed) == Some(true);
        let count = others + u32::from(is_unsaved);
        if let Some(number) = find_in(&badge, "[data-count]") {
            set_text(&number, &count.to_string());
        }
        set_attribute(&badge, "hidden", (count == 0).then_some(""));
    }

    fn paint_hidden(&self) {
        self.ask_machine(|machine| {
            let (id, version, seq, writer) = machine.hidden();
            for (name, value) in [(ID, id), (VERSION, version), (SEQ, &seq.to_string()), (WRITER, writer)] {
                if let Some(control) = fields::hidden(&self.element, name).filter(|control| control.value() != value) {
                    control.set_value(value);
                }
            }
        });
    }

    fn paint_changed(&self, view: &View, before: Option<&View>) {
        if before.is_some_and(|before| before.changed == view.changed) {
            return;
        }
        for column in fields::columns(&self.element) {
            if let Some(wrapper) = fields::wrapper(&self.element, &column) {
                let changed = view.changed.contains(&column);
                set_attribute(&wrapper, "data-changed", changed.then_some(""));
                if !changed {
                    set_attribute(&wrapper, "data-restored", None);
                }
            }
        }
    }

    fn paint_errors(&self, errors: &BTreeMap<String, String>, before: Option<&BTreeMap<String, String>>) {
        let gone = before
            .into_iter()
            .flat_map(BTreeMap::keys)
            .filter(|column| !errors.contains_key(*column));
        gone.for_each(|column| self.paint_error(column, None));
        errors
            .iter()
            .for_each(|(column, words)| self.paint_error(column, Some(words)));
    }

    fn paint_error(&self, column: &str, words: Option<&str>) {
        let Some(wrapper) = fields::wrapper(&self.element, column) else {
            return;
        };
        if let Some(place) = find_in(&wrapper, ".field-error") {
            set_text(&place, words.unwrap_or_default());
            set_attribute(&place, "hidden", words.is_none().then_some(""));
        }
        if let Some(control) = fields::control(&self.element, column) {
            set_attribute(control.element(), "aria-invalid", words.map(|_| "true"));
        }
    }

    /// What was saved is what a plain `POST`, or a browser that puts fields back, has to find.
    fn settle_baselines(&self) {
        self.ask_machine(|machine| {
            let content = machine.content();
            for (column, base) in content
                .base
                .iter()
                .filter(|(column, _)| !content.secrets.contains(*column))
            {
                fields::settle_baseline(&self.element, column, base);
            }
        });
    }

    /// A form drawn without its record has the typed fields only; now the record can be read.
    fn read_the_whole_record(&self) {
        if self.element.has_attribute("data-read-only-copy") {
            let _ = window().location().reload();
        }
    }

    /// The server's own words about the draft it drew are no longer true.
    pub fn hide_draft_notice(&self) {
        remove_all(&self.element, "[data-draft-notice]");
    }

    /// Where banners go.
    pub fn messages(&self) -> Element {
        if let Some(place) = find_in(&self.element, "[data-form-messages]") {
            return place;
        }
        let place: Element = crate::browser::dom::make("div")
            .with("data-form-messages", "")
            .with("class", "form-messages")
            .done()
            .into();
        let _ = self.element.prepend_with_node_1(&place);
        place
    }
}

/// Asks before leaving, or does not: armed exactly while something would be lost.
pub fn arm_guard(armed: bool) {
    let is_armed = window().onbeforeunload().is_some();
    if armed == is_armed {
        return;
    }
    if armed {
        let ask = callback(Box::new(|event| event.unchecked_into::<DomEvent>().prevent_default()));
        window().set_onbeforeunload(Some(ask.unchecked_ref()));
    } else {
        window().set_onbeforeunload(None);
    }
}
