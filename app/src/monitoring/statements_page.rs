//! What statements cost, where transactions meet, what the database does now, and what would make it quicker; for staff.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::monitoring_page::LIVE;
use super::statements::{Activity, ClusterRow, Hint, HintKind, Hints, Session, StatementRow, StatementsView};
use crate::api_error::{ApiError, ErrorKind};
use crate::ui::icon::icon;
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visited::visited;
use crate::ui::written;

/// Shapes on the page; programs get all.
const SHOWN: usize = 100;

/// By what the shapes are sorted, the most of it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Total,
    Count,
    P95,
    Errors,
}

impl Order {
    fn from_word(word: &str) -> Option<Self> {
        [Self::Total, Self::Count, Self::P95, Self::Errors]
            .into_iter()
            .find(|order| order.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Count => "count",
            Self::P95 => "p95",
            Self::Errors => "errors",
        }
    }

    fn sort(self, rows: &mut [StatementRow]) {
        let key = |row: &StatementRow| match self {
            Self::Total => row.total_ms,
            Self::Count => row.count as f64,
            Self::P95 => row.p95_ms,
            Self::Errors => row.errors as f64,
        };
        rows.sort_by(|a, b| key(b).total_cmp(&key(a)).then_with(|| a.shape.cmp(&b.shape)));
    }
}

/// `/monitoring/statements`
#[component]
pub fn StatementsPage() -> impl IntoView {
    let nonce = use_nonce();
    visited(|visit| async move {
        if !visit.account.role.may_monitor() {
            return Err(ApiError::new(ErrorKind::Forbidden, "Monitoring is for staff."));
        }
        let order = visit.query("sort").and_then(Order::from_word).unwrap_or_default();
        let activity = visit.monitor.activity().await;
        let hints = visit.monitor.hints().await;
        let view = visit.monitor.statements();
        let frame = Frame {
            title: "Statements".to_owned(),
            active: None,
            unsaved: visit.unsaved().await,
            kind: PageKind::Reading,
        };
        let content = view! {
            {crumbs(&[("Monitoring".to_owned(), "/monitoring".to_owned())])}
            <div class="page-head">
                <h1>"Statements"</h1>
                <div class="actions">
                    <button class="button" type="button" data-live-pause="" aria-pressed="false" hidden>"Pause"</button>
                </div>
            </div>
            <div class="monitoring" data-live="">
                {view.as_ref().map(|view| clusters(&view.clusters))}
                <section class="panel">
                    <h2>"Now"</h2>
                    {now(&activity)}
                </section>
                <section class="panel">
                    <h2>"What would make them quicker"</h2>
                    {quicker(&hints)}
                </section>
                <section class="panel">
                    <h2>"By shape, since the start"</h2>
                    {by_shape(view, order)}
                </section>
            </div>
            <script type="module" nonce=nonce>{LIVE}</script>
        };
        Ok(framed(&visit, frame, content.into_any()))
    })
}

fn clusters(clusters: &[ClusterRow]) -> AnyView {
    if clusters.is_empty() {
        return ().into_any();
    }
    let listed = clusters.iter().map(|cluster| {
        let words = format!(
            "{} within {}, the last one {} ago: ",
            written::counted(cluster.count.into(), "time", "times"),
            written::span(cluster.within_ms),
            written::span(cluster.last_ago_ms),
        );
        view! { <li>{words} <code>{cluster.shape.clone()}</code></li> }
    });
    let body = view! {
        <ul>{listed.collect_view()}</ul>
        <p>"They were repeated where that was possible. If they go on, somebody should look at what changes the same rows at the same time."</p>
    };
    view! { <div data-clusters="">{notice(Tone::Failure, "Transactions are in each other’s way too often.", body)}</div> }.into_any()
}

fn now(activity: &Result<Activity, &'static str>) -> AnyView {
    let activity = match activity {
        Ok(activity) => activity,
        Err(words) => return view! { <p class="muted">{*words}</p> }.into_any(),
    };
    let unseen = activity
        .unseen
        .iter()
        .map(|words| view! { <p class="page-note">{words.clone()}</p> });
    let waits = activity.lock_waits().count() as u64;
    let waits = (waits > 0).then(|| {
        let words = format!(
            "{} for a lock that another one holds.",
            written::counted(waits, "session waits", "sessions wait")
        );
        notice(Tone::Waiting, words, ())
    });
    let said = match (activity.sessions.len() as u64, activity.idle) {
        (0, 0) => None,
        (0, idle) => Some(format!(
            "Nothing runs; {} idle.",
            written::counted(idle, "session is", "sessions are")
        )),
        (_, 0) => None,
        (_, idle) => Some(format!(
            "{} idle besides.",
            written::counted(idle, "session is", "sessions are")
        )),
    };
    let rows = activity.sessions.iter().map(|session| session_row(session, activity));
    view! {
        {waits}
        {(!activity.sessions.is_empty()).then(|| view! {
            <table class="grid">
                <thead>
                    <tr>
                        <th scope="col">"Session"</th>
                        <th scope="col">"Does"</th>
                        <th scope="col" class="number">"Statement for"</th>
                        <th scope="col" class="number">"Transaction for"</th>
                        <th scope="col">"Statement"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        })}
        {said.map(|words| view! { <p class="page-note">{words}</p> })}
        {unseen.collect_view()}
    }
    .into_any()
}

fn session_row(session: &Session, activity: &Activity) -> AnyView {
    let who = match &session.application {
        Some(application) => format!("{}, {application}", session.account),
        None => session.account.clone(),
    };
    let waits_for = (!session.blocked_by.is_empty()).then(|| {
        view! { <br /><span class="mark mark-waiting">{icon("clock")} {format!("waits for {}", written::listed(&session.blocked_by))}</span> }
    });
    let holds = activity.is_waited_for(&session.id).then(|| {
        view! { <br /><span class="mark mark-failure">{icon("alert")} "others wait for it"</span> }
    });
    let long = session
        .is_long()
        .then(|| view! { <br /><span class="mark mark-waiting">{icon("clock")} "for long"</span> });
    let wait = session.wait.as_ref().filter(|_| session.blocked_by.is_empty());
    let wait = wait.map(|wait| view! { <br /><span class="muted">{wait.clone()}</span> });
    let span = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), span);
    view! {
        <tr>
            <td data-label="Session"><strong>{session.id.clone()}</strong> <br /> <span class="muted">{who}</span></td>
            <td data-label="Does">{session.state.clone()} {wait} {waits_for} {holds} {long}</td>
            <td class="number" data-label="Statement for">{span(session.statement_ms)}</td>
            <td class="number" data-label="Transaction for">{span(session.transaction_ms)}</td>
            <td class="statement" data-label="Statement">{session.shape.clone().map(|shape| view! { <code>{shape}</code> })}</td>
        </tr>
    }
    .into_any()
}

fn quicker(hints: &Result<Hints, &'static str>) -> AnyView {
    let hints = match hints {
        Ok(hints) => hints,
        Err(words) => return view! { <p class="muted">{*words}</p> }.into_any(),
    };
    let looked_at = match (hints.explained, hints.not_explained) {
        (0, 0) => "No statement that only reads was slow since the start.".to_owned(),
        (explained, 0) => format!(
            "The plans of {} were looked at.",
            written::counted(explained, "slow statement", "slow statements")
        ),
        (explained, not_explained) => format!(
            "The plans of {} were looked at; the database does not explain {not_explained} more.",
            written::counted(explained, "slow statement", "slow statements"),
        ),
    };
    let listed = hints.hints.iter().map(|hint| {
        view! { <li>{advice(hint)} <br /> <code>{hint.shape.clone()}</code></li> }
    });
    view! {
        {(!hints.hints.is_empty()).then(|| view! { <ul class="hints" data-hints="">{listed.collect_view()}</ul> })}
        <p class="page-note">{looked_at}</p>
    }
    .into_any()
}

fn advice(hint: &Hint) -> String {
    let (table, columns) = (&hint.table, written::listed(&hint.columns));
    let rows = format!("{} rows or more", written::number(hint.rows_at_least));
    match hint.kind {
        HintKind::FilterWithoutIndex => {
            format!("All of {table} ({rows}) is read to find rows by {columns}; an index on {columns} would help.")
        }
        HintKind::ReferenceWithoutIndex => format!(
            "All of {table} ({rows}) is read to find rows by {columns}, which refers to another table and has no index; one would help."
        ),
        HintKind::SortWithoutIndex => {
            format!("All of {table} ({rows}) is read and sorted by {columns}; an index on {columns} would help.")
        }
        HintKind::WholeTable => format!("All of {table} ({rows}) is read; no index on a column would change that."),
    }
}

fn by_shape(view: Option<StatementsView>, order: Order) -> AnyView {
    let Some(mut view) = view else {
        return view! { <p class="muted">"Statements are not measured: INKFAST_STATEMENTS is off."</p> }.into_any();
    };
    order.sort(&mut view.statements);
    let all = view.statements.len();
    let rows = view.statements.iter().take(SHOWN).chain(&view.other).map(statement_row);
    let rows = rows.collect_view();
    let note = format!(
        "Slow is {} ms or more. Values are left out: statements that differ only in them are one shape.{}",
        written::number(view.slow_after_ms),
        if all > SHOWN {
            format!(" The first {SHOWN} of {all} are shown.")
        } else {
            String::new()
        },
    );
    view! {
        <table class="grid">
            <thead>
                <tr>
                    <th scope="col">"Statement"</th>
                    {head("Count", Order::Count, order)}
                    {head("Errors", Order::Errors, order)}
                    <th scope="col" class="number">"Rows"</th>
                    {head("In all", Order::Total, order)}
                    <th scope="col" class="number">"Mean"</th>
                    <th scope="col" class="number">"Half within"</th>
                    {head("95 % within", Order::P95, order)}
                    <th scope="col" class="number">"99 % within"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <p class="page-note">{note}</p>
    }
    .into_any()
}

fn head(words: &'static str, by: Order, order: Order) -> AnyView {
    let is_sorted = by == order;
    view! {
        <th scope="col" class="number" aria-sort=is_sorted.then_some("descending")>
            <a href=format!("/monitoring/statements?sort={}", by.word())>{words} {is_sorted.then(|| icon("down"))}</a>
        </th>
    }
    .into_any()
}

fn statement_row(row: &StatementRow) -> AnyView {
    let number = |label, value: String| view! { <td class="number" data-label=label>{value}</td> };
    let marks = [
        (row.slow > 0).then(|| {
            format!(
                "{} slow, the slowest took {}",
                written::number(row.slow),
                milliseconds(row.slowest_ms)
            )
        }),
        (row.unfinished > 0).then(|| format!("{} given up before the end", written::number(row.unfinished))),
    ];
    let met = row.contended.iter().map(|met| {
        let kind = match met.kind {
            "deadlock" => ("deadlock", "deadlocks"),
            "lock_timeout" => ("lock timeout", "lock timeouts"),
            _ => ("serialization failure", "serialization failures"),
        };
        format!("{} in {}", written::counted(met.times, kind.0, kind.1), met.call)
    });
    let marks: Vec<_> = marks.into_iter().flatten().chain(met).collect();
    let call = (!row.call.is_empty()).then(|| format!("{} · ", row.call));
    view! {
        <tr>
            <td class="statement" data-label="Statement">
                <code>{row.shape.clone()}</code>
                <span class="muted statement-note">{call} {marks.join(" · ")}</span>
            </td>
            {number("Count", written::number(row.count))}
            {number("Errors", if row.errors == 0 { "none".to_owned() } else { written::number(row.errors) })}
            {number("Rows", written::number(row.rows))}
            {number("In all", span(row.total_ms.round() as u64))}
            {number("Mean", milliseconds(row.mean_ms))}
            {number("Half within", milliseconds(row.p50_ms))}
            {number("95 % within", milliseconds(row.p95_ms))}
            {number("99 % within", milliseconds(row.p99_ms))}
        </tr>
    }
    .into_any()
}

/// Short ones in milliseconds.
fn span(milliseconds: u64) -> String {
    match milliseconds {
        0..10_000 => format!("{} ms", written::number(milliseconds)),
        _ => written::span(milliseconds),
    }
}

/// With as many places as say something.
fn milliseconds(milliseconds: f64) -> String {
    match milliseconds {
        ..10.0 => format!("{milliseconds:.2} ms"),
        ..100.0 => format!("{milliseconds:.1} ms"),
        _ => format!("{} ms", written::number(milliseconds.round() as u64)),
    }
}

#[cfg(test)]
mod tests;
