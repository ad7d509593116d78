//! What stands there, and who looks after it how often.

use app::records::model::Text;

use super::TECHNICIANS;
use crate::demo::calendar::Day;
use crate::demo::chance::Chance;
use crate::demo::rows::{Rows, row};
use crate::demo::words::{ACTIVITY_TYPES, FINDINGS, MACHINES, Machine, PLACES, SITES};

const MACHINES_IN_ALL: usize = 120;

const EQUIPMENT: &[&str] = &[
    "id",
    "tag",
    "name",
    "site_id",
    "parent_id",
    "status",
    "manufacturer",
    "serial_number",
    "purchase_price",
    "installed_on",
    "notes",
];

/// Machines, and behind each one its parts. Also what each is called.
pub fn equipment(chance: &mut Chance) -> (Rows, Vec<String>) {
    let mut equipment = Rows::new("equipment", EQUIPMENT);
    let mut names = Vec::new();
    for (number, machine) in MACHINES.iter().cycle().take(MACHINES_IN_ALL).enumerate() {
        let site = chance.between(1, SITES.len());
        let placed = Placed {
            id: names.len() + 1,
            tag: format!("{}-{}-{:03}", SITES[site - 1].0, machine.code, number + 101),
            name: format!("{}, {}", machine.name, chance.one_of(&PLACES)),
            site,
            maker: chance.one_of::<&str>(machine.makers),
            installed: Day::TOLD.plus(-(chance.between(60, 8_000) as i64)).on_a_working_day(),
        };
        equipment.rows.push(machine_row(chance, machine, &placed));
        names.push(placed.name.clone());
        for (place, part) in machine.parts.iter().enumerate() {
            if chance.percent(70) {
                let name = format!("{part} of {}", placed.name.to_lowercase());
                equipment
                    .rows
                    .push(part_row(chance, machine, &placed, (names.len() + 1, place + 1, &name)));
                names.push(name);
            }
        }
    }
    (equipment, names)
}

/// What a machine and its parts have in common.
struct Placed {
    id: usize,
    tag: String,
    name: String,
    site: usize,
    maker: &'static str,
    installed: Day,
}

fn machine_row(chance: &mut Chance, machine: &Machine, placed: &Placed) -> Vec<Text> {
    let (cheapest, dearest) = machine.price;
    let price = format!("{}.{:02}", chance.between(cheapest, dearest), chance.below(20) * 5);
    row![
        placed.id,
        &*placed.tag,
        &*placed.name,
        placed.site,
        None::<usize>,
        status_of_machine(chance),
        placed.maker,
        serial_number(chance),
        price,
        placed.installed.date(),
        chance.percent(30).then(|| *chance.one_of(&FINDINGS)),
    ]
}

fn part_row(
    chance: &mut Chance,
    machine: &Machine,
    placed: &Placed,
    (id, number, name): (usize, usize, &str),
) -> Vec<Text> {
    row![
        id,
        format!("{}-{number}", placed.tag),
        name,
        placed.site,
        placed.id,
        status_of_machine(chance),
        placed.maker,
        chance.percent(60).then(|| serial_number(chance)),
        chance
            .percent(70)
            .then(|| format!("{}.00", machine.price.0 / 10 + chance.below(900))),
        placed.installed.date(),
        None::<&str>,
    ]
}

fn status_of_machine(chance: &mut Chance) -> &'static str {
    match chance.below(100) {
        0..=77 => "running",
        78..=88 => "standby",
        89..=95 => "under repair",
        _ => "retired",
    }
}

fn serial_number(chance: &mut Chance) -> String {
    format!(
        "{}{:06}-{:02}",
        char::from(b'A' + chance.below(26) as u8),
        chance.below(1_000_000),
        chance.below(100)
    )
}

pub fn equipment_technicians(chance: &mut Chance, machines: usize) -> Rows {
    let mut assigned = Rows::new(
        "equipment_technicians",
        &["equipment_id", "technician_id", "role", "since"],
    );
    for equipment in 1..=machines {
        if chance.percent(30) {
            continue;
        }
        let responsible = chance.between(1, TECHNICIANS);
        let since = chance
            .percent(80)
            .then(|| Day::TOLD.plus(-(chance.between(1, 1_500) as i64)).date());
        assigned.rows.push(row![equipment, responsible, "responsible", since]);
        if chance.percent(50) {
            let deputy = responsible % TECHNICIANS + 1;
            assigned.rows.push(row![equipment, deputy, "deputy", None::<&str>]);
        }
    }
    assigned
}

pub fn schedules(chance: &mut Chance, machines: usize) -> Rows {
    let columns = &[
        "id",
        "equipment_id",
        "activity_type_id",
        "interval_days",
        "next_due_on",
        "active",
        "instructions",
    ];
    let mut schedules = Rows::new("schedules", columns);
    for equipment in 1..=machines {
        let first = chance.below(ACTIVITY_TYPES.len());
        for step in 0..chance.below(3) {
            let kind = (first + step * 5) % ACTIVITY_TYPES.len();
            let interval = *chance.one_of(&[7_usize, 14, 30, 91, 182, 365]);
            let due = Day::TOLD
                .plus(chance.below(interval) as i64 - 3)
                .on_a_working_day()
                .date();
            let active = chance.percent(92);
            let instructions = chance.percent(40).then(|| ACTIVITY_TYPES[kind].3);
            let id = schedules.rows.len() + 1;
            schedules
                .rows
                .push(row![id, equipment, kind + 1, interval, due, active, instructions]);
        }
    }
    schedules
}
