//! Performing the machine's orders.

use std::rc::Rc;
use std::time::Duration;

use resilient_core::submission::Submission;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::effects::{DeviceDraft, Effect, OutboxEntry};
use resilient_core::submission::machine::events::Event;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{Form, fields, pairs};
use crate::browser::connection::{FORM, Request, encode};
use crate::browser::dom::{all_in, set_attribute, window};
use crate::browser::outbox_runner::account_is_here;
use crate::browser::{device, status, storage};
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
            Effect::DropLocally { form_key, revisions } => {
                spawn_local(device::drop_drafts(&self.account, &form_key, &revisions));
            }
            Effect::SaveDraft(draft) => self.save_draft(draft),
            Effect::BeaconDraft(draft) => self.beacon_draft(&draft),
            Effect::DropDraft(revision) => self.drop_draft(revision),
            Effect::WriteOutbox(entry) => self.write_outbox(entry),
            Effect::RemoveOutbox(id) => spawn_local(device::forget_submission(&self.account, &id)),
            Effect::Send(submission) => self.send(submission),
            Effect::Ask(id) => self.ask(id),
            Effect::AskSignIn => self.ask_sign_in(),
            Effect::BecomeRecord { key, form_key } => self.become_record(&key, &form_key),
            Effect::Announce(announcement) => self.announce(announcement),
            Effect::FocusField(column) => self.focus(&column),
        }
    }

    /// Tells the event once the future has it.
    pub(super) fn tell_after(self: &Rc<Self>, work: impl Future<Output = Event> + 'static) {
        let form = Rc::clone(self);
        spawn_local(async move {
            let event = work.await;
            form.tell(event);
        });
    }

    fn keep_locally(self: &Rc<Self>, draft: DeviceDraft) {
        let revision = draft.draft.revision.clone();
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
        self.tell_after(async move {
            let request = Request {
                method: "POST",
                url: &url,
                body: Some((FORM, body)),
                limit: SAVE_LIMIT,
            };
            match status::watched(request).await.as_ref().and_then(reply::answer) {
                Some(answer) => Event::answered(id, answer),
                None => Event::Unanswered { id },
            }
        });
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
        self.tell_after(async move {
            let url = format!("/api/submissions/{id}");
            let request = Request {
                method: "GET",
                url: &url,
                body: None,
                limit: SAVE_LIMIT,
            };
            match reply::asked(status::watched(request).await.as_ref()) {
                Asked::Answer(answer) => Event::Answered { id, answer },
                Asked::NeverSaved => Event::NeverSaved { id },
                Asked::Unanswered => Event::Unanswered { id },
            }
        });
    }

    fn become_record(&self, key: &str, form_key: &str) {
        let form = &self.element;
        let old_form_key = form.get_attribute("data-form-key").unwrap_or_default();
        set_attribute(form, "data-form-key", Some(form_key));
        set_attribute(form, "data-is-new", None);
        if let Some(draft_url) = form.get_attribute("data-draft-url") {
            let draft_url = draft_url.replace(&old_form_key, form_key);
            set_attribute(form, "data-draft-url", Some(&draft_url));
            *self.draft_url.borrow_mut() = Some(draft_url);
        }
        for field in all_in(form, "[data-key-column] :is(input, textarea)") {
            set_attribute(&field, "readonly", Some(""));
        }
        let Some(record_url) = form
            .get_attribute("data-record-url")
            .map(|url| url.replace("{key}", key))
        else {
            return;
        };
        set_attribute(form, "action", Some(&record_url));
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&record_url));
        }
    }

    fn focus(&self, column: &str) {
        if let Some(choice) = all_in(&self.element, &format!("[data-conflict=\"{column}\"] input")).first() {
            focus_element(choice);
        } else if let Some(control) = fields::control(&self.element, column) {
            let _ = control.element().focus();
        }
    }
}

fn focus_element(element: &web_sys::Element) {
    use wasm_bindgen::JsCast;
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        let _ = element.focus();
    }
}
