//! What the device keeps, in a real browser. The stories call these one by one, each in a page and a storage of its own
//! (`end2end/stories/what_the_device_keeps.spec.ts`), because a page asks once whether there is storage.
//!
//! The beginning of a name says what the story has made of the browser: `forbidden_` a page that may store nothing,
//! `without_indexeddb_` one that has only `localStorage`, anything else one as it is.

use std::panic;

use js_sys::{Function, Promise, Reflect};
use resilient_core::draft::{Draft, Revision, Values};
use resilient_core::submission::Submission;
use resilient_core::submission::machine::effects::{DeviceDraft, OutboxEntry};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dom::window;
use super::{device, idb, storage};
use crate::stored::{self, Stored, StoredDraft};

const FORM: &str = "notes/1";

#[wasm_bindgen]
pub async fn a_draft_is_in_both_places_and_the_later_copy_counts() {
    begin();
    assert!(keep("ann", &draft(1, "first")).await);
    assert_eq!(copies("ann").await, (Some(1), Some(1)));
    // IndexedDB was not reached by the last words of a page.
    let later = stored_json("ann", 2, "second").await;
    assert!(storage::write(&key("ann"), &later));
    assert_eq!(texts("ann").await, ["second"]);
    // Or localStorage was lost with the browser.
    assert!(keep("ann", &draft(3, "third")).await);
    storage::remove(&key("ann"));
    assert_eq!(texts("ann").await, ["third"]);
}

#[wasm_bindgen]
pub async fn what_cannot_be_read_is_passed_over_and_stays_where_it_is() {
    begin();
    let good = stored_json("ann", 4, "mine").await;
    let unreadable = [
        (
            "of-somebody-else".to_owned(),
            r#"{"name":"another program's"}"#.to_owned(),
        ),
        ("no-json".to_owned(), "{\"v\":1,\"draft\":".to_owned()),
        ("a-list".to_owned(), "[1,2]".to_owned()),
        ("empty".to_owned(), String::new()),
        ("of-an-old-version".to_owned(), good.replace("\"v\":1", "\"v\":0")),
        ("of-a-later-version".to_owned(), good.replace("\"v\":1", "\"v\":2")),
        ("without-version".to_owned(), good.replace("\"v\":1,", "")),
        ("of-another-writer".to_owned(), good.clone()),
        ("odd-numbers".to_owned(), good.replace("\"seq\":4", "\"seq\":-4")),
    ];
    let kinds = [stored::DRAFT, stored::OUTBOX, stored::EARLY];
    let keyed = |kind: &str, name: &str| [kind, "ann:", FORM, ":", name].concat();
    for kind in kinds {
        for (name, text) in &unreadable {
            assert!(storage::write(&keyed(kind, name), text));
            assert!(idb::write(&keyed(kind, name), text).await);
        }
        // Keys of no shape of ours.
        for rest in ["ann", "ann:", "ann:without-slash:w", "ann:notes/1:w:more"] {
            assert!(storage::write(&[kind, rest].concat(), &good));
        }
    }
    assert!(keep("ann", &draft(4, "mine")).await);

    assert_eq!(texts("ann").await, ["mine"]);
    assert!(device::submissions("ann").await.is_empty());
    assert!(device::early_entries("ann").is_empty());
    device::sweep("ann");
    for kind in kinds {
        for (name, text) in &unreadable {
            let key = keyed(kind, name);
            assert_eq!(storage::read(&key).as_ref(), Some(text), "{key}");
            assert_eq!(in_idb(&key).await.as_ref(), Some(text), "{key}");
        }
    }
}

#[wasm_bindgen]
pub async fn another_accounts_text_is_neither_seen_nor_removed() {
    begin();
    for account in ["ann", "anna", "an"] {
        assert!(keep(account, &draft(1, account)).await);
        assert!(device::keep_submission(account, &press(), "/notes/1").await);
    }
    assert_eq!(texts("ann").await, ["ann"]);
    device::drop_drafts("ann", FORM, &[draft(1, "").draft.revision]).await;
    device::purge("ann").await;
    assert_eq!(texts("ann").await, [""; 0]);
    assert!(device::submissions("ann").await.is_empty());
    for other in ["anna", "an"] {
        assert_eq!(texts(other).await, [other]);
        assert_eq!(copies(other).await, (Some(1), Some(1)));
        assert_eq!(device::submissions(other).await.len(), 1);
    }
}

#[wasm_bindgen]
pub async fn discarded_text_takes_its_press_along_unless_that_may_have_reached_the_server() {
    begin();
    for (attempts, left) in [(0, 0), (1, 1)] {
        let pressed = OutboxEntry { attempts, ..press() };
        assert!(keep("ann", &draft(1, "typed")).await);
        assert!(device::keep_submission("ann", &pressed, "/notes/1").await);
        device::discard("ann", "notes/2", vec![draft(1, "").draft.revision]).await;
        assert_eq!(device::submissions("ann").await.len(), 1, "that was another record's");
        let discarded = device::discard("ann", FORM, vec![draft(1, "").draft.revision]);
        assert!(device::is_buried("ann", FORM, &draft(1, "").draft.revision));
        discarded.await;
        assert_eq!(copies("ann").await, (None, None));
        assert_eq!(device::submissions("ann").await.len(), left);
    }
}

#[wasm_bindgen]
pub async fn a_save_that_is_over_waits_no_more_though_its_page_was_left_before_indexeddb_heard_of_it() {
    begin();
    let id = press().submission.id;
    let kept = || async { device::keep_submission("ann", &press(), "/notes/1").await };
    let waiting = || async { device::submissions("ann").await.len() };
    assert_eq!(waiting().await, 0);
    assert!(kept().await);
    drop(device::forget_submission("ann", &id));
    assert!(in_idb(&stored::outbox_key("ann", &id)).await.is_some());
    assert_eq!(waiting().await, 0);
    assert_eq!(in_idb(&stored::outbox_key("ann", &id)).await, None);
    assert_eq!(storage::read(&stored::forgotten_key("ann", &id)), None);
    // Pressed again under the same id, it waits.
    assert!(kept().await);
    drop(device::forget_submission("ann", &id));
    assert!(kept().await);
    assert_eq!(waiting().await, 1);
}

#[wasm_bindgen]
pub async fn a_full_local_storage_leaves_the_last_draft_and_the_next_one_goes_to_indexeddb() {
    begin();
    assert!(keep("ann", &draft(1, "first")).await);
    fill_local_storage();
    let longer = "second ".repeat(100);
    assert!(keep("ann", &draft(2, &longer)).await);
    assert_eq!(copies("ann").await, (Some(1), Some(2)));
    assert_eq!(texts("ann").await, [longer]);
    // A press of Save is kept, too, and what was saved can go.
    assert!(device::keep_submission("ann", &press(), "/notes/1").await);
    assert_eq!(device::submissions("ann").await.len(), 1);
    device::drop_drafts("ann", FORM, &[draft(2, "").draft.revision]).await;
    assert_eq!(texts("ann").await, [""; 0]);
}

#[wasm_bindgen]
pub async fn where_all_is_full_a_write_says_no_and_the_last_draft_is_as_it_was() {
    begin();
    // Before the database is open: for half a minute the browser goes by what it knew then.
    ask_story("limitStorage").await;
    assert!(keep("ann", &draft(1, "first")).await);
    fill_local_storage();
    assert!(!keep("ann", &draft(2, &"second ".repeat(60_000))).await);
    assert_eq!(copies("ann").await, (Some(1), Some(1)));
    assert_eq!(texts("ann").await, ["first"]);
}

#[wasm_bindgen]
pub async fn without_indexeddb_local_storage_alone_keeps_what_it_can() {
    begin();
    assert!(!idb::open().await);
    assert!(keep("ann", &draft(1, "first")).await);
    assert_eq!(texts("ann").await, ["first"]);
    let too_long_for_it = "long ".repeat(200_000);
    assert!(!keep("ann", &draft(2, &too_long_for_it)).await);
    fill_local_storage();
    assert!(!keep("ann", &draft(3, &"third ".repeat(100))).await);
    assert_eq!(texts("ann").await, ["first"]);
    device::drop_drafts("ann", FORM, &[draft(1, "").draft.revision]).await;
    assert_eq!(texts("ann").await, [""; 0]);
}

#[wasm_bindgen]
pub async fn forbidden_storage_says_no_to_everything_and_breaks_nothing() {
    begin();
    assert!(window().local_storage().is_err(), "this page may store something");
    assert!(!idb::open().await);
    assert!(!keep("ann", &draft(1, "first")).await);
    assert!(!device::keep_submission("ann", &press(), "/notes/1").await);
    assert!(!device::put_back_draft("ann", &draft(1, "first"), None).await);
    device::bury("ann", FORM, &[draft(1, "").draft.revision]);
    device::drop_drafts("ann", FORM, &[draft(1, "").draft.revision]).await;
    device::forget_submission("ann", &press().submission.id).await;
    device::sweep("ann");
    device::purge("ann").await;
    assert_eq!(texts("ann").await, [""; 0]);
    assert!(device::submissions("ann").await.is_empty());
    assert!(!device::is_buried("ann", FORM, &draft(1, "").draft.revision));
}

/// A failed assertion is an error of the page, in words.
fn begin() {
    panic::set_hook(Box::new(|failure| wasm_bindgen::throw_str(&failure.to_string())));
}

fn draft(seq: u64, text: &str) -> DeviceDraft {
    let draft = Draft {
        version: "v".into(),
        base: Values::new(),
        values: Values::from([("text".into(), Some(text.into()))]),
        revision: Revision {
            seq,
            writer: "w".into(),
        },
        on: None,
    };
    DeviceDraft {
        form_key: FORM.into(),
        draft,
        lineage: Vec::new(),
        secrets: Vec::new(),
    }
}

fn press() -> OutboxEntry {
    let DeviceDraft { form_key, draft, .. } = draft(1, "pressed");
    let submission = Submission {
        id: "5d0e3e34-93a1-4b52-a8a5-4a1b56d4cf6b".into(),
        form_key,
        version: draft.version,
        values: draft.values,
        revision: draft.revision,
    };
    OutboxEntry {
        submission,
        base: Values::new(),
        incomplete: false,
        attempts: 1,
        wait_ms: 0,
    }
}

async fn keep(account: &str, draft: &DeviceDraft) -> bool {
    idb::open().await;
    device::keep_draft(account, draft, None).await
}

fn key(account: &str) -> String {
    stored::draft_key(account, FORM, "w")
}

/// A draft as it is written, without leaving it there.
async fn stored_json(account: &str, seq: u64, text: &str) -> String {
    let before = (storage::read(&key(account)), in_idb(&key(account)).await);
    assert!(keep(account, &draft(seq, text)).await);
    let json = storage::read(&key(account)).expect("written");
    storage::remove(&key(account));
    idb::remove(&key(account)).await;
    if let (Some(in_storage), Some(in_idb)) = before {
        storage::write(&key(account), &in_storage);
        idb::write(&key(account), &in_idb).await;
    }
    json
}

async fn in_idb(key: &str) -> Option<String> {
    let entries = idb::entries(key).await.into_iter();
    entries.filter(|(found, _)| found == key).map(|(_, text)| text).next()
}

/// Which change lies in `localStorage`, and which in IndexedDB.
async fn copies(account: &str) -> (Option<u64>, Option<u64>) {
    let seq = |json: String| StoredDraft::read(&json).map(|stored| stored.draft.revision.seq);
    let in_idb = in_idb(&key(account)).await;
    (storage::read(&key(account)).and_then(seq), in_idb.and_then(seq))
}

async fn texts(account: &str) -> Vec<String> {
    let drafts = device::drafts(account).await.into_iter();
    let text = |(device, _): (DeviceDraft, Option<String>)| device.draft.values.get("text").cloned().flatten();
    drafts.filter_map(text).collect()
}

/// To the last character.
fn fill_local_storage() {
    let storage = window().local_storage().expect("allowed").expect("there");
    let mut piece = "x".repeat(1 << 20);
    for number in 0.. {
        if storage.set_item(&format!("filling-{number}"), &piece).is_err() {
            if piece.len() == 1 {
                return;
            }
            piece.truncate(piece.len() / 2);
        }
    }
}

/// What only somebody outside of the page can do.
async fn ask_story(name: &str) {
    let asked: Function = Reflect::get(&window(), &name.into())
        .expect("a window")
        .unchecked_into();
    let done: Promise = asked.call0(&JsValue::NULL).expect("the story has it").unchecked_into();
    JsFuture::from(done).await.expect("done");
}
