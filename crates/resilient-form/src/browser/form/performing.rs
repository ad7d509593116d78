//! Performing the machine's orders.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use resilient_core::submission::Submission;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::effects::{DeviceDraft, Effect, OutboxEntry};
use resilient_core::submission::machine::events::Event;
use wasm_bindgen::JsValue;

use super::{Form, fields, pairs};
use crate::browser::connection::{FORM, Request, encode, with_other_end};
use crate::browser::dom::{all_in, document, find, find_in, set_attribute, set_text, window};
use crate::browser::outbox_runner::{self, account_is_here};
use crate::browser::task::spawn;
use crate::browser::{addresses, device, locks, status, storage};
use crate::reply::{self, Asked};
use crate::stored;

/// A save has this long to be answered; the server gives up after 10 s.
const SAVE_LIMIT: Duration = Duration::from_secs(15);
/// Bytes of a form body that the server takes.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

impl Form {
    pub fn perform(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::PutValue { column, value } => {
                fields::put(&self.element, &column, &value);
                if let Some(wrapper) = fields::wrapper(&self.element, &column) {
                    let restored = self
                        .ask_machine(|machine| machine.restored().is_some())
                        .unwrap_or(false);
                    set_attribute(&wrapper, "data-restored", restored.then_some(""));
                }
            }
            Effect::KeepLocally(draft) => self.keep_locally(draft),
            Effect::PutBackLocally(draft) => self.put_back_locally(draft),
            Effect::DropLocally { form_key, revisions } => {
                spawn(device::drop_drafts(&self.account, &form_key, &revisions));
            }
            Effect::TypedBack { form_key, revisions } => {
                device::end(stored::TYPED_BACK, &self.account, &form_key, &revisions);
            }
            Effect::BuryLocally { form_key, revisions } => {
                device::bury(&self.account, &form_key, &revisions);
                spawn(device::drop_drafts(&self.account, &form_key, &revisions));
            }
            Effect::SaveDraft(draft) => self.save_draft(draft, false),
            Effect::SaveDraftBeside(draft) => self.save_draft(draft, true),
            Effect::BeaconDraft(draft) => self.beacon_draft(&draft),
            Effect::DropDraft(revision) => self.drop_draft(revision),
            Effect::WriteOutbox(entry) => self.write_outbox(entry),
            Effect::RemoveOutbox(id) => spawn(device::forget_submission(&self.account, &id)),
            Effect::RememberSaved(saved) => device::remember_saved(&self.account, &saved),
            Effect::Send(submission) => self.send(submission),
            Effect::Ask(id) => self.ask(id),
            Effect::AskSignIn => self.ask_sign_in(),
            Effect::BecomeRecord { key, form_key } => self.become_record(&key, &form_key),
            Effect::Announce(announcement) => self.announce(announcement),
            // What is to have the focus may not be drawn yet.
            Effect::FocusField(column) => drop(self.focus_next.replace(Some(column))),
        }
    }

    /// Tells the event once the future has it.
    pub(super) fn tell_after(self: &Rc<Self>, work: impl Future<Output = Event> + 'static) {
        let (form, work): (_, Pin<Box<dyn Future<Output = Event>>>) = (Rc::clone(self), Box::pin(work));
        spawn(async move { form.tell(work.await) });
    }

    fn keep_locally(self: &Rc<Self>, draft: DeviceDraft) {
        let revision = draft.draft.revision.clone();
        if device::is_buried(&self.account, &draft.form_key, &revision) {
            return self.tell(Event::DiscardedElsewhere(revision));
        }
        let kept = device::keep_draft(&self.account, &draft, self.draft_url.borrow().clone());
        let early = stored::early_key(&self.account, &draft.form_key, &revision.writer);
        self.tell_after(async move {
            if !kept.await {
                return Event::LocalRefused(revision);
            }
            // The draft holds what the early recorder had.
            storage::remove(&early);
            Event::KeptLocally(revision)
        });
    }

    fn put_back_locally(self: &Rc<Self>, draft: DeviceDraft) {
        let revision = draft.draft.revision.clone();
        if device::is_buried(&self.account, &draft.form_key, &revision) {
            return self.tell(Event::DiscardedElsewhere(revision));
        }
        let (account, url) = (self.account.clone(), self.draft_url.borrow().clone());
        self.tell_after(async move {
            if device::put_back_draft(&account, &draft, url).await {
                Event::KeptLocally(revision)
            } else {
                Event::LocalRefused(revision)
            }
        });
    }

    fn write_outbox(self: &Rc<Self>, entry: OutboxEntry) {
        let id = entry.submission.id.clone();
        let url = self.element.get_attribute("action").unwrap_or_default();
        let kept = device::keep_submission(&self.account, &entry, &url);
        self.tell_after(async move {
            if kept.await {
                Event::OutboxWritten { id }
            } else {
                Event::OutboxRefused { id }
            }
        });
    }

    fn send(self: &Rc<Self>, submission: Submission) {
        let id = submission.id.clone();
        self.sent.replace(id.clone());
        let body = encode(&pairs(&submission, &self.account));
        if body.len() > LARGEST_BODY {
            return self.tell(Event::answered(id, Answer::new(Outcome::TooLarge)));
        }
        if !account_is_here(&self.account) {
            return self.tell(Event::answered(id, Answer::new(Outcome::Unauthenticated)));
        }
        let url = self.element.get_attribute("action").unwrap_or_default();
        let form = Rc::clone(self);
        self.tell_after(async move {
            let _lock = locks::lock(&outbox_runner::sending(&id), SAVE_LIMIT).await;
            if let Some(event) = form.answered_elsewhere(&id).await {
                return event;
            }
            let request = Request {
                method: "POST",
                url: &url,
                body: Some((FORM, body)),
                limit: SAVE_LIMIT,
            };
            match status::watched(request).await.as_ref().and_then(reply::answer) {
                // What a proxy turns away may have got through before.
                Some(answer) if answer.on_the_way && answer.outcome == Outcome::TooLarge => {
                    match what_became_of(&id, SAVE_LIMIT).await {
                        Asked::Answer(answer) if answer.outcome == Outcome::Saved => Event::Answered { id, answer },
                        _ => Event::answered(id, answer),
                    }
                }
                Some(answer) => Event::answered(id, answer),
                None if *form.said_saved.borrow() == id => match asked(id.clone()).await {
                    answered @ Event::Answered { .. } => answered,
                    _ => Event::Unanswered { id },
                },
                None => Event::Unanswered { id },
            }
        });
    }

    /// Another tab may have had the answer while this one waited for its turn.
    async fn answered_elsewhere(&self, id: &str) -> Option<Event> {
        let form_key = self.ask_machine(|machine| machine.form_key().to_owned())?;
        let saves = device::saved_since(&self.account, &form_key, 0);
        let saved = saves.into_iter().find(|saved| saved.submission.id == id)?;
        Some(Event::SavedElsewhere(Box::new(saved)))
    }

    /// Only proof that it was saved changes anything: all else is left to the next try.
    pub(super) async fn learn_what_became_of(self: Rc<Self>, submission: Submission) {
        if let Asked::Answer(answer) = super::ask(&submission).await
            && answer.outcome == Outcome::Saved
        {
            self.tell(Event::Answered {
                id: submission.id,
                answer,
            });
        }
    }

    fn ask(self: &Rc<Self>, id: String) {
        self.tell_after(asked(id));
    }

    fn become_record(&self, key: &str, form_key: &str) {
        let form = &self.element;
        let old_form_key = form.get_attribute("data-form-key").unwrap_or_default();
        set_attribute(form, "data-form-key", Some(form_key));
        set_attribute(form, "data-is-new", None);
        if let Some(draft_url) = form.get_attribute("data-draft-url") {
            let draft_url = with_other_end(&draft_url, &old_form_key, form_key);
            set_attribute(form, "data-draft-url", Some(&draft_url));
            *self.draft_url.borrow_mut() = Some(draft_url);
        }
        for field in all_in(form, "[data-key-column] :is(input, textarea)") {
            set_attribute(&field, "readonly", Some(""));
        }
        let Some(record_url) = form
            .get_attribute("data-record-url")
            .map(|url| with_other_end(&url, "{key}", key))
        else {
            return;
        };
        set_attribute(form, "action", Some(&record_url));
        self.name_the_record(key);
        let links = document()
            .document_element()
            .map(|page| all_in(&page, "[data-after-create]"));
        for link in links.unwrap_or_default() {
            let below = link.get_attribute("data-after-create").unwrap_or_default();
            set_attribute(&link, "href", Some(&[record_url.as_str(), &below].concat()));
            set_attribute(&link, "hidden", None);
        }
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&record_url));
        }
    }

    /// The page's heading is no longer that of a new record.
    fn name_the_record(&self, key: &str) {
        let Some(heading) = find("h1") else { return };
        let attribute = |name: &str| self.element.get_attribute(name);
        let label = attribute("data-label-column").and_then(|column| {
            let value = self.ask_machine(|machine| machine.content().fields.get(&column).cloned())?;
            value?
        });
        let label = label.and_then(|label| label.lines().next().map(|line| line.trim().to_owned()));
        let label = label.filter(|label| !label.is_empty());
        let plain = || [attribute("data-record-kind").unwrap_or_default().as_str(), key].join(" ");
        let title = label.unwrap_or_else(plain);
        let heading_before = heading.text_content().unwrap_or_default();
        if let Some(rest) = document().title().strip_prefix(&heading_before) {
            document().set_title(&[&title, rest].concat());
        }
        set_text(&heading, &title);
    }

    pub(super) fn focus(&self, column: &str) {
        let choice = all_in(&self.element, "[data-conflicts] [data-conflict]")
            .into_iter()
            .find(|choice| choice.get_attribute("data-conflict").as_deref() == Some(column));
        if let Some(choice) = choice.and_then(|choice| find_in(&choice, "input")) {
            focus_element(&choice);
        } else if let Some(control) = fields::control(&self.element, column) {
            let _ = control.element().focus();
        }
    }
}

/// What became of a submission, if the server can say.
pub async fn what_became_of(id: &str, limit: Duration) -> Asked {
    let url = addresses::submission(id);
    let request = Request {
        method: "GET",
        url: &url,
        body: None,
        limit,
    };
    reply::asked(status::watched(request).await.as_ref())
}

async fn asked(id: String) -> Event {
    match what_became_of(&id, SAVE_LIMIT).await {
        Asked::Answer(answer) => Event::Answered { id, answer },
        Asked::NeverSaved => Event::NeverSaved { id },
        Asked::Unanswered => Event::Unanswered { id },
    }
}

fn focus_element(element: &web_sys::Element) {
    use wasm_bindgen::JsCast;
    let _ = element.unchecked_ref::<web_sys::HtmlElement>().focus();
}
