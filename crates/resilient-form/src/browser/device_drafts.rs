//! The list of what this device keeps and, where a record could not be read, the way back to it.

use std::time::Duration;

use resilient_core::collections::BTreeMap;
use resilient_core::connection::PROBE_LIMIT;
use resilient_core::draft::{Revision, Values};
use web_sys::{Element, Event as DomEvent};

use super::connection::Request;
use super::dom::{Make, account, document, find, find_in, listen, make, target_of, window};
use super::task::spawn;
use super::{addresses, device, timer};

/// Fills the list; on the page of a record that cannot be read, loads it again once the server can.
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
    show(&place, &account, &records_url, &only).await;
    if !only.is_empty() {
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
            let revisions = [Revision { seq, writer }];
            device::bury(&account, &form_key, &revisions);
            spawn(async move {
                device::drop_drafts(&account, &form_key, &revisions).await;
                device::forget_unsent(&account, &form_key, &revisions).await;
            });
        }
    });
}

/// One form's unsaved work on this device.
#[derive(Default)]
struct Work {
    texts: Vec<Values>,
    queued: bool,
}

async fn show(place: &Element, account: &str, records_url: &str, only: &str) {
    let mut forms = BTreeMap::<String, Work>::new();
    for (draft, _) in device::drafts(account).await {
        forms.entry(draft.form_key).or_default().texts.push(draft.draft.values);
    }
    for submission in device::submissions(account).await {
        let work = forms.entry(submission.submission.form_key.clone()).or_default();
        work.queued = true;
        if work.texts.is_empty() {
            work.texts.push(submission.submission.values);
        }
    }
    forms.retain(|form_key, _| only.is_empty() || form_key == only);
    place.set_text_content(None);
    let heading = make("h2").text("On this device").done();
    let _ = place.append_child(&heading);
    if forms.is_empty() {
        let _ = place.append_child(&make("p").text("Nothing unsaved on this device.").done());
        return;
    }
    let entries = forms.iter().map(|(form_key, work)| entry(form_key, work, records_url));
    let _ = place.append_child(&make("ul").with("class", "entries").children(entries).done());
}

fn entry(form_key: &str, work: &Work, records_url: &str) -> Make {
    let link = make("a")
        .with("href", &form_url(form_key, records_url))
        .text(&readable(form_key));
    let note = if work.queued {
        "Queued to be saved"
    } else {
        "Typed, not saved"
    };
    let head = make("p").with("class", "entry-title").child(link);
    let note = make("p").with("class", "entry-note").text(note);
    let text = make("div")
        .with("class", "entry-text")
        .child(head)
        .child(note)
        .children(work.texts.iter().map(text));
    make("li")
        .with("class", "entry")
        .with("data-device-draft", form_key)
        .child(text)
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
        Some((table, id)) => format!("{records_url}/{table}/new?form={id}"),
        None => format!("{records_url}/{form_key}"),
    }
}

fn readable(form_key: &str) -> String {
    match form_key.split_once('/') {
        Some((table, key)) if key.starts_with("new-") => format!("{table}: new record"),
        Some((table, key)) => format!("{table} {key}"),
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
