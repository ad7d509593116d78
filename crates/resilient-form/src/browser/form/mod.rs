//! The form's driver: hears the page, asks the machine, performs what it orders.

mod announcing;
mod banners;
mod choices;
mod compare;
mod conflict_view;
mod fields;
mod listening;
mod opening;
mod other_tabs;
mod paint;
mod performing;
mod server_draft;
mod sign_in;

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::time::Duration;

use resilient_core::draft::Revision;
use resilient_core::submission::Submission;
use resilient_core::submission::form_body;
use resilient_core::submission::machine::events::Event;
use resilient_core::submission::machine::{FormMachine, Given, View};
use resilient_core::time::Moment;
use web_sys::HtmlFormElement;

pub use self::opening::{ask, enhance, named};
use super::random;
use super::timer::{Alarm, now, sleep};
use crate::browser::task::spawn;

/// Between two looks at whether the server has the text.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

thread_local! {
    static FORM: RefCell<Option<Rc<Form>>> = const { RefCell::new(None) };
}

/// The page's form and its machine.
pub struct Form {
    element: HtmlFormElement,
    account: String,
    draft_url: RefCell<Option<String>>,
    /// Empty only while the machine handles an event.
    machine: RefCell<Option<FormMachine>>,
    /// What has happened and was not told yet: performing an order may be an event itself.
    events: RefCell<Vec<Event>>,
    telling: Cell<bool>,
    painted: RefCell<Option<View>>,
    /// Whose field gets the focus once everything is drawn.
    focus_next: RefCell<Option<String>>,
    other_tabs: other_tabs::OtherTabs,
    /// The submission that left this page last, and the one that the server said was saved.
    sent: RefCell<String>,
    said_saved: RefCell<String>,
    alarm: Alarm,
}

impl Form {
    /// Tells the machine what happened, performs what it orders, and draws the result.
    pub fn tell(self: &Rc<Self>, event: Event) {
        self.events.borrow_mut().push(event);
        if self.telling.replace(true) {
            return;
        }
        while let Some(event) = self.next_event() {
            let Some(machine) = self.machine.take() else { break };
            let (machine, effects) = machine.handle(event, given());
            self.machine.replace(Some(machine));
            for effect in effects {
                self.perform(effect);
            }
        }
        self.telling.set(false);
        self.show();
    }

    /// What the machine says; `None` while it is handling an event.
    fn ask_machine<T>(&self, question: impl FnOnce(&FormMachine) -> T) -> Option<T> {
        self.machine().map(|machine| question(&machine))
    }

    fn machine(&self) -> Option<Ref<'_, FormMachine>> {
        Ref::filter_map(self.machine.borrow(), Option::as_ref).ok()
    }

    fn is_of(&self, form_key: &str) -> bool {
        self.ask_machine(|machine| machine.form_key() == form_key) == Some(true)
    }

    fn next_event(&self) -> Option<Event> {
        let mut events = self.events.borrow_mut();
        (!events.is_empty()).then(|| events.remove(0))
    }

    fn show(self: &Rc<Self>) {
        self.paint();
        if let Some(column) = self.focus_next.take() {
            self.focus(&column);
        }
        let form = Rc::clone(self);
        let wake = self.ask_machine(FormMachine::next_wake).flatten();
        self.alarm.set(wake, move || form.tell(Event::Woke));
    }
}

fn given() -> Given {
    Given {
        now: now(),
        random: random::bits(),
    }
}

fn present() -> Option<Rc<Form>> {
    FORM.with_borrow(Clone::clone)
}

/// The server can save again.
pub fn server_ready() {
    if let Some(form) = present() {
        form.tell(Event::ServerReady);
    }
}

pub fn retry_now() {
    if let Some(form) = present() {
        form.tell(Event::RetryPressed);
    }
}

/// Somebody saved the record of this form; `by` is empty for this person, elsewhere, and then `submission`
/// says by which press: a page's own save is no news to it. Whether there is such a form here.
pub fn record_changed(form_key: &str, by: &str, submission: &str) -> bool {
    let Some(form) = present().filter(|form| form.is_of(form_key)) else {
        return false;
    };
    let is_own = !submission.is_empty() && *form.sent.borrow() == submission;
    if !is_own {
        form.tell(Event::RecordChanged { by: by.to_owned() });
    }
    true
}

/// When the form's queued submission is sent again.
pub fn next_try() -> Option<Moment> {
    present()?.ask_machine(FormMachine::next_try).flatten()
}

pub fn form_key() -> Option<String> {
    present()?.ask_machine(|machine| machine.form_key().to_owned())
}

/// The server says that a submission was saved. If it waits here for its next try, its answer is asked for; if it is
/// on its way, that is done as soon as no answer comes.
pub fn was_saved(id: &str) {
    let Some(form) = present() else { return };
    form.said_saved.replace(id.to_owned());
    let waiting = form.ask_machine(|machine| machine.waiting().filter(|waiting| waiting.id == id).cloned());
    if let Some(submission) = waiting.flatten() {
        spawn(form.learn_what_became_of(submission));
    }
}

/// Whether the form holds text that is not known to be saved.
pub fn has_unsaved() -> bool {
    present()
        .and_then(|form| form.ask_machine(FormMachine::is_changed))
        .unwrap_or(false)
}

/// Hands the form's text to the device and the server now. Whether the server has all of it within the
/// limit; what it may not have, and what it refuses, it never has.
pub async fn reaches_server(limit: Duration) -> bool {
    if let Some(form) = present() {
        form.tell(Event::PageHidden);
    }
    let until = now() + limit;
    while !is_on_server() {
        if now() >= until {
            return false;
        }
        sleep(LOOK_AGAIN).await;
    }
    true
}

fn is_on_server() -> bool {
    let is_there =
        |machine: &FormMachine| !machine.is_changed() || (machine.view().kept_on_server && !has_secret(machine));
    present().and_then(|form| form.ask_machine(is_there)).unwrap_or(true)
}

/// Whether a secret was typed, which is in this page only.
pub fn has_unsaved_secret() -> bool {
    present().and_then(|form| form.ask_machine(has_secret)).unwrap_or(false)
}

fn has_secret(machine: &FormMachine) -> bool {
    machine.content().has_secret_changes()
}

/// Whether there is such text, and all of it is kept.
pub fn keeps_unsaved() -> bool {
    has_unsaved()
        && !present()
            .and_then(|form| form.ask_machine(FormMachine::guard))
            .unwrap_or(false)
}

/// Signed out elsewhere.
pub fn signed_out() {
    if let Some(form) = present() {
        form.tell(Event::SignedOut);
    }
}

/// Lets the page go without asking: somebody has just decided.
pub fn let_go() {
    if let Some(form) = present() {
        FORM.set(None);
        // Whatever its listeners still hear, nothing is sent or kept any more.
        form.machine.take();
        paint::arm_guard(false);
        form.alarm.set(None, || {});
    }
}

/// A submission's body: what the form would post, and whom it belongs to.
pub fn pairs(submission: &Submission, account: &str) -> Vec<(String, String)> {
    let Submission {
        id,
        version,
        values,
        revision,
        ..
    } = submission;
    let mut pairs = form_body::to_pairs(id, version, revision, values);
    pairs.push((form_body::ACCOUNT.to_owned(), account.to_owned()));
    pairs
}

/// The address that drops a draft and what it was built on.
pub fn drop_url(draft_url: &str, account: &str, revision: &Revision) -> String {
    let url = super::connection::with_query(draft_url, "account", account);
    let url = super::connection::with_query(&url, "seq", &revision.seq.to_string());
    super::connection::with_query(&url, "writer", &revision.writer)
}

/// The address that keeps a draft beside whatever it would not replace.
pub fn beside_url(draft_url: &str, account: &str) -> String {
    super::connection::with_query(&keep_url(draft_url, account), "beside", "1")
}

/// The address that takes an account's drafts.
pub fn keep_url(draft_url: &str, account: &str) -> String {
    super::connection::with_query(draft_url, "account", account)
}
