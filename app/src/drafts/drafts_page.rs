//! My unsaved work, as far as it reached the server.

use std::sync::Arc;

use leptos::prelude::*;
use resilient_core::submission::queue::Entry;
use resilient_form::DeviceDrafts;

use super::comparing::{Beside, compare};
use super::form_card::{FormCard, MOST_DRAFTS, Sent, form_card};
use super::naming::FormName;
use super::port::{KeptDraft, SeenDrafts, SentSaves, Unsaved};
use super::sent_words::{self, Prospect};
use super::unreadable::unreadable_drafts;
use crate::api_error::ApiError;
use crate::records::address::Target;
use crate::records::model::{RecordKey, Table};
use crate::records::port::Present;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::visited::visited;
use crate::ui::written;

/// Each of them costs the reading of one record.
const FORMS_ON_A_PAGE: usize = 20;

/// `/drafts`, `?page=2`
#[component]
pub fn DraftsPage() -> impl IntoView {
    visited(|visit| async move { page(&visit).await })
}

async fn page(visit: &Visit) -> Result<AnyView, ApiError> {
    let seen = visit.drafts.list(&visit.account).await?;
    let mut sent = visit.sent().await;
    let mut forms = by_form(&seen.drafts);
    forms.extend(sent_without_a_draft(&sent, &seen.drafts));
    let shown = Shown::of(visit.query("page"), forms.len());
    let cards = cards(visit, &forms[shown.from..shown.to], shown.from, &sent).await;
    let waits = sent.works && sent.waiting().next().is_some();
    let told: Vec<String> = forms[shown.from..shown.to]
        .iter()
        .flat_map(|form| sent.not_saved(form.form_key))
        .map(|entry| entry.id.clone())
        .collect();
    let sent_is_complete = sent.complete;
    let anything_sent = forms.iter().any(|form| form.drafts.is_empty());
    let pages = pager(&shown, forms.len());
    drop(forms);
    if !told.is_empty() {
        // They stand on this page for as long as they are not seen to: no notice has to say it.
        visit.drafts.seen(&visit.account, &told).await;
        sent.were_seen(&told);
    }
    let frame = Frame {
        title: "Unsaved work".to_owned(),
        active: None,
        unsaved: Unsaved {
            forms: Some(seen.forms()),
            sent,
        },
        kind: PageKind::Reading,
    };
    let content = view! {
        {crumbs(&[("Tables".to_owned(), "/".to_owned())])}
        <div class="page-head">
            <h1>"Unsaved work"</h1>
            <span class="actions page-actions">
                {waits.then(try_now)}
                {(!seen.drafts.is_empty()).then(export_all)}
            </span>
        </div>
        <p class="page-note">"From all your devices. Kept on the server for 30 days after the last change."</p>
        {incomplete(seen.complete && sent_is_complete)}
        {unreadable_drafts(&visit.tables(), &seen.unreadable)}
        {nothing(&seen, anything_sent || !sent_is_complete)}
        {cards}
        {pages}
        <div class="device-drafts">
            <DeviceDrafts account=visit.account.name.clone() records_url="/records".to_owned() form_key=String::new() />
        </div>
    };
    Ok(framed(visit, frame, content.into_any()))
}

/// A form's drafts, the latest change first.
struct FormDrafts<'a> {
    form_key: &'a str,
    drafts: Vec<&'a KeptDraft>,
}

/// The drafts of each form together, in the order of their latest changes.
fn by_form(drafts: &[KeptDraft]) -> Vec<FormDrafts<'_>> {
    let mut forms: Vec<FormDrafts> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for kept in drafts {
        let form_key = kept.form_key.as_str();
        let place = *places.entry(form_key).or_insert(forms.len());
        match forms.get_mut(place) {
            Some(form) => form.drafts.push(kept),
            None => forms.push(FormDrafts {
                form_key,
                drafts: vec![kept],
            }),
        }
    }
    forms
}

/// What the server still sends, or could not do, of forms whose drafts are gone.
fn sent_without_a_draft<'a>(sent: &'a SentSaves, drafts: &[KeptDraft]) -> Vec<FormDrafts<'a>> {
    let mut forms: Vec<FormDrafts> = Vec::new();
    let open = sent
        .entries
        .iter()
        .filter(|entry| entry.is_waiting() || entry.has_failed());
    for form_key in open.map(|entry| entry.form_key.as_str()) {
        let is_here = drafts.iter().any(|kept| kept.form_key == form_key);
        if !is_here && forms.iter().all(|form| form.form_key != form_key) {
            forms.push(FormDrafts {
                form_key,
                drafts: Vec::new(),
            });
        }
    }
    forms
}

/// Which forms are on this page.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    page: usize,
    pages: usize,
    from: usize,
    to: usize,
}

impl Shown {
    /// A page that is not there is the last one: some may have been discarded meanwhile.
    fn of(asked: Option<&str>, forms: usize) -> Self {
        let pages = forms.div_ceil(FORMS_ON_A_PAGE).max(1);
        let page = asked.and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
        let from = (page - 1) * FORMS_ON_A_PAGE;
        Self {
            page,
            pages,
            from,
            to: (from + FORMS_ON_A_PAGE).min(forms),
        }
    }
}

async fn cards(visit: &Visit, forms: &[FormDrafts<'_>], first: usize, sent: &SentSaves) -> AnyView {
    let tables = visit.tables();
    let names: Vec<FormName> = forms.iter().map(|form| FormName::of(form.form_key, &tables)).collect();
    let mut present = present(visit, &names).await.into_iter();
    let mut cards = Vec::new();
    for (at, (form, name)) in forms.iter().zip(&names).enumerate() {
        let present = record_of(name).and_then(|_| present.next());
        cards.push(card(visit, form, name, (present.as_ref(), sent), first + at));
    }
    cards.into_any()
}

async fn present(visit: &Visit, names: &[FormName<'_>]) -> Vec<Present> {
    let wanted: Vec<(Arc<Table>, RecordKey)> = names.iter().filter_map(record_of).collect();
    visit.records.present(&visit.account, &wanted).await
}

/// The record that a form edits.
fn record_of(name: &FormName) -> Option<(Arc<Table>, RecordKey)> {
    match (name.table, &name.target) {
        (Some(table), Some(Target::Existing(key))) => Some((Arc::clone(table), key.clone())),
        _ => None,
    }
}

fn card(
    visit: &Visit,
    form: &FormDrafts,
    name: &FormName,
    (present, sent): (Option<&Present>, &SentSaves),
    place: usize,
) -> AnyView {
    let prospect = Prospect {
        works: sent.works,
        can_be_taken: sent.can_be_taken,
        can_save: visit.monitor.condition().can_save,
    };
    let sent = sent_of_form(sent, form.form_key, prospect);
    let entries: Vec<_> = sent.iter().map(|sent| sent.entry).collect();
    let beside = Beside {
        table: name.table,
        present,
        sent: &entries,
        changed_since: &|values, version| visit.records.changed_since(values, version),
    };
    let own_name = present.and_then(record_name);
    let drafts = form.drafts.iter().take(MOST_DRAFTS);
    form_card(&FormCard {
        form_key: form.form_key,
        subtitle: own_name.is_some().then(|| name.words.clone()),
        title: own_name.unwrap_or_else(|| name.words.clone()),
        may_insert: name.table.is_some_and(|table| table.may_insert()),
        drafts: drafts.map(|kept| (*kept, compare(kept, &beside))).collect(),
        more: form.drafts.len().saturating_sub(MOST_DRAFTS),
        sent,
        place,
    })
}

fn sent_of_form<'a>(sent: &'a SentSaves, form_key: &str, prospect: Prospect) -> Vec<Sent<'a>> {
    let of_form = |entry: &&Entry| entry.form_key == form_key && (entry.is_waiting() || entry.has_failed());
    let told = |entry: &'a Entry| {
        let before = sent.waiting().take_while(|waiting| waiting.id != entry.id).count();
        let words = match entry.is_waiting() {
            true => sent_words::waits(entry, before, prospect),
            false => sent_words::why_not(entry).to_owned(),
        };
        Sent { entry, words }
    };
    sent.entries.iter().filter(of_form).map(told).collect()
}

/// What the record calls itself.
fn record_name(present: &Present) -> Option<String> {
    let Present::Here(table, values) = present else {
        return None;
    };
    let text = values.get(&table.label_column()?.name)?.as_deref()?;
    let line: String = text.lines().next()?.chars().take(80).collect();
    (!line.trim().is_empty()).then_some(line)
}

fn export_all() -> AnyView {
    view! {
        <a class="button" href="/drafts/export?as=text" download="">"Export all"</a>
        <a class="button" href="/drafts/export?as=json" download="">"as JSON"</a>
    }
    .into_any()
}

fn try_now() -> AnyView {
    view! {
        <form method="post" action="/drafts/retry" autocomplete="off">
            <button type="submit" class="button">"Try to save now"</button>
        </form>
    }
    .into_any()
}

/// Of what was typed, or of what the server is to send.
fn incomplete(complete: bool) -> Option<AnyView> {
    (!complete).then(|| {
        notice(
            Tone::Waiting,
            "There may be more: Redis cannot be reached, or did not answer in time.",
            view! { <p>"What is kept there is listed again when it is back. What you type now is kept on this device and the server."</p> },
        )
    })
}

fn nothing(seen: &SeenDrafts, anything_sent: bool) -> Option<AnyView> {
    (seen.drafts.is_empty() && seen.unreadable.is_empty() && seen.complete && !anything_sent).then(|| {
        view! {
            <section class="blank">
                <h2>"Nothing is waiting."</h2>
                <p>"What you type and do not save is listed here, from all your devices."</p>
            </section>
        }
        .into_any()
    })
}

fn pager(shown: &Shown, forms: usize) -> Option<AnyView> {
    if shown.pages == 1 {
        return None;
    }
    let range = format!(
        "{}–{} of {} forms",
        shown.from + 1,
        shown.to,
        written::number(forms as u64)
    );
    let link =
        |page: usize, words: &'static str| view! { <a class="button" href=format!("/drafts?page={page}")>{words}</a> };
    let (before, after) = (
        (shown.page > 1).then(|| link(shown.page - 1, "Previous")),
        (shown.page < shown.pages).then(|| link(shown.page + 1, "Next")),
    );
    Some(
        view! {
            <nav class="pager" aria-label="Pages">
                <span class="pager-range">{range}</span>
                {before}
                {after}
            </nav>
        }
        .into_any(),
    )
}

#[cfg(test)]
mod tests;
