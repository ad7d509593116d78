//! The same form in other tabs of this browser: each says whether it has unsaved text, and hears of the others.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use resilient_core::collections::BTreeSet;
use resilient_core::submission::machine::FormMachine;

use super::{Form, banners};
use crate::browser::channel;

const TOPIC: &str = "form";
const OPENED: &str = "opened";
const UNSAVED: &str = "unsaved";
const NOTHING: &str = "nothing";

#[derive(Default)]
pub struct OtherTabs {
    /// Page loads of this form with unsaved text.
    with_text: RefCell<BTreeSet<String>>,
    /// What this page said of itself last.
    said_unsaved: Cell<bool>,
    hears: Cell<bool>,
}

impl OtherTabs {
    pub fn have_text(&self) -> bool {
        !self.with_text.borrow().is_empty()
    }
}

impl Form {
    /// Asks who else is there.
    pub(super) fn meet_other_tabs(self: &Rc<Self>) {
        if !self.other_tabs.hears.replace(true) {
            let own = Rc::clone(self);
            channel::hear(TOPIC, move |words| own.heard_tab(words));
        }
        self.say(OPENED);
        if self.other_tabs.said_unsaved.get() {
            self.say(UNSAVED);
        }
    }

    pub(super) fn part_from_other_tabs(&self) {
        if self.other_tabs.said_unsaved.get() {
            self.say(NOTHING);
        }
    }

    /// Says so where this page's text came to be unsaved, or is no longer.
    pub(super) fn say_whether_unsaved(&self) {
        let is_unsaved = self.ask_machine(FormMachine::is_changed) == Some(true);
        if self.other_tabs.said_unsaved.replace(is_unsaved) != is_unsaved {
            self.say(if is_unsaved { UNSAVED } else { NOTHING });
        }
    }

    fn say(&self, what: &str) {
        let form_key = self.ask_machine(|machine| machine.form_key().to_owned());
        if let Some(form_key) = form_key {
            channel::tell(TOPIC, &[what, &self.account, &form_key, &self.page_load()].join("\t"));
        }
    }

    fn page_load(&self) -> String {
        self.element.get_attribute("data-writer").unwrap_or_default()
    }

    fn heard_tab(self: &Rc<Self>, words: &str) {
        let mut words = words.split('\t');
        let [Some(what), Some(account), Some(form_key), Some(page_load)] = std::array::from_fn(|_| words.next()) else {
            return;
        };
        let is_this_form = self.ask_machine(|machine| machine.form_key() == form_key) == Some(true);
        if !is_this_form || account != self.account || page_load == self.page_load() {
            return;
        }
        let had_text = self.other_tabs.have_text();
        match what {
            OPENED if self.other_tabs.said_unsaved.get() => self.say(UNSAVED),
            UNSAVED => drop(self.other_tabs.with_text.borrow_mut().insert(page_load.to_owned())),
            NOTHING => drop(self.other_tabs.with_text.borrow_mut().remove(page_load)),
            _ => {}
        }
        if self.other_tabs.have_text() != had_text {
            banners::paint_other_tabs(self);
        }
    }
}
