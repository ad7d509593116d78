//! Sends what was queued on other pages: in the order pressed, each under its own id. Whoever sends a
//! submission first does not matter; the server carries each out once.

use std::cell::Cell;
use std::time::Duration;

use resilient_core::collections::BTreeSet;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::effects::JustSaved;
use resilient_core::submission::machine::pause_before_retry;
use resilient_core::time::Moment;

use super::connection::{FORM, Request, encode, with_other_end};
use super::task::spawn;
use super::timer::{Alarm, now, wall_clock_ms};
use super::{device, dom, form, locks, random, status, storage, toasts};
use crate::reply::{self, Asked};
use crate::stored::{self, StoredSubmission};

const LIMIT: Duration = Duration::from_secs(15);
/// After too many requests it waits at least this long.
const LEAST_PAUSE: Duration = Duration::from_secs(5);

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    /// Too many requests were answered: no pass before this.
    static NOT_BEFORE: Cell<Moment> = const { Cell::new(Moment::START) };
    /// Rings for the next pass where something waits for its time.
    static ALARM: Alarm = Alarm::default();
}

/// One pass over the outbox; what has no answer waits for the next time the server is ready, what was told a time for
/// that.
pub async fn run() {
    let Some(account) = dom::account() else { return };
    let not_before = NOT_BEFORE.get();
    if not_before > now() {
        return run_at(not_before);
    }
    if RUNNING.replace(true) {
        return;
    }
    // Another tab may be at it; what it leaves comes with the next pass.
    let Some(_lock) = locks::try_lock(&["inkfast:outbox:", &account].concat()).await else {
        return RUNNING.set(false);
    };
    let next = pass(&account).await;
    RUNNING.set(false);
    if let Some(next) = next {
        run_at(next);
    }
}

fn run_at(moment: Moment) {
    ALARM.with(|alarm| alarm.set(Some(moment), || spawn(run())));
}

/// When the next pass has something to send.
async fn pass(account: &str) -> Option<Moment> {
    let own_form = form::form_key();
    let mut stopped = BTreeSet::new();
    let mut next: Option<Moment> = None;
    for entry in device::submissions(account).await {
        let form_key = entry.submission.form_key.clone();
        let is_here = Some(&form_key) == own_form.as_ref();
        if is_here || entry.incomplete || stopped.contains(&form_key) {
            continue;
        }
        let wait = entry.wait_ms(wall_clock_ms());
        let sent = if wait > 0 {
            let due = now() + Duration::from_millis(wait);
            next = Some(next.map_or(due, |next| next.min(due)));
            Sent::Stopped
        } else {
            send(account, entry).await
        };
        match sent {
            Sent::Answered => {}
            // One that cannot go on stops its own record's line and no other's.
            Sent::Stopped => drop(stopped.insert(form_key)),
            Sent::TooOften(pause) => {
                let not_before = now() + pause_before_retry(1, Some(pause.max(LEAST_PAUSE)), random::bits() as u64);
                NOT_BEFORE.set(not_before);
                return Some(not_before);
            }
        }
    }
    next
}

/// What came of sending a submission.
enum Sent {
    Answered,
    Stopped,
    /// Nobody else's would be taken now, either.
    TooOften(Duration),
}

async fn send(account: &str, entry: StoredSubmission) -> Sent {
    if !account_is_here(account) {
        return Sent::Stopped;
    }
    let _lock = locks::lock(&sending(&entry.submission.id), LIMIT).await;
    if !device::is_waiting(account, &entry.submission.id).await {
        // Another tab had its answer, or its text was discarded.
        return Sent::Answered;
    }
    let body = encode(&super::form::pairs(&entry.submission, account));
    let request = Request {
        method: "POST",
        url: &entry.url,
        body: Some((FORM, body)),
        limit: LIMIT,
    };
    let Some(mut answer) = status::watched(request).await.as_ref().and_then(reply::answer) else {
        return Sent::Stopped;
    };
    if answer.on_the_way && answer.outcome == Outcome::TooLarge {
        // Its page, or an earlier pass, may have sent it: what a proxy turns away now may have got through before.
        match form::ask(&entry.submission).await {
            Asked::Answer(known) if known.outcome == Outcome::Saved => answer = *known,
            _ => return Sent::Stopped,
        }
    }
    match answer.outcome {
        Outcome::RateLimited => Sent::TooOften(answer.pause().unwrap_or_default()),
        Outcome::Kept | Outcome::InProgress | Outcome::Unauthenticated => Sent::Stopped,
        _ => {
            settle(account, &entry, &answer).await;
            Sent::Answered
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
        toasts::show(
            toasts::Kind::Saved,
            &["Saved what was queued for ", form_key, "."].concat(),
        );
    } else {
        let words = [
            "What was queued for ",
            form_key,
            " could not be saved. Your text is kept: see Unsaved work.",
        ]
        .concat();
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
    let new = [table, "/new-"].concat();
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
