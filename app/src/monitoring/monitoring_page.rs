//! How the server fares, for staff: from memory alone, so it shows the same while the database is away.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::controls;
use super::degraded::degraded;
use super::error_list::error_list;
use super::model::{
    BackupNumbers, DatabaseNumbers, MachineNumbers, MetOnTheWay, Paused, Report, RoleNumbers, RouteNumbers,
};
use super::port::{Condition, DependencyState, DraftsState};
use super::sent_saves::sent_saves;
use super::servers_panel::servers;
use crate::api_error::{ApiError, ErrorKind};
use crate::ui::layout::{Frame, PageKind, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visited::visited;
use crate::ui::written;

/// Takes the fresh numbers over every few seconds.
pub(super) const LIVE: &str = include_str!("live.js");

/// `/monitoring`
#[component]
pub fn MonitoringPage() -> impl IntoView {
    let nonce = use_nonce();
    visited(|visit| async move {
        if !visit.account.role.may_monitor() {
            return Err(ApiError::new(ErrorKind::Forbidden, "Monitoring is for staff."));
        }
        let report = visit.monitor.report();
        let steers = visit.account.role.may_steer();
        let drills = visit.monitor.drills().is_some();
        let done = visit.query("done").and_then(controls::done);
        let frame = Frame {
            title: "Monitoring".to_owned(),
            active: None,
            unsaved: visit.unsaved().await,
            kind: PageKind::Reading,
        };
        let content = view! {
            <div class="page-head">
                <h1>"Monitoring"</h1>
                <div class="actions">
                    <a class="button" href="/monitoring/statements">"Statements"</a>
                    {(drills && steers).then(|| view! { <a class="button" href="/monitoring/drills">"Drills"</a> })}
                    <button class="button" type="button" data-live-pause="" aria-pressed="false" hidden>"Pause"</button>
                </div>
            </div>
            {done}
            {numbers(&report, steers)}
            {steers.then(|| controls::controls(&report, drills))}
            <script type="module" nonce=nonce>{LIVE}</script>
        };
        Ok(framed(&visit, frame, content.into_any()))
    })
}

fn numbers(report: &Report, may_steer: bool) -> AnyView {
    view! {
        <div class="monitoring" data-live="">
            <p class="page-note">
                {format!("As of {}. Version {}, running for {}.",
                    written::time_of_day(report.now_ms), report.version, written::span(report.uptime_ms))}
            </p>
            {condition(report)}
            {report.degraded.as_ref().map(degraded)}
            {report.paused.as_ref().map(paused)}
            <section class="panel">
                <h2>{report.condition.database_kind}</h2>
                {database(&report.database)}
                {met(&report.met)}
                {(report.servers.len() > 1).then(|| servers(&report.servers, may_steer))}
            </section>
            <section class="panel">
                <h2>"Saving"</h2>
                {saving(report)}
                {sent_saves(&report.sent, report.now_ms)}
            </section>
            <section class="panel">
                <h2>"Backups"</h2>
                {backups(&report.backups, report.now_ms)}
            </section>
            <section class="panel">
                <h2>"This server"</h2>
                {machine(report.machine)}
            </section>
            <section class="panel">
                <h2>"Recent errors"</h2>
                {error_counts(report)}
                {error_list(report)}
            </section>
            <section class="panel">
                <h2>"Requests since the start"</h2>
                {routes(&report.routes)}
            </section>
        </div>
    }
    .into_any()
}

fn condition(report: &Report) -> AnyView {
    let Condition {
        database,
        database_kind: kind,
        drafts,
        retry_after_ms,
        ..
    } = &report.condition;
    let (tone, words) = match (database, drafts) {
        (DependencyState::Down, _) => {
            let next = retry_after_ms.map(|wait| format!(", next try in {} s", written::seconds(wait)));
            (
                Tone::Failure,
                format!("{kind} cannot be reached{}.", next.unwrap_or_default()),
            )
        }
        (_, DependencyState::Down) => (Tone::Waiting, "Drafts cannot be kept on the server.".to_owned()),
        (DependencyState::Slow, _) if !report.condition.can_save => (
            Tone::Waiting,
            format!("{kind} takes no changes at the moment; lists and forms still open."),
        ),
        (DependencyState::Slow, _) => (Tone::Waiting, format!("{kind} answers slowly.")),
        _ => (Tone::Good, format!("{kind} answers, and drafts are kept.")),
    };
    let cause = (*database != DependencyState::Up)
        .then(|| report.database.cause.clone())
        .flatten();
    notice(tone, words, cause.map(|cause| view! { <p><code>{cause}</code></p> }))
}

fn paused(paused: &Paused) -> AnyView {
    let words = format!(
        "Monitoring is switched off since {} by {}: later requests and errors are missing below.",
        written::time_of_day(paused.since_ms),
        paused.by,
    );
    notice(Tone::Waiting, words, ())
}

fn database(numbers: &DatabaseNumbers) -> AnyView {
    let probe = match &numbers.last_probe {
        None => "There was no probe yet.".to_owned(),
        Some(probe) => format!(
            "The last probe {} after {} ms, {} ago.",
            if probe.succeeded { "was answered" } else { "failed" },
            written::number(probe.took_ms),
            written::span(probe.age_ms),
        ),
    };
    view! {
        <table class="grid">
            <thead>
                <tr>
                    <th scope="col">"For"</th>
                    <th scope="col">"Breaker"</th>
                    <th scope="col" class="number">"Connections open"</th>
                    <th scope="col" class="number">"in use"</th>
                    <th scope="col" class="number">"idle"</th>
                    <th scope="col" class="number">"beyond"</th>
                    <th scope="col" class="number">"at most"</th>
                    <th scope="col" class="number">"Calls running"</th>
                    <th scope="col" class="number">"waiting"</th>
                </tr>
            </thead>
            <tbody>{role("Reading", &numbers.read)} {role("Writing", &numbers.write)}</tbody>
        </table>
        <p class="page-note" data-trends="">{format!("{probe} {}", trends(numbers))}</p>
    }
    .into_any()
}

/// What gets worse, and how many calls may run.
fn trends(numbers: &DatabaseNumbers) -> String {
    let [read, write] = [&numbers.read, &numbers.write];
    let of = |[one, both]: [&str; 2], is: fn(&RoleNumbers) -> bool| match (is(read), is(write)) {
        (true, true) => Some(format!("Reading and writing {both} than usual.")),
        (true, false) => Some(format!("Reading {one} than usual.")),
        (false, true) => Some(format!("Writing {one} than usual.")),
        (false, false) => None,
    };
    let failing = of(["fails more often", "fail more often"], |role| role.failing);
    let slowing = of(["takes longer", "take longer"], |role| role.slowing);
    let told: Vec<String> = failing.into_iter().chain(slowing).collect();
    let told = match told.is_empty() {
        true => "Calls fail and take as usual.".to_owned(),
        false => told.join(" "),
    };
    format!("{told} At once {} may read and {} may write.", read.limit, write.limit)
}

fn role(name: &'static str, role: &RoleNumbers) -> AnyView {
    let breaker = match role.breaker {
        "closed" => "closed: calls go through",
        "open" => "open: calls are refused at once",
        _ => "half-open: a probe is under way",
    };
    let number = |label, value: u32| {
        view! { <td class="number" data-label=label>{written::number(value.into())}</td> }
    };
    view! {
        <tr>
            <td data-label="For"><strong>{name}</strong></td>
            <td data-label="Breaker">{breaker}</td>
            {number("Open", role.size)}
            {number("In use", role.in_use)}
            {number("Idle", role.idle)}
            {number("Beyond", role.overflow)}
            {number("At most", role.max)}
            {number("Running", role.running)}
            {number("Waiting", role.waiting)}
        </tr>
    }
    .into_any()
}

/// Of calls: what was repeated or refused, and over what.
fn met(met: &[MetOnTheWay]) -> AnyView {
    if met.is_empty() {
        return view! { <p class="page-note">"No call was repeated or refused since the start."</p> }.into_any();
    }
    let listed = met.iter().map(|met| {
        let role = match met.role {
            "read" => "reading",
            _ => "writing",
        };
        let why = met.why.map(|why| format!(" ({})", why.replace('_', " ")));
        let what = match met.what {
            "overflowed" => "given a connection beyond",
            what => what,
        };
        let words = format!(
            "{role}, {what}{}: {}",
            why.unwrap_or_default(),
            written::number(met.times)
        );
        view! { <li><span class="tag">{words}</span></li> }
    });
    view! {
        <p class="page-note">"Calls that were repeated or refused since the start:"</p>
        <ul class="tags" data-met="">{listed.collect_view()}</ul>
    }
    .into_any()
}

fn machine(numbers: Option<MachineNumbers>) -> AnyView {
    let Some(numbers) = numbers else {
        return view! { <p class="muted">"Not looked at yet."</p> }.into_any();
    };
    let of = |left: u64, whole: u64| format!("{} of {} left", bytes(left), bytes(whole));
    let fact = |name: &'static str, value: String| view! { <div><dt>{name}</dt> <dd>{value}</dd></div> };
    let unknown = || "not known".to_owned();
    let processor = format!(
        "{:.1} % of {}",
        numbers.cpu_percent,
        written::counted(numbers.processors, "processor", "processors")
    );
    let own = numbers
        .process_cpu_percent
        .map(|percent| format!("{percent:.1} % of one processor"));
    view! {
        <dl class="facts">
            {fact("Memory of the process", numbers.process_memory_bytes.map_or_else(unknown, bytes))}
            {fact("Its processor time", own.unwrap_or_else(unknown))}
            {fact("Memory of the machine", of(numbers.memory_available_bytes, numbers.memory_total_bytes))}
            {fact("Its processors are busy", processor)}
            {fact("Disk of the data directory", numbers.disk_bytes.map_or_else(unknown, |(whole, left)| of(left, whole)))}
        </dl>
    }
    .into_any()
}

/// In the largest unit that leaves something before the point.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64 / 1_000.0, UNITS[0]);
    for larger in &UNITS[1..] {
        if value < 1_000.0 {
            break;
        }
        (value, unit) = (value / 1_000.0, larger);
    }
    format!("{value:.1} {unit}")
}

fn error_counts(report: &Report) -> AnyView {
    if report.errors_by_kind.is_empty() {
        return view! { <p class="page-note">"None in the last 24 hours."</p> }.into_any();
    }
    let tags = |counts: &[(String, u64)]| {
        let tag = |(word, count): &(String, u64)| {
            view! { <li><span class="tag">{format!("{}: {}", word.replace('_', " "), written::number(*count))}</span></li> }
        };
        counts.iter().map(tag).collect_view()
    };
    view! {
        <p class="page-note">"In the last 24 hours, by kind and by severity:"</p>
        <ul class="tags" data-errors-by="kind">{tags(&report.errors_by_kind)}</ul>
        <ul class="tags" data-errors-by="severity">{tags(&report.errors_by_severity)}</ul>
    }
    .into_any()
}

fn saving(report: &Report) -> AnyView {
    let drafts = match report.condition.drafts_state {
        DraftsState::Redis => "Drafts go to Redis.",
        DraftsState::Spill => "Redis is away: drafts go to this server's own file, and to Redis when it is back.",
        DraftsState::Embedded => "Drafts go to this server's own file.",
        DraftsState::Unavailable => "Drafts are kept by the devices alone.",
    };
    let waiting = match report.waiting {
        0 => "No save is waiting.".to_owned(),
        waiting => format!(
            "{} waiting to be saved.",
            written::counted(waiting, "form is", "forms are")
        ),
    };
    let outcomes = report.saves.iter().map(|(outcome, count)| {
        view! { <li><span class="tag">{format!("{}: {}", outcome.replace('_', " "), written::number(*count))}</span></li> }
    });
    view! {
        <p>{format!("{drafts} {waiting}")}</p>
        {if report.saves.is_empty() {
            view! { <p class="muted">"Nobody has pressed Save since the start."</p> }.into_any()
        } else {
            view! { <p class="page-note">"Presses of Save since the start, by outcome:"</p> <ul class="tags">{outcomes.collect_view()}</ul> }.into_any()
        }}
    }
    .into_any()
}

fn backups(numbers: &BackupNumbers, now_ms: u64) -> AnyView {
    let last = match &numbers.last_good {
        None => "There is no good backup.".to_owned(),
        Some(last) => format!(
            "The last good one is of {}, {} ago: {} kB.",
            written::moment(last.made_at_ms),
            written::span(now_ms.saturating_sub(last.made_at_ms)),
            written::number(last.bytes.div_ceil(1_000)),
        ),
    };
    let next = match (numbers.every_ms, numbers.next_due_ms) {
        _ if numbers.running => "One is being made now.".to_owned(),
        (None, _) => "None are made by themselves.".to_owned(),
        (Some(_), Some(due)) => format!("The next one is due at {}.", written::moment(due)),
        (Some(every), None) => format!("One is made every {}.", written::span(every)),
    };
    let newest = numbers.last_good.as_ref().map(|last| last.made_at_ms);
    let failure = numbers
        .last_failure
        .filter(|(at_ms, _)| Some(*at_ms) > newest)
        .map(|(at_ms, why)| {
            let words = format!("A backup failed at {}: {}.", written::moment(at_ms), failed_for(why));
            notice(
                Tone::Failure,
                words,
                view! { <p>"What was said is in the server's log. It is tried again."</p> },
            )
        });
    view! {
        {failure}
        <p>{format!("{last} {next}")}</p>
    }
    .into_any()
}

fn failed_for(why: &str) -> &'static str {
    match why {
        "tool" => "a program is missing or too old",
        "disk_full" => "the disk is full",
        "database" => "the database did not do it",
        "damaged" => "the copy could not be read",
        "busy" => "another one was at work",
        _ => "it could not be written",
    }
}

fn routes(routes: &[RouteNumbers]) -> AnyView {
    let rows = routes.iter().map(|route| {
        let milliseconds = |label, value: u64| {
            view! { <td class="number" data-label=label>{format!("{} ms", written::number(value))}</td> }
        };
        view! {
            <tr>
                <td data-label="Route"><code>{format!("{} {}", route.method, route.route)}</code></td>
                <td class="number" data-label="Count">{written::number(route.count)}</td>
                <td class="number" data-label="Failed">{failed(route)}</td>
                {milliseconds("Half within", route.p50_ms)}
                {milliseconds("95 % within", route.p95_ms)}
                {milliseconds("99 % within", route.p99_ms)}
            </tr>
        }
    });
    view! {
        <table class="grid">
            <thead>
                <tr>
                    <th scope="col">"Route"</th>
                    <th scope="col" class="number">"Count"</th>
                    <th scope="col" class="number">"Failed"</th>
                    <th scope="col" class="number">"Half within"</th>
                    <th scope="col" class="number">"95 % within"</th>
                    <th scope="col" class="number">"99 % within"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// The part answered with 500 or above, in tenths of a percent.
fn failed(route: &RouteNumbers) -> String {
    match route.failed {
        0 => "none".to_owned(),
        failed => format!("{:.1} %", failed as f64 * 100.0 / route.count.max(1) as f64),
    }
}

#[cfg(test)]
mod tests;
