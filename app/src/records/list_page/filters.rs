//! Filters: the panel that sets them, and the chips that show them and take them away.

use leptos::prelude::*;

use crate::records::address;
use crate::records::list_query::{self, filter_name};
use crate::records::model::{Column, ColumnKind, ListPage, ListQuery, Table};
use crate::ui::icon::icon;

/// A chip for each filter, in the order applied.
pub fn chips(table: &Table, query: &ListQuery, listed: &ListPage) -> Option<AnyView> {
    if query.filters.is_empty() && query.search.is_empty() {
        return None;
    }
    let table_url = address::table_url(&table.name);
    let search = (!query.search.is_empty()).then(|| {
        let url = list_query::url(
            &table_url,
            &ListQuery {
                search: String::new(),
                page: 1,
                ..query.clone()
            },
        );
        chip(format!("Search: {}", query.search), url)
    });
    let each = query.filters.iter().enumerate().map(|(at, filter)| {
        let url = list_query::url(&table_url, &list_query::without_filter(query, at));
        chip(words(table, listed, filter), url)
    });
    let each = each.collect_view();
    let all = list_query::url(
        &table_url,
        &ListQuery {
            page: 1,
            sort: query.sort.clone(),
            ..ListQuery::default()
        },
    );
    Some(
        view! {
            <ul class="chips" aria-label="Filters">
                {search}
                {each}
                <li><a class="button-plain" href=all>"Clear all"</a></li>
            </ul>
        }
        .into_any(),
    )
}

fn chip(words: String, url: String) -> AnyView {
    let label = format!("Remove filter {words}");
    view! { <li class="chip"><span>{words}</span><a href=url aria-label=label>{icon("close")}</a></li> }.into_any()
}

/// `Due on is at least 2026-01-01`.
fn words(table: &Table, listed: &ListPage, (name, operator, text): &(String, String, String)) -> String {
    let label = table.column(name).map_or(name.as_str(), |column| column.label.as_str());
    let shown = shown_label(listed, name, text).unwrap_or_else(|| text.clone());
    match operator.as_str() {
        "null" if text == "true" => format!("{label} has no value"),
        "null" => format!("{label} has a value"),
        operator => format!("{label} {} {shown}", operator_words(operator)),
    }
}

fn operator_words(operator: &str) -> &'static str {
    match operator {
        "ne" => "is not",
        "lt" => "is less than",
        "lte" => "is at most",
        "gt" => "is more than",
        "gte" => "is at least",
        "contains" => "contains",
        _ => "is",
    }
}

/// A foreign key's label, where a row of this page shows it.
fn shown_label(listed: &ListPage, name: &str, text: &str) -> Option<String> {
    let at = listed.columns.iter().position(|column| column == name)?;
    let cells = listed.rows.iter().filter_map(|row| row.cells.get(at));
    cells
        .filter(|cell| cell.text.as_deref() == Some(text))
        .find_map(|cell| cell.label.clone())
}

/// A form for all columns; what is left empty does not count.
pub fn panel(table: &Table, query: &ListQuery) -> AnyView {
    let columns: Vec<&Column> = match &table.display.filters {
        Some(named) => named.iter().filter_map(|name| table.column(name)).collect(),
        None => table.columns.iter().collect(),
    };
    let columns: Vec<&Column> = columns.into_iter().filter(|column| can_filter(column)).collect();
    let offered = |name: &str, operator: &str| {
        columns
            .iter()
            .any(|column| operators(column).contains(&operator) && column.name == name)
    };
    // Filters the panel has no control for stay as they are.
    let others = query
        .filters
        .iter()
        .filter(|(name, operator, _)| !offered(name, operator));
    let others = others.map(|(name, operator, text)| (filter_name(name, operator), text.clone()));
    let rest = ListQuery {
        filters: Vec::new(),
        page: 1,
        ..query.clone()
    };
    let kept = list_query::pairs(&rest).into_iter().chain(others).map(|(name, text)| {
        view! { <input type="hidden" name=name value=text autocomplete="off" /> }
    });
    let kept = kept.collect_view();
    let rows = columns.iter().map(|column| filter_row(column, query)).collect_view();
    view! {
        <details class="filters">
            <summary class="button">{icon("filter")} "Filter"</summary>
            <form class="filters-panel" action=address::table_url(&table.name) method="get">
                {kept}
                <div class="filters-rows">{rows}</div>
                <p class="actions"><button type="submit" class="button button-primary">"Apply"</button></p>
            </form>
        </details>
    }
    .into_any()
}

fn can_filter(column: &Column) -> bool {
    column.is_seen() && !matches!(column.kind, ColumnKind::Json | ColumnKind::Bytes)
}

/// What the panel offers for a column.
fn operators(column: &Column) -> &'static [&'static str] {
    match column.kind {
        _ if column.reference.is_some() => &["eq", "null"],
        ColumnKind::Boolean | ColumnKind::Choice(_) | ColumnKind::Uuid => &["eq", "null"],
        ColumnKind::Text
        | ColumnKind::LongText
        | ColumnKind::Bits
        | ColumnKind::NetworkAddress
        | ColumnKind::Network
        | ColumnKind::HardwareAddress
        | ColumnKind::Array(_)
        | ColumnKind::Range(_)
        | ColumnKind::Multirange(_)
        | ColumnKind::Other => &["contains", "null"],
        _ => &["gte", "lte", "null"],
    }
}

fn filter_row(column: &Column, query: &ListQuery) -> AnyView {
    let controls = operators(column)
        .iter()
        .filter(|operator| **operator != "null" || column.nullable);
    let controls = controls
        .map(|operator| filter_control(column, operator, query))
        .collect_view();
    view! {
        <fieldset class="filter-row">
            <legend>{column.label.clone()}</legend>
            {controls}
        </fieldset>
    }
    .into_any()
}

fn filter_control(column: &Column, operator: &'static str, query: &ListQuery) -> AnyView {
    let set = query
        .filters
        .iter()
        .find(|(name, set, _)| *name == column.name && set == operator);
    let value = set.map(|(_, _, text)| text.clone()).unwrap_or_default();
    let name = filter_name(&column.name, operator);
    let words = |words: &str| format!("{} {words}", column.label);
    match (operator, &column.kind) {
        ("null", _) => {
            let options = [
                ("", "Value: any"),
                ("false", "Has a value"),
                ("true", "No value (NULL)"),
            ];
            filter_select(
                name,
                words("has a value"),
                &value,
                options
                    .map(|(value, label)| (value.to_owned(), label.to_owned()))
                    .to_vec(),
            )
        }
        ("eq", ColumnKind::Boolean) => {
            let options = [("", "Any"), ("true", "Yes"), ("false", "No")];
            filter_select(
                name,
                words("is"),
                &value,
                options
                    .map(|(value, label)| (value.to_owned(), label.to_owned()))
                    .to_vec(),
            )
        }
        ("eq", ColumnKind::Choice(choices)) => {
            let mut options = vec![(String::new(), "Any".to_owned())];
            options.extend(
                choices
                    .iter()
                    .filter(|choice| !choice.is_empty())
                    .map(|choice| (choice.clone(), choice.replace('_', " "))),
            );
            filter_select(name, words("is"), &value, options)
        }
        (_, kind) => {
            let input = if *kind == ColumnKind::Date { "date" } else { "text" };
            let placeholder = match operator {
                "gte" => "At least",
                "lte" => "At most",
                "contains" => "Contains",
                _ if column.reference.is_some() => "Key",
                _ => "Is",
            };
            let label = words(operator_words(operator));
            view! { <input type=input name=name value=value aria-label=label placeholder=placeholder title=placeholder autocomplete="off" /> }
                .into_any()
        }
    }
}

fn filter_select(name: String, label: String, value: &str, options: Vec<(String, String)>) -> AnyView {
    let options = options.into_iter().map(|(option, words)| {
        let selected = option == value;
        view! { <option value=option selected=selected>{words}</option> }
    });
    view! { <select name=name aria-label=label autocomplete="off">{options.collect_view()}</select> }.into_any()
}
