//! Taking over: what the page drew, what was typed meanwhile, and what the device kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use resilient_core::collections::BTreeMap;
use resilient_core::draft::{Revision, Text, Values};
use resilient_core::submission::Submission;
use resilient_core::submission::answer::{Conflict, Outcome};
use resilient_core::submission::form_body::{ID, SEQ, VERSION, WRITER};
use resilient_core::submission::machine::effects::{DeviceDraft, OutboxEntry};
use resilient_core::submission::machine::{Drawn, FormMachine, Found};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement};

use super::fields::{self, Fields};
use super::other_tabs::OtherTabs;
use super::performing::what_became_of;
use super::{FORM, Form, given, listening};
use crate::browser::dom::{all_in, find, find_in, mark_page, remove_all, set_attribute, window};
use crate::browser::timer::{Alarm, page_asked_for_ms, wall_clock_ms};
use crate::browser::{device, idb, outbox_runner, random, storage};
use crate::reply::Asked;
use crate::stored;

/// How long the page waits to hear what became of a queued submission before it shows its draft.
const ASKING: Duration = Duration::from_millis(1_500);

/// Takes the page's form over, if it has one that is complete.
pub async fn enhance() {
    let Some(element) = find("form[data-resilient-form]").map(JsCast::unchecked_into::<HtmlFormElement>) else {
        return;
    };
    let (Some(account), Some(form_key)) = (
        element.get_attribute("data-account"),
        element.get_attribute("data-form-key"),
    ) else {
        return;
    };
    if !random::is_there() {
        // Without script the form still saves, under the id that the server drew.
        return;
    }
    storage::write(stored::ACCOUNT, &account);
    device::sweep(&account);
    idb::open().await;
    forget_what_was_saved(&element, &account).await;
    let mut found = find_on_device(&element, &account, &form_key).await;
    let drawn = drawn(&element, form_key);
    let is_over = |kind| device::is_over(kind, &account, &drawn.form_key, &drawn.revision);
    found.drawn_was_discarded = is_over(stored::ENDED);
    found.drawn_was_typed_back = is_over(stored::TYPED_BACK);
    let (machine, effects) = FormMachine::open(drawn, found, given());
    set_attribute(&element, "data-enhanced", Some(""));
    let form = Rc::new(Form {
        draft_url: RefCell::new(element.get_attribute("data-draft-url")),
        element,
        account,
        machine: RefCell::new(Some(machine)),
        events: RefCell::default(),
        telling: Cell::new(true),
        painted: RefCell::new(None),
        sent: RefCell::default(),
        said_saved: RefCell::default(),
        alarm: Alarm::default(),
        focus_next: RefCell::new(None),
        other_tabs: OtherTabs::default(),
    });
    FORM.set(Some(Rc::clone(&form)));
    hide_what_is_in_the_form(&form);
    remove_all(&form.element, "[data-conflicts]");
    listening::start(&form);
    form.meet_other_tabs();
    effects.into_iter().for_each(|effect| form.perform(effect));
    form.telling.set(false);
    form.tell(resilient_core::submission::machine::events::Event::Woke);
    mark_page("data-hydrated", "");
}

/// A page that answers `?saved=` says what was saved: exactly those copies go, and the query with them.
async fn forget_what_was_saved(form: &HtmlFormElement, account: &str) {
    if let Some(id) = form.get_attribute("data-saved-id") {
        device::forget_submission(account, &id).await;
    }
    let seq = form.get_attribute("data-saved-seq").and_then(|seq| seq.parse().ok());
    let writer = form.get_attribute("data-saved-writer");
    let form_key = form.get_attribute("data-saved-form-key");
    if let (Some(seq), Some(writer), Some(form_key)) = (seq, writer, form_key) {
        device::drop_drafts(account, &form_key, &[Revision { seq, writer }]).await;
    }
    let location = window().location();
    let answers_a_save = location.search().is_ok_and(|query| query.starts_with("?saved="));
    if let (true, Ok(path), Ok(history)) = (answers_a_save, location.pathname(), window().history()) {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}

async fn find_on_device(form: &HtmlFormElement, account: &str, form_key: &str) -> Found {
    if !form.has_attribute("data-is-new") {
        outbox_runner::settle_creates(account, form_key).await;
    }
    let mut drafts = Vec::new();
    for (draft, _) in device::drafts(account).await {
        if draft.form_key == form_key {
            drafts.push(draft);
        }
    }
    take_over_early_entries(form, account, form_key, &mut drafts).await;
    let mut found = Found {
        drafts,
        just_saved: device::saved_since(account, form_key, page_asked_for_ms()),
        ..Found::default()
    };
    for submission in device::submissions(account).await {
        if submission.submission.form_key != form_key {
            continue;
        }
        let sent = submission.submission.clone();
        match ask(&sent).await {
            Asked::Answer(answer) if answer.outcome == Outcome::Saved => {
                found.bases.insert(sent.id.clone(), submission.base.clone());
                found.resolved.push((sent, *answer));
            }
            _ => {
                found.press_was_discarded |= device::is_buried(account, form_key, &sent.revision);
                found.outbox.push(entry(submission));
            }
        }
    }
    found
}

fn entry(submission: stored::StoredSubmission) -> OutboxEntry {
    submission.into_entry(wall_clock_ms())
}

pub async fn ask(submission: &Submission) -> Asked {
    what_became_of(&submission.id, ASKING).await
}

/// What another page load recorded before its islands ran goes in as a draft of its own. The entry stays
/// where it is, for that page may live, unless its text is the record's.
async fn take_over_early_entries(form: &HtmlFormElement, account: &str, form_key: &str, drafts: &mut Vec<DeviceDraft>) {
    let own = form.get_attribute("data-writer").unwrap_or_default();
    drop_taken_over_twice(account, form_key, drafts).await;
    let record = fields::read(form).base;
    for (page, early) in device::early(account, form_key) {
        let has_draft = drafts.iter().any(|draft| draft.draft.revision.writer == page);
        if page == own || has_draft {
            continue;
        }
        if is_within(&early.values, &record) {
            storage::remove(&stored::early_key(account, form_key, &page));
            continue;
        }
        let writer = stored::taking_over_writer(&page, &early);
        if drafts.iter().any(|draft| draft.draft.revision.writer == writer) {
            continue;
        }
        // A page records everything touched each time: the later text has the earlier in it.
        let earlier = drafts.iter().map(|draft| draft.draft.revision.clone());
        let earlier = earlier.filter(|revision| stored::taken_over(&revision.writer).is_some_and(|of| of.0 == page));
        let draft = DeviceDraft {
            form_key: form_key.to_owned(),
            lineage: earlier.collect(),
            draft: early.into_draft(writer),
            secrets: Vec::new(),
        };
        device::keep_draft(account, &draft, form.get_attribute("data-draft-url")).await;
        drafts.push(draft);
    }
}

/// What was taken over of a page that lived, and has it in a draft of its own.
async fn drop_taken_over_twice(account: &str, form_key: &str, drafts: &mut Vec<DeviceDraft>) {
    let has_it = |taken: &DeviceDraft| {
        let page = stored::taken_over(&taken.draft.revision.writer).map(|of| of.0);
        let mut own = drafts
            .iter()
            .filter(|own| Some(own.draft.revision.writer.as_str()) == page);
        own.any(|own| is_within(&taken.draft.values, &own.draft.values))
    };
    let twice: Vec<Revision> = drafts
        .iter()
        .filter(|taken| has_it(taken))
        .map(|taken| taken.draft.revision.clone())
        .collect();
    drafts.retain(|draft| !twice.contains(&draft.draft.revision));
    device::drop_drafts(account, form_key, &twice).await;
}

fn is_within(values: &Values, others: &Values) -> bool {
    values.iter().all(|(column, value)| others.get(column) == Some(value))
}

fn drawn(form: &HtmlFormElement, form_key: String) -> Drawn {
    let Fields {
        base,
        drawn,
        live,
        touched,
        secrets,
        nullable,
    } = fields::read(form);
    let hidden = |name: &str| {
        fields::hidden(form, name)
            .map(|control| control.default_value())
            .unwrap_or_default()
    };
    let writer = form.get_attribute("data-writer").unwrap_or_else(|| hidden(WRITER));
    let revision = Revision {
        seq: hidden(SEQ).parse().unwrap_or(0),
        writer: hidden(WRITER),
    };
    let on_seq = form.get_attribute("data-draft-on-seq").and_then(|seq| seq.parse().ok());
    let on = on_seq
        .zip(form.get_attribute("data-draft-on-writer"))
        .map(|(seq, writer)| Revision { seq, writer });
    Drawn {
        form_key,
        is_new: form.has_attribute("data-is-new"),
        id: hidden(ID),
        version: hidden(VERSION),
        base,
        drawn,
        live,
        touched,
        secrets,
        nullable,
        writer,
        revision,
        on,
        has_server_drafts: form.has_attribute("data-draft-url"),
        was_saved: form.get_attribute("data-state").as_deref() == Some("saved"),
        errors: drawn_errors(form),
        conflicts: drawn_conflicts(form),
    }
}

fn drawn_errors(form: &HtmlFormElement) -> BTreeMap<String, String> {
    let error = |wrapper: &Element| {
        let words = find_in(wrapper, ".field-error")?
            .text_content()
            .filter(|words| !words.trim().is_empty())?;
        Some((wrapper.get_attribute("data-field")?, words.trim().to_owned()))
    };
    all_in(form, "[data-field]").iter().filter_map(error).collect()
}

fn drawn_conflicts(form: &HtmlFormElement) -> Vec<Conflict> {
    let side = |element: &Element, name: &str| -> Option<Text> {
        let text = element.get_attribute(&["data-", name].concat());
        let null = element.has_attribute(&["data-", name, "-null"].concat());
        if null { Some(None) } else { text.map(Some) }
    };
    let conflict = |element: &Element| {
        Some(Conflict {
            column: element.get_attribute("data-conflict")?,
            base: side(element, "base"),
            mine: side(element, "mine")?,
            theirs: side(element, "theirs")?,
        })
    };
    all_in(form, "[data-conflicts] [data-conflict]")
        .iter()
        .filter_map(conflict)
        .collect()
}

/// As the server names a draft in its page: `{seq}-{writer}`.
pub fn named(revision: &Revision) -> String {
    [&revision.seq.to_string(), "-", &revision.writer].concat()
}

/// The server lists drafts that it did not draw; those that the device has are in the form, or shown beside it with
/// what script can do about them.
fn hide_what_is_in_the_form(form: &Form) {
    let here = form.ask_machine(|machine| {
        let mut here = machine.revisions();
        here.extend(machine.aside().iter().map(|aside| aside.draft.revision.clone()));
        here
    });
    for revision in here.unwrap_or_default() {
        let button = ["button[form=\"discard-", &named(&revision), "\"]:not([data-discard])"].concat();
        if let Some(notice) = find(&button).and_then(|button| button.closest(".notice").ok().flatten()) {
            set_attribute(&notice, "hidden", Some(""));
        }
    }
}
