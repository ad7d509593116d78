//! What was done, is being done and is planned.

use app::records::model::Text;

use super::TECHNICIANS;
use crate::demo::calendar::Day;
use crate::demo::chance::Chance;
use crate::demo::rows::{Rows, row};
use crate::demo::words::{ACTIVITY_TYPES, FINDINGS, REASONS, REMARKS};

const ACTIVITIES: usize = 5_000;
/// From the first activity to the last.
const DAYS: usize = 1_185;
/// How many of them are still to come.
const DAYS_AHEAD: i64 = 90;

pub fn activity_types() -> Rows {
    let columns = &["id", "name", "usual_hours", "needs_approval", "description"];
    let mut types = Rows::new("activity_types", columns);
    for (place, (name, hours, needs_approval, description)) in ACTIVITY_TYPES.into_iter().enumerate() {
        types
            .rows
            .push(row![place + 1, name, hours, needs_approval, description]);
    }
    types
}

pub fn activities(chance: &mut Chance, names: &[String]) -> Rows {
    let columns = &[
        "id",
        "title",
        "equipment_id",
        "activity_type_id",
        "technician_id",
        "status",
        "priority",
        "planned_on",
        "started_at",
        "finished_at",
        "duration_hours",
        "cost",
        "approved",
        "notes",
    ];
    let mut activities = Rows::new("activities", columns);
    activities
        .rows
        .extend((1..=ACTIVITIES).map(|id| activity(chance, id, names)));
    activities
}

fn activity(chance: &mut Chance, id: usize, names: &[String]) -> Vec<Text> {
    let equipment = chance.below(names.len());
    let kind = chance.below(ACTIVITY_TYPES.len());
    let title = format!("{}: {}", ACTIVITY_TYPES[kind].0, names[equipment]);
    // Three years back and three months ahead, in the order they were entered.
    let planned = Day::TOLD
        .plus((id * DAYS / ACTIVITIES) as i64 - DAYS as i64 + DAYS_AHEAD + chance.below(9) as i64)
        .on_a_working_day();
    let status = status_of_activity(chance, planned);
    let begun = matches!(status, "done" | "in progress" | "waiting for parts");
    let start = chance.between(6 * 12, 15 * 12) * 5;
    let minutes = chance.between(2, 70) * 15;
    let hours = format!("{}.{:02}", minutes / 60, minutes % 60 * 100 / 60);
    let done = status == "done";
    let technician = chance
        .percent(if begun { 97 } else { 60 })
        .then(|| chance.between(1, TECHNICIANS));
    let cost = (done && chance.percent(55)).then(|| format!("{}.{:02}", chance.between(15, 2_400), chance.below(100)));
    let needs_approval = ACTIVITY_TYPES[kind].2;
    let approved = (done && needs_approval && chance.percent(85)).then(|| chance.percent(94));
    let priority = ["low", "normal", "normal", "normal", "normal", "high", "high", "urgent"][chance.below(8)];
    row![
        id,
        title,
        equipment + 1,
        kind + 1,
        technician,
        status,
        priority,
        planned.date(),
        begun.then(|| planned.at_minute(start)),
        done.then(|| planned.at_minute(start + minutes)),
        done.then_some(hours),
        cost,
        approved,
        chance.percent(75).then(|| notes(chance, begun)),
    ]
}

fn status_of_activity(chance: &mut Chance, planned: Day) -> &'static str {
    let late = planned.plus(21) < Day::TOLD;
    match chance.below(100) {
        0..=3 => "cancelled",
        _ if planned > Day::TOLD => "planned",
        4..=6 if late => "waiting for parts",
        _ if late => "done",
        4..=40 => "done",
        41..=60 => "in progress",
        61..=70 => "waiting for parts",
        _ => "planned",
    }
}

fn notes(chance: &mut Chance, begun: bool) -> String {
    let mut lines = vec![*chance.one_of(&REASONS)];
    for _ in 0..if begun { chance.between(1, 3) } else { 0 } {
        lines.push(*chance.one_of(&FINDINGS));
    }
    lines.dedup();
    lines.join(if chance.percent(40) { "\n" } else { " " })
}

pub fn comments(chance: &mut Chance, activities: &Rows) -> Rows {
    let mut comments = Rows::new(
        "comments",
        &["id", "activity_id", "technician_id", "written_at", "body"],
    );
    for activity in 1..=activities.rows.len() {
        let back = ((activities.rows.len() - activity) * DAYS / ACTIVITIES) as i64 - DAYS_AHEAD;
        for place in 0..if chance.percent(25) { chance.between(1, 4) } else { 0 } {
            let day = Day::TOLD.plus(-back.max(0) + place as i64).min(Day::TOLD);
            let author = chance.percent(95).then(|| chance.between(1, TECHNICIANS));
            let (id, at) = (comments.rows.len() + 1, day.at_minute(chance.between(360, 1_080)));
            comments
                .rows
                .push(row![id, activity, author, at, *chance.one_of(&REMARKS)]);
        }
    }
    comments
}
