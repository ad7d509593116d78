//! What a drill came to, for people.

use leptos::prelude::*;

use super::model::{Checked, DrillCheck, DrillKind, DrillReport, Verdict};
use crate::ui::notice::{Tone, notice};
use crate::ui::written;

pub fn drill_report(report: &DrillReport) -> AnyView {
    let heading = format!(
        "The last drill: the database {} for {}.",
        does_past(report.kind),
        written::span(report.lasted_ms)
    );
    let fact = |name: &'static str, value: String| view! { <div><dt>{name}</dt> <dd>{value}</dd></div> };
    let body = view! {
        <p>{found(report)}</p>
        <dl class="facts">
            {fact("Started", format!("{} by {}", written::time_of_day(report.started_at_ms), report.by))}
            {fact("Requests answered within 10 s", in_time(report))}
            {fact("Answered with 500 or above", written::number(report.by_status[4]))}
            {fact("Slowest answer", milliseconds(report.slowest_ms))}
            {fact("Times it struck", struck(report))}
            {fact("Saves done meanwhile", written::number(report.ended("saved")))}
            {fact("Answers that a save is kept", written::number(report.ended("kept")))}
            {report.slowest_kept_ms.map(|took| fact("Told so after at most", milliseconds(took)))}
            {fact("Other answers to saves", others(report))}
            {fact("Forms still waiting now", written::number(report.still_waiting))}
            {fact("The drill's own saves", own(report))}
            {report.took_changes_after_ms.map(|after| fact("Changes taken again after", milliseconds(after)))}
        </dl>
        {(report.still_waiting > 0).then(|| view! {
            <p>"A form waits until its page is open somewhere, or somebody presses Save again."</p>
        })}
    };
    let well = report.late == 0 && report.still_waiting == 0;
    let tone = match report.verdict() {
        Verdict::Lost => Tone::Failure,
        Verdict::Healthy if well => Tone::Good,
        _ => Tone::Waiting,
    };
    let verdict = report.verdict().word();
    view! { <div data-drill="report" data-verdict=verdict>{notice(tone, heading, body)}</div> }.into_any()
}

/// Whether anything was lost, first of all.
fn found(report: &DrillReport) -> String {
    match &report.check {
        DrillCheck::UnderWay => "The saves are being looked for. Look again for what was found.".to_owned(),
        DrillCheck::NotDone(why) => format!("It was not checked whether anything was lost. {why}"),
        DrillCheck::Done(checked) if checked.nothing_is_lost() => nothing_lost(checked),
        DrillCheck::Done(checked) => lost(checked),
    }
}

fn nothing_lost(checked: &Checked) -> String {
    let people = match (checked.saves, checked.kept) {
        (0, 0) => "Nobody saved during the drill.".to_owned(),
        (saves, _) => format!(
            "Nothing was lost: all {} that were called saved are there, once.",
            written::counted(saves, "save", "saves")
        ),
    };
    let kept = (checked.kept > 0).then(|| {
        let (kept, done) = (checked.kept, checked.kept_and_done);
        format!(
            " Of {}, {} done by now.",
            written::counted(kept, "save that was kept", "saves that were kept"),
            written::counted(done, "is", "are")
        )
    });
    let own = match checked.own {
        0 => String::new(),
        1 => " The drill's own save is there, too.".to_owned(),
        own => format!(" The drill's own {} saves are there, too.", written::number(own)),
    };
    let beyond = match checked.beyond {
        0 => String::new(),
        beyond => format!(" {} more were not looked for.", written::number(beyond)),
    };
    people + &kept.unwrap_or_default() + &own + &beyond
}

fn lost(checked: &Checked) -> String {
    let parts = [
        (checked.missing, "called saved, and not there"),
        (checked.twice, "done more than once"),
        (checked.refused_and_there, "refused, and there all the same"),
        (
            checked.without_text,
            "called kept on the server, and without their text",
        ),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", written::number(count)))
        .collect();
    format!("Something was lost. Saves: {}.", parts.join("; "))
}

fn in_time(report: &DrillReport) -> String {
    let in_time = report.answered - report.late.min(report.answered);
    format!("{} of {}", written::number(in_time), written::number(report.answered))
}

fn struck(report: &DrillReport) -> String {
    let commits = match report.commits_cut {
        0 => String::new(),
        commits => format!(
            ", and {} without an answer",
            written::counted(commits, "COMMIT", "COMMITs")
        ),
    };
    format!("{}{commits}", written::number(report.struck))
}

fn others(report: &DrillReport) -> String {
    let others = report
        .saves
        .iter()
        .filter(|(outcome, _)| !matches!(*outcome, "saved" | "kept"));
    let others: Vec<String> = others
        .map(|(outcome, count)| format!("{}: {}", outcome.replace('_', " "), written::number(*count)))
        .collect();
    if others.is_empty() {
        "none".to_owned()
    } else {
        others.join(", ")
    }
}

fn own(report: &DrillReport) -> String {
    let own = &report.own;
    let slowest = own
        .slowest_refusal_ms
        .map(|took| format!(" within {}", milliseconds(took)));
    let unknown = match own.unknown {
        0 => String::new(),
        unknown => format!(", {} unknown", written::number(unknown)),
    };
    format!(
        "{} done, {} refused{}{unknown}",
        written::number(own.done),
        written::number(own.refused),
        slowest.unwrap_or_default()
    )
}

fn milliseconds(milliseconds: u64) -> String {
    format!("{} ms", written::number(milliseconds))
}

fn does_past(kind: DrillKind) -> &'static str {
    match kind {
        DrillKind::Refuse => "refused",
        DrillKind::Hang => "hung",
        DrillKind::Slow => "was slow",
        DrillKind::Deadlock => "deadlocked",
        DrillKind::Kill => "cut connections",
        DrillKind::ReadOnly => "was read-only",
        DrillKind::Full => "had a full disk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::model::OwnSaves;

    fn drawn(check: DrillCheck) -> String {
        let report = DrillReport {
            number: 1,
            kind: DrillKind::Kill,
            by: "mira".to_owned(),
            started_at_ms: 3_600_000,
            lasted_ms: 20_000,
            answered: 12,
            by_status: [0, 9, 0, 1, 2],
            late: 0,
            slowest_ms: 1_234,
            struck: 7,
            commits_cut: 3,
            saves: vec![("kept", 2), ("in_progress", 1)],
            slowest_kept_ms: Some(40),
            own: OwnSaves {
                done: 5,
                refused: 1,
                unknown: 0,
                slowest_refusal_ms: Some(9),
            },
            still_waiting: 0,
            took_changes_after_ms: Some(180),
            check,
        };
        Owner::new().with(|| drill_report(&report).to_html())
    }

    #[test]
    fn it_says_first_whether_anything_was_lost_and_who_was_there() {
        let done = |saves, kept| Checked {
            saves,
            kept,
            own: 5,
            ..Checked::default()
        };
        let nobody = drawn(DrillCheck::Done(done(0, 0)));
        assert!(nobody.contains("Nobody saved during the drill."), "{nobody}");
        assert!(nobody.contains("5 saves are there"), "{nobody}");
        let some = drawn(DrillCheck::Done(done(3, 2)));
        assert!(
            some.contains("all 3 saves that were called saved are there, once"),
            "{some}"
        );
        assert!(
            some.contains("3 COMMITs without an answer") && some.contains("in progress: 1"),
            "{some}"
        );
        assert!(some.contains("5 done, 1 refused within 9 ms"), "{some}");
        let lost = drawn(DrillCheck::Done(Checked {
            missing: 1,
            ..done(3, 0)
        }));
        assert!(
            lost.contains("1 called saved, and not there") && lost.contains("notice-failure"),
            "{lost}"
        );
        let unchecked = drawn(DrillCheck::NotDone("It was away."));
        assert!(
            unchecked.contains("not checked") && unchecked.contains("It was away."),
            "{unchecked}"
        );
    }
}
