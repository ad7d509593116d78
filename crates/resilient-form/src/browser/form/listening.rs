//! What the page tells the form: typing, leaving, pressing Save.

use std::rc::Rc;

use resilient_core::submission::machine::events::Event;
use resilient_core::submission::machine::{FormMachine, FormState};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event as DomEvent, KeyboardEvent, StorageEvent, SubmitEvent, VisibilityState};

use super::{Form, fields};
use crate::browser::dom::{document, listen, window};
use crate::stored;

pub fn start(form: &Rc<Form>) {
    hear_typing(form);
    hear_composition(form);
    hear_save(form);
    hear_buttons(form);
    hear_leaving(form);
    hear_other_tabs(form);
}

fn hear_typing(form: &Rc<Form>) {
    for name in ["input", "change"] {
        let own = Rc::clone(form);
        listen(&form.element, name, move |event: DomEvent| {
            if let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
                own.heard_edit(&target);
            }
        });
    }
    let own = Rc::clone(form);
    listen(&form.element, "focusout", move |_: DomEvent| own.tell(Event::FieldLeft));
}

impl Form {
    fn heard_edit(self: &Rc<Self>, target: &Element) {
        let name = target.get_attribute("name").unwrap_or_default();
        let Some(column) = fields::column_of(&name) else { return };
        if name.starts_with("v.") {
            untick_null(self, column);
        }
        if let Some(wrapper) = fields::wrapper(&self.element, column) {
            let _ = wrapper.remove_attribute("data-restored");
        }
        if let Some(value) = fields::value(&self.element, column) {
            self.tell(Event::Edited {
                column: column.to_owned(),
                value,
            });
        }
    }

    fn press_save(self: &Rc<Self>) {
        self.read_all();
        let errors = fields::contradictions(&self.element);
        self.tell(Event::SavePressed { errors });
    }

    /// The DOM is the truth: whatever changed a control without a word counts as typed.
    fn read_all(self: &Rc<Self>) {
        for column in fields::columns(&self.element) {
            if let Some(value) = fields::value(&self.element, &column) {
                self.tell(Event::Edited { column, value });
            }
        }
    }
}

/// Typing into a field means that it is not NULL.
fn untick_null(form: &Form, column: &str) {
    let Some(null) = fields::null_box(&form.element, column) else {
        return;
    };
    let typed = fields::control(&form.element, column).is_some_and(|control| control.has_text());
    if null.checked() && typed {
        null.set_checked(false);
    }
}

fn hear_composition(form: &Rc<Form>) {
    let own = Rc::clone(form);
    listen(&form.element, "compositionstart", move |_: DomEvent| {
        own.tell(Event::CompositionStarted)
    });
    let own = Rc::clone(form);
    listen(&form.element, "compositionend", move |_: DomEvent| {
        own.tell(Event::CompositionEnded)
    });
}

fn hear_save(form: &Rc<Form>) {
    let own = Rc::clone(form);
    listen(&form.element, "submit", move |event: SubmitEvent| {
        // A button with an address of its own does something else than save.
        if event
            .submitter()
            .is_some_and(|button| button.has_attribute("formaction"))
        {
            return;
        }
        event.prevent_default();
        own.press_save();
    });
    let own = Rc::clone(form);
    listen(&document(), "keydown", move |event: KeyboardEvent| {
        let is_save =
            (event.ctrl_key() || event.meta_key()) && !event.alt_key() && event.key().eq_ignore_ascii_case("s");
        if is_save {
            event.prevent_default();
            if !event.repeat() && own.element.request_submit().is_err() {
                own.press_save();
            }
        }
    });
}

fn hear_buttons(form: &Rc<Form>) {
    let own = Rc::clone(form);
    listen(&form.element, "click", move |event: DomEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let discard = target.and_then(|target| target.closest("[data-discard]").ok().flatten());
        if discard.is_some() {
            event.prevent_default();
            own.tell(Event::DiscardPressed);
            own.hide_draft_notice();
        }
    });
}

fn hear_leaving(form: &Rc<Form>) {
    let own = Rc::clone(form);
    listen(&document(), "visibilitychange", move |_: DomEvent| {
        match document().visibility_state() {
            VisibilityState::Hidden => own.tell(Event::PageHidden),
            _ => own.resume_after_sign_in(),
        }
    });
    let own = Rc::clone(form);
    listen(&window(), "pagehide", move |_: DomEvent| {
        own.read_all();
        own.tell(Event::PageLeft);
    });
    let own = Rc::clone(form);
    listen(&window(), "focus", move |_: DomEvent| own.resume_after_sign_in());
}

fn hear_other_tabs(form: &Rc<Form>) {
    let own = Rc::clone(form);
    listen(&window(), "storage", move |event: StorageEvent| {
        if event.key().as_deref() != Some(stored::ACCOUNT) {
            return;
        }
        if event.new_value().as_deref() == Some(own.account.as_str()) {
            own.tell(Event::SignedIn);
        } else {
            own.tell(Event::SignedOut);
        }
    });
}

impl Form {
    /// Somebody may have signed in elsewhere while this page was away.
    fn resume_after_sign_in(self: &Rc<Self>) {
        let signed_out = self.ask_machine(FormMachine::state) == Some(FormState::SignedOut);
        if signed_out && crate::browser::outbox_runner::account_is_here(&self.account) {
            self.tell(Event::SignedIn);
        }
    }
}
