//! A table's records: search, filters, sorting, pages; all of its state stands in the address.

mod filters;
mod grid;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::address;
use super::changed_table::table_has_changed;
use super::list_query;
use super::model::{ListPage as Listed, ListQuery, Table};
use crate::api_error::ApiError;
use crate::ui::icon::icon;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::visited::{address_part, visited};
use crate::ui::written;

/// `/records/{table}`
#[component]
pub fn ListPage() -> impl IntoView {
    let written = address_part("table");
    let pairs: Vec<(String, String)> = use_query_map()
        .get_untracked()
        .into_iter()
        .map(|(name, text)| (name.to_string(), text))
        .collect();
    visited(|visit| async move { page(&visit, &written, &pairs).await })
}

async fn page(visit: &Visit, written: &str, pairs: &[(String, String)]) -> Result<AnyView, ApiError> {
    let table = visit.records.table(&visit.account, written)?;
    let query = list_query::read(&table, pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let listed = visit.records.list(&visit.account, &table, &query).await?;
    let frame = Frame {
        title: table.label.clone(),
        active: Some(table.name.clone()),
        unsaved: visit.unsaved().await,
        kind: PageKind::Listing,
    };
    let has_changed = *listed.table != *table;
    Ok(framed(
        visit,
        frame,
        list_view(&listed.table, has_changed, &query, &listed),
    ))
}

fn list_view(table: &Arc<Table>, has_changed: bool, query: &ListQuery, listed: &Listed) -> AnyView {
    let writable = table.may_insert();
    let rows = if listed.rows.is_empty() {
        empty(table, query, listed, writable)
    } else {
        grid::grid(table, query, listed)
    };
    view! {
        {crumbs(&[("Tables".to_owned(), "/".to_owned())])}
        <div class="page-head">
            <h1>{table.label.clone()}</h1>
            {listed.total.map(|total| view! { <span class="page-count">{written::counted(total, "record", "records")}</span> })}
            {writable.then(|| view! {
                <a class="button button-primary" href=address::new_url(&table.name)>{icon("plus")} "New"</a>
            })}
        </div>
        {table.comment.clone().map(|comment| view! { <p class="page-note">{comment}</p> })}
        {search(table, query)}
        {filters::chips(table, query, listed)}
        {notices(has_changed, listed)}
        {rows}
        {pager(table, query, listed)}
    }
    .into_any()
}

/// What is out of the ordinary with this list.
fn notices(has_changed: bool, listed: &Listed) -> AnyView {
    view! {
        <div class="notices">
            {has_changed.then(table_has_changed)}
            {listed.as_of_ms.map(|read_at| notice(
                Tone::Waiting,
                format!("The database cannot be reached. This is the list as it was at {}.", written::time_of_day(read_at)),
                (),
            ))}
            {listed.without_labels.then(|| notice(
                Tone::Waiting,
                "Names of linked records cannot be read at the moment: their keys are shown instead.",
                (),
            ))}
        </div>
    }
    .into_any()
}

fn search(table: &Table, query: &ListQuery) -> AnyView {
    let kept = ListQuery {
        search: String::new(),
        page: 1,
        ..query.clone()
    };
    let kept = list_query::pairs(&kept).into_iter().map(|(name, text)| {
        view! { <input type="hidden" name=name value=text autocomplete="off" /> }
    });
    let kept = kept.collect_view();
    view! {
        <div class="list-tools">
            <form class="search" action=address::table_url(&table.name) method="get" role="search">
                {icon("search")}
                <input
                    type="search"
                    name="q"
                    value=query.search.clone()
                    placeholder="Search"
                    aria-label=format!("Search {}", table.label)
                    autocomplete="off"
                    data-search=""
                />
                {kept}
                <button class="visually-hidden" type="submit">"Search"</button>
            </form>
            {filters::panel(table, query)}
        </div>
    }
    .into_any()
}

/// Says what to do.
fn empty(table: &Table, query: &ListQuery, listed: &Listed, writable: bool) -> AnyView {
    let table_url = address::table_url(&table.name);
    let narrowed = !query.search.is_empty() || !query.filters.is_empty();
    let (heading, action) = if narrowed {
        ("No record matches.", Some((table_url, "Show all records")))
    } else if listed.page > 1 {
        (
            "There is nothing on this page any more.",
            Some((table_url, "Go to the first page")),
        )
    } else if writable {
        (
            "No records yet.",
            Some((address::new_url(&table.name), "Create the first one")),
        )
    } else {
        ("No records yet.", None)
    };
    view! {
        <section class="blank">
            <h2>{heading}</h2>
            {action.map(|(url, words)| view! { <p class="actions"><a class="button" href=url>{words}</a></p> })}
        </section>
    }
    .into_any()
}

fn pager(table: &Table, query: &ListQuery, listed: &Listed) -> Option<AnyView> {
    if listed.rows.is_empty() || (listed.page <= 1 && !listed.has_next) {
        return None;
    }
    let at = |page: u32| list_query::url(&address::table_url(&table.name), &ListQuery { page, ..query.clone() });
    let first = u64::from(listed.page.saturating_sub(1)) * u64::from(listed.page_size) + 1;
    let last = first + listed.rows.len() as u64 - 1;
    let range = format!("{}–{}", written::number(first), written::number(last));
    let range = match listed.total {
        Some(total) => format!("{range} of {}", written::number(total)),
        None => range,
    };
    let previous = (listed.page > 1).then(|| at(listed.page - 1));
    let next = listed.has_next.then(|| at(listed.page + 1));
    Some(
        view! {
            <nav class="pager" aria-label="Pages">
                <span class="pager-range">{range}</span>
                {step(previous, "Previous", "prev")}
                {step(next, "Next", "next")}
            </nav>
        }
        .into_any(),
    )
}

fn step(url: Option<String>, words: &'static str, rel: &'static str) -> AnyView {
    match url {
        Some(url) => view! { <a class="button" href=url rel=rel>{words}</a> }.into_any(),
        None => view! { <span class="button" aria-disabled="true">{words}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::model::{ColumnKind, ListCell, ListRow, RecordKey};
    use crate::records::sample::{column, table};

    fn listed(table: &Arc<Table>, rows: usize) -> Listed {
        let cell = |text: &str| ListCell {
            text: Some(text.to_owned()),
            label: None,
            masked: false,
        };
        let row = |at: usize| ListRow {
            key: Some(RecordKey(vec![at.to_string()])),
            cells: vec![cell(&at.to_string()), cell("<b>bold</b>")],
        };
        Listed {
            table: table.clone(),
            columns: vec!["id".into(), "name".into()],
            rows: (1..=rows).map(row).collect(),
            total: Some(120),
            page: 2,
            page_size: 50,
            has_next: true,
            without_labels: false,
            as_of_ms: None,
        }
    }

    fn html(query: &ListQuery, rows: usize, may_write: bool) -> String {
        let mut table = table(
            "site",
            vec![column("id", ColumnKind::Integer), column("name", ColumnKind::Text)],
        );
        table.grants.insert = may_write;
        let table = Arc::new(table);
        let listed = listed(&table, rows);
        Owner::new().with(|| list_view(&table, false, query, &listed).to_html())
    }

    #[test]
    fn rows_lead_to_their_records_without_a_query() {
        let html = html(
            &ListQuery {
                page: 2,
                search: "x".into(),
                ..ListQuery::default()
            },
            3,
            true,
        );
        assert!(html.contains(r#"href="/records/site/3""#), "{html}");
        assert!(html.contains("51–53 of 120"), "{html}");
        assert!(!html.contains("<b>bold"), "{html}");
    }

    #[test]
    fn the_state_is_kept_by_every_link_and_form() {
        let query = ListQuery {
            page: 2,
            search: "pump".into(),
            sort: vec![("name".into(), true)],
            filters: vec![("id".into(), "gte".into(), "5".into())],
        };
        let html = html(&query, 3, true);
        assert!(
            html.contains("/records/site?q=pump&amp;sort=-name&amp;f.id.gte=5&amp;page=3"),
            "{html}"
        );
        assert!(html.contains(r#"name="sort" value="-name""#), "{html}");
        assert!(
            html.contains(r#"href="/records/site?q=pump&amp;sort=-name""#),
            "the chip takes its filter away: {html}"
        );
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let narrowed = ListQuery {
            page: 1,
            search: "zzz".into(),
            ..ListQuery::default()
        };
        assert!(html(&narrowed, 0, true).contains("Show all records"));
    }

    #[test]
    fn only_who_may_write_is_offered_a_new_record() {
        let query = ListQuery {
            page: 1,
            ..ListQuery::default()
        };
        assert!(html(&query, 1, true).contains("/records/site/new"));
        assert!(!html(&query, 1, false).contains("/records/site/new"));
    }
}
