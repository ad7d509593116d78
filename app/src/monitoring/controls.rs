//! What staff can do about how the server fares: plain forms, each of which leads back to the page.

use leptos::prelude::*;

use super::model::Report;
use crate::ui::notice::{Tone, notice};

const STEER: &str = "/monitoring/steer";
/// For how long degraded mode can be had from the page, in minutes.
const MINUTES: [(&str, &str); 4] = [
    ("5", "5 minutes"),
    ("30", "30 minutes"),
    ("120", "2 hours"),
    ("480", "8 hours"),
];

pub fn controls(report: &Report, drills: bool) -> AnyView {
    let watching = report.paused.is_none();
    let (switch, to) = match watching {
        true => ("do-not-watch", "Stop gathering"),
        false => ("watch", "Gather again"),
    };
    view! {
        <section class="panel controls" data-controls="">
            <h2>"Controls"</h2>
            <div class="controls-row">
                {button("reconnect", "Reconnect", "Every connection is left and the database is asked over a new one.")}
                {button("retry", "Retry waiting saves", "The database is asked now; where it answers, open pages and the server send what waits.")}
                {button(switch, to, "Whether requests and errors are noted; what saves hang on is watched all the same.")}
                {report.degraded.is_some().then(|| button("reset", "End degraded mode", "Everything is answered again, for this trouble."))}
                {drills.then(|| view! {
                    <div class="controls-one">
                        <a class="button" href="/monitoring/drills">"Drills"</a>
                        <p class="muted">"The database fails on purpose, for a while."</p>
                    </div>
                })}
            </div>
            {report.degraded.is_none().then(degrade)}
        </section>
    }
    .into_any()
}

fn button(order: &'static str, words: &'static str, what: &'static str) -> AnyView {
    view! {
        <form method="post" action=STEER class="controls-one" autocomplete="off">
            <input type="hidden" name="do" value=order />
            <button class="button" type="submit">{words}</button>
            <p class="muted">{what}</p>
        </form>
    }
    .into_any()
}

fn degrade() -> AnyView {
    let options = MINUTES.map(|(minutes, words)| view! { <option value=minutes>{words}</option> });
    view! {
        <form method="post" action=STEER class="controls-degrade" autocomplete="off">
            <input type="hidden" name="do" value="degrade" />
            <label>
                "Degraded mode, because"
                <input type="text" name="reason" required maxlength="200" placeholder="The database is being moved" />
            </label>
            <label>"for" <select name="minutes">{options.collect_view()}</select></label>
            <button class="button" type="submit">"Enter degraded mode"</button>
        </form>
    }
    .into_any()
}

/// What came of the last order.
pub fn done(order: &str) -> Option<AnyView> {
    let (tone, words) = match order {
        "answered" => (Tone::Good, "The database was asked, and answered."),
        "no-answer" => (
            Tone::Failure,
            "The database was asked, and did not answer. It is asked again by itself.",
        ),
        "watch" => (Tone::Good, "Requests and errors are gathered again."),
        "do-not-watch" => (Tone::Waiting, "Requests and errors are not gathered any more."),
        "reset" => (Tone::Good, "Degraded mode is ended."),
        "degraded" => (Tone::Waiting, "Degraded mode is entered."),
        "not-understood" => (
            Tone::Failure,
            "That was not understood. A reason has 1 to 200 characters.",
        ),
        _ => return None,
    };
    Some(view! { <div class="controls-done" role="status">{notice(tone, words, ())}</div> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_orders_are_answered_for() {
        for order in [
            "answered",
            "no-answer",
            "watch",
            "do-not-watch",
            "reset",
            "degraded",
            "not-understood",
        ] {
            assert!(done(order).is_some(), "{order}");
        }
        assert!(done("<script>").is_none());
    }
}
