//! What the page tells the form: typing, leaving, pressing Save.

use std::rc::Rc;
use std::time::Duration;

use resilient_core::draft::Revision;
use resilient_core::submission::machine::FormMachine;
use resilient_core::submission::machine::events::{DraftRefusal, Event};
use web_sys::{
    Element, Event as DomEvent, KeyboardEvent, PageTransitionEvent, StorageEvent, SubmitEvent, VisibilityState,
};

use super::{Form, fields};
use crate::browser::dom::{document, listen, target_of, window};
use crate::browser::task::spawn;
use crate::browser::timer::sleep;
use crate::browser::{device, seal, storage};
use crate::stored::{self, Stored, StoredSaves};

/// By then another tab's removal is through in both places.
const REMOVAL: Duration = Duration::from_millis(500);

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
            if let Some(target) = target_of(&event) {
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
        let discard = target_of(&event).and_then(|target| target.closest("[data-discard]").ok().flatten());
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
        if document().visibility_state() == VisibilityState::Hidden {
            own.tell(Event::PageHidden);
        }
    });
    let own = Rc::clone(form);
    listen(&window(), "pagehide", move |_: DomEvent| {
        own.read_all();
        own.tell(Event::PageLeft);
        own.part_from_other_tabs();
    });
    let own = Rc::clone(form);
    listen(&window(), "pageshow", move |event: PageTransitionEvent| {
        if event.persisted() {
            own.shown_again();
        }
    });
}

fn hear_other_tabs(form: &Rc<Form>) {
    let own = Rc::clone(form);
    // Said by what seals, once it has a key.
    listen(&window(), "inkfast-unlocked", move |_: DomEvent| {
        own.tell(Event::DeviceOpened)
    });
    let own = Rc::clone(form);
    listen(&window(), "storage", move |event: StorageEvent| {
        let Some(key) = event.key() else { return };
        let opened = |entry: Option<String>| entry.map(|entry| seal::opened(&key, entry));
        let (old, new) = (opened(event.old_value()), opened(event.new_value()));
        let is_me = new.as_deref() == Some(own.account.as_str());
        match (key.as_str(), old) {
            (stored::ACCOUNT, _) if is_me => own.tell(Event::SignedIn),
            (stored::ACCOUNT, _) => {
                own.tell(Event::SignedOut);
                spawn(Rc::clone(&own).look_for_own_draft());
            }
            (stored::DISCARDED, _) if is_me => own.server_has_no_draft(),
            (key, _) if key.starts_with(stored::ENDED) => own.heard_of_discard(key, new.as_deref()),
            (key, _) if key.starts_with(stored::SAVED) => own.heard_of_save(key, new.as_deref()),
            (key, Some(removed)) if new.is_none() && own.is_own_draft(key) => {
                spawn(Rc::clone(&own).put_back(key.to_owned(), removed));
            }
            _ => {}
        }
    });
}

impl Form {
    /// The text's revision.
    fn revision(&self) -> Option<Revision> {
        self.ask_machine(|machine| {
            let (_, _, seq, writer) = machine.hidden();
            Revision {
                seq,
                writer: writer.to_owned(),
            }
        })
    }

    fn draft_key(&self) -> Option<String> {
        let form_key = self.ask_machine(|machine| machine.form_key().to_owned())?;
        Some(stored::draft_key(&self.account, &form_key, &self.revision()?.writer))
    }

    fn is_own_draft(&self, key: &str) -> bool {
        self.ask_machine(FormMachine::is_changed) == Some(true) && self.draft_key().as_deref() == Some(key)
    }

    /// Another tab took this text over and removed it here, where it still is: it stays kept. Signing out
    /// removes it for good, and the page must not go on saying that it is kept.
    async fn put_back(self: Rc<Self>, key: String, removed: String) {
        sleep(REMOVAL).await;
        if !self.is_own_draft(&key) {
            return;
        }
        let signed_in = storage::read(stored::ACCOUNT).as_ref() == Some(&self.account);
        if !signed_in || !device::put_back(key, removed).await {
            self.look_for_own_draft().await;
        }
    }

    /// Signing out in another tab removed what was kept: the page must not say that it is.
    async fn look_for_own_draft(self: Rc<Self>) {
        let drafts = device::drafts(&self.account).await;
        let is_changed = self.ask_machine(FormMachine::is_changed) == Some(true);
        let Some(revision) = self.revision().filter(|_| is_changed) else {
            return;
        };
        if !drafts.iter().any(|(draft, _)| draft.draft.revision == revision) {
            self.tell(Event::GoneLocally(revision));
        }
    }

    /// Another tab discarded a text.
    fn heard_of_discard(self: &Rc<Self>, key: &str, ended: Option<&str>) {
        let form_key = self.ask_machine(|machine| machine.form_key().to_owned());
        let of = stored::form_and_writer(key, stored::ENDED, &self.account);
        if let (Some((of, writer)), Some((seq, _))) = (of, ended.and_then(stored::read_ended))
            && form_key.as_deref() == Some(of)
        {
            let writer = writer.to_owned();
            self.tell(Event::DiscardedElsewhere(Revision { seq, writer }));
        }
    }

    /// Another tab had a save of this form answered.
    fn heard_of_save(self: &Rc<Self>, key: &str, saves: Option<&str>) {
        let own_key = self.ask_machine(|machine| stored::saved_key(&self.account, machine.form_key()));
        let saves = saves.and_then(StoredSaves::read).unwrap_or_default().saves;
        if let Some(save) = saves
            .into_iter()
            .next_back()
            .filter(|_| own_key.as_deref() == Some(key))
        {
            self.tell(Event::SavedElsewhere(Box::new(save.into_just_saved())));
        }
    }

    /// The browser shows a page again that it had put away: what happened meanwhile, it has not heard.
    fn shown_again(self: &Rc<Self>) {
        let Some(form_key) = self.ask_machine(|machine| machine.form_key().to_owned()) else {
            return;
        };
        if self
            .revision()
            .is_some_and(|revision| device::is_buried(&self.account, &form_key, &revision))
        {
            self.tell(Event::DiscardPressed);
            self.hide_draft_notice();
        }
        let last = device::saved_since(&self.account, &form_key, 0).into_iter().next_back();
        if let Some(last) = last {
            self.tell(Event::SavedElsewhere(Box::new(last)));
        }
        self.meet_other_tabs();
    }

    /// Another tab discarded everything.
    fn server_has_no_draft(self: &Rc<Self>) {
        let was_there = self.ask_machine(|machine| machine.view().kept_on_server) == Some(true);
        if let (true, Some(revision)) = (was_there, self.revision()) {
            let why = DraftRefusal::Discarded;
            self.tell(Event::DraftRefused { revision, why });
        }
    }
}
