//! My unsaved work, as far as it reached the server.

use std::sync::Arc;

use leptos::prelude::*;
use resilient_form::DeviceDrafts;

use super::comparing::{Beside, compare};
use super::form_card::{FormCard, MOST_DRAFTS, form_card};
use super::naming::FormName;
use super::port::{KeptDraft, SeenDrafts};
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
    let frame = Frame {
        title: "Unsaved work".to_owned(),
        active: None,
        unsaved: Some(seen.forms()),
        kind: PageKind::Reading,
    };
    let forms = by_form(&seen.drafts);
    let shown = Shown::of(visit.query("page"), forms.len());
    let cards = cards(visit, &forms[shown.from..shown.to], shown.from).await;
    let content = view! {
        {crumbs(&[("Tables".to_owned(), "/".to_owned())])}
        <div class="page-head">
            <h1>"Unsaved work"</h1>
            {(!seen.drafts.is_empty()).then(export_all)}
        </div>
        <p class="page-note">"From all your devices. Kept on the server for 30 days after the last change."</p>
        {incomplete(&seen)}
        {unreadable_drafts(&visit.tables(), &seen.unreadable)}
        {nothing(&seen)}
        {cards}
        {pager(&shown, forms.len())}
        <div class="device-drafts">
            <DeviceDrafts account=visit.account.name.clone() records_url="/records".to_owned() form_key=String::new() />
        </div>
    };
    Ok(framed(visit, frame, content.into_any()))
}

/// The drafts of each form together, in the order of their latest changes.
fn by_form(drafts: &[KeptDraft]) -> Vec<Vec<&KeptDraft>> {
    let mut forms: Vec<Vec<&KeptDraft>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for kept in drafts {
        let place = *places.entry(kept.form_key.as_str()).or_insert(forms.len());
        match forms.get_mut(place) {
            Some(form) => form.push(kept),
            None => forms.push(vec![kept]),
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

async fn cards(visit: &Visit, forms: &[Vec<&KeptDraft>], first: usize) -> AnyView {
    let tables = visit.tables();
    let names: Vec<FormName> = forms
        .iter()
        .map(|drafts| FormName::of(&drafts[0].form_key, &tables))
        .collect();
    let mut present = present(visit, &names).await.into_iter();
    let mut cards = Vec::new();
    for (at, (drafts, name)) in forms.iter().zip(&names).enumerate() {
        let present = record_of(name).and_then(|_| present.next());
        cards.push(card(visit, drafts, name, present.as_ref(), first + at));
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

fn card(visit: &Visit, drafts: &[&KeptDraft], name: &FormName, present: Option<&Present>, place: usize) -> AnyView {
    let beside = Beside {
        table: name.table,
        present,
        changed_since: &|values, version| visit.records.changed_since(values, version),
    };
    let own_name = present.and_then(record_name);
    form_card(&FormCard {
        form_key: &drafts[0].form_key,
        subtitle: own_name.is_some().then(|| name.words.clone()),
        title: own_name.unwrap_or_else(|| name.words.clone()),
        may_insert: name.table.is_some_and(|table| table.may_insert()),
        drafts: drafts
            .iter()
            .take(MOST_DRAFTS)
            .map(|kept| (*kept, compare(kept, &beside)))
            .collect(),
        more: drafts.len().saturating_sub(MOST_DRAFTS),
        place,
    })
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
        <span class="actions page-actions">
            <a class="button" href="/drafts/export?as=text" download="">"Export all"</a>
            <a class="button" href="/drafts/export?as=json" download="">"as JSON"</a>
        </span>
    }
    .into_any()
}

fn incomplete(seen: &SeenDrafts) -> Option<AnyView> {
    (!seen.complete).then(|| {
        notice(
            Tone::Waiting,
            "There may be more: Redis cannot be reached, or did not answer in time.",
            view! { <p>"What is kept there is listed again when it is back. What you type now is kept on this device and the server."</p> },
        )
    })
}

fn nothing(seen: &SeenDrafts) -> Option<AnyView> {
    (seen.drafts.is_empty() && seen.unreadable.is_empty() && seen.complete).then(|| {
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
