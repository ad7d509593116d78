//! The first page: the tables, what changed, what I have not saved, and how things are.

use std::sync::Arc;

use leptos::prelude::*;

use crate::api_error::ApiError;
use crate::drafts::draft_list::draft_list;
use crate::drafts::port::{SeenDrafts, Unsaved};
use crate::monitoring::port::{Condition, DependencyState, DraftsState};
use crate::records::address;
use crate::records::history_page::action_words;
use crate::records::model::Table;
use crate::records::port::{Change, TableSummary};
use crate::ui::layout::{Frame, PageKind, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::visited::visited;
use crate::ui::written;

/// `/`
#[component]
pub fn DashboardPage() -> impl IntoView {
    visited(|visit| async move { Ok(page(&visit).await) })
}

/// Each part stands without the others: a database that is away takes only its own parts with it.
async fn page(visit: &Visit) -> AnyView {
    let condition = visit.monitor.condition();
    let tables = visit.tables();
    let (rows, changes) = if condition.database == DependencyState::Down {
        (without_counts(&tables), None)
    } else {
        let counted = visit.records.counts(&visit.account).await;
        (
            counted.unwrap_or_else(|_| without_counts(&tables)),
            visit.records.recent_changes(&visit.account, 8).await.ok(),
        )
    };
    let drafts = visit.drafts.list(&visit.account).await;
    let wanted = visit.query("tables").unwrap_or_default().trim().to_owned();
    let frame = Frame {
        title: "Tables".to_owned(),
        active: None,
        unsaved: Unsaved {
            forms: drafts.as_ref().ok().map(SeenDrafts::forms),
            sent: visit.sent().await,
        },
        kind: PageKind::Listing,
    };
    let content = view! {
        <div class="dashboard">
            <div class="dashboard-main">{table_list(&rows, &wanted)}</div>
            <div class="dashboard-side">
                {health(&condition)}
                <section class="panel">
                    <h2>"My unsaved work"</h2>
                    {unsaved(&tables, drafts)}
                </section>
                <section class="panel">
                    <h2>"Recent changes"</h2>
                    {recent(changes)}
                </section>
            </div>
        </div>
    };
    framed(visit, frame, content.into_any())
}

fn without_counts(tables: &[Arc<Table>]) -> Vec<TableSummary> {
    tables
        .iter()
        .map(|table| TableSummary {
            table: table.clone(),
            rows: None,
        })
        .collect()
}

fn table_list(rows: &[TableSummary], wanted: &str) -> AnyView {
    let needle = wanted.to_lowercase();
    let matching = rows.iter().filter(|row| {
        row.table.label.to_lowercase().contains(&needle) || row.table.name.name.to_lowercase().contains(&needle)
    });
    let cards: Vec<_> = matching.map(table_row).collect();
    let none = cards.is_empty();
    view! {
        <div class="page-head">
            <h1>"Tables"</h1>
            {(!wanted.is_empty()).then(|| view! {
                <span class="page-count">{format!("matching “{wanted}”")}</span>
                <a class="button" href="/">"Show all"</a>
            })}
        </div>
        {none.then(|| view! {
            <section class="blank"><h2>{if wanted.is_empty() { "There are no tables to show." } else { "No table matches." }}</h2></section>
        })}
        <ul class="table-list">{cards}</ul>
    }
    .into_any()
}

fn table_row(summary: &TableSummary) -> AnyView {
    let table = &summary.table;
    let label = match &table.name.schema {
        Some(schema) => format!("{schema} · {}", table.label),
        None => table.label.clone(),
    };
    view! {
        <li>
            <a href=address::table_url(&table.name)>
                <span class="table-list-label">{label}</span>
                {(!table.may_change()).then(|| view! { <span class="tag">"read-only"</span> })}
                <span class="table-list-count">{summary.rows.map(written::number)}</span>
                {table.comment.clone().map(|comment| view! { <span class="table-list-note">{comment}</span> })}
            </a>
        </li>
    }
    .into_any()
}

fn unsaved(tables: &[Arc<Table>], seen: Result<SeenDrafts, ApiError>) -> AnyView {
    match seen {
        Err(_) => view! { <p class="muted">"Cannot be read at the moment. It is still kept."</p> }.into_any(),
        Ok(SeenDrafts {
            drafts,
            complete: false,
            ..
        }) if drafts.is_empty() => {
            view! { <p class="muted">"Not all of it can be seen at the moment. It is still kept."</p> }.into_any()
        }
        Ok(SeenDrafts { drafts, unreadable, .. }) if drafts.is_empty() && !unreadable.is_empty() => view! {
            <p class="muted">"Some of it cannot be opened. "<a href="/drafts">"All unsaved work"</a></p>
        }
        .into_any(),
        Ok(SeenDrafts { drafts, .. }) if drafts.is_empty() => {
            view! { <p class="muted">"Nothing is waiting: everything that reached the server is saved."</p> }.into_any()
        }
        Ok(SeenDrafts { drafts, complete, .. }) => view! {
            {(!complete).then(|| view! { <p class="muted">"There may be more than can be seen at the moment."</p> })}
            {draft_list(tables, &drafts[..drafts.len().min(5)])}
            <p><a href="/drafts">"All unsaved work"</a></p>
        }
        .into_any(),
    }
}

fn recent(changes: Option<Vec<Change>>) -> AnyView {
    let Some(changes) = changes else {
        return view! { <p class="muted">"Cannot be read at the moment."</p> }.into_any();
    };
    if changes.is_empty() {
        return view! { <p class="muted">"Nothing was changed through Inkfast yet."</p> }.into_any();
    }
    let entries = changes.iter().map(|change| {
        let name = format!("{} {}", change.table, change.key.0.join(", "));
        let name = match change.action.as_str() {
            "delete" => view! { <span>{name}</span> }.into_any(),
            _ => view! { <a href=format!("/records/{}/{}", change.table_written, change.key.written())>{name}</a> }.into_any(),
        };
        view! {
            <li class="entry">
                <div class="entry-text">
                    <p class="entry-title">{name}</p>
                    <p class="entry-note">{format!("{} {} · {} UTC", change.account, action_words(&change.action), change.at)}</p>
                </div>
            </li>
        }
    });
    view! { <ul class="entries">{entries.collect_view()}</ul> }.into_any()
}

/// How things are, in words.
fn health(condition: &Condition) -> AnyView {
    let kind = condition.database_kind;
    let (tone, heading, words) = match (condition.database, condition.drafts) {
        (DependencyState::Down, _) => {
            let next = condition
                .retry_after_ms
                .map(|wait| format!(" Next try in {} s.", written::seconds(wait)));
            (
                Tone::Failure,
                format!("{kind} cannot be reached.{}", next.unwrap_or_default()),
                "What you type is kept and can be saved when it is back.",
            )
        }
        _ if condition.drafts_state == DraftsState::Spill => (
            Tone::Waiting,
            "Redis cannot be reached.".to_owned(),
            "Unsaved work is kept on this device and the server. What was kept in Redis is listed again when it is back. \
             Saving works.",
        ),
        (_, DependencyState::Down) => (
            Tone::Waiting,
            "Unsaved work is kept on your device only.".to_owned(),
            "The server cannot keep drafts at the moment. Saving works.",
        ),
        (DependencyState::Slow, _) if !condition.can_save => (
            Tone::Waiting,
            format!("{kind} takes no changes at the moment."),
            "Lists and forms still open. What you type is kept and can be saved when changes are taken again.",
        ),
        (DependencyState::Slow, _) => (
            Tone::Waiting,
            format!("{kind} answers slowly."),
            "Saving may take a moment.",
        ),
        _ => (
            Tone::Good,
            format!("{kind} answers."),
            "Unsaved work is kept on the server, too.",
        ),
    };
    view! {
        <section class="panel" data-health="">
            <h2 class="visually-hidden">"Health"</h2>
            {notice(tone, heading, view! { <p>{words}</p> })}
        </section>
    }
    .into_any()
}
