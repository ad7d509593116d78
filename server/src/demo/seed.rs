//! The demo's rows, table by table in the order their references need.

use app::records::model::Text;

use super::calendar::Day;
use super::chance::Chance;
use super::rows::{Rows, row};
use super::words::{
    ACTIVITY_TYPES, EQUIPMENT, FINDINGS, FIRST_NAMES, LAST_NAMES, PLACES, REASONS, REMARKS, SITES,
};

const TECHNICIANS: usize = 26;
const MACHINES: usize = 120;
const ACTIVITIES: usize = 5_000;

/// Every row of the demo; the same at every call.
pub fn everything() -> Vec<Rows> {
    let chance = &mut Chance::new(20_261_120);
    let (equipment, names) = equipment(chance);
    let activities = activities(chance, &names);
    let comments = comments(chance, &activities);
    vec![
        sites(chance),
        site_contacts(chance),
        technicians(chance),
        activity_types(),
        equipment,
        equipment_technicians(chance, names.len()),
        schedules(chance, names.len()),
        activities,
        comments,
    ]
}

fn sites(chance: &mut Chance) -> Rows {
    let columns = &["id", "code", "name", "address", "kind", "opened_on", "floor_area", "guarded"];
    let mut sites = Rows::new("sites", columns);
    for (place, (code, name, address, kind, area, guarded)) in SITES.into_iter().enumerate() {
        let opened = Day(chance.between(3_000, 17_000) as i64).on_a_working_day().date();
        sites.rows.push(row![place + 1, code, name, address, kind, opened, area, guarded]);
    }
    sites
}

fn site_contacts(chance: &mut Chance) -> Rows {
    let mut contacts = Rows::new("site_contacts", &["site_id", "position", "name", "phone", "email"]);
    for site in 1..=SITES.len() {
        for position in 1..=chance.between(1, 3) {
            let name = person(chance);
            let email = chance.percent(80).then(|| email(&name));
            contacts.rows.push(row![site, position, name, phone(chance), email]);
        }
    }
    contacts
}

fn technicians(chance: &mut Chance) -> Rows {
    let columns =
        &["id", "name", "email", "phone", "site_id", "hired_on", "hourly_rate", "active", "pin_hash"];
    let mut technicians = Rows::new("technicians", columns);
    for place in 0..TECHNICIANS {
        // Each name once: their addresses have to differ.
        let name = format!("{} {}", FIRST_NAMES[place], LAST_NAMES[(place * 11 + 5) % LAST_NAMES.len()]);
        let mobile = chance.percent(85).then(|| phone(chance));
        let site = chance.percent(90).then(|| chance.between(1, SITES.len()));
        let hired = Day::TOLD.plus(-(chance.between(90, 7_000) as i64)).on_a_working_day().date();
        let rate = format!("{}.{}", chance.between(24, 58), ["00", "50", "75"][chance.below(3)]);
        let pin = chance.percent(75).then(|| hexadecimal(chance, 64));
        let active = chance.percent(88);
        technicians.rows.push(row![place + 1, &*name, email(&name), mobile, site, hired, rate, active, pin]);
    }
    technicians
}

fn activity_types() -> Rows {
    let columns = &["id", "name", "usual_hours", "needs_approval", "description"];
    let mut types = Rows::new("activity_types", columns);
    for (place, (name, hours, needs_approval, description)) in ACTIVITY_TYPES.into_iter().enumerate() {
        types.rows.push(row![place + 1, name, hours, needs_approval, description]);
    }
    types
}

/// Machines, and behind them their parts. Also what each is called.
fn equipment(chance: &mut Chance) -> (Rows, Vec<String>) {
    let columns = &[
        "id", "tag", "name", "site_id", "parent_id", "status", "manufacturer", "serial_number", "purchase_price",
        "installed_on", "notes",
    ];
    let mut equipment = Rows::new("equipment", columns);
    let mut names = Vec::new();
    for machine in 0..MACHINES {
        let (prefix, kind, makers, cheapest, dearest, parts) = EQUIPMENT[machine % EQUIPMENT.len()];
        let site = chance.between(1, SITES.len());
        let tag = format!("{}-{prefix}-{:03}", SITES[site - 1].0, machine + 101);
        let name = format!("{kind}, {}", chance.one_of(&PLACES));
        let price = format!("{}.{:02}", chance.between(cheapest, dearest), chance.below(20) * 5);
        let installed = Day::TOLD.plus(-(chance.between(60, 8_000) as i64)).on_a_working_day();
        let (maker, serial) = (*chance.one_of(makers), serial_number(chance));
        let id = names.len() + 1;
        let (state, notes) = (status_of_machine(chance), chance.percent(30).then(|| *chance.one_of(&FINDINGS)));
        let parent: Option<usize> = None;
        equipment.rows.push(row![
            id, &*tag, &*name, site, parent, state, maker, serial, price, installed.date(), notes
        ]);
        names.push(name.clone());
        for (place, part) in parts.iter().enumerate() {
            if chance.percent(30) {
                continue;
            }
            let part_name = format!("{part} of {}", name.to_lowercase());
            let serial = chance.percent(60).then(|| serial_number(chance));
            let price = chance.percent(70).then(|| format!("{}.00", cheapest / 10 + chance.below(900)));
            let (state, notes) = (status_of_machine(chance), None::<&str>);
            equipment.rows.push(row![
                names.len() + 1, format!("{tag}-{}", place + 1), &*part_name, site, id, state, maker, serial, price,
                installed.date(), notes
            ]);
            names.push(part_name);
        }
    }
    (equipment, names)
}

fn status_of_machine(chance: &mut Chance) -> &'static str {
    match chance.below(100) {
        0..=77 => "running",
        78..=88 => "standby",
        89..=95 => "under repair",
        _ => "retired",
    }
}

fn equipment_technicians(chance: &mut Chance, machines: usize) -> Rows {
    let mut assigned = Rows::new("equipment_technicians", &["equipment_id", "technician_id", "role", "since"]);
    for equipment in 1..=machines {
        if chance.percent(30) {
            continue;
        }
        let responsible = chance.between(1, TECHNICIANS);
        let since = chance.percent(80).then(|| Day::TOLD.plus(-(chance.between(1, 1_500) as i64)).date());
        assigned.rows.push(row![equipment, responsible, "responsible", since]);
        if chance.percent(50) {
            let deputy = responsible % TECHNICIANS + 1;
            assigned.rows.push(row![equipment, deputy, "deputy", None::<&str>]);
        }
    }
    assigned
}

fn schedules(chance: &mut Chance, machines: usize) -> Rows {
    let columns = &[
        "id", "equipment_id", "activity_type_id", "interval_days", "next_due_on", "active", "instructions",
    ];
    let mut schedules = Rows::new("schedules", columns);
    for equipment in 1..=machines {
        let first = chance.below(ACTIVITY_TYPES.len());
        for step in 0..chance.below(3) {
            let kind = (first + step * 5) % ACTIVITY_TYPES.len();
            let interval = *chance.one_of(&[7_usize, 14, 30, 91, 182, 365]);
            let due = Day::TOLD.plus(chance.below(interval) as i64 - 3).on_a_working_day().date();
            let active = chance.percent(92);
            let instructions = chance.percent(40).then(|| ACTIVITY_TYPES[kind].3);
            let id = schedules.rows.len() + 1;
            schedules.rows.push(row![id, equipment, kind + 1, interval, due, active, instructions]);
        }
    }
    schedules
}

fn activities(chance: &mut Chance, names: &[String]) -> Rows {
    let columns = &[
        "id", "title", "equipment_id", "activity_type_id", "technician_id", "status", "priority", "planned_on",
        "started_at", "finished_at", "duration_hours", "cost", "approved", "notes",
    ];
    let mut activities = Rows::new("activities", columns);
    activities.rows.extend((1..=ACTIVITIES).map(|id| activity(chance, id, names)));
    activities
}

fn activity(chance: &mut Chance, id: usize, names: &[String]) -> Vec<Text> {
    let equipment = chance.below(names.len());
    let kind = chance.below(ACTIVITY_TYPES.len());
    let title = format!("{}: {}", ACTIVITY_TYPES[kind].0, names[equipment]);
    // Three years back and three months ahead, in the order they were entered.
    let planned = Day::TOLD.plus((id * 1_185 / ACTIVITIES) as i64 - 1_095 + chance.below(9) as i64).on_a_working_day();
    let status = status_of_activity(chance, planned);
    let begun = matches!(status, "done" | "in progress" | "waiting for parts");
    let start = chance.between(6 * 12, 15 * 12) * 5;
    let minutes = chance.between(2, 70) * 15;
    let hours = format!("{}.{:02}", minutes / 60, minutes % 60 * 100 / 60);
    let done = status == "done";
    let technician = chance.percent(if begun { 97 } else { 60 }).then(|| chance.between(1, TECHNICIANS));
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

fn comments(chance: &mut Chance, activities: &Rows) -> Rows {
    let mut comments = Rows::new("comments", &["id", "activity_id", "technician_id", "written_at", "body"]);
    for activity in 1..=activities.rows.len() {
        let back = ((activities.rows.len() - activity) * 1_185 / ACTIVITIES) as i64 - 90;
        for place in 0..if chance.percent(25) { chance.between(1, 4) } else { 0 } {
            let day = Day::TOLD.plus(-back.max(0) + place as i64).min(Day::TOLD);
            let author = chance.percent(95).then(|| chance.between(1, TECHNICIANS));
            let (id, at) = (comments.rows.len() + 1, day.at_minute(chance.between(360, 1_080)));
            comments.rows.push(row![id, activity, author, at, *chance.one_of(&REMARKS)]);
        }
    }
    comments
}

fn person(chance: &mut Chance) -> String {
    format!("{} {}", chance.one_of(&FIRST_NAMES), chance.one_of(&LAST_NAMES))
}

fn email(name: &str) -> String {
    let letter = |letter: char| match letter {
        'ä' | 'á' => 'a',
        'í' | 'ı' => 'i',
        'ö' | 'ø' => 'o',
        'ü' => 'u',
        'ë' => 'e',
        ' ' => '.',
        other => other.to_ascii_lowercase(),
    };
    let local: String = name.chars().filter(|letter| *letter != '\'').map(letter).collect();
    format!("{local}@brightwater.example")
}

fn phone(chance: &mut Chance) -> String {
    format!("+44 1632 960{:03}", chance.below(1_000))
}

fn serial_number(chance: &mut Chance) -> String {
    format!("{}{:06}-{:02}", char::from(b'A' + chance.below(26) as u8), chance.below(1_000_000), chance.below(100))
}

fn hexadecimal(chance: &mut Chance, digits: usize) -> String {
    (0..digits).map(|_| char::from(b"0123456789abcdef"[chance.below(16)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_the_same_every_time() {
        let texts = || everything().into_iter().flat_map(|rows| rows.rows).flatten().collect::<Vec<Text>>();
        assert_eq!(texts(), texts());
    }

    #[test]
    fn every_row_has_a_value_for_each_column() {
        for rows in everything() {
            assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()), "{}", rows.table);
        }
    }
}
