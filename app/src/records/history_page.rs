//! What happened to a record: who, when, from what to what.

use std::sync::Arc;

use leptos::prelude::*;

use super::address;
use super::model::{RecordKey, Table};
use super::port::Change;
use crate::api_error::ApiError;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::visit::Visit;
use crate::ui::visited::{address_part, visited};
use crate::ui::written;

/// `/records/{table}/{key}/history`
#[component]
pub fn HistoryPage() -> impl IntoView {
    let (table, key) = (address_part("table"), address_part("key"));
    visited(|visit| async move { page(&visit, &table, &key).await })
}

async fn page(visit: &Visit, table: &str, key: &str) -> Result<AnyView, ApiError> {
    let table = visit.records.table(&visit.account, table)?;
    let key = RecordKey::read(key).ok_or_else(|| ApiError::not_found("There is no record at this address."))?;
    let changes = visit.records.history(&visit.account, &table, &key).await?;
    let name = format!("{} {}", table.label, address::readable_key(&table, &key));
    let frame = Frame {
        title: format!("History of {name}"),
        active: Some(table.name.clone()),
        unsaved: visit.unsaved().await,
        kind: PageKind::Reading,
    };
    Ok(framed(visit, frame, history(&table, &key, name, &changes)))
}

fn history(table: &Arc<Table>, key: &RecordKey, name: String, changes: &[Change]) -> AnyView {
    let steps = [
        ("Tables".to_owned(), "/".to_owned()),
        (table.label.clone(), address::table_url(&table.name)),
        (name, address::record_url(&table.name, key)),
    ];
    let entries = changes.iter().map(|one| entry(table, one)).collect_view();
    let body = if changes.is_empty() {
        view! { <section class="blank"><h2>"Nothing was changed through Inkfast yet."</h2></section> }.into_any()
    } else {
        view! { <ol class="history">{entries}</ol> }.into_any()
    };
    view! {
        {crumbs(&steps)}
        <div class="page-head"><h1>"History"</h1></div>
        {body}
    }
    .into_any()
}

fn entry(table: &Table, change: &Change) -> AnyView {
    let columns = change.columns.iter().map(|(name, from, to)| {
        let column = table.column(name);
        let label = column.map_or_else(|| name.clone(), |column| column.label.clone());
        let hidden = |words: &str| (words.to_owned(), words.to_owned());
        let (from, to) = match column {
            Some(column) if column.is_seen() => (written::value(from), written::value(to)),
            Some(column) if column.secret => hidden("secret"),
            // Gone, or taken from sight in the database, which looks the same.
            _ => hidden("not shown"),
        };
        let created = change.action == "create";
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td data-label="From">{(!created).then(|| view! { <del>{from}</del> })}</td>
                <td data-label="To">{(change.action != "delete").then(|| view! { <ins>{to}</ins> })}</td>
            </tr>
        }
    });
    let columns = columns.collect_view();
    view! {
        <li class="history-entry">
            <p class="history-head">
                <strong>{change.account.clone()}</strong>
                {format!(" {} ", action_words(&change.action))}
                <time datetime=format!("{}Z", change.at.replace(' ', "T"))>{format!("{} UTC", change.at)}</time>
            </p>
            {(!change.columns.is_empty()).then(|| view! {
                <table class="history-columns">
                    <thead class="visually-hidden"><tr><th scope="col">"Field"</th><th scope="col">"From"</th><th scope="col">"To"</th></tr></thead>
                    <tbody>{columns}</tbody>
                </table>
            })}
        </li>
    }
    .into_any()
}

/// In the past tense, for people.
pub fn action_words(action: &str) -> &'static str {
    match action {
        "create" => "created it",
        "update" => "changed it",
        "delete" => "deleted it",
        _ => "touched it",
    }
}
