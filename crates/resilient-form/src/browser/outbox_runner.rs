//! Sends what was queued on other pages: in the order pressed, each under its own id. Whoever sends a
//! submission first does not matter; the server carries each out once.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use resilient_core::submission::answer::{Answer, Outcome};

use super::connection::{FORM, Request, encode};
use super::{device, dom, form, status, storage, toasts};
use crate::reply;
use crate::stored::{self, StoredSubmission};

const LIMIT: Duration = Duration::from_secs(15);

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// One pass over the outbox; what has no answer waits for the next time the server is ready.
pub async fn run() {
    let Some(account) = dom::account() else { return };
    if RUNNING.replace(true) {
        return;
    }
    let own_form = form::form_key();
    let mut stopped = BTreeSet::new();
    for entry in device::submissions(&account).await {
        let form_key = entry.submission.form_key.clone();
        let is_here = Some(&form_key) == own_form.as_ref();
        // One that cannot go on stops its own record's line and no other's.
        if !is_here && !entry.incomplete && !stopped.contains(&form_key) && !send(&account, entry).await {
            stopped.insert(form_key);
        }
    }
    RUNNING.set(false);
}

/// Whether the submission has its answer.
async fn send(account: &str, entry: StoredSubmission) -> bool {
    if !account_is_here(account) {
        return false;
    }
    let body = encode(&super::form::pairs(&entry.submission, account));
    let request = Request {
        method: "POST",
        url: &entry.url,
        body: Some((FORM, body)),
        limit: LIMIT,
    };
    let Some(answer) = status::watched(request).await.as_ref().and_then(reply::answer) else {
        return false;
    };
    match answer.outcome {
        Outcome::Kept | Outcome::InProgress | Outcome::RateLimited | Outcome::Unauthenticated => false,
        _ => {
            settle(account, &entry, &answer);
            true
        }
    }
}

fn settle(account: &str, entry: &StoredSubmission, answer: &Answer) {
    let submission = &entry.submission;
    device::forget_submission(account, &submission.id);
    let form_key = &submission.form_key;
    if answer.outcome == Outcome::Saved {
        device::drop_drafts(account, form_key, std::slice::from_ref(&submission.revision));
        toasts::show(toasts::Kind::Saved, &format!("Saved what was queued for {form_key}."));
    } else {
        let words = format!("What was queued for {form_key} could not be saved. Your text is kept: see Unsaved work.");
        toasts::show(toasts::Kind::Refused, &words);
    }
}

/// Whether nobody else has signed in, in this browser, since the page was loaded.
pub fn account_is_here(account: &str) -> bool {
    storage::read(stored::ACCOUNT).is_none_or(|present| present == account)
}
