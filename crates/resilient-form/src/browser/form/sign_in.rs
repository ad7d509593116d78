//! Signing in over the form: nothing typed is left behind.

use std::rc::Rc;
use std::time::Duration;

use resilient_core::submission::machine::events::Event;
use resilient_core::submission::machine::{FormState, View};
use wasm_bindgen::JsCast;
use web_sys::{Event as DomEvent, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::Form;
use crate::browser::addresses;
use crate::browser::connection::{FORM, Request, encode};
use crate::browser::dom::{document, find, make, set_text};
use crate::browser::storage;
use crate::browser::task::spawn;
use crate::stored;

const LIMIT: Duration = Duration::from_secs(15);

impl Form {
    /// Opens the dialog. Only ever after a press of Save or of *Sign in*: nothing takes the focus unasked.
    pub fn ask_sign_in(self: &Rc<Self>) {
        if find("dialog[data-sign-in-dialog]").is_some() {
            return;
        }
        let dialog: HtmlDialogElement = self.dialog().unchecked_into();
        if let Some(body) = document().body() {
            let _ = body.append_child(&dialog);
        }
        let closing = dialog.clone();
        crate::browser::dom::listen(&dialog, "close", move |_: DomEvent| closing.remove());
        let _ = dialog.show_modal();
    }

    /// Closes the dialog once it is no longer needed.
    pub fn ask_sign_in_where_needed(&self, view: &View, before: Option<&View>) {
        let was_out = before.is_some_and(|before| before.state == FormState::SignedOut);
        if was_out && view.state != FormState::SignedOut {
            close();
        }
    }

    fn dialog(self: &Rc<Self>) -> HtmlElement {
        let own = Rc::clone(self);
        let name = make("input")
            .with("name", "username")
            .with("value", &self.account)
            .with("readonly", "")
            .with("autocomplete", "username");
        let password = make("input")
            .with("name", "password")
            .with("type", "password")
            .with("autocomplete", "current-password")
            .with("autofocus", "");
        let labelled = |words: &str, control| {
            make("label")
                .with("class", "field")
                .child(make("span").with("class", "label").text(words))
                .child(control)
        };
        let send = make("button")
            .with("type", "submit")
            .with("class", "button button-primary")
            .text("Sign in");
        let later = crate::browser::dom::button("Later", |_| close());
        let form = make("form")
            .with("method", "post")
            .with("action", &addresses::sign_in());
        let form = form.on("submit", move |event| {
            event.prevent_default();
            spawn(Rc::clone(&own).sign_in());
        });
        let form = form
            .child(make("h2").with("id", "sign-in-heading").text("Sign in to go on"))
            .child(make("p").text("What is in this form stays in it. Sign in, and go on where you were."))
            .child(labelled("Account", name))
            .child(labelled("Password", password))
            .child(
                make("p")
                    .with("class", "field-error")
                    .with("role", "alert")
                    .with("data-sign-in-words", ""),
            )
            .child(make("p").with("class", "actions").child(send).child(later));
        make("dialog")
            .with("data-sign-in-dialog", "")
            .with("aria-labelledby", "sign-in-heading")
            .child(form)
            .done()
    }

    async fn sign_in(self: Rc<Self>) {
        let password =
            find("dialog[data-sign-in-dialog] input[name=password]").map(JsCast::unchecked_into::<HtmlInputElement>);
        let Some(password) = password else { return };
        let pairs = [
            ("username".to_owned(), self.account.clone()),
            ("password".to_owned(), password.value()),
        ];
        let url = addresses::sign_in();
        let request = Request {
            method: "POST",
            url: &url,
            body: Some((FORM, encode(&pairs))),
            limit: LIMIT,
        };
        match request.send().await.map(|reply| reply.status) {
            // A redirect, not followed: the server let the person in.
            Some(0 | 200) => {
                // Whoever signs in anew is not to be signed out by an earlier promise to do so.
                storage::remove(stored::SIGN_OUT);
                // Other tabs hear of a change only.
                storage::write(stored::ACCOUNT, stored::NOBODY);
                storage::write(stored::ACCOUNT, &self.account);
                close();
                self.tell(Event::SignedIn);
            }
            Some(401 | 403 | 422) => say("That password is not right."),
            Some(429) => say("Too many tries. Wait a little."),
            _ => say("Signing in is not possible at the moment. Your text stays here; try again."),
        }
    }
}

fn say(words: &str) {
    if let Some(place) = find("[data-sign-in-words]") {
        set_text(&place, words);
    }
}

fn close() {
    if let Some(dialog) = find("dialog[data-sign-in-dialog]") {
        // Closed, it gives the focus back, and goes.
        dialog.unchecked_ref::<HtmlDialogElement>().close();
        dialog.remove();
    }
}
