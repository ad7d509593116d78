//! The list of what this device keeps and, where a record could not be read, the way back to it.

use std::time::Duration;

use resilient_core::collections::BTreeMap;
use resilient_core::connection::PROBE_LIMIT;
use resilient_core::draft::{Draft, Revision, Values};
use resilient_core::submission::machine::effects::DeviceDraft;
use resilient_core::submission::machine::submission_id;
use web_sys::{Element, Event as DomEvent};

use super::connection::Request;
use super::dom::{Make, account, button, document, find, find_in, listen, make, target_of, window};
use super::form::named;
use super::task::spawn;
use super::{addresses, device, random, seal, timer};

/// Fills the list; on the page of a record that cannot be read, loads it again once the server can, unless there is no
/// such record any more.
pub async fn start() {
    let Some(place) = find("[data-device-drafts]") else {
        return;
    };
    let attribute = |name: &str| place.get_attribute(name).unwrap_or_default();
    let (account, records_url, only) = (
        attribute("data-account"),
        attribute("data-records-url"),
        attribute("data-only-form"),
    );
    let gone = place.closest("[data-gone-record]").ok().flatten();
    let new_url = gone.as_ref().and_then(|gone| gone.get_attribute("data-gone-record"));
    let copied = find("form[data-copied]").and_then(|form| form.get_attribute("data-copied"));
    let list = List {
        account,
        records_url,
        new_url,
        copied,
    };
    list.show(&place, &only).await;
    if !only.is_empty() && list.new_url.is_none() {
        load_again_when_ready().await;
    }
}

/// A page's own form that discards a draft on the server: what this device has of it goes as well.
pub fn hear_discards() {
    listen(&document(), "submit", |event: DomEvent| {
        let form = target_of(&event);
        let Some(form) = form.filter(|form| form.get_attribute("action") == Some(addresses::discard())) else {
            return;
        };
        let named = |name: &str| find_in(&form, &["[name=", name, "]"].concat())?.get_attribute("value");
        let seq = named("seq").and_then(|seq| seq.parse().ok());
        if let (Some(account), Some(form_key), Some(seq), Some(writer)) =
            (account(), named("form_key"), seq, named("writer"))
        {
            spawn(device::discard(&account, &form_key, vec![Revision { seq, writer }]));
        }
    });
}

/// One form's unsaved work on this device.
#[derive(Default)]
struct Work {
    texts: Vec<(Values, Revision)>,
    queued: bool,
}

struct List {
    account: String,
    records_url: String,
    /// Of a record that is gone: where a new one is made, empty where this person may not.
    new_url: Option<String>,
    /// Name of the text that stands in the page's form: made a record from both places, it would be two.
    copied: Option<String>,
}

impl List {
    async fn show(&self, place: &Element, only: &str) {
        let mut forms = BTreeMap::<String, Work>::new();
        for (draft, _) in device::drafts(&self.account).await {
            let Draft { values, revision, .. } = draft.draft;
            if self.is_copied(&revision) {
                continue;
            }
            forms.entry(draft.form_key).or_default().texts.push((values, revision));
        }
        for submission in device::submissions(&self.account).await {
            let submission = submission.submission;
            let work = forms.entry(submission.form_key).or_default();
            work.queued = true;
            if work.texts.is_empty() && !self.is_copied(&submission.revision) {
                work.texts.push((submission.values, submission.revision));
            }
        }
        if seal::is_locked() {
            // Whether there is any, nobody can tell.
            place.set_text_content(Some(
                "What this device keeps is locked until the server has told its key.",
            ));
            return;
        }
        forms.retain(|form_key, _| only.is_empty() || form_key == only);
        place.set_text_content(None);
        if forms.is_empty() && self.new_url.is_some() {
            return;
        }
        let heading = make("h2").text("On this device").done();
        let _ = place.append_child(&heading);
        if forms.is_empty() {
            let _ = place.append_child(&make("p").text("Nothing unsaved on this device.").done());
            return;
        }
        let entries = forms.iter().map(|(form_key, work)| self.entry(form_key, work));
        let _ = place.append_child(&make("ul").with("class", "entries").children(entries).done());
    }

    fn is_copied(&self, revision: &Revision) -> bool {
        self.copied == Some(named(revision))
    }

    fn entry(&self, form_key: &str, work: &Work) -> Make {
        let link = make("a")
            .with("href", &form_url(form_key, &self.records_url))
            .text(&readable(form_key));
        let note = if work.queued {
            "Queued to be saved"
        } else {
            "Typed, not saved"
        };
        let head = make("p").with("class", "entry-title").child(link);
        let note = make("p").with("class", "entry-note").text(note);
        let texts = work.texts.iter().map(|(values, revision)| {
            let shown = text(values);
            match &self.new_url {
                Some(new_url) => shown.child(self.what_to_do(new_url, form_key, values, revision)),
                None => shown,
            }
        });
        let text = make("div")
            .with("class", "entry-text")
            .child(head)
            .child(note)
            .children(texts);
        make("li")
            .with("class", "entry")
            .with("data-device-draft", form_key)
            .child(text)
    }

    /// With text whose record is gone: no form of it will ever ask.
    fn what_to_do(&self, new_url: &str, form_key: &str, values: &Values, revision: &Revision) -> Make {
        let here = (self.account.clone(), form_key.to_owned());
        let discard = {
            let ((account, form_key), revision) = (here.clone(), revision.clone());
            button("Discard it", move |event| {
                spawn(device::discard(&account, &form_key, vec![revision.clone()]));
                if let Some(button) = target_of(&event) {
                    take_out(&button);
                }
            })
        };
        let (url, values, revision) = (new_url.to_owned(), values.clone(), revision.clone());
        let create = (!new_url.is_empty()).then(|| {
            button("Create as new", move |_| {
                let draft = Draft {
                    version: String::new(),
                    base: Values::new(),
                    values: values.clone(),
                    revision: revision.clone(),
                    on: None,
                };
                let (url, (account, form_key), revision) = (url.clone(), here.clone(), revision.clone());
                spawn(async move { create_as_new(&account, &url, &form_key, draft, vec![revision]).await });
            })
        });
        make("p").with("class", "actions").children(create).child(discard)
    }
}

/// Takes a text out of the list, and around it what has nothing left to show.
fn take_out(button: &Element) {
    let around = |selector: &str| button.closest(selector).ok().flatten();
    let (text, entry, place) = (around("details"), around("li"), around("[data-device-drafts]"));
    text.inspect(Element::remove);
    entry
        .filter(|entry| find_in(entry, "details").is_none())
        .inspect(Element::remove);
    if let Some(place) = place.filter(|place| find_in(place, "li").is_none()) {
        place.set_text_content(None);
    }
}

/// The text becomes a draft of the form of a new record, which is opened then. Once it lies there, `moved` is over: a
/// press of it that never left would make it a second time.
pub async fn create_as_new(account: &str, new_url: &str, form_key: &str, draft: Draft, moved: Vec<Revision>) {
    let id = submission_id(random::bits());
    let table = form_key.split('/').next().unwrap_or_default();
    let draft = DeviceDraft {
        form_key: [table, "/new-", &id].concat(),
        draft,
        lineage: Vec::new(),
        secrets: Vec::new(),
    };
    if device::keep_draft(account, &draft, None).await {
        device::discard(account, form_key, moved).await;
        let _ = window().location().assign(&[new_url, "?form=", &id].concat());
    }
}

fn text(values: &Values) -> Make {
    let rows = values.iter().map(|(column, value)| {
        let shown = value.clone().unwrap_or_else(|| "NULL".to_owned());
        make("div").child(make("strong").text(column)).child(
            make("pre")
                .with("class", "kept-text")
                .with("tabindex", "0")
                .text(&shown),
        )
    });
    make("details")
        .child(make("summary").text("Show the text"))
        .children(rows)
}

/// `{table}/{key}` lies below the records; `{table}/new-{uuid}` is the form of a new one.
fn form_url(form_key: &str, records_url: &str) -> String {
    let new = form_key
        .split_once('/')
        .and_then(|(table, key)| Some((table, key.strip_prefix("new-")?)));
    match new {
        Some((table, id)) => [records_url, "/", table, "/new?form=", id].concat(),
        None => [records_url, "/", form_key].concat(),
    }
}

fn readable(form_key: &str) -> String {
    match form_key.split_once('/') {
        Some((table, key)) if key.starts_with("new-") => [table, ": new record"].concat(),
        Some((table, key)) => [table, " ", key].concat(),
        None => form_key.to_owned(),
    }
}

async fn load_again_when_ready() {
    loop {
        timer::sleep(Duration::from_millis(1_000)).await;
        if document().hidden() {
            continue;
        }
        let url = addresses::readiness();
        let probe = Request {
            method: "GET",
            url: &url,
            body: None,
            limit: PROBE_LIMIT,
        };
        if probe.send().await.is_some_and(|reply| reply.status == 200) {
            let _ = window().location().reload();
            return;
        }
    }
}
