//! Banners above the fields: what was restored, what stands beside, what the server said.

use std::rc::Rc;

use resilient_core::draft::Revision;
use resilient_core::submission::form_body::{SEQ, WRITER};
use resilient_core::submission::machine::effects::DeviceDraft;
use resilient_core::submission::machine::events::Event;
use resilient_core::submission::machine::{Action, Message, View};

use super::{Form, choices, compare, fields};
use crate::browser::device_drafts;
use crate::browser::dom::{Make, button, find_in, make, notice, remove_all, set_text, window};

/// Draws each banner anew where what it says has changed.
pub fn paint(form: &Rc<Form>, view: &View, before: Option<&View>) {
    if differs(view, before, |view| &view.restored) {
        redraw(form, "restored", restored_banner(form, view));
    }
    if differs(view, before, |view| (&view.outdated_by, view.changed.is_empty())) {
        redraw(form, "outdated", outdated_banner(form, view));
    }
    if differs(view, before, |view| view.discarded_elsewhere) {
        redraw(form, "discarded", discarded_banner(form, view));
    }
    if differs(view, before, |view| &view.aside) {
        redraw(form, "beside", beside_banners(form));
    }
    if differs(view, before, |view| &view.unfit) {
        redraw(form, "unfit", unfit_banner(view));
    }
    if differs(view, before, |view| (&view.message, view.errors.get(""))) {
        redraw(form, "message", message_banner(form, view));
    }
    if differs(view, before, |view| view.signed_out) {
        redraw(form, "signed-out", signed_out_banner(form, view));
    }
    // Its words only: the button that is about to be pressed stays.
    if let Some(words) = find_in(&form.element, "[data-banner=\"signed-out\"] p:not([class])") {
        let words_now = if view.guard {
            "Your text is in this page only. Sign in, and what you pressed Save for is sent."
        } else {
            "Your text is kept. Sign in, and what you pressed Save for is sent."
        };
        set_text(&words, words_now);
    }
}

fn differs<'a, T: PartialEq>(view: &'a View, before: Option<&'a View>, part: impl Fn(&'a View) -> T) -> bool {
    before.is_none_or(|before| part(before) != part(view))
}

/// Drawn apart from the machine's view: what other tabs have does not change what this form is.
pub fn paint_other_tabs(form: &Rc<Form>) {
    let words = "What you type here is kept apart from it, and neither replaces the other.";
    let heading = "Also open in another tab with unsaved text.";
    let banner = form.other_tabs.have_text().then(|| {
        let banner = notice("waiting", heading, words, Vec::new());
        banner.with("data-other-tabs", "").with("role", "status")
    });
    redraw(form, "other-tabs", banner.into_iter().collect());
}

fn outdated_banner(form: &Form, view: &View) -> Vec<Make> {
    let Some(by) = &view.outdated_by else { return Vec::new() };
    let heading = match by.as_str() {
        "" => "You saved this record in another tab.".to_owned(),
        by => [by, " saved this record."].concat(),
    };
    let (words, actions) = if view.changed.is_empty() {
        let load = button("Show it as it is now", |_| {
            let _ = window().location().reload();
        });
        ("This page shows it as it was before.", vec![load])
    } else {
        let words =
            "Your changes here stay. When you save, both are kept; where both changed the same field, you choose.";
        (words, Vec::new())
    };
    let banner = notice("waiting", &heading, words, actions);
    let banner = banner.with("data-outdated", "").with("role", "status");
    vec![banner.children(form.element.has_attribute("data-incoming-url").then(what_changed))]
}

/// Filled by a script of the page when it is opened. Who opens it reads it: it is not announced as well.
fn what_changed() -> Make {
    make("details")
        .with("class", "compare")
        .with("data-incoming", "")
        .with("aria-live", "off")
        .child(make("summary").text("What changed"))
        .child(make("div"))
}

fn discarded_banner(form: &Rc<Form>, view: &View) -> Vec<Make> {
    if !view.discarded_elsewhere {
        return Vec::new();
    }
    let keep = telling(form, "Keep it", || Event::KeepPressed);
    let discard = button("Discard it here too", |_| {}).with("data-discard", "");
    let words = "It is still in the fields of this page, and kept nowhere else. Go on typing, or keep it as it is.";
    let heading = "This text was discarded in another tab or on another device.";
    let banner = notice("attention", heading, words, vec![keep, discard]);
    vec![banner.with("data-discarded-elsewhere", "").with("role", "status")]
}

fn redraw(form: &Form, name: &str, banners: Vec<Make>) {
    remove_all(&form.element, &["[data-banner=\"", name, "\"]"].concat());
    for banner in banners {
        let _ = form.messages().append_child(&banner.with("data-banner", name).done());
    }
}

fn telling(form: &Rc<Form>, words: &str, event: impl Fn() -> Event + 'static) -> Make {
    let form = Rc::clone(form);
    button(words, move |_| form.tell(event()))
}

fn restored_banner(form: &Rc<Form>, view: &View) -> Vec<Make> {
    let Some(restored) = view
        .restored
        .as_ref()
        .and_then(|_| form.ask_machine(|machine| machine.restored().cloned()).flatten())
    else {
        form.hide_draft_notice();
        return Vec::new();
    };
    if let Some(drawn) = find_in(&form.element, "[data-draft-notice]") {
        if form.is_drawn(&restored.draft.revision) {
            remove_all(&drawn, "[data-compare]");
            let place = find_in(&drawn, ".actions").unwrap_or_else(|| drawn.clone());
            let _ = place.prepend_with_node_1(&undo(form).done());
            let body = find_in(&drawn, ".notice-body").unwrap_or(drawn);
            let _ = body.append_child(&of_record(form, restored).done());
            return Vec::new();
        }
        form.hide_draft_notice();
    }
    let revision = &restored.draft.revision;
    let when = crate::browser::device::kept_at_ms(&form.account, &restored.form_key, revision);
    let when = when.map_or_else(String::new, |at_ms| [", ", &moment(at_ms)].concat());
    let words = [
        &fields::labels(&form.element, restored.draft.values.keys()),
        ". Typed on this device",
        &when,
        ". It is not saved in the record yet.",
    ]
    .concat();
    let discard = button("Discard", |_| {}).with("data-discard", "");
    vec![
        notice(
            "attention",
            "Restored what you typed",
            &words,
            vec![undo(form), discard],
        )
        .with("data-restored-notice", "")
        .child(of_record(form, restored)),
    ]
}

/// The restored text beside the record's, after the secrets that went with the page in which they were typed.
fn of_record(form: &Rc<Form>, restored: DeviceDraft) -> Make {
    let mut said = make("div");
    if !restored.secrets.is_empty() {
        let names = fields::labels(&form.element, restored.secrets.iter());
        let words = ["Never kept, to be typed again: ", &names].concat();
        said = said.child(make("p").with("data-type-again", "").text(&words));
    }
    said.child(compare::with_record(form, restored.draft.values))
}

/// A time of this device's clock, as people here write it.
fn moment(at_ms: u64) -> String {
    let options = js_sys::Object::new();
    for (name, style) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        let _ = js_sys::Reflect::set(&options, &name.into(), &style.into());
    }
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    date.to_locale_string("default", &options).into()
}

/// Puts what was restored aside.
fn undo(form: &Rc<Form>) -> Make {
    telling(form, "Undo", || Event::UndoPressed).with("data-undo", "")
}

fn beside_banners(form: &Rc<Form>) -> Vec<Make> {
    let aside = form.ask_machine(|machine| machine.aside().to_vec()).unwrap_or_default();
    aside.iter().map(|draft| beside(form, draft)).collect()
}

fn beside(form: &Rc<Form>, draft: &DeviceDraft) -> Make {
    let revision = draft.draft.revision.clone();
    let (taken, discarded) = (revision.clone(), revision);
    let take = telling(form, "Put it into the form", move || Event::AsideTaken(taken.clone()));
    let discard = telling(form, "Discard it", move || Event::AsideDiscarded(discarded.clone()));
    let words = "It was typed in another tab or on another device, or you put it aside. Nothing of it is lost.";
    let banner = notice(
        "attention",
        "There is other unsaved text for this form.",
        words,
        vec![take, discard],
    );
    banner
        .with("data-beside", "")
        .child(compare::with_form(form, draft.draft.clone()))
}

fn unfit_banner(view: &View) -> Vec<Make> {
    if view.unfit.is_empty() {
        return Vec::new();
    }
    let banner = notice(
        "attention",
        "Some of what you typed has no field here any more.",
        "The text is here to copy.",
        Vec::new(),
    );
    let entries = view.unfit.iter().map(|(column, value)| {
        let text = make("pre")
            .with("class", "kept-text")
            .with("tabindex", "0")
            .text(choices::plain_words(value));
        make("div").child(make("strong").text(column)).child(text)
    });
    vec![banner.children(entries)]
}

fn message_banner(form: &Rc<Form>, view: &View) -> Vec<Make> {
    let whole_record = view
        .errors
        .get("")
        .map(|words| notice("failure", words, "", Vec::new()).with("role", "alert"));
    let message = view.message.as_ref().map(|message| message_notice(form, message));
    whole_record.into_iter().chain(message).collect()
}

/// A toast announces the same words.
fn message_notice(form: &Rc<Form>, message: &Message) -> Make {
    let actions = match message.action {
        Some(Action::LoadAgain) => vec![button("Load again", |_| {
            let _ = window().location().reload();
        })],
        Some(Action::CreateAsNew) => create_as_new(form).into_iter().collect(),
        None => Vec::new(),
    };
    notice("failure", &message.words, "", actions)
}

/// The text goes to a form of a new record as a draft of that form.
fn create_as_new(form: &Rc<Form>) -> Option<Make> {
    let new_url = form.element.get_attribute("data-new-url")?;
    let form = Rc::clone(form);
    Some(button("Create as new", move |_| {
        let (form, new_url) = (Rc::clone(&form), new_url.clone());
        let text = form.ask_machine(|machine| (machine.form_key().to_owned(), machine.as_new_draft()));
        crate::browser::task::spawn(async move {
            if let Some((form_key, draft)) = text {
                device_drafts::create_as_new(&form.account, &new_url, &form_key, draft, Vec::new()).await;
            }
        });
    }))
}

impl Form {
    /// Whether the server drew this very draft.
    fn is_drawn(&self, revision: &Revision) -> bool {
        let drawn = |name: &str| fields::hidden(&self.element, name).map(|control| control.default_value());
        drawn(SEQ) == Some(revision.seq.to_string()) && drawn(WRITER).as_ref() == Some(&revision.writer)
    }
}

fn signed_out_banner(form: &Rc<Form>, view: &View) -> Vec<Make> {
    if !view.signed_out {
        return Vec::new();
    }
    let own = Rc::clone(form);
    let sign_in = button("Sign in", move |_| own.ask_sign_in()).with("data-sign-in", "");
    vec![notice(
        "waiting",
        "You are signed out.",
        "What is in this form stays in it.",
        vec![sign_in],
    )]
}
