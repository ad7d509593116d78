//! Sites, and who works there.

use super::TECHNICIANS;
use crate::demo::calendar::Day;
use crate::demo::chance::Chance;
use crate::demo::rows::{Rows, row};
use crate::demo::words::{FIRST_NAMES, LAST_NAMES, SITES};

pub fn sites(chance: &mut Chance) -> Rows {
    let columns = &[
        "id",
        "code",
        "name",
        "address",
        "kind",
        "opened_on",
        "floor_area",
        "guarded",
    ];
    let mut sites = Rows::new("sites", columns);
    for (place, (code, name, address, kind, area, guarded)) in SITES.into_iter().enumerate() {
        let opened = Day(chance.between(3_000, 17_000) as i64).on_a_working_day().date();
        sites
            .rows
            .push(row![place + 1, code, name, address, kind, opened, area, guarded]);
    }
    sites
}

pub fn site_contacts(chance: &mut Chance) -> Rows {
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

pub fn technicians(chance: &mut Chance) -> Rows {
    let columns = &[
        "id",
        "name",
        "email",
        "phone",
        "site_id",
        "hired_on",
        "hourly_rate",
        "active",
        "pin_hash",
    ];
    let mut technicians = Rows::new("technicians", columns);
    for place in 0..TECHNICIANS {
        // Each name once: their addresses have to differ.
        let name = format!(
            "{} {}",
            FIRST_NAMES[place],
            LAST_NAMES[(place * 11 + 5) % LAST_NAMES.len()]
        );
        let mobile = chance.percent(85).then(|| phone(chance));
        let site = chance.percent(90).then(|| chance.between(1, SITES.len()));
        let hired = Day::TOLD
            .plus(-(chance.between(90, 7_000) as i64))
            .on_a_working_day()
            .date();
        let rate = format!("{}.{}", chance.between(24, 58), ["00", "50", "75"][chance.below(3)]);
        let pin = chance.percent(75).then(|| hexadecimal(chance, 64));
        let active = chance.percent(88);
        technicians.rows.push(row![
            place + 1,
            &*name,
            email(&name),
            mobile,
            site,
            hired,
            rate,
            active,
            pin
        ]);
    }
    technicians
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

fn hexadecimal(chance: &mut Chance, digits: usize) -> String {
    (0..digits)
        .map(|_| char::from(b"0123456789abcdef"[chance.below(16)]))
        .collect()
}
