//! A person's saves that are not done, as JSON: those that devices and the server send again, and those that nobody will.

use app::auth::model::Account;
use app::drafts::port::SeenDrafts;
use app::monitoring::port::{Condition, DraftsState};
use resilient_core::submission::queue::Entry;
use serde_json::{Value, json};

use crate::monitoring::Waiting;
use crate::services::Services;

pub struct Own {
    pub waiting: Value,
    /// Sent by the server, and not saved.
    pub needs_attention: Value,
    /// Else there may be more, where nobody can look now.
    pub complete: bool,
}

/// One form has one line in `waiting`, but for presses of it that the server has in its own order.
pub async fn of(services: &Services, account: &Account, condition: &Condition) -> Own {
    let queue = services.drafts.waiting();
    let listed = queue.list(&account.name).await.unwrap_or_default();
    let complete = listed.complete;
    let (in_line, ended): (Vec<Entry>, Vec<Entry>) = listed.entries.into_iter().partition(Entry::is_waiting);
    let failed: Vec<&Entry> = ended.iter().filter(|entry| entry.has_failed()).collect();
    let known = known(services, account).await;
    let is_settled = |waiting: &&Waiting| {
        let of_this = |entry: &&&Entry| entry.form_key == waiting.form_key && entry.revision == waiting.revision;
        failed.iter().any(|entry| of_this(&entry))
    };
    let is_in_line = |waiting: &&Waiting| in_line.iter().any(|entry| entry.form_key == waiting.form_key);
    let by_devices = known
        .iter()
        .filter(|waiting| !is_settled(waiting) && !is_in_line(waiting))
        .map(|waiting| {
            json!({
                "form_key": waiting.form_key,
                "since_unix_ms": waiting.since_ms,
                "reason": waiting.reason,
                "kept_in": waiting.kept_in,
                "server_retries": false,
            })
        });
    let kept_in = match condition.drafts_state {
        DraftsState::Redis => "redis",
        _ => "server",
    };
    let by_server = in_line.iter().map(|entry| {
        let kept = known.iter().find(|waiting| waiting.revision == entry.revision);
        json!({
            "form_key": entry.form_key,
            "since_unix_ms": entry.pressed_at_ms,
            "reason": entry.reason,
            "kept_in": kept.and_then(|waiting| waiting.kept_in.as_deref()).unwrap_or(kept_in),
            "server_retries": queue.works(),
            "id": entry.id,
            "attempts": entry.attempts,
        })
    });
    let needs_attention = failed.iter().map(|entry| {
        json!({
            "form_key": entry.form_key,
            "since_unix_ms": entry.pressed_at_ms,
            "ended_unix_ms": entry.ended_at_ms(),
            "why": entry.why_code(),
            "id": entry.id,
        })
    });
    Own {
        waiting: by_server.chain(by_devices).collect(),
        needs_attention: needs_attention.collect(),
        complete,
    }
}

/// This person's forms whose last save was kept. One whose draft was discarded since waits no more.
async fn known(services: &Services, account: &Account) -> Vec<Waiting> {
    let saves = &services.observations.saves;
    let waiting = saves.waiting_of(&account.name);
    if waiting.is_empty() {
        return waiting;
    }
    let seen = services.drafts_port().list(account).await.ok();
    // What cannot be seen is not gone.
    let seen = seen.filter(|seen| seen.complete);
    let is_discarded = |waiting: &Waiting| {
        let stored = |seen: &SeenDrafts| {
            let unreadable = seen.unreadable.iter().any(|draft| draft.form_key == waiting.form_key);
            unreadable || seen.drafts.iter().any(|draft| draft.form_key == waiting.form_key)
        };
        waiting.kept_in.is_some() && seen.as_ref().is_some_and(|seen| !stored(seen))
    };
    let (discarded, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_discarded);
    for discarded in discarded {
        saves.forget(&account.name, &discarded.form_key);
    }
    waiting
}
