//! Statements by shape, as pages and programs are told of them.

use std::time::Duration;

use app::monitoring::statements::{Activity, ClusterRow, ContendedRow, Hints, Session, StatementRow, StatementsView};
use resilient_db::{StatementNumbers, StatementsReport};
use serde_json::{Value, json};

/// Shapes that programs are told of.
pub const AT_MOST: usize = 500;

pub fn view(report: &StatementsReport) -> StatementsView {
    let clusters = report.clusters.iter().map(|cluster| ClusterRow {
        shape: cluster.shape.to_string(),
        count: cluster.count,
        within_ms: cluster.within.as_millis() as u64,
        last_ago_ms: cluster.last_ago.as_millis() as u64,
    });
    StatementsView {
        slow_after_ms: report.slow_after.as_millis() as u64,
        statements: report.statements.iter().map(row).collect(),
        other: (report.other.count > 0).then(|| row(&report.other)),
        clusters: clusters.collect(),
    }
}

fn row(numbers: &StatementNumbers) -> StatementRow {
    let contended = numbers.contended.iter().map(|(contention, call, times)| ContendedRow {
        kind: contention.name(),
        call,
        times: *times,
    });
    StatementRow {
        shape: numbers.shape.to_string(),
        call: numbers.call,
        count: numbers.count,
        errors: numbers.errors,
        unfinished: numbers.unfinished,
        slow: numbers.slow,
        rows: numbers.rows,
        total_ms: milliseconds(numbers.total),
        mean_ms: milliseconds(numbers.mean),
        p50_ms: milliseconds(numbers.p50),
        p95_ms: milliseconds(numbers.p95),
        p99_ms: milliseconds(numbers.p99),
        slowest_ms: milliseconds(numbers.slowest),
        contended: contended.collect(),
    }
}

/// With their thousandths: a local database answers within one.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

pub fn statements_json(view: &StatementsView, hints: Result<&Hints, &str>) -> Value {
    let statements: Vec<_> = view.statements.iter().take(AT_MOST).map(row_json).collect();
    let clusters = view.clusters.iter().map(|cluster| {
        json!({
            "statement": cluster.shape,
            "count": cluster.count,
            "within_ms": cluster.within_ms,
            "last_ms_ago": cluster.last_ago_ms,
        })
    });
    json!({
        "slow_after_ms": view.slow_after_ms,
        "statements": statements,
        "other": view.other.as_ref().map(row_json),
        "contention_clusters": clusters.collect::<Vec<_>>(),
        "hints": hints.ok().map(hints_json),
        "no_hints_because": hints.err(),
    })
}

fn row_json(row: &StatementRow) -> Value {
    let contended = row.contended.iter();
    let contended = contended.map(|met| json!({ "kind": met.kind, "call": met.call, "times": met.times }));
    json!({
        "statement": row.shape,
        "call": row.call,
        "count": row.count,
        "errors": row.errors,
        "unfinished": row.unfinished,
        "slow": row.slow,
        "rows": row.rows,
        "total_ms": row.total_ms,
        "mean_ms": row.mean_ms,
        "p50_ms": row.p50_ms,
        "p95_ms": row.p95_ms,
        "p99_ms": row.p99_ms,
        "slowest_ms": row.slowest_ms,
        "contention": contended.collect::<Vec<_>>(),
    })
}

fn hints_json(hints: &Hints) -> Value {
    let listed = hints.hints.iter().map(|hint| {
        json!({
            "statement": hint.shape,
            "kind": hint.kind.word(),
            "table": hint.table,
            "columns": hint.columns,
            "rows_at_least": hint.rows_at_least,
        })
    });
    json!({
        "list": listed.collect::<Vec<_>>(),
        "explained": hints.explained,
        "not_explained": hints.not_explained,
    })
}

pub fn activity_json(activity: &Activity) -> Value {
    json!({
        "as_of_unix_ms": activity.as_of_ms,
        "sessions": activity.sessions.iter().map(session_json).collect::<Vec<_>>(),
        "idle": activity.idle,
        "unseen": activity.unseen,
    })
}

fn session_json(session: &Session) -> Value {
    json!({
        "id": session.id,
        "account": session.account,
        "application": session.application,
        "state": session.state,
        "wait": session.wait,
        "statement_ms": session.statement_ms,
        "transaction_ms": session.transaction_ms,
        "long": session.is_long(),
        "blocked_by": session.blocked_by,
        "statement": session.shape,
    })
}
