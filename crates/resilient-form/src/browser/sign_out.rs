//! Signing out with unsaved or queued work asks first, and purges this account's keys only then.

use std::time::Duration;

use resilient_core::submission::machine::effects::DeviceDraft;
use wasm_bindgen::JsCast;
use web_sys::{Event as DomEvent, HtmlDialogElement, HtmlFormElement};

use super::connection::{FORM, JSON, Request};
use super::dom::{self, button, document, find, listen, make, set_text};
use super::task::spawn;
use super::{addresses, device, form, status, storage};
use crate::json::{self, Json};
use crate::{reply, stored, wire};

const LIMIT: Duration = Duration::from_secs(10);
/// On `<html>` of the page where somebody signed out while the server was away.
const SIGNED_OUT: &str = "data-signed-out";
const NOT_KEPT: &str = "Not everything could be kept on the server. Nothing was removed; try again, or stay.";
const NOT_DROPPED: &str =
    "Not everything could be discarded on the server. Nothing was removed here; try again, or stay.";
const SECRET: &str =
    "You changed a secret, which is kept in the page only and never as a draft. Save it first, or stay.";
const REMOVES: &str = "Signing out removes it from this device.";
/// The server sends again by itself what it has taken.
const REMOVES_WHILE_AWAY: &str =
    "Signing out removes it from this device. What was already sent may be saved before the server hears of it.";

/// Watches the page's sign-out form.
pub fn guard() {
    let Some(sign_out) = find("form[data-sign-out]").map(JsCast::unchecked_into::<HtmlFormElement>) else {
        return;
    };
    if let Some(account) = dom::account() {
        storage::write(stored::ACCOUNT, &account);
    }
    let own = sign_out.clone();
    listen(&sign_out, "submit", move |event: DomEvent| {
        event.prevent_default();
        spawn(ask_if_needed(own.clone()));
    });
}

async fn ask_if_needed(sign_out: HtmlFormElement) {
    let Some(account) = dom::account() else {
        forget_who_is_here();
        return leave(&sign_out);
    };
    let on_device = !texts(&account).await.is_empty() || !device::submissions(&account).await.is_empty();
    if on_device || form::has_unsaved() {
        ask(sign_out, account);
    } else {
        forget_who_is_here();
        leave(&sign_out);
    }
}

/// Posts the form as it stands: the page goes. Where that cannot reach the server, it is promised.
fn leave(sign_out: &HtmlFormElement) {
    if status::is_reachable() {
        let _ = sign_out.submit();
    } else {
        promise(&[]);
    }
}

/// No tab sends or keeps anything for this account any more, and none puts back what is removed now.
fn forget_who_is_here() {
    form::let_go();
    storage::write(stored::ACCOUNT, stored::NOBODY);
}

/// The server cannot be told now: it is, before anything else, once it is back.
fn promise(drops: &[String]) {
    let promised = json::texts(drops);
    let is_written = storage::write(stored::SIGN_OUT, &promised);
    // Pages that are kept for when the server is away go now. Where storage takes no promise, this page keeps it.
    dom::mark_page(SIGNED_OUT, if is_written { "" } else { &promised });
    close();
    if let Some(main) = find("main") {
        main.set_text_content(Some(
            "Signed out on this device. The server is told as soon as it can be reached.",
        ));
    }
}

fn ask(sign_out: HtmlFormElement, account: String) {
    close();
    let reachable = status::is_reachable();
    let (keeping, kept_account) = (sign_out.clone(), account.clone());
    let keep = button("Keep on the server and sign out", move |_| {
        spawn(keep_and_leave(keeping.clone(), kept_account.clone()));
    });
    let discard = button("Discard and sign out", move |_| {
        spawn(discard_and_leave(sign_out.clone(), account.clone()));
    });
    let stay = button("Stay", |_| close()).with("autofocus", "");
    let words = make("p").with("data-sign-out-words", "").with("role", "alert");
    let dialog = make("dialog")
        .with("data-sign-out-dialog", "")
        .with("aria-labelledby", "sign-out-heading");
    let dialog = dialog
        .child(
            make("h2")
                .with("id", "sign-out-heading")
                .text("You have work that is not saved"),
        )
        .child(make("p").text(if reachable { REMOVES } else { REMOVES_WHILE_AWAY }))
        .child(words)
        .child(
            make("p")
                .with("class", "actions")
                .children(reachable.then_some(keep))
                .child(discard)
                .child(stay),
        )
        .done();
    let dialog: HtmlDialogElement = dialog.unchecked_into();
    if let Some(body) = document().body() {
        let _ = body.append_child(&dialog);
    }
    let _ = dialog.show_modal();
}

fn close() {
    if let Some(dialog) = find("dialog[data-sign-out-dialog]") {
        // Closed, it gives the focus back.
        dialog.unchecked_ref::<HtmlDialogElement>().close();
        dialog.remove();
    }
}

/// Only once the server has everything.
async fn keep_and_leave(sign_out: HtmlFormElement, account: String) {
    if let Err(why) = flush(&account).await {
        return say(why);
    }
    forget_who_is_here();
    device::purge(&account).await;
    leave(&sign_out);
}

fn say(why: &str) {
    if let Some(words) = find("[data-sign-out-words]") {
        set_text(&words, why);
    }
}

/// What the server was not told of, it would save after all: then nothing goes.
async fn discard_and_leave(sign_out: HtmlFormElement, account: String) {
    let drops = drops_on_server(&account).await;
    let reachable = status::is_reachable();
    if reachable && drop_all(&drops).await.is_err() {
        return say(NOT_DROPPED);
    }
    forget_who_is_here();
    // Tabs hear of it; the entry itself is of no use.
    storage::write(stored::DISCARDED, &account);
    storage::remove(stored::DISCARDED);
    device::purge(&account).await;
    if reachable {
        leave(&sign_out);
    } else {
        promise(&drops);
    }
}

/// Hands everything to the server, or says why that cannot be. Queued submissions have their text as
/// drafts as well; one whose draft is gone is not flushed, so it stops this.
async fn flush(account: &str) -> Result<(), &'static str> {
    if form::has_unsaved_secret() {
        return Err(SECRET);
    }
    if !form::reaches_server(LIMIT).await {
        return Err(NOT_KEPT);
    }
    let drafts = texts(account).await;
    for submission in device::submissions(account).await {
        if submission.incomplete {
            return Err(SECRET);
        }
        let covered = drafts
            .iter()
            .any(|(draft, _)| draft.form_key == submission.submission.form_key);
        if !covered {
            return Err(NOT_KEPT);
        }
    }
    for (device, draft_url) in drafts {
        let draft_url = draft_url.ok_or(NOT_KEPT)?;
        let json = wire::draft_json(&device.draft);
        let url = form::keep_url(&draft_url, account);
        let sent = Request {
            method: "POST",
            url: &url,
            body: Some((JSON, json)),
            limit: LIMIT,
        }
        .send()
        .await;
        let same_is_stored = sent
            .as_ref()
            .is_some_and(|sent| is_stored(sent, &device.draft.revision));
        if reply::draft_taken(sent.as_ref()).is_err() && !same_is_stored {
            return Err(NOT_KEPT);
        }
    }
    Ok(())
}

/// This device's drafts, and what was recorded before a page's script ran and is in none of them.
async fn texts(account: &str) -> Vec<(DeviceDraft, Option<String>)> {
    let mut texts = device::drafts(account).await;
    for (form_key, page, early) in device::early_entries(account) {
        let writer = stored::taking_over_writer(&page, &early);
        let is_there = texts.iter().any(|(text, _)| {
            let by = &text.draft.revision.writer;
            text.form_key == form_key && (*by == page || *by == writer)
        });
        if !is_there {
            let (draft_url, lineage) = (early.draft_url.clone(), Vec::new());
            let draft = early.into_draft(writer);
            texts.push((
                DeviceDraft {
                    form_key,
                    draft,
                    lineage,
                    secrets: Vec::new(),
                },
                draft_url,
            ));
        }
    }
    texts
}

/// The refusal names the very draft, or a later one of the same page load: the server has it.
fn is_stored(sent: &reply::Reply, revision: &resilient_core::draft::Revision) -> bool {
    use resilient_core::submission::machine::events::DraftRefusal::Stored;
    matches!(reply::draft_taken(Some(sent)), Err(Stored(Some(stored)))
        if stored.revision.writer == revision.writer && stored.revision.seq >= revision.seq)
}

/// The addresses that drop this device's drafts.
async fn drops_on_server(account: &str) -> Vec<String> {
    let drafts = device::drafts(account).await.into_iter();
    let drop_url = |(device, draft_url): (DeviceDraft, Option<String>)| {
        Some(form::drop_url(&draft_url?, account, &device.draft.revision))
    };
    drafts.filter_map(drop_url).collect()
}

/// What is gone, or was never there, or has a later text over it, is dropped. Else: how the first that is not was
/// answered; `None`: not at all.
async fn drop_all(urls: &[String]) -> Result<(), Option<u16>> {
    for url in urls {
        let request = Request {
            method: "DELETE",
            url,
            body: None,
            limit: LIMIT,
        };
        let status = request.send().await.map(|reply| reply.status);
        if !matches!(status, Some(200..300 | 404 | 409)) {
            return Err(status);
        }
    }
    Ok(())
}

/// Somebody signed out while the server was away: that goes before anything else.
pub async fn finish_what_was_promised() {
    let in_page = document()
        .document_element()
        .and_then(|page| page.get_attribute(SIGNED_OUT));
    let promised = match (storage::read(stored::SIGN_OUT), in_page) {
        (Some(promised), _) => promised,
        (None, Some(promised)) if !promised.is_empty() => promised,
        (None, Some(_)) => {
            // Another tab was the first to tell.
            return to_sign_in();
        }
        (None, None) => return,
    };
    let dropped = drop_all(&Json::read_texts(&promised).unwrap_or_default()).await;
    if let Err(None | Some(429 | 500..)) = dropped {
        // Nobody is signed out who may still say so: it goes first when the server answers again.
        return;
    }
    let url = addresses::sign_out();
    let request = Request {
        method: "POST",
        url: &url,
        body: Some((FORM, String::new())),
        limit: LIMIT,
    };
    // A redirect, not followed: signed out. Something on the way would say anything else.
    if request.send().await.is_some_and(|reply| reply.status == 0) {
        storage::remove(stored::SIGN_OUT);
        if form::has_unsaved() {
            // Somebody may be reading it, or copying it.
            form::signed_out();
        } else {
            to_sign_in();
        }
    }
}

fn to_sign_in() {
    let _ = dom::window().location().assign(&addresses::sign_in());
}
