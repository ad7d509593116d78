//! What the device keeps: each entry in `localStorage` and in IndexedDB, one key each.

use resilient_core::collections::BTreeMap;
use resilient_core::draft::Revision;
use resilient_core::submission::Submission;
use resilient_core::submission::machine::effects::{DeviceDraft, JustSaved, OutboxEntry};

use super::timer::wall_clock_ms;
use super::{idb, seal, storage};
use crate::stored::{self, Early, Stored, StoredDraft, StoredSave, StoredSaves, StoredSubmission};

/// Writes a draft. `localStorage` is written before this returns its future, so that it holds even
/// while the page goes away; the answer is whether the draft is kept.
pub fn keep_draft(
    account: &str,
    device: &DeviceDraft,
    draft_url: Option<String>,
) -> impl Future<Output = bool> + use<> {
    let key = stored::draft_key(account, &device.form_key, &device.draft.revision.writer);
    keep(key, StoredDraft::new(device, draft_url, wall_clock_ms()).json())
}

/// When a draft was written here, as far as that can be told at once.
pub fn kept_at_ms(account: &str, form_key: &str, revision: &Revision) -> Option<u64> {
    let stored = storage::read(&stored::draft_key(account, form_key, &revision.writer))?;
    let stored = StoredDraft::read(&stored).filter(|stored| stored.draft.revision == *revision)?;
    (stored.at_ms > 0).then_some(stored.at_ms)
}

/// Remembers that these drafts are over, as `kind` says: [`stored::ENDED`], of which other tabs hear, or
/// [`stored::TYPED_BACK`]. Through before this returns.
pub fn end(kind: &str, account: &str, form_key: &str, revisions: &[Revision]) {
    for Revision { seq, writer } in revisions {
        let key = stored::over_key(kind, account, form_key, writer);
        let seq = over_up_to(&key).unwrap_or(0).max(*seq);
        storage::write(&key, &stored::ended_text(seq, wall_clock_ms()));
    }
}

/// These drafts were discarded.
pub fn bury(account: &str, form_key: &str, revisions: &[Revision]) {
    end(stored::ENDED, account, form_key, revisions);
}

pub fn is_over(kind: &str, account: &str, form_key: &str, revision: &Revision) -> bool {
    let key = stored::over_key(kind, account, form_key, &revision.writer);
    over_up_to(&key).is_some_and(|seq| revision.seq <= seq)
}

pub fn is_buried(account: &str, form_key: &str, revision: &Revision) -> bool {
    is_over(stored::ENDED, account, form_key, revision)
}

fn over_up_to(key: &str) -> Option<u64> {
    stored::read_ended(&storage::read(key)?).map(|(seq, _)| seq)
}

/// Forgets what was discarded, or saved, too long ago to matter.
pub fn sweep(account: &str) {
    let long_ago = |at_ms: u64| at_ms.saturating_add(stored::ENDED_FOR_MS) < wall_clock_ms();
    for kind in [stored::ENDED, stored::TYPED_BACK] {
        for (key, text) in storage::entries(&[kind, account, ":"].concat()) {
            if stored::read_ended(&text).is_none_or(|(_, at_ms)| long_ago(at_ms)) {
                storage::remove(&key);
            }
        }
    }
    for (key, text) in storage::entries(&[stored::SAVED, account, ":"].concat()) {
        if seal::is_sealed(&text) {
            continue;
        }
        let saves = StoredSaves::read(&text).unwrap_or_default().saves;
        if saves.last().is_none_or(|last| long_ago(last.at_ms)) {
            storage::remove(&key);
        }
    }
}

/// Remembers a save for pages that do not know of it yet. Other tabs hear of it.
pub fn remember_saved(account: &str, saved: &JustSaved) {
    let form_key = &saved.submission.form_key;
    let table = form_key.split('/').next().unwrap_or_default();
    let form_key = match &saved.answer.key {
        Some(key) => [table, key].join("/"),
        None => form_key.clone(),
    };
    let key = stored::saved_key(account, &form_key);
    let saves = saves(&key).with(saved, wall_clock_ms());
    storage::write(&key, &saves.json());
}

fn saves(key: &str) -> StoredSaves {
    storage::read(key)
        .and_then(|json| StoredSaves::read(&json))
        .unwrap_or_default()
}

/// A form's saves that were answered at or after a time of the device's clock.
pub fn saved_since(account: &str, form_key: &str, since_ms: u64) -> Vec<JustSaved> {
    let mut saves = saves(&stored::saved_key(account, form_key)).saves;
    saves.retain(|save| save.at_ms >= since_ms);
    saves.into_iter().map(StoredSave::into_just_saved).collect()
}

fn keep(key: String, json: String) -> impl Future<Output = bool> + use<> {
    let in_storage = storage::write(&key, &json);
    async move { idb::write(&key, &json).await || in_storage }
}

/// Removes drafts, each only if what is stored is not later than named.
/// `localStorage` is through before this returns its future.
pub fn drop_drafts(account: &str, form_key: &str, revisions: &[Revision]) -> impl Future<Output = ()> + use<> {
    let mut keys = Vec::new();
    for revision in revisions {
        let seq = revision.seq;
        let key = stored::draft_key(account, form_key, &revision.writer);
        let mark = stored::dropped_key(account, form_key, &revision.writer);
        drop_early(account, form_key, &revision.writer);
        if storage::read(&key).is_some_and(|json| is_up_to(&json, seq)) {
            storage::remove(&key);
        }
        // A page that is left right now never gets to IndexedDB: the next one knows by this mark.
        storage::write(&mark, &seq.to_string());
        keys.push((key, mark, seq));
    }
    async move {
        for (key, mark, seq) in keys {
            finish_dropping(&key, &mark, seq).await;
        }
    }
}

async fn finish_dropping(key: &str, mark: &str, seq: u64) {
    let may_go = Box::new(move |json: Option<&str>| json.is_some_and(|json| is_up_to(json, seq)));
    idb::change_if(key, None, may_go).await;
    // What could not be read is there still.
    if dropped_up_to(mark) == Some(seq) && !seal::is_locked() {
        storage::remove(mark);
    }
}

fn dropped_up_to(mark: &str) -> Option<u64> {
    storage::read(mark)?.parse().ok()
}

fn is_up_to(json: &str, seq: u64) -> bool {
    StoredDraft::read(json).is_some_and(|stored| stored.draft.revision.seq <= seq)
}

/// An early entry goes with its page's own draft. One that was taken over goes with the draft it became,
/// unless its page has recorded something else since.
fn drop_early(account: &str, form_key: &str, writer: &str) {
    let Some((page, _)) = stored::taken_over(writer) else {
        return storage::remove(&stored::early_key(account, form_key, writer));
    };
    let key = stored::early_key(account, form_key, page);
    let same =
        |json: &String| Early::read(json).is_some_and(|early| stored::taking_over_writer(page, &early) == writer);
    if storage::read(&key).as_ref().is_some_and(same) {
        storage::remove(&key);
    }
}

/// Writes a draft of the same revision over the one stored, wherever that still lies.
pub async fn rewrite_draft(account: &str, device: &DeviceDraft, draft_url: Option<String>) {
    let revision = device.draft.revision.clone();
    let key = stored::draft_key(account, &device.form_key, &revision.writer);
    let json = StoredDraft::new(device, draft_url, wall_clock_ms()).json();
    let is_same = move |json: Option<&str>| {
        let stored = json.and_then(StoredDraft::read);
        stored.is_some_and(|stored| stored.draft.revision == revision)
    };
    if is_same(storage::read(&key).as_deref()) {
        storage::write(&key, &json);
    }
    idb::change_if(&key, Some(json), Box::new(is_same)).await;
}

/// Writes a draft of another page load, unless a later one of that page lies there.
pub async fn put_back_draft(account: &str, device: &DeviceDraft, draft_url: Option<String>) -> bool {
    let seq = device.draft.revision.seq;
    let key = stored::draft_key(account, &device.form_key, &device.draft.revision.writer);
    let json = StoredDraft::new(device, draft_url, wall_clock_ms()).json();
    let is_free = move |there: Option<&str>| {
        let there = there.and_then(StoredDraft::read);
        there.is_none_or(|there| there.draft.revision.seq <= seq)
    };
    let in_storage = !is_free(storage::read(&key).as_deref()) || storage::write(&key, &json);
    idb::change_if(&key, Some(json), Box::new(is_free)).await || in_storage
}

/// Puts back what another tab removed, unless something lies there again.
pub async fn put_back(key: String, json: String) -> bool {
    if storage::read(&key).is_some() {
        return true;
    }
    keep(key, json).await
}

/// All of an account's drafts, with their form keys. Of two copies the one with more changes counts.
pub async fn drafts(account: &str) -> Vec<(DeviceDraft, Option<String>)> {
    let mut found = BTreeMap::<String, (DeviceDraft, Option<String>)>::new();
    for (key, json) in both(&[stored::DRAFT, account, ":"].concat()).await {
        let Some((form_key, writer)) = stored::form_and_writer(&key, stored::DRAFT, account) else {
            continue;
        };
        let Some(entry) = StoredDraft::read(&json).filter(|entry| entry.draft.revision.writer == writer) else {
            continue;
        };
        let seq = entry.draft.revision.seq;
        let mark = stored::dropped_key(account, form_key, writer);
        if dropped_up_to(&mark).is_some_and(|dropped| seq <= dropped) {
            finish_dropping(&key, &mark, seq).await;
            continue;
        }
        if is_buried(account, form_key, &entry.draft.revision) {
            drop_drafts(account, form_key, std::slice::from_ref(&entry.draft.revision)).await;
            continue;
        }
        if found.get(&key).is_none_or(|(known, _)| known.draft.revision.seq < seq) {
            let draft_url = entry.draft_url.clone();
            let draft = entry.into_device_draft(form_key.to_owned());
            found.insert(key, (draft, draft_url));
        }
    }
    found.into_values().collect()
}

/// What was typed into a form before the islands ran and is in no draft yet, by the page that recorded it.
pub fn early(account: &str, form_key: &str) -> Vec<(String, Early)> {
    let entries = early_entries(account).into_iter();
    let of_form = entries.filter(|(of_form, _, _)| of_form == form_key);
    of_form.map(|(_, page, early)| (page, early)).collect()
}

/// The same of all forms: form key, page, text.
pub fn early_entries(account: &str) -> Vec<(String, String, Early)> {
    let entries = storage::entries(&[stored::EARLY, account, ":"].concat()).into_iter();
    let read = entries.filter_map(|(key, json)| {
        let (form_key, page) = stored::form_and_writer(&key, stored::EARLY, account)?;
        Some((form_key.to_owned(), page.to_owned(), Early::read(&json)?))
    });
    read.collect()
}

/// Writes a submission, numbered in the order pressed.
pub fn keep_submission(account: &str, entry: &OutboxEntry, url: &str) -> impl Future<Output = bool> + use<> {
    let key = stored::outbox_key(account, &entry.submission.id);
    storage::remove(&stored::forgotten_key(account, &entry.submission.id));
    let known = storage::read(&key).and_then(|json| StoredSubmission::read(&json));
    let number = known.map_or_else(|| last_number(account).saturating_add(1), |known| known.number);
    keep(
        key,
        StoredSubmission::new(entry, number, url.to_owned(), wall_clock_ms()).json(),
    )
}

fn last_number(account: &str) -> u32 {
    let entries = storage::entries(&[stored::OUTBOX, account, ":"].concat()).into_iter();
    entries
        .filter_map(|(_, json)| StoredSubmission::read(&json))
        .map(|entry| entry.number)
        .max()
        .unwrap_or(0)
}

/// Whether the submission still waits for its answer on this device.
pub async fn is_waiting(account: &str, id: &str) -> bool {
    let key = stored::outbox_key(account, id);
    storage::read(&key).is_some() || !idb::entries(&key).await.is_empty()
}

pub fn forget_submission(account: &str, id: &str) -> impl Future<Output = ()> + use<> {
    let key = stored::outbox_key(account, id);
    storage::remove(&key);
    let mark = stored::forgotten_key(account, id);
    storage::write(&mark, "");
    async move {
        if idb::remove(&key).await {
            storage::remove(&mark);
        }
    }
}

/// Submissions of an account without an answer, in the order pressed. Presses of discarded texts that never left this
/// device are forgotten; what may have reached the server waits for its answer: it cannot be taken back.
pub async fn submissions(account: &str) -> Vec<StoredSubmission> {
    let mut found = BTreeMap::new();
    for (key, json) in both(&[stored::OUTBOX, account, ":"].concat()).await {
        let entry = StoredSubmission::read(&json);
        if let Some(entry) = entry.filter(|entry| key == stored::outbox_key(account, &entry.submission.id)) {
            found.insert((entry.number, entry.submission.id.clone()), entry);
        }
    }
    let mut waiting = Vec::new();
    for entry in found.into_values() {
        let Submission {
            id, form_key, revision, ..
        } = &entry.submission;
        let is_forgotten = storage::read(&stored::forgotten_key(account, id)).is_some();
        if is_forgotten || entry.attempts == 0 && is_buried(account, form_key, revision) {
            forget_submission(account, id).await;
        } else {
            waiting.push(entry);
        }
    }
    waiting
}

/// These texts were discarded: nothing of them is kept or sent any more. Remembered before this returns its future.
pub fn discard(account: &str, form_key: &str, discarded: Vec<Revision>) -> impl Future<Output = ()> + use<> {
    bury(account, form_key, &discarded);
    let dropped = drop_drafts(account, form_key, &discarded);
    let account = account.to_owned();
    async move {
        dropped.await;
        // Reading them forgets the presses of what is buried.
        submissions(&account).await;
    }
}

/// Removes everything this account has on the device, and nothing of anybody else's.
pub async fn purge(account: &str) {
    let kinds = [
        stored::DRAFT,
        stored::EARLY,
        stored::OUTBOX,
        stored::DROPPED,
        stored::ENDED,
        stored::TYPED_BACK,
        stored::SAVED,
    ];
    for kind in kinds {
        for (key, text) in both(&[kind, account, ":"].concat()).await {
            // What nobody can read now, nobody was asked about: it opens once its key is there.
            if stored::is_of(&key, kind, account) && !seal::is_sealed(&text) {
                storage::remove(&key);
                idb::remove(&key).await;
            }
        }
    }
}

/// From both places, IndexedDB's first.
async fn both(prefix: &str) -> Vec<(String, String)> {
    idb::open().await;
    let mut entries = idb::entries(prefix).await;
    entries.extend(storage::entries(prefix));
    entries
}
