//! Making the database fail on purpose, and seeing what that meant for people. Only where the server
//! was started with drills; and then every page says so.

use std::sync::Arc;

use leptos::prelude::*;

use super::drill_report::drill_report;
use super::model::{DRILL_SECONDS, DrillKind, DrillsView, RunningDrill};
use super::port::Monitor;
use crate::api_error::{ApiError, ErrorKind};
use crate::ui::icon::icon;
use crate::ui::layout::{Frame, PageKind, crumbs, framed, reading_style};
use crate::ui::notice::{Tone, notice};
use crate::ui::visited::visited;
use crate::ui::written;

/// `/monitoring/drills`
#[component]
pub fn DrillsPage() -> impl IntoView {
    visited(|visit| async move {
        let Some(drills) = visit.monitor.drills() else {
            return Err(ApiError::not_found("There is no page at this address."));
        };
        if !visit.account.role.may_steer() {
            return Err(ApiError::new(ErrorKind::Forbidden, "Drills are for staff."));
        }
        let frame = Frame {
            title: "Drills".to_owned(),
            active: None,
            unsaved: visit.unsaved().await,
            kind: PageKind::Reading,
        };
        Ok(framed(&visit, frame, content(&drills)))
    })
}

/// Above every page while drills are possible: nobody is to take a drill for an outage.
#[component]
pub fn DrillsBanner() -> impl IntoView {
    let drills = use_context::<Arc<dyn Monitor>>().and_then(|monitor| monitor.drills());
    drills.map(|drills| {
        let words = match &drills.running {
            Some(running) => format!(
                "Drills are on. This is one: the database {}, {} s left.",
                does(running.kind),
                written::seconds(running.remaining_ms)
            ),
            None => "Drills are on: the database may fail on purpose.".to_owned(),
        };
        view! {
            // An edit page has it then, too.
            {reading_style()}
            <aside class="drills-banner" aria-label="Drills" data-drills=drills.running.map_or("on", |running| running.kind.word())>
                {icon("alert")} <span>{words}</span>
            </aside>
        }
    })
}

fn content(drills: &DrillsView) -> AnyView {
    view! {
        {crumbs(&[("Monitoring".to_owned(), "/monitoring".to_owned())])}
        <div class="page-head"><h1>"Drills"</h1></div>
        <p class="page-note">
            "A drill makes the database of this running server fail for a while, for everybody. Nothing that was saved is touched, \
             and it ends by itself. Watch a form: what is typed stays, a save is queued, and it is done once when the drill is over."
        </p>
        {drills.running.as_ref().map(running)}
        {drills.last.as_ref().map(drill_report)}
        <form method="post" action="/monitoring/drills" class="drills" autocomplete="off">
            <fieldset>
                <legend>"What the database does"</legend>
                {DrillKind::ALL.map(choice).collect_view()}
            </fieldset>
            <label class="drills-seconds">
                "For how many seconds"
                <input type="number" name="seconds" value="20" required
                    min=DRILL_SECONDS.start().to_string() max=DRILL_SECONDS.end().to_string() />
            </label>
            <p class="actions">
                <button class="button button-danger" type="submit">
                    {if drills.running.is_some() { "End it and start this one" } else { "Start the drill" }}
                </button>
            </p>
        </form>
    }
    .into_any()
}

fn running(running: &RunningDrill) -> AnyView {
    let heading = format!(
        "The database {}: {} s left of {} s.",
        does(running.kind),
        written::seconds(running.remaining_ms),
        written::seconds(running.lasting_ms)
    );
    let by = format!("Started by {}. Look at this page again for the report.", running.by);
    let body = view! {
        <p>{by}</p>
        <form method="post" action="/monitoring/drills/stop" class="actions">
            <button class="button" type="submit">"Stop now"</button>
            <a class="button" href="/monitoring/drills">"Look again"</a>
        </form>
    };
    view! { <div data-drill="running">{notice(Tone::Failure, heading, body)}</div> }.into_any()
}

fn choice(kind: DrillKind) -> AnyView {
    let (name, seen) = match kind {
        DrillKind::Refuse => (
            "Refuses",
            "As after the database was stopped. Saving says at once: queued, next try in a few seconds. Lists and forms say that they \
             cannot be shown; a form with a draft is shown from it.",
        ),
        DrillKind::Hang => (
            "Hangs",
            "As when the database is frozen. The first requests wait, at most 3 s for a page and 5 s for a save; then the server knows, \
             and it is as above.",
        ),
        DrillKind::Slow => (
            "Is slow",
            "Every question takes 1.5 s longer. Pages come late, the server notices and stops asking for moments; saves are done or queued.",
        ),
        DrillKind::Deadlock => (
            "Deadlocks",
            "Every save meets another transaction and is undone. It is tried three times, then queued: the system is busy. Reading goes on.",
        ),
        DrillKind::Kill => (
            "Cuts connections",
            "Connections break in the middle of work, and no answer to a COMMIT comes through. Whether a save was done is found out by its \
             id, mostly before anybody notices; else it says that it is being checked. Nothing is done twice.",
        ),
        DrillKind::ReadOnly => (
            "Is read-only",
            "As a server that was made a standby. Lists and forms are shown; saves are queued.",
        ),
        DrillKind::Full => (
            "Has a full disk",
            "Whatever would be written is refused. Lists and forms are shown; saves are queued.",
        ),
    };
    view! {
        <label class="drills-choice">
            <input type="radio" name="kind" value=kind.word() checked=kind == DrillKind::Refuse required />
            <span><strong>{name}</strong><br />{seen}</span>
        </label>
    }
    .into_any()
}

fn does(kind: DrillKind) -> &'static str {
    match kind {
        DrillKind::Refuse => "refuses",
        DrillKind::Hang => "hangs",
        DrillKind::Slow => "is slow",
        DrillKind::Deadlock => "deadlocks",
        DrillKind::Kill => "cuts connections",
        DrillKind::ReadOnly => "is read-only",
        DrillKind::Full => "has a full disk",
    }
}
