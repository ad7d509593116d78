//! Sends what was queued on other pages: in the order pressed, each under its own id. Whoever sends a
//! submission first does not matter; the server carries each out once.

use std::cell::Cell;
use std::time::Duration;

use resilient_core::collections::BTreeSet;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::effects::JustSaved;

use super::connection::{FORM, Request, encode, with_other_end};
use super::{device, dom, form, locks, status, storage, toasts};
use crate::reply::{self, Asked};
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
    // Another tab may be at it; what it leaves comes with the next pass.
    let Some(_lock) = locks::try_lock(&["inkfast:outbox:", &account].concat()).await else {
        return RUNNING.set(false);
    };
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
    let _lock = locks::lock(&sending(&entry.submission.id), LIMIT).await;
    if !device::is_waiting(account, &entry.submission.id).await {
        // Another tab had its answer, or its text was discarded.
        return true;
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
            settle(account, &entry, &answer).await;
            true
        }
    }
}

/// The lock of whoever sends a submission.
pub fn sending(id: &str) -> String {
    ["inkfast:send:", id].concat()
}

/// A submission is forgotten only after what follows from its answer is kept.
async fn settle(account: &str, entry: &StoredSubmission, answer: &Answer) {
    let submission = &entry.submission;
    let form_key = &submission.form_key;
    if answer.outcome == Outcome::Saved {
        device::drop_drafts(account, form_key, std::slice::from_ref(&submission.revision)).await;
        let saved = JustSaved {
            submission: submission.clone(),
            base: entry.base.clone(),
            answer: answer.clone(),
        };
        rebase_drafts(account, &saved).await;
        device::remember_saved(account, &saved);
        toasts::show(toasts::Kind::Saved, &format!("Saved what was queued for {form_key}."));
    } else {
        let words = format!("What was queued for {form_key} could not be saved. Your text is kept: see Unsaved work.");
        toasts::show(toasts::Kind::Refused, &words);
    }
    device::forget_submission(account, &submission.id).await;
}

/// Newer text of the form that was saved goes on top of what was saved.
async fn rebase_drafts(account: &str, saved: &JustSaved) {
    for (draft, draft_url) in device::drafts(account).await {
        if draft.form_key != saved.submission.form_key {
            continue;
        }
        let Some(rebased) = stored::rebased(&draft, saved) else {
            continue;
        };
        if rebased.form_key == draft.form_key {
            device::rewrite_draft(account, &rebased, draft_url).await;
            continue;
        }
        let draft_url = draft_url.map(|url| with_other_end(&url, &draft.form_key, &rebased.form_key));
        if device::keep_draft(account, &rebased, draft_url).await {
            device::drop_drafts(account, &draft.form_key, &[draft.draft.revision]).await;
        }
    }
}

/// A form of a new record whose answer was lost is the record's page after a reload: what was pressed
/// and typed there belongs to the record, if one of these made it.
pub async fn settle_creates(account: &str, record: &str) {
    let Some((table, _)) = record.split_once('/') else {
        return;
    };
    let new = format!("{table}/new-");
    for entry in device::submissions(account).await {
        if !entry.submission.form_key.starts_with(&new) {
            continue;
        }
        match form::ask(&entry.submission).await {
            Asked::Answer(answer) if answer.outcome == Outcome::Saved => settle(account, &entry, &answer).await,
            _ => {}
        }
    }
}

/// Whether nobody has signed out, or in as somebody else, in this browser since the page was loaded.
pub fn account_is_here(account: &str) -> bool {
    storage::read(stored::SIGN_OUT).is_none() && storage::read(stored::ACCOUNT).is_none_or(|present| present == account)
}
