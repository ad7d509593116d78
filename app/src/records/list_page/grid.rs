//! The rows. On narrow screens the style turns each into a card with its columns' names.

use leptos::prelude::*;

use crate::records::address;
use crate::records::list_query;
use crate::records::model::{ColumnKind, ListCell, ListPage, ListQuery, ListRow, Table};
use crate::ui::icon::icon;

pub fn grid(table: &Table, query: &ListQuery, listed: &ListPage) -> AnyView {
    let heads = listed
        .columns
        .iter()
        .map(|name| head(table, query, name))
        .collect_view();
    let rows = listed.rows.iter().map(|one| row(table, listed, one)).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=format!("Records of {}", table.label)>
            <table class="grid">
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn head(table: &Table, query: &ListQuery, name: &str) -> AnyView {
    let column = table.column(name);
    let label = column.map_or_else(|| name.to_owned(), |column| column.label.clone());
    let class = column
        .filter(|column| is_number(&column.kind) && column.reference.is_none())
        .map(|_| "number");
    if column.is_none_or(|column| !column.is_seen()) {
        return view! { <th scope="col" class=class>{label}</th> }.into_any();
    }
    let at = query.sort.iter().position(|(sorted, _)| sorted == name);
    let descending = at.map(|at| query.sort[at].1);
    let url = list_query::url(&address::table_url(&table.name), &list_query::sorted_by(query, name));
    let (direction, mark) = match descending {
        Some(true) => (Some("descending"), icon("down")),
        Some(false) => (Some("ascending"), icon("up")),
        None => (None, ().into_any()),
    };
    let order = at
        .filter(|_| query.sort.len() > 1)
        .map(|at| view! { <span class="sort-order">{at + 1}</span> });
    // Assistive technology is told of the leading column only, as ARIA asks.
    let aria = direction.filter(|_| at == Some(0));
    view! {
        <th scope="col" class=class aria-sort=aria>
            <a href=url title=format!("Sort by {label}")>{label.clone()} {mark} {order}</a>
        </th>
    }
    .into_any()
}

fn is_number(kind: &ColumnKind) -> bool {
    matches!(kind, ColumnKind::Integer | ColumnKind::Decimal | ColumnKind::Float)
}

/// Never cut nor broken: a part of it would say something else.
fn stays_whole(kind: &ColumnKind) -> bool {
    use ColumnKind::{Boolean, Choice, Date, Interval, Time, TimeWithZone, Timestamp, TimestampWithZone};
    let is_time = matches!(
        kind,
        Date | Time | TimeWithZone | Timestamp | TimestampWithZone | Interval
    );
    is_number(kind) || is_time || matches!(kind, Boolean | Choice(_))
}

fn row(table: &Table, listed: &ListPage, row: &ListRow) -> AnyView {
    let url = row.key.as_ref().map(|key| address::record_url(&table.name, key));
    let cells = listed.columns.iter().zip(&row.cells).enumerate();
    let cells = cells.map(|(at, (name, one))| cell(table, name, one, url.as_ref().filter(|_| at == 0)));
    view! { <tr>{cells.collect_view()}</tr> }.into_any()
}

/// The first cell's link covers the whole row.
fn cell(table: &Table, name: &str, cell: &ListCell, url: Option<&String>) -> AnyView {
    let column = table.column(name);
    let label = column.map_or_else(|| name.to_owned(), |column| column.label.clone());
    let content = content(column.map(|column| &column.kind), cell);
    let number =
        cell.label.is_none() && column.is_some_and(|column| is_number(&column.kind) && column.reference.is_none());
    let content = match url {
        Some(url) => view! { <a class="row-link" href=url.clone()>{content}</a> }.into_any(),
        None => content,
    };
    let whole = column.is_some_and(|column| stays_whole(&column.kind)) && cell.label.is_none();
    let class = if number {
        Some("number")
    } else {
        whole.then_some("whole")
    };
    view! { <td class=class data-label=label>{content}</td> }.into_any()
}

fn content(kind: Option<&ColumnKind>, cell: &ListCell) -> AnyView {
    if cell.masked {
        return view! { <span class="masked" aria-label="secret, set">"••••••"</span> }.into_any();
    }
    if let Some(label) = &cell.label {
        return view! { <span class="clip" title=cell.text.clone()>{label.clone()}</span> }.into_any();
    }
    match (kind, cell.text.as_deref()) {
        (_, None) => view! { <span class="null-value">"NULL"</span> }.into_any(),
        (_, Some("")) => view! { <span class="null-value">"(empty)"</span> }.into_any(),
        (Some(ColumnKind::Boolean), Some("true")) => {
            view! { <span class="yes">{icon("check")} " Yes"</span> }.into_any()
        }
        (Some(ColumnKind::Boolean), Some("false")) => view! { <span class="no">"No"</span> }.into_any(),
        (Some(ColumnKind::Choice(_)), Some(text)) => {
            view! { <span class="tag">{text.replace('_', " ")}</span> }.into_any()
        }
        (_, Some(text)) => view! { <span class="clip">{text.to_owned()}</span> }.into_any(),
    }
}
